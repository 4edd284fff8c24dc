"""What a capture holds: a mapping from module path to what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from .._check import refuse_type

Target = torch.device | torch.dtype | str | None


class NotCaptured(KeyError):
    """Asked of a capture what it does not hold; the message says why."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, quotes and all.
        return str(self.args[0])


class Captured(Mapping[str, Any]):
    """What was seen of one module: ``"pattern"``, ``"value"``, ``"output"`` -> tensor.

    Where the module ran once inside the block, an entry is a tensor (or, for a plain module that
    returns several, the tuple or dict of tensors). Where it ran several times, an entry is a list,
    one item per call in the order of the calls. `calls` has the same form whatever the count.

    Attributes
    ----------
    calls : list of dict
        One dict per finished call, in order.
    """

    def __init__(self, path: str, what: tuple[str, ...]) -> None:
        self.path = path
        self.calls: list[dict[str, Any]] = []
        self._what = what

    def __getitem__(self, what: str) -> Any:
        if what not in self._what:
            asked = ", ".join(repr(w) for w in self._what)
            raise NotCaptured(f"{what!r} of {self.path!r} was not captured; asked were {asked}.")
        if len(self.calls) == 1:
            return self.calls[0][what]
        return [call[what] for call in self.calls]

    def __iter__(self) -> Iterator[str]:
        return iter(self._what)

    def __len__(self) -> int:
        return len(self._what)

    def __repr__(self) -> str:
        shown = "  ".join(f"{what} {_shape(self[what])}" for what in self)
        times = "" if len(self.calls) == 1 else f"  [{len(self.calls)} calls]"
        return f"{self.path or '(the model)'}  {shown}{times}"


class Activations(Mapping[str, Captured]):
    """Module path -> `Captured`; holds the paths whose module has run, and says which have not.

    Attributes
    ----------
    residuals : dict
        Path -> largest relative difference found between the module's own output and the one
        composed from the captured weights and values. Empty where nothing was verified.
    notes : list of str
        What was changed in the model while the block was open.
    """

    def __init__(self, paths: Mapping[str, Captured]) -> None:
        self._all = dict(paths)
        self.residuals: dict[str, float] = {}
        self.notes: list[str] = []

    def __getitem__(self, path: str) -> Captured:
        if path not in self._all:
            listed = ", ".join(repr(p) for p in self._all)
            raise NotCaptured(f"{path!r} was not among the captured modules: {listed}.")
        if not self._all[path].calls:
            raise NotCaptured(
                f"{path!r} has not run inside the capture: call the model in the `with` block."
            )
        return self._all[path]

    def __iter__(self) -> Iterator[str]:
        return (path for path, captured in self._all.items() if captured.calls)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def place(self, path: str) -> Captured:
        """Where the calls of a path are written down, run or not."""
        return self._all[path]

    @property
    def not_run(self) -> list[str]:
        """Paths of the chosen modules that have not run."""
        return [path for path, captured in self._all.items() if not captured.calls]

    def __repr__(self) -> str:
        lines = [f"Activations of {len(self)} module{'' if len(self) == 1 else 's'}"]
        for path, captured in self.items():
            residual = self.residuals.get(path)
            proof = "" if residual is None else f"  reproduces its output to {residual:.1e}"
            lines.append(f"  {captured!r}{proof}")
        if self.not_run:
            lines.append(f"  not run: {', '.join(self.not_run)}")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def kept(value: Any, *, detach: bool, to: tuple[Target, ...]) -> Any:
    """A value as a capture keeps it: tensors detached and moved, containers made plain.

    A detached tensor is a copy, since a later operation may write into the original in place
    (``ReLU(inplace=True)``, ``x += residual``); one that is not detached is the tensor itself.
    Mappings become dicts, named tuples become tuples.
    """
    if isinstance(value, Tensor):
        tensor, copied = (value.detach() if detach else value), False
        for target in to:
            if not isinstance(target, torch.dtype) or tensor.is_floating_point():
                moved = tensor.to(target)
                tensor, copied = moved, copied or moved is not tensor
        return tensor.clone() if detach and not copied else tensor
    if isinstance(value, Mapping):
        return {key: kept(item, detach=detach, to=to) for key, item in value.items()}
    if isinstance(value, tuple | list):
        items = [kept(item, detach=detach, to=to) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value


def targets(to: Target | tuple[Target, ...]) -> tuple[Target, ...]:
    """The devices and dtypes that `to` names.

    Raises
    ------
    TypeError
        If it names anything else.
    """
    given = to if isinstance(to, tuple) else (to,)
    for target in given:
        if target is not None and not isinstance(target, str | torch.device | torch.dtype):
            refuse_type("to", "be a device, a floating dtype, or a tuple of the two", target)
        if isinstance(target, torch.dtype) and not target.is_floating_point:
            refuse_type("to", "be a device, a floating dtype, or a tuple of the two", target)
    return tuple(target for target in given if target is not None)


def _shape(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shape(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_shape(item) for item in value) + "]"
    return type(value).__name__
