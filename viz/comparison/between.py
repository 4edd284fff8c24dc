"""Results compared and drawn at one call: what `viz.compare` does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from probe._check import refuse, refuse_type
from probe.comparison import difference, series

from .course import plot_series
from .pair import plot_difference


def compared(
    a: Any,
    b: Any,
    *,
    names: tuple[str, str],
    variable: str | None,
    at: Mapping[str, Any] | None,
    pair_by: str | None,
    ax: Any,
) -> np.ndarray:
    """The picture of two results, or of a series; the arguments are those of `viz.compare`.

    Raises
    ------
    TypeError
        If what is given are no results.
    ValueError
        If a second result or a pairing is given beside a series, or as the measures say.
    """
    if isinstance(a, Mapping) and not isinstance(a, xr.Dataset):
        if b is not None or pair_by is not None:
            refuse("b", "be left out, and pair_by too, where `a` is a series", "one of them")
        return plot_series(series(a, variables=variable), ax, at=at)
    if b is None:
        refuse_type("b", "be a result, or `a` results by name", b)
    found = difference(a, b, names=names, variables=variable, pair_by=pair_by)
    shown = variable or _headline(found, pair_by)
    return plot_difference(found, ax, variable=shown, at=at)


def _headline(found: xr.Dataset, pair_by: str | None) -> str:
    """The first variable, or the first that was paired where a pairing was asked for."""
    known = json.loads(str(found.attrs["variables"]))
    paired = [
        name
        for name in known
        if str(found[f"{name}_difference"].attrs["pairing"]).startswith("paired")
    ]
    return paired[0] if pair_by and paired else known[0]
