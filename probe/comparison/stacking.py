"""A series of results of one probe, such as the checkpoints of a training, along one dim."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from .._check import refuse, refuse_type
from .._provenance import provenance
from ._aligning import aligned, common
from ._defaults import COMPARED, Compared, compared_in, prepared, probe_of


def series(
    results: Mapping[Any, xr.Dataset], *, variables: str | Sequence[str] | None = None
) -> xr.Dataset:
    """Results of one probe along a new first dim: steps where all names are integers.

    Parameters
    ----------
    results
        By name, in the order in which they are drawn; by step, which are sorted.
    variables
        Which to keep; the probe's headline measures if None. Variables along a dim of units
        (examples, nodes, seeds) are averaged over it.

    Returns
    -------
    xarray.Dataset
        Dim ``step`` (integers) or ``result`` (names). For a variable v: ``v`` and, where all
        results hold it, ``v_interval`` (..., bound), each result's own; no difference is tested
        here, `difference` does that for two. Attrs: ``compared``, ``variables``, ``notes``.

    Raises
    ------
    TypeError
        If `results` is no mapping of Datasets.
    ValueError
        If there are fewer than two, they come from different probes, or share no labels or
        variable.

    Examples
    --------
    >>> def result(cosine):
    ...     ds = xr.Dataset({"average_cosine": ("layer", cosine)}, {"layer": [0, 1]})
    ...     return ds.assign_attrs(probe="whitening.anisotropy")
    >>> found = series({100: result([0.3, 0.2]), 0: result([0.9, 0.8])})
    >>> found.average_cosine.sel(layer=1).to_series().to_dict()
    {0: 0.8, 100: 0.2}
    """
    started = time.perf_counter()
    if not isinstance(results, Mapping):
        refuse_type("results", "be a mapping of names or steps to results", results)
    if len(results) < 2:
        refuse("results", "hold at least two results", len(results))
    steps = all(isinstance(name, int | np.integer) for name in results)
    order = sorted(results) if steps else list(results)
    probe = probe_of({f"results[{name!r}]": results[name] for name in order})
    named = {str(name): prepared(probe, results[name]) for name in order}
    wanted = compared_in(probe, list(named.values()), variables)
    found, notes = aligned(named)
    kept = COMPARED.get(probe, Compared(()))
    units = {kept.pair_by, "example", *kept.within} - {""}
    dim = "step" if steps else "result"
    if any(dim in ds.dims for ds in found):
        refuse("results", f"have no dim {dim} of their own", f"dims {tuple(found[0].dims)}")
    labels = [int(name) for name in order] if steps else list(named)
    axis = xr.Variable(dim, labels, {"long_name": dim})
    stacked: dict[str, xr.DataArray] = {}
    for name in wanted:
        reason = common(found, name, units)
        if reason:
            notes.append(reason)
            continue
        own = [ds[name] for ds in found]
        over = [each for each in own[0].dims if each in units]
        stacked[name] = xr.concat([each.mean(over, keep_attrs=True) for each in own], axis)
        beside = f"{name}_interval"
        if not over and all(beside in ds for ds in found):
            stacked[beside] = xr.concat([ds[beside] for ds in found], axis)
    if not stacked:
        refuse("results", "share a variable that can be compared", "; ".join(notes))
    ds = xr.Dataset(stacked)
    hashes = " ".join(str(each.attrs.get("data_hash", "")) for each in found)
    held = [name for name in wanted if name in stacked]
    ds.attrs = provenance(
        "comparison.series", parameters={"variables": held}, data=hashes, started=started
    )
    ds.attrs |= {"compared": probe, "variables": json.dumps(held), "notes": "\n".join(notes)}
    return ds
