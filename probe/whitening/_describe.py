"""The wording of a result: long name, unit and range of each variable, and axis labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from .._check import refuse
from ..statistics import bootstrap_interval

BOUND = ["low", "high"]


def label_coord(labels: Sequence[Any]) -> np.ndarray:
    """Labels of an axis as one array: int64 if all are whole numbers, else text.

    Examples
    --------
    >>> label_coord([0, 1]).tolist(), label_coord([1, "first_last"]).tolist()
    ([0, 1], ['1', 'first_last'])
    """
    if all(isinstance(label, int | np.integer) for label in labels):
        return np.array([int(label) for label in labels], dtype=np.int64)
    return np.array([str(label) for label in labels], dtype=object)


def describe(ds: xr.Dataset, wording: Mapping[str, tuple[str, str, str]]) -> xr.Dataset:
    """Write ``(long_name, units, range)`` into the attrs of each variable that `ds` holds.

    An empty range is left out. `ds` is changed in place and given back.
    """
    for name, (long_name, units, bounds) in wording.items():
        if name not in ds.variables:
            continue
        ds[name].attrs.update(long_name=long_name, units=units)
        if bounds:
            ds[name].attrs["range"] = bounds
    return ds


def label_codes(name: str, labels: Sequence[Any], n: int) -> tuple[np.ndarray, list[str]]:
    """Labels as int codes (n,) and the label of each code, in alphabetical order.

    Raises
    ------
    ValueError
        If there is not one label for each of `n` rows.

    Examples
    --------
    >>> codes, names = label_codes("topics", ["b", "a", "b"], 3)
    >>> codes.tolist(), names
    ([1, 0, 1], ['a', 'b'])
    """
    if len(labels) != n:
        refuse(name, f"have one entry for each of {n} embeddings", f"{len(labels)} entries")
    names, codes = np.unique(np.asarray([str(label) for label in labels]), return_inverse=True)
    return codes, [str(each) for each in names]


def mean_interval(values: np.ndarray, *, level: float, n_boot: int, seed: int) -> np.ndarray:
    """Bootstrap interval of means over the last axis; the same resamples for every series.

    Percentiles: for means over many rows BCa would cost O(n^2) to change little.

    Parameters
    ----------
    values
        (..., n), one value per row of the sample.

    Returns
    -------
    np.ndarray
        (..., 2), low and high.

    Examples
    --------
    >>> mean_interval(np.ones((3, 5)), level=0.95, n_boot=10, seed=0).shape
    (3, 2)
    """
    found = bootstrap_interval(
        np.moveaxis(values, -1, 0), method="percentile", level=level, n_boot=n_boot, seed=seed
    )
    return np.stack([found.low, found.high], axis=-1)


def gain_over_raw(
    rows: np.ndarray, names: Collection[str], interval: Callable[[np.ndarray], np.ndarray]
) -> dict[str, Any]:
    """Variables ``gain`` and ``gain_interval`` over "raw", paired; none where it was not measured.

    Parameters
    ----------
    rows
        (layer, transform, n), one value per row of the sample.
    names
        The transforms, in order.
    interval
        Of means over the last axis, such as `mean_interval` with its options bound.

    Examples
    --------
    >>> gain_over_raw(np.zeros((1, 1, 4)), ["whiten"], np.copy)
    {}
    """
    if "raw" not in names:
        return {}
    raw, mean = list(names).index("raw"), rows.mean(-1)
    dims = ("layer", "transform")
    return {
        "gain": (dims, mean - mean[:, [raw]]),
        "gain_interval": ((*dims, "bound"), interval(rows - rows[:, [raw]])),
    }
