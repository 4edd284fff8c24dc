"""The same measures of the model with random weights, read beside those of the trained one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from probe._check import refuse, refuse_type

from .._reading import read

TRAINED, TWIN = "trained", "random weights"


def read_twin(
    twin: xr.Dataset | None, ds: xr.Dataset, names: Sequence[str], dims: Sequence[str] = ()
) -> Any:
    """`twin`, checked to be the same measure as `ds` with the same labels along `dims`, or None.

    Raises
    ------
    TypeError
        If it is no Dataset.
    ValueError
        If it is of another measure, lacks a variable, or has other labels.
    """
    if twin is None:
        return None
    if not isinstance(twin, xr.Dataset):
        refuse_type("twin", "be an xarray.Dataset: the measure of the random twin", twin)
    made = ds.attrs.get("probe")
    if twin.attrs.get("probe", made) != made:
        refuse("twin", f"be a result of {made}, as `ds` is", twin.attrs["probe"])
    missing = [name for name in names if name not in twin]
    if missing:
        held = ", ".join(map(str, twin.data_vars)) or "no variables"
        refuse("twin", f"hold {', '.join(missing)}", held)
    checked: Any = read(twin, names, dims, made_by="the measure of `ds`")
    for dim in dims:
        own, other = ds[dim].values.tolist(), checked[dim].values.tolist()
        if own != other:
            refuse("twin", f"have the labels of `ds` along {dim}, {own}", other)
    return checked
