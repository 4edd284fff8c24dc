"""Interactive views of results: live in a notebook, static in an exported page."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import xarray as xr

if TYPE_CHECKING:
    from ._base import Explorer
    from .attention import AttentionExplorer
    from .edits import EditExplorer
    from .film import FilmExplorer
    from .relations import RelationExplorer
    from .totoro import TotoroExplorer
    from .training import TrainingExplorer
    from .whitening import WhiteningExplorer
    from .workbench import Workbench

__all__ = [
    "AttentionExplorer",
    "EditExplorer",
    "FilmExplorer",
    "RelationExplorer",
    "TotoroExplorer",
    "TrainingExplorer",
    "WhiteningExplorer",
    "Workbench",
    "explorable",
    "explore",
]

_HOME = {
    "AttentionExplorer": "attention",
    "EditExplorer": "edits",
    "FilmExplorer": "film",
    "RelationExplorer": "relations",
    "TotoroExplorer": "totoro",
    "TrainingExplorer": "training",
    "WhiteningExplorer": "whitening",
    "Workbench": "workbench",
}
# `probe` of a result -> the class that shows it.
_EXPLORERS = {
    "whitening.effect": "WhiteningExplorer",
    "whitening.film": "FilmExplorer",
    "whitening.training": "TrainingExplorer",
    "totoro.map": "TotoroExplorer",
    "value.examples": "AttentionExplorer",
    "isd.examples": "RelationExplorer",
    "lowrank.edits": "EditExplorer",
    "attribution.attribution": "Workbench",
    "attribution.grid": "Workbench",
}


def explorable(result: xr.Dataset) -> bool:
    """Whether an interactive view of this result exists.

    Examples
    --------
    >>> explorable(xr.Dataset(attrs={"probe": "whitening.effect"}))
    True
    """
    return _class_name(result) is not None


def explore(result: xr.Dataset) -> Explorer:
    """The interactive view of a result, found by its attrs ``probe``.

    Parameters
    ----------
    result
        A Dataset made by a probe. Any result with dims (step, layer) can be walked through.

    Returns
    -------
    Explorer
        A widget; its settings can be read and set as attributes.

    Raises
    ------
    ValueError
        If no view is known for it, or it lacks what the view draws.

    Examples
    --------
    >>> explore(xr.Dataset(attrs={"probe": "novel"}))
    Traceback (most recent call last):
    ...
    ValueError: `result` must come from a probe that has an explorer (whitening.effect, \
whitening.film, whitening.training, totoro.map, value.examples, isd.examples, \
lowrank.edits, attribution.attribution, attribution.grid); got probe 'novel'.
    """
    name = _class_name(result)
    if name is None:
        raise ValueError(
            f"`result` must come from a probe that has an explorer ({', '.join(_EXPLORERS)}); "
            f"got probe {result.attrs.get('probe')!r}."
        )
    return __getattr__(name)(result)


def _class_name(result: xr.Dataset) -> str | None:
    known = _EXPLORERS.get(str(result.attrs.get("probe", "")))
    # Any probe watched while something trains has the same view: values by step and layer.
    if known is None and {"step", "layer"} <= set(result.dims):
        return "TrainingExplorer"
    return known


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
