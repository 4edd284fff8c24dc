"""How a picture reads a result: what it needs, along which dims, and what an axis is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from probe._check import one_of, refuse, refuse_type


def read(ds: xr.Dataset, names: Sequence[str], dims: Sequence[str] = (), *, made_by: str) -> Any:
    """`ds`, checked to hold some variables, with each of `dims` a dim even where one was selected.

    Parameters
    ----------
    ds
        A result, whole or a selection such as ``ds.sel(layer=3)``.
    names
        Variables that the picture draws.
    dims
        Dims that it reads along.
    made_by
        The measure that gives such results, for the error.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If a variable or a dim is missing.

    Examples
    --------
    >>> one = xr.Dataset({"rank": ("layer", [3, 4])}, {"layer": [0, 1]}).sel(layer=1)
    >>> dict(read(one, ["rank"], ["layer"], made_by="anisotropy").sizes)
    {'layer': 1}
    """
    if not isinstance(ds, xr.Dataset):
        refuse_type("ds", f"be an xarray.Dataset, such as {made_by} gives", ds)
    missing = [name for name in names if name not in ds]
    if missing:
        held = ", ".join(map(str, ds.data_vars)) or "no variables"
        refuse("ds", f"hold {', '.join(missing)}", held, f"{made_by} gives such a result.")
    for dim in dims:
        if dim in ds.dims:
            continue
        if dim not in ds.coords:
            held = ", ".join(map(str, ds.dims)) or "none"
            refuse("ds", f"have dim or coordinate {dim}", f"dims {held}")
        along = [str(v) for v, values in ds.data_vars.items() if _lay_along(values, dim)]
        ds = ds.assign({name: ds[name].expand_dims({dim: [ds[dim].item()]}) for name in along})
    return ds


def chosen(ds: xr.Dataset, dim: str, wanted: Any, *, name: str | None = None) -> list[Any]:
    """Labels along a dim: all if `wanted` is None, else those wanted, each checked to be there.

    Raises
    ------
    ValueError
        If one is not there, or none is wanted.
    """
    known = ds[dim].values.tolist()
    if wanted is None:
        return known
    several = isinstance(wanted, Sequence | np.ndarray) and not isinstance(wanted, str)
    labels = list(wanted) if several else [wanted]
    if not labels:
        refuse(name or dim, f"name at least one {dim}", "none")
    for label in labels:
        one_of(name or dim, label, known)
    return labels


def axis_label(values: xr.DataArray) -> str:
    """What an axis of these values is called, with its unit where there is one.

    Examples
    --------
    >>> axis_label(xr.DataArray(0.0, attrs={"long_name": "time", "units": "s"}))
    'time (s)'
    """
    label = str(values.attrs.get("long_name", values.name or "")).replace("_", " ")
    units = str(values.attrs.get("units", "1"))
    return label if units in ("1", "") else f"{label} ({units})"


def bounds_of(ds: xr.Dataset, name: str) -> xr.DataArray | None:
    """The interval beside a variable, low and high along ``bound``; None if there is none."""
    interval = ds.get(f"{name}_interval")
    return interval.sel(bound=["low", "high"]) if interval is not None else None


def short(value: float, digits: int = 3) -> str:
    """A number as a reader wants it: few digits, a true minus sign.

    Examples
    --------
    >>> short(0.59871), short(-7.0), short(384)
    ('0.599', '−7', '384')
    """
    if not np.isfinite(value):
        return "undefined"
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")


def listed(labels: Sequence[Any]) -> str:
    """Labels in a sentence.

    Examples
    --------
    >>> listed([0, 1, 2]), listed(["raw"])
    ('0, 1 and 2', 'raw')
    """
    texts = [str(label) for label in labels]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _lay_along(values: xr.DataArray, dim: str) -> bool:
    """Whether a variable lost a dim by selection: then it carries the coordinate as a scalar."""
    return dim in values.coords and values.coords[dim].ndim == 0
