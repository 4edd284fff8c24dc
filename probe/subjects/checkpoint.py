"""Everything a training run needs to go on as if it had not stopped, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .._check import refuse, refuse_type
from .tensor_files import load_tensors, save_tensors


class Checkpoint(NamedTuple):
    """What was in a checkpoint beside the weights: updates made, random states, added arrays."""

    step: int
    random: dict[str, Tensor]
    extra: dict[str, Tensor]


def save_checkpoint(
    path: str | Path,
    subject: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    step: int,
    scheduler: Any = None,
    extra: Mapping[str, Tensor] | None = None,
) -> None:
    """Write weights, optimiser, schedule, torch's random states and `extra`; atomic, no pickle.

    Parameters
    ----------
    path
        The file; an older one is replaced once the new one is whole.
    subject, optimizer, scheduler
        What is trained, by what; the scheduler may be None.
    step
        Updates made so far.
    extra
        Further tensors to keep, such as the losses.

    Raises
    ------
    TypeError
        If a state holds something that is neither a tensor nor a plain value.

    Examples
    --------
    >>> import tempfile
    >>> layer = nn.Linear(2, 1)
    >>> adam = torch.optim.Adam(layer.parameters())
    >>> path = Path(tempfile.mkdtemp()) / "run.safetensors"
    >>> save_checkpoint(path, layer, adam, step=3)
    >>> load_checkpoint(path, layer, adam).step
    3
    """
    tensors = {f"subject/{name}": tensor for name, tensor in subject.state_dict().items()}
    tensors |= {f"random/{name}": state for name, state in random_states().items()}
    tensors |= {f"extra/{name}": tensor for name, tensor in (extra or {}).items()}
    plain = {
        "step": step,
        "optimizer": _pack(optimizer.state_dict(), "optimizer", tensors),
        "scheduler": _pack(scheduler and scheduler.state_dict(), "scheduler", tensors),
    }
    save_tensors(Path(path), tensors, {"state": json.dumps(plain)})


def load_checkpoint(
    path: str | Path,
    subject: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    scheduler: Any = None,
) -> Checkpoint:
    """Put the saved state into `subject`, `optimizer` and `scheduler`.

    The random states are given back, not set: see `set_random_states`.

    Returns
    -------
    Checkpoint
        ``step``, ``random`` and ``extra``.

    Raises
    ------
    ValueError
        If the file is damaged, no checkpoint, or of another model, optimiser or schedule.
    """
    tensors, metadata = load_tensors(Path(path))
    if "state" not in metadata:
        refuse("path", "be a checkpoint", f"{str(path)!r}, which holds tensors only")
    plain = json.loads(metadata["state"])
    saved_scheduler = _unpack(plain["scheduler"], tensors)
    if (saved_scheduler is None) != (scheduler is None):
        have = "none" if saved_scheduler is None else "one"
        refuse("scheduler", "be given if and only if the checkpoint has one", f"{have} there")
    try:
        subject.load_state_dict(_under("subject", tensors))
        optimizer.load_state_dict(_unpack(plain["optimizer"], tensors))
    except (RuntimeError, ValueError, KeyError) as error:
        hint = "Delete the file to begin anew."
        refuse("path", "be a checkpoint of this model and optimiser", f"{error}", hint)
    if scheduler is not None:
        scheduler.load_state_dict(saved_scheduler)
    return Checkpoint(plain["step"], _under("random", tensors), _under("extra", tensors))


def random_states() -> dict[str, Tensor]:
    """The states of torch's global generators, by device."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {f"cuda:{i}": s for i, s in enumerate(torch.cuda.get_rng_state_all())}
    return states


def set_random_states(states: Mapping[str, Tensor]) -> None:
    """Set torch's global generators; those of devices that are not here are left out."""
    torch.set_rng_state(states["cpu"])
    for name, state in states.items():
        if name != "cpu" and int(name.removeprefix("cuda:")) < torch.cuda.device_count():
            torch.cuda.set_rng_state(state, name)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {k.removeprefix(start): t for k, t in tensors.items() if k.startswith(start)}


def _pack(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """`value` as JSON, its tensors put aside under `name`; containers keep their type."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"map": [[k, _pack(v, f"{name}/{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        items = [_pack(v, f"{name}/{i}", tensors) for i, v in enumerate(value)]
        return {"tuple" if isinstance(value, tuple) else "list": items}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    refuse_type(name, "be a tensor, number, text or a container of them", value)


def _unpack(packed: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "map":
        return {key: _unpack(value, tensors) for key, value in content}
    items = [_unpack(value, tensors) for value in content]
    return tuple(items) if kind == "tuple" else items
