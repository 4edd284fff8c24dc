"""Trained models in files named by a hash of all that the outcome depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
import xarray as xr
from torch import Tensor, nn

from data.registry import cache_folder

from .._provenance import provenance
from .tensor_files import load_tensors, save_tensors

ModelT = TypeVar("ModelT", bound=nn.Module)


def kept_path(
    name: str, settings: Mapping[str, Any], folder: str | Path | None
) -> tuple[Path, str]:
    """The file of a model trained with these settings, and the settings as text.

    Parameters
    ----------
    name
        What the file's name begins with.
    settings
        Plain values: everything that decides what is trained.
    folder
        Where the file lies; None is ``models`` in the user's cache folder (see LOUPE_DATA).

    Examples
    --------
    >>> path, text = kept_path("reader", {"seed": 0}, "models")
    >>> path.name, text
    ('reader-de7d7744ccd7722e.safetensors', '{"seed": 0}')
    """
    text = json.dumps(settings, sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    home = Path(folder) if folder is not None else cache_folder() / "models"
    return home / f"{name}-{key}.safetensors", text


def save_trained(
    path: Path, model: nn.Module, history: xr.Dataset, settings: str, seconds: float
) -> None:
    """Weights, curves along ``step``, settings as text and seconds of training in one file."""
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"history/{name}": torch.tensor(history[name].values) for name in history.data_vars}
    save_tensors(path, tensors, {"settings": settings, "seconds": f"{seconds:.1f}"})


def load_trained(path: Path, model: ModelT) -> tuple[ModelT, xr.Dataset]:
    """What `save_trained` wrote: the weights put into `model`, in evaluation mode, and the curves.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    tensors, metadata = load_tensors(path)
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "history": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = tensor
    model.load_state_dict(parts["model"])
    curves = {
        name: ("step", tensor.numpy(), {"long_name": name, "units": "1"})
        for name, tensor in parts["history"].items()
    }
    steps = len(next(iter(parts["history"].values())))
    settings = json.loads(metadata["settings"])
    attrs = provenance("subjects.training", parameters=settings, seed=settings["seed"])
    attrs["seconds"] = float(metadata["seconds"])
    history = xr.Dataset(curves, {"step": range(1, steps + 1)}, attrs)
    return model.eval(), history
