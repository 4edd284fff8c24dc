"""Whether methods of attribution agree: rank correlations between every two of them."""

from __future__ import annotations

import time
import warnings

import numpy as np
import xarray as xr

from .._check import one_of, refuse, refuse_type
from .._intervals import bootstrap_interval
from .._provenance import provenance
from ._ranks import rank_correlations

_PREFIX = "attribution_"
_OUTER = ("algorithm", "target", "example")


def agreement(
    ds: xr.Dataset,
    *,
    layer: str | None = None,
    part: str | None = None,
    level: float = 0.95,
    n_boot: int = 1000,
    seed: int = 0,
) -> xr.Dataset:
    """Spearman's rank correlation between methods, over the units of an input.

    Methods that agree may be wrong together: correlations with the random control show what lies
    within chance. A method without a sign (`saliency`) ranks magnitudes.

    Parameters
    ----------
    ds
        Result of `grid`.
    layer
        Which layer; the first if None.
    part
        Which input's attributions; the first if None.
    level, n_boot, seed
        Coverage of the intervals, resamples over examples, and their seed.

    Returns
    -------
    xarray.Dataset
        ``rank_correlation (algorithm, other)``: mean over targets, then over examples; NaN where a
        method has no attribution there or ranks nothing. ``rank_correlation_interval (algorithm,
        other, bound)``: NaN with fewer than 2 examples.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it holds no attributions, or there is no such layer or input.

    Examples
    --------
    >>> rows = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])[:, None, None, None]
    >>> dims = ("algorithm", "layer", "target", "example", "token")
    >>> coords = {"algorithm": ["a", "b"], "layer": ["input"]}
    >>> found = agreement(xr.Dataset({"attribution_x": (dims, rows)}, coords))
    >>> found.rank_correlation.values.round(6).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    started = time.perf_counter()
    values, names = _chosen(ds, layer, part)
    each = _correlations(values)
    shape = (len(names), len(names))
    with warnings.catch_warnings():
        # An example in which a method ranks nothing says nothing of it.
        warnings.simplefilter("ignore", RuntimeWarning)
        rows = np.nanmean(each, axis=0)
        mean = np.nanmean(rows, axis=0)
    ends = np.full((*shape, 2), np.nan)
    known = np.isfinite(rows)
    # Cells that are known for the same examples share their resamples.
    for pattern in np.unique(known.reshape(len(rows), -1), axis=1).T:
        cells = (known == pattern[:, None, None]).all(axis=0)
        if pattern.sum() >= 2:
            made = bootstrap_interval(
                rows[pattern][:, cells], method="percentile", level=level, n_boot=n_boot, seed=seed
            )
            ends[cells] = np.stack([made.low, made.high], axis=-1)
    about = {"long_name": "rank correlation", "units": "1", "range": "[-1, 1]"}
    return xr.Dataset(
        {
            "rank_correlation": (("algorithm", "other"), mean, about),
            "rank_correlation_interval": (
                ("algorithm", "other", "bound"),
                ends,
                about | {"long_name": "interval of the rank correlation, over examples"},
            ),
        },
        {"algorithm": names, "other": names, "bound": ["low", "high"]},
        provenance(
            "attribution.agreement",
            parameters={"layer": layer, "part": part, "level": level, "n_boot": n_boot},
            data=str(ds.attrs.get("data_hash", "")),
            seed=seed,
            started=started,
        ),
    )


def _chosen(ds: xr.Dataset, layer: str | None, part: str | None) -> tuple[np.ndarray, list[str]]:
    """Attributions (algorithm, target, example, unit), and the methods' names."""
    if not isinstance(ds, xr.Dataset):
        refuse_type("ds", "be an xarray.Dataset, such as probe.attribution.grid gives", ds)
    parts = [
        name.removeprefix(_PREFIX)
        for name, values in ((str(name), values) for name, values in ds.data_vars.items())
        if name.startswith(_PREFIX) and {*_OUTER, "layer"} < set(values.dims)
    ]
    if not parts:
        held = ", ".join(map(str, ds.data_vars)) or "nothing"
        refuse("ds", "hold attributions of probe.attribution.grid", held)
    own = parts[0] if part is None else one_of("part", part, tuple(parts))
    layers = [str(name) for name in ds["layer"].values]
    at = layers.index(layers[0] if layer is None else one_of("layer", layer, tuple(layers)))
    values = ds[f"{_PREFIX}{own}"].isel(layer=at).transpose(*_OUTER, ...).values
    names = [str(name) for name in ds["algorithm"].values]
    return values.reshape(*values.shape[:3], -1), names


def _correlations(values: np.ndarray) -> np.ndarray:
    """(target, example, algorithm, other) of (algorithm, target, example, unit); mean ranks."""
    n, targets, examples, _ = values.shape
    found = np.full((targets, examples, n, n), np.nan)
    for target, example in np.ndindex(targets, examples):
        one = values[:, target, example]
        some = np.flatnonzero(np.isfinite(one).any(axis=1))
        known = np.isfinite(one[some]).all(axis=0)
        if known.sum() < 2:
            continue
        found[target, example][np.ix_(some, some)] = rank_correlations(one[some][:, known])
    return found
