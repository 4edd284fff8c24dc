"""What the runs of an IAIS study say: paired differences over seeds and queries, and in words."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..statistics import correct

BASE, CONTROL = "none", "shuffled"
LEVEL = 0.95
_BLOCK = 200  # resamples at a time
_FEWEST = 3  # seeds without which nothing is called established


def two_level(
    values: np.ndarray, *, n_boot: int = 2000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, interval and two-sided p of values, seeds and queries resampled, crossed.

    Each resample draws seeds with replacement and queries with replacement, and takes the mean
    over all drawn seeds by all drawn queries: every seed answers the same queries. p is twice the
    smaller share of resamples on either side of 0, (count + 1)/(n_boot + 1), 1 at most.

    Parameters
    ----------
    values
        (seed, query, ...).
    n_boot, seed
        Number of resamples; of their drawing.

    Returns
    -------
    tuple
        Means (...), bounds (..., 2) and p (...).

    Notes
    -----
    With few seeds their own spread is drawn too small, by (S - 1)/S in variance, and with one not
    at all: read the number of seeds ahead beside it.

    Examples
    --------
    >>> mean, bounds, p = two_level(np.ones((3, 5)))
    >>> float(mean), bounds.tolist(), round(float(p), 4)
    (1.0, [1.0, 1.0], 0.001)
    """
    seeds, queries = values.shape[:2]
    flat = values.reshape(seeds, queries, -1)
    rng = np.random.default_rng(seed)
    drawn = np.empty((n_boot, flat.shape[2]))
    for start in range(0, n_boot, _BLOCK):
        size = min(_BLOCK, n_boot - start)
        by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=size) / seeds
        by_query = rng.multinomial(queries, np.full(queries, 1 / queries), size=size) / queries
        for column in range(flat.shape[2]):
            mixed = by_seed @ flat[:, :, column]
            drawn[start : start + size, column] = (mixed * by_query).sum(axis=1)
    # Sums in another order than the mean's: what differs by rounding alone is no difference.
    drawn = drawn.round(12)
    bounds = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    sides = np.minimum((drawn <= 0).sum(axis=0), (drawn >= 0).sum(axis=0))
    p = np.minimum(1.0, 2 * (sides + 1) / (n_boot + 1))
    shape = values.shape[2:]
    return values.mean(axis=(0, 1)), np.moveaxis(bounds, 0, -1).reshape(*shape, 2), p.reshape(shape)


def summarised(hits: xr.DataArray, right: xr.DataArray, *, n_boot: int, seed: int) -> xr.Dataset:
    """Statistics of hits (arm, seed, query, direction, k) and right (arm, seed, query).

    A query is a scene, asked for in both directions: those stay together where both count.
    """
    measures = {
        "recall": hits,
        "mean_recall": hits.mean(("direction", "k")),
        "accuracy": right,
    }
    arms = [str(arm) for arm in hits.arm.values]
    found = xr.Dataset(coords={"arm": arms, "bound": ["low", "high"]})
    for name, values in measures.items():
        dims = tuple(dim for dim in values.dims if dim not in ("arm", "seed", "query"))
        parts = values.transpose("arm", "seed", "query", *dims)
        ends = [two_level(one, n_boot=n_boot, seed=seed)[1] for one in parts.values]
        found[f"{name}_interval"] = (("arm", *dims, "bound"), ends)
        _compare(found, f"{name}_difference", parts, BASE, arms, n_boot, seed)
    if CONTROL in arms:
        parts = measures["mean_recall"].transpose("arm", "seed", "query")
        _compare(found, "mean_recall_over_control", parts, CONTROL, arms, n_boot, seed)
    return found


def _compare(
    found: xr.Dataset,
    name: str,
    parts: xr.DataArray,
    base: str,
    arms: list[str],
    n_boot: int,
    seed: int,
) -> None:
    """Differences of the other arms from `base`, NaN for arms that are not compared with it."""
    dims = parts.dims[3:]
    shape = (len(arms), *parts.shape[3:])
    mean, p, fixed, wins = (np.full(shape, np.nan) for _ in range(4))
    ends = np.full((*shape, 2), np.nan)
    others = [i for i, arm in enumerate(arms) if arm not in (base, BASE)]
    start = parts.sel(arm=base).values
    for i in others:
        gain = parts.values[i] - start
        mean[i], ends[i], p[i] = two_level(gain, n_boot=n_boot, seed=seed)
        wins[i] = (gain.mean(axis=1).round(12) > 0).sum(axis=0)
    for place in np.ndindex(shape[1:]):
        at = (others, *place)
        if others:
            fixed[at] = correct(p[at], method="holm")
    if base == BASE:
        here = arms.index(base)
        mean[here], ends[here] = 0.0, 0.0
    found[name] = (("arm", *dims), mean)
    found[f"{name}_interval"] = (("arm", *dims, "bound"), ends)
    found[f"{name}_p"] = (("arm", *dims), p)
    found[f"{name}_p_corrected"] = (("arm", *dims), fixed)
    found[f"{name}_wins"] = (("arm", *dims), wins)


def in_words(study: xr.Dataset) -> str:
    """What is and what is not established, one sentence a line."""
    seeds, queries = study.sizes["seed"], study.sizes["query"]
    lines = []
    for arm in (str(arm) for arm in study.arm.values):
        if arm == BASE:
            continue
        one = study.sel(arm=arm)
        lines.append(f"Mean recall, {arm} against none: {_verdict(one, 'mean_recall_difference')}")
        if arm != CONTROL and "mean_recall_over_control" in study:
            said = _verdict(one, "mean_recall_over_control")
            lines.append(f"Mean recall, {arm} against the shuffled control: {said}")
        gain = one.gap_difference.values[-1]
        ahead = int(one.gap_wins.values[-1])
        lines.append(
            f"Normalised gap of ISD in the last layer, {arm} against none: {gain:+.3f}, larger "
            f"with {ahead} of {seeds} seeds."
        )
    lines.append(
        f"Mean recall is the mean of Recall@k over both directions and all k. Intervals resample "
        f"{seeds} seeds and {queries} queries, candidates held fixed; with so few seeds they are "
        "somewhat too sure, so that better or worse is said only of 3 or more that all agree. "
        "All of this is about these scenes, this small model and recipe."
    )
    return "\n".join(lines)


def _verdict(one: xr.Dataset, name: str) -> str:
    value, p = 100 * float(one[name]), float(one[f"{name}_p_corrected"])
    low, high = 100 * one[f"{name}_interval"].values
    wins, seeds = int(one[f"{name}_wins"]), one.sizes["seed"]
    sure = "p < 0.01" if p < 0.01 else f"p = {p:.2f}"
    said = f"{value:+.2f} points [{low:+.2f}, {high:+.2f}], {sure} after Holm, ahead with {wins} of"
    if p <= 1 - LEVEL and seeds >= _FEWEST and wins in (0, seeds):
        return f"{said} {seeds} seeds: {'better' if value > 0 else 'worse'}."
    return f"{said} {seeds} seeds: no difference established, nor that there is none."
