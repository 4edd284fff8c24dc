"""Which part of a comparison is drawn: one variable, along at most two dims, the rest said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from probe._check import one_of, refuse, refuse_type

# Dims that are drawn before others, first to last.
_DRAWN = ("step", "layer", "head", "task", "algorithm", "transform", "arm", "direction", "kind")
_WHOLE = "all"


class Slice(NamedTuple):
    """What is drawn: a variable's name, the result along at most two dims, and what was chosen."""

    name: str
    ds: xr.Dataset
    dims: tuple[str, ...]
    words: str


def checked(ds: Any, made_by: str, what: str) -> None:
    """Refuse what is not a result of `made_by`, a name such as ``"probe.comparison.series"``.

    Raises
    ------
    TypeError
        If it is no Dataset.
    ValueError
        If another probe made it; `what` is wanted.
    """
    if not isinstance(ds, xr.Dataset):
        refuse_type("ds", f"be an xarray.Dataset, such as {made_by} gives", ds)
    if ds.attrs.get("probe") != made_by.removeprefix("probe."):
        refuse("ds", f"be {what}", f"probe {ds.attrs.get('probe')!r}", made_by)


def sliced(
    ds: xr.Dataset,
    suffix: str,
    variable: str | None,
    at: Mapping[str, Any] | None,
    *,
    first: Sequence[str] = (),
) -> Slice:
    """One variable of a comparison along at most two dims besides those in `first`.

    Raises
    ------
    TypeError
        If `at` is no mapping.
    ValueError
        If the variable is unknown, or `at` names no dim or label of it.
    """
    known = json.loads(str(ds.attrs["variables"]))
    name = known[0] if variable is None else one_of("variable", variable, known)
    own = ds[[each for each in ds.data_vars if _belongs(str(each), name, known)]]
    dims = [str(dim) for dim in own[f"{name}{suffix}"].dims if dim not in first]
    chosen = {} if at is None else at
    if not isinstance(chosen, Mapping):
        refuse_type("at", "be a mapping of dims to labels", chosen)
    labels: dict[str, Any] = {}
    for dim, label in chosen.items():
        one_of("at", dim, dims)
        one_of(f"at[{dim!r}]", label, _labels(own, dim))
        labels[dim] = label
    free = [dim for dim in dims if dim not in labels]
    for dim in free:
        if own.sizes[dim] == 1:
            labels[dim] = _labels(own, dim)[0]
    free = sorted((dim for dim in free if dim not in labels), key=_rank)
    for dim in free[2:]:
        held = _labels(own, dim)
        labels[dim] = _WHOLE if _WHOLE in held else held[0]
    for dim, label in labels.items():
        own = own.isel({dim: _labels(own, dim).index(label)})
    drawn = tuple(dim for dim in dims if dim in free[:2])
    if not all(own.sizes[dim] for dim in drawn):
        refuse("ds", "hold at least one cell", f"dims {dict(own.sizes)}")
    said = ", ".join(f"{dim} {label}" for dim, label in labels.items())
    return Slice(name, own, drawn, said)


def labels_of(one: Slice, dim: str) -> list[Any]:
    """Labels along a dim; positions where it has none."""
    return _labels(one.ds, dim)


def ordinal(one: Slice, dim: str) -> bool:
    """Whether values along a dim are in an order, so that a line may join them."""
    return dim not in one.ds.coords or np.issubdtype(one.ds[dim].dtype, np.number)


def _labels(ds: xr.Dataset, dim: str) -> list[Any]:
    return ds[dim].values.tolist() if dim in ds.coords else list(range(ds.sizes[dim]))


def _rank(dim: str) -> int:
    return _DRAWN.index(dim) if dim in _DRAWN else len(_DRAWN)


def _belongs(column: str, name: str, known: Sequence[str]) -> bool:
    """Whether a column is about this variable, and not one whose name begins alike."""
    longer = [each for each in known if each.startswith(name) and each != name]
    return column.startswith(name) and not any(column.startswith(each) for each in longer)
