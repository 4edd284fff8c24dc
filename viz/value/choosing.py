"""Which heads a matrix shows: one label along each other dim, and the heads that are marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from probe._check import one_of, refuse, refuse_type

from .. import style
from .matrix import Matrix

GRID = ("layer", "head")
# Labels that stand for all of a dim: what is shown unless another one is asked for.
WHOLE = {"kind": "all", "relation": "any"}
_PICKED = ("selected", "chosen")


def one_label(
    ds: xr.Dataset, variable: str, asked: Mapping[str, str | None]
) -> tuple[xr.Dataset, dict[str, str]]:
    """`ds` at one label of each dim beside layer and head, and those labels.

    Raises
    ------
    ValueError
        If a label is unknown, has to be chosen, or the variable has no dim of that name.
    """
    dims = [str(dim) for dim in ds[variable].dims if dim not in GRID]
    if any(dim not in ds[variable].dims for dim in GRID):
        held = ", ".join(map(str, ds[variable].dims)) or "none"
        refuse("variable", "have dims layer and head", f"{variable} with dims {held}")
    labels: dict[str, str] = {}
    for dim, wanted in asked.items():
        if wanted is not None and dim not in dims:
            refuse(dim, f"be None where {variable} has no dim {dim}", repr(wanted))
    for dim in dims:
        known = ds[dim].values.tolist()
        wanted = asked.get(dim)
        if wanted is None:
            wanted = known[0] if len(known) == 1 else WHOLE.get(dim)
        if wanted is None:
            named = dim if dim in asked else f"at[{dim!r}]"
            refuse(named, f"be one of {', '.join(map(repr, known))}", "none")
        labels[dim] = one_of(dim, wanted, known)
    return ds.sel(labels), labels


def matrix_of(
    ds: xr.Dataset,
    variable: str,
    *,
    selected: xr.DataArray | Sequence[tuple[int, int]] | None = None,
) -> Matrix:
    """A statistic over (layer, head) with the heads that are called and the one chosen.

    Raises
    ------
    TypeError
        If `selected` is neither an array nor pairs.
    ValueError
        If it names a head that is not there, or is an array over other dims.
    """
    layers, heads = ds["layer"].values.tolist(), ds["head"].values.tolist()
    values = ds[variable].transpose(*GRID).values.astype(float)
    if selected is not None:
        return Matrix(values, layers, heads, _picked(selected, layers, heads), (), None, _PICKED)
    called = ds.get("called")
    ringed = None
    if called is not None and set(called.dims) == set(GRID):
        ringed = called.transpose(*GRID).values.astype(bool)
    framed = ()
    places = [ds.get(f"chosen_{dim}") for dim in GRID]
    if all(place is not None and place.ndim == 0 for place in places):
        layer, place = (int(each) for each in places if each is not None)
        framed = ((layers.index(layer), heads.index(place)),) if layer in layers else ()
    return Matrix(values, layers, heads, ringed, framed)


def _picked(selected: Any, layers: list[Any], heads: list[Any]) -> np.ndarray:
    if isinstance(selected, xr.DataArray):
        if set(selected.dims) != set(GRID):
            refuse(
                "selected", "have dims layer and head", f"dims {', '.join(map(str, selected.dims))}"
            )
        at = selected.transpose(*GRID)
        if at.shape != (len(layers), len(heads)):
            refuse("selected", f"be {len(layers)} layers by {len(heads)} heads", at.shape)
        return at.values.astype(bool)
    if isinstance(selected, str) or not isinstance(selected, Sequence | np.ndarray):
        refuse_type("selected", "be a bool DataArray or pairs of layer and head", selected)
    ringed = np.zeros((len(layers), len(heads)), dtype=bool)
    for pair in selected:
        if np.size(pair) != 2:
            refuse("selected", "hold pairs of layer and head", pair)
        layer, place = pair
        one_of("selected layer", layer, layers)
        one_of("selected head", place, heads)
        ringed[layers.index(layer), heads.index(place)] = True
    return ringed


def axis_name(variable: str) -> str:
    """A variable's name as words.

    Examples
    --------
    >>> axis_name("per_token")
    'per token'
    """
    return variable.replace("_", " ")


def arrow(label: Any) -> str:
    """A label with true arrows.

    Examples
    --------
    >>> arrow("text->image")
    'text → image'
    """
    return style.plain(label).replace("->", " \N{RIGHTWARDS ARROW} ")
