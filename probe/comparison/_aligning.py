"""Results brought to the same labels, and whether the units of two results are the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from .._check import refuse

# Variables and coordinates that say which unit a row is.
_IDENTITY = (
    *("text", "caption", "label_of", "row", "split_seed", "label", "image_size"),
    *("token", "image", "explained"),
)
_MOST_NAMED = 6


def aligned(results: Mapping[str, xr.Dataset]) -> tuple[list[xr.Dataset], list[str]]:
    """The results at the labels that all of them have, in the first one's order, and what fell out.

    A dim without labels is kept where it has one length in all; where not, a variable along it
    cannot be compared (`common` says so).

    Raises
    ------
    ValueError
        If the labels of a dim have nothing in common.
    """
    names, found = list(results), [_bare(ds) for ds in results.values()]
    notes = []
    for dim in dict.fromkeys(str(dim) for ds in found for dim in ds.dims):
        held = [ds for ds in found if dim in ds.dims]
        if len(held) < len(found) or not all(dim in ds.indexes for ds in held):
            continue
        labels = [_distinct(ds, dim, name) for name, ds in zip(names, found, strict=True)]
        shared = [each for each in labels[0] if all(each in own for own in labels[1:])]
        if not shared:
            got = " and ".join(
                f"{name} {_few(own)}" for name, own in zip(names, labels, strict=True)
            )
            refuse(f"labels of {dim}", "have something in common", got)
        for name, own in zip(names, labels, strict=True):
            lost = [each for each in own if each not in set(shared)]
            if lost:
                notes.append(f"{dim} {_few(lost)} of {name} left out: not in all of them")
        if any(own != shared for own in labels):
            found = [ds.sel({dim: shared}) for ds in found]
    return found, notes


def common(results: Sequence[xr.Dataset], name: str, units: Collection[str]) -> str:
    """Why a variable cannot be compared, "" if it can; units need not be equally many."""
    shapes = [
        {str(dim): 0 if dim in units else size for dim, size in ds[name].sizes.items()}
        for ds in results
    ]
    if any(set(shape) != set(shapes[0]) for shape in shapes):
        return f"{name} left out: dims {' against '.join(str(tuple(each)) for each in shapes)}"
    if any(shape != shapes[0] for shape in shapes):
        return f"{name} left out: sizes {' against '.join(map(str, shapes))}, and no labels to join"
    return ""


def unlike(a: xr.Dataset, b: xr.Dataset, dim: str) -> str:
    """Why units along a dim of two aligned results are not known to be the same, "" if they are."""
    if dim not in a.dims or dim not in b.dims:
        return f"no {dim} in both"
    if a.sizes[dim] != b.sizes[dim]:
        return f"{a.sizes[dim]} against {b.sizes[dim]} unlabelled along {dim}"
    told = [
        np.array_equal(a[name].values, b[name].values)
        for name in _IDENTITY
        if name in a.variables
        and name in b.variables
        and a[name].dims == b[name].dims
        and a[name].dims[:1] == (dim,)
    ]
    if told:
        return "" if all(told) else f"rows along {dim} are not the same ones"
    if dim in a.indexes and dim in b.indexes and not (_placed(a, dim) or _placed(b, dim)):
        return ""
    same = a.attrs.get("data_hash") and a.attrs.get("data_hash") == b.attrs.get("data_hash")
    return "" if same else f"nothing says that rows along {dim} are the same ones"


def _placed(ds: xr.Dataset, dim: str) -> bool:
    """Whether labels are places of examples in some data, which other data have too."""
    return dim == "example" and np.issubdtype(ds[dim].dtype, np.integer)


def _bare(ds: xr.Dataset) -> xr.Dataset:
    """Without coordinates of a selection, in which two selections differ by intent."""
    return ds.drop_vars([name for name in ds.coords if ds[name].ndim == 0])


def _distinct(ds: xr.Dataset, dim: str, name: str) -> list[Any]:
    labels = ds[dim].values.tolist()
    if len(set(labels)) < len(labels):
        refuse(name, f"have distinct labels along {dim}", _few(labels))
    return labels


def _few(labels: Sequence[Any]) -> str:
    some = ", ".join(map(str, labels[:_MOST_NAMED]))
    return f"{some}, ... ({len(labels)})" if len(labels) > _MOST_NAMED else some
