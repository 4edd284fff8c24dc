"""The difference between two results of one probe."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from .._check import integer, one_of, refuse
from .._intervals import checked_level
from .._provenance import provenance
from ..statistics import correct
from . import recovery, resampling
from ._aligning import aligned, common, unlike
from ._defaults import COMPARED, Compared, compared_in, prepared, probe_of

_BOUND = ["low", "high"]
_NEIGHBOURS = (
    "paired over nodes of one graph: intervals and p take nodes for independent, which neighbours "
    "are not; where they differ alike, intervals are too short and p too small"
)


def difference(
    a: xr.Dataset,
    b: xr.Dataset,
    *,
    names: Sequence[str] = ("a", "b"),
    variables: str | Sequence[str] | None = None,
    pair_by: str | None = None,
    level: float = 0.95,
    n_boot: int = 2000,
    n_permutations: int = 9999,
    seed: int = 0,
) -> xr.Dataset:
    """What `b` has more than `a`, two results of one probe: before and after, model A and model B.

    Results are joined by the labels of their dims. Each variable takes the first of these ways:

    - **paired**: it lies along a dim of units that both results hold (`pair_by`). Means over the
      shared units, their difference with `paired_means`.
    - **independent**: both results hold an interval of it. `recovered_difference` (MOVER).
    - **none**: the difference without an interval, and the reason why.

    Units are taken for independent. Nodes of one graph are not: neighbours often differ alike, so
    that intervals over nodes are too short and p too small; ``notes`` say so where it applies.
    Pair over splits or graphs where a claim hangs on it.

    Parameters
    ----------
    a, b
        Results, or selections of them such as ``history.isel(step=0)``.
    names
        What the two are called.
    variables
        Which to compare; the probe's headline measures if None.
    pair_by
        Dim of the shared units, which are then taken to be the same, label by label, or row by
        row where the dim has no labels. If None, that of the probe, if both results show that
        their units are the same: by labels (places of examples are none), texts, images or the
        hash of their data.
    level, n_boot, n_permutations, seed
        Coverage of the intervals, equal to that of the results' own; resamples; flips; seed.

    Returns
    -------
    xarray.Dataset
        For a variable v: ``v_a, v_b, v_difference``, ``v_difference_interval`` (..., bound) and,
        unless paired, those of ``v_a`` and ``v_b``,
        ``v_p`` two-sided, ``v_p_corrected`` after Holm over all cells of v (not over several
        variables), ``v_called`` where that is at most 1 - level. Cells without an interval have
        NaN and are never called. Attrs of ``v_difference``: ``pairing`` in words. Attrs:
        ``names, compared, variables`` (JSON lists but for ``compared``), ``notes``.

    Raises
    ------
    TypeError
        If `a` or `b` is no Dataset.
    ValueError
        If they come from different probes, share no labels or variable, or `pair_by` is no dim
        of units in both.

    Examples
    --------
    >>> def result(shift):
    ...     cosine = np.array([0.6, 0.1]) + shift
    ...     ends = cosine[:, None] + [-0.03, 0.03]
    ...     variables = {"average_cosine": ("layer", cosine)}
    ...     variables["average_cosine_interval"] = (("layer", "bound"), ends)
    ...     coords = {"layer": [0, 1], "bound": ["low", "high"]}
    ...     return xr.Dataset(variables, coords, {"probe": "whitening.anisotropy"})
    >>> found = difference(result(0.0), result(-0.1), names=("before", "after"))
    >>> found.average_cosine_difference.values.round(2).tolist()
    [-0.1, -0.1]
    >>> found.average_cosine_difference.attrs["pairing"]
    'independent, MOVER'
    """
    started = time.perf_counter()
    probe = probe_of({"a": a, "b": b})
    a, b = prepared(probe, a), prepared(probe, b)
    checked_level(level)
    if isinstance(names, str) or len(names) != 2 or len(set(names)) != 2:
        refuse("names", "be two different names", names)
    wanted = compared_in(probe, [a, b], variables)
    (first, second), notes = aligned({str(names[0]): a, str(names[1]): b})
    if pair_by is not None:
        _pairable(first, second, pair_by)
    kept = Compared((), "") if probe not in COMPARED else COMPARED[probe]
    asked = pair_by or kept.pair_by or "example"
    why = "" if pair_by else unlike(first, second, asked)
    options = {"n_boot": integer("n_boot", n_boot, low=2), "level": level}
    options |= {"n_permutations": integer("n_permutations", n_permutations, low=1), "seed": seed}
    found: dict[str, Any] = {}
    done = []
    for name in wanted:
        reason = common([first, second], name, [asked])
        if reason:
            notes.append(reason)
            continue
        done.append(name)
        if asked in first[name].dims:
            found |= _over_units(first[name], second[name], asked, kept.within, options, why)
        else:
            found |= _of_intervals(first, second, name, level)
    if any(str(found[f"{name}_difference"].attrs["pairing"]).startswith("paired") for name in done):
        notes += [_NEIGHBOURS] if asked == "node" or "explained" in first else []
    if not done:
        refuse("b", "hold a variable that can be compared with that of `a`", "; ".join(notes))
    for name in done:
        found |= _called(found[f"{name}_p"], name, level)
    ds = xr.Dataset(found, {"bound": _BOUND})
    hashes = [str(each.attrs.get("data_hash", "")) for each in (a, b)]
    attrs = provenance(
        "comparison.difference",
        paper=f"{recovery.PAPER}; {resampling.PAPER}",
        parameters=options | {"pair_by": pair_by},
        data=" ".join(hashes),
        seed=seed,
        started=started,
    )
    listed = {"names": json.dumps([str(name) for name in names]), "variables": json.dumps(done)}
    ds.attrs = attrs | listed | {"compared": probe, "notes": "\n".join(notes), "level": level}
    return ds


def _pairable(a: xr.Dataset, b: xr.Dataset, dim: str) -> None:
    one_of("pair_by", dim, tuple(str(each) for each in a.dims if each in b.dims))
    if a.sizes[dim] != b.sizes[dim]:
        got = f"{a.sizes[dim]} and {b.sizes[dim]}"
        refuse("pair_by", "name a dim of equal size in both, or one with labels", got)


def _over_units(
    a: xr.DataArray,
    b: xr.DataArray,
    dim: str,
    within: Sequence[str],
    options: dict[str, Any],
    why: str,
) -> dict[str, Any]:
    """Means over units: paired, or, for a reason `why` not, each with an interval of its own."""
    inner = [each for each in within if each in a.dims]
    one = a.mean(inner, keep_attrs=True).transpose(dim, ...)
    two = b.mean(inner).transpose(*one.dims)
    if why:
        *full, ends = _apart(one.values, two.values, options)
        words = f"independent, MOVER; not paired: {why}"
        return _filled(one, one.dims[1:], full, words, ends)
    made = resampling.paired_means(one.values, two.values, **options)
    most, least = int(np.max(made.pairs, initial=0)), int(np.min(made.pairs, initial=len(one)))
    words = f"paired over {most if most == least else f'{least} to {most}'} {dim}s"
    # Among 2^n ways to flip signs the observed one and its mirror image are the most extreme.
    if made.p.size * 2.0 ** (1 - most) > 1 - options["level"]:
        words += ", too few for a call"
    return _filled(one, one.dims[1:], made, words)


def _apart(a: np.ndarray, b: np.ndarray, options: dict[str, Any]) -> tuple[Any, ...]:
    """Means over unlike units: (a, b, difference, low, high, p, [interval of a, of b])."""
    alone = [
        resampling.paired_means(np.where(np.isnan(each), np.nan, 0.0), each, **options)
        for each in (a, b)
    ]
    ends = [np.stack([each.low, each.high], axis=-1) for each in alone]
    one, two = alone[0].b, alone[1].b
    made = recovery.recovered_difference(one, ends[0], two, ends[1], level=options["level"])
    return one, two, *made, ends


def _of_intervals(a: xr.Dataset, b: xr.Dataset, name: str, level: float) -> dict[str, Any]:
    """The difference of a variable from the intervals that both results hold, if they do."""
    one, two = a[name], b[name].transpose(*a[name].dims)
    of_one, of_two = (_ends(ds, name, one.dims) for ds in (a, b))
    levels = [_level(ds) for ds in (a, b)]
    if of_one is None or of_two is None:
        reason = "the results hold none"
    elif any(each != level for each in levels):
        known = " and ".join(f"{each:g}" for each in levels)
        reason = f"those of the results have level {known}, not {level:g}"
    else:
        made = recovery.recovered_difference(one.values, of_one, two.values, of_two, level=level)
        full = (one.values, two.values, *made)
        return _filled(one, one.dims, full, "independent, MOVER", (of_one, of_two))
    gap = two.values.astype(float) - one.values
    none = np.full(gap.shape, np.nan)
    made = (one.values, two.values, gap, none, none, none)
    return _filled(one, one.dims, made, f"no interval: {reason}")


def _filled(
    like: xr.DataArray, dims: Sequence[Any], made: Any, words: str, own: Sequence[Any] = ()
) -> dict[str, Any]:
    """The variables about one: `made` is (a, b, difference, low, high, p, ...).

    `own` are the intervals of a and of b, where they have any.
    """
    coords = {str(each): like[each] for each in dims if each in like.coords}
    label = str(like.attrs.get("long_name", like.name)).replace("_", " ")
    units = str(like.attrs.get("units", "1"))
    name, kinds = str(like.name), ("a", "b", "difference")
    found = {}
    for kind, values in zip(kinds, made[:3], strict=True):
        attrs = {"long_name": f"difference of {label}" if kind == "difference" else label}
        attrs |= {"units": units, "pairing": words}
        found[f"{name}_{kind}"] = xr.DataArray(values, coords, dims, attrs=attrs)
    between = np.stack([np.asarray(made[3]), np.asarray(made[4])], axis=-1)
    beside = {"difference": between} | dict(zip(kinds, own, strict=False))
    for kind, ends in beside.items():
        attrs = {"long_name": f"interval of: {found[f'{name}_{kind}'].long_name}", "units": units}
        where = {**coords, "bound": _BOUND}
        found[f"{name}_{kind}_interval"] = xr.DataArray(ends, where, (*dims, "bound"), attrs=attrs)
    attrs = {"long_name": "two-sided p of the difference", "units": "1", "range": "[0, 1]"}
    found[f"{name}_p"] = xr.DataArray(np.asarray(made[5]), coords, dims, attrs=attrs)
    return found


def _called(p: xr.DataArray, name: str, level: float) -> dict[str, Any]:
    """Holm's p over the cells that have one, and whether it is small."""
    values = np.asarray(p.values, dtype=float)
    known = np.isfinite(values)
    fixed = np.full(values.shape, np.nan)
    if known.any():
        fixed[known] = correct(values[known])
    words = {"long_name": "p after Holm over all cells", "units": "1", "range": "[0, 1]"}
    return {
        f"{name}_p_corrected": p.copy(data=fixed).assign_attrs(words),
        f"{name}_called": p.copy(data=np.nan_to_num(fixed, nan=1.0) <= 1 - level).assign_attrs(
            long_name="difference after Holm over all cells", units="1", range=""
        ),
    }


def _ends(ds: xr.Dataset, name: str, dims: Sequence[Any]) -> np.ndarray | None:
    interval = ds.get(f"{name}_interval")
    if interval is None or set(interval.dims) != {*dims, "bound"}:
        return None
    return interval.transpose(*dims, "bound").sel(bound=_BOUND).values


def _level(ds: xr.Dataset) -> float:
    """Coverage of a result's own intervals: what it says, else 0.95 as all measures have."""
    if "level" in ds.attrs:
        return float(ds.attrs["level"])
    return float(json.loads(str(ds.attrs.get("parameters") or "{}")).get("level", 0.95))
