"""Rank correlation and its bootstrap, without sorting any resample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import rankdata

from .._check import refuse

# Counts are drawn in blocks of about this many numbers (32 MiB of float64).
_BLOCK = 2**22


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation of two samples; ties take their average rank.

    Parameters
    ----------
    x, y
        (n,) each, finite and not constant.

    Returns
    -------
    float
        Pearson's correlation of the average ranks, in [-1, 1]; exact. O(n log n).

    Raises
    ------
    ValueError
        If one sample is constant: it has no order.

    Examples
    --------
    >>> round(spearman(np.array([1.0, 2.0, 2.0, 5.0]), np.array([0.0, 3.0, 4.0, 9.0])), 4)
    0.9487
    """
    for name, values in (("x", x), ("y", y)):
        if np.ptp(values) == 0:
            refuse(name, "vary, since a constant has no order", f"{len(values)} equal values")
    a = rankdata(x) - (len(x) + 1) / 2
    b = rankdata(y) - (len(y) + 1) / 2
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def by_group(scores: np.ndarray, gold: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Spearman over all rows, and the mean of each group's own weighted by its size.

    Parameters
    ----------
    scores, gold
        (n,) each.
    groups
        (n,) int codes 0..g-1.

    Returns
    -------
    tuple
        ``(all, wmean)``, the two protocols of the STS literature; equal for a single group.
    """
    whole = spearman(scores, gold)
    parts = _members(groups)
    if len(parts) == 1:
        return whole, whole
    own = [spearman(scores[rows], gold[rows]) for rows in parts]
    return whole, float(np.average(own, weights=[len(rows) for rows in parts]))


def bootstrap_by_group(
    scores: np.ndarray, gold: np.ndarray, groups: np.ndarray, *, n_boot: int, seed: int
) -> np.ndarray:
    """`by_group` of bootstrap resamples of the rows, the same resamples for every score.

    Rows are drawn with replacement within each group, so that group sizes stay those of the
    benchmark. A resample is a count per row, and the average rank of a row in it is a running
    sum of the counts in sorted order: O(n) a resample after one sort.

    Parameters
    ----------
    scores
        (s, n): s scores of the same n rows.
    gold, groups
        (n,) each.
    n_boot, seed
        Number of resamples; two calls with one seed see the same resamples.

    Returns
    -------
    np.ndarray
        (s, 2, n_boot), middle axis ``all, wmean``; NaN where a resample came out constant.
    """
    parts = _members(groups)
    found = np.empty((n_boot, len(scores), 2))
    orders = [_order(row) for row in (*scores, gold)]
    split = [[_order(row[rows]) for row in (*scores, gold)] for rows in parts]
    sizes = np.array([len(rows) for rows in parts]) / len(gold)
    for block, counts in _resample_counts(parts, n_boot=n_boot, seed=seed):
        found[block, :, 0] = _correlations(counts, orders)
        if len(parts) == 1:
            found[block, :, 1] = found[block, :, 0]
            continue
        found[block, :, 1] = sum(
            size * _correlations(counts[:, rows], own)
            for size, rows, own in zip(sizes, parts, split, strict=True)
        )
    return np.moveaxis(found, 0, -1)


def _members(groups: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(groups == code) for code in range(int(groups.max()) + 1)]


def _resample_counts(
    parts: Sequence[np.ndarray], *, n_boot: int, seed: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """How often each row is drawn, with replacement within each part, block by block.

    Parameters
    ----------
    parts
        Row numbers of each stratum; together 0..n-1.
    n_boot, seed
        Resamples in all; the same seed gives the same resamples.

    Yields
    ------
    tuple
        ``(which resamples, counts (b, n) float64)``.
    """
    n = sum(len(rows) for rows in parts)
    rng = np.random.default_rng(seed)
    step = max(1, _BLOCK // n)
    for start in range(0, n_boot, step):
        b = min(step, n_boot - start)
        counts = np.empty((b, n))
        for rows in parts:
            m = len(rows)
            drawn = rng.integers(m, size=(b, m)) + m * np.arange(b)[:, None]
            counts[:, rows] = np.bincount(drawn.ravel(), minlength=b * m).reshape(b, m)
        yield slice(start, start + b), counts


def _order(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sorting order, the start of each run of ties in it, and the run that each row is in."""
    order = np.argsort(values, kind="stable")
    new = np.r_[True, np.diff(values[order]) != 0]
    run = np.empty(len(values), dtype=np.intp)
    run[order] = np.cumsum(new) - 1
    return order, np.flatnonzero(new), run


def _correlations(counts: np.ndarray, orders: list) -> np.ndarray:
    """Spearman of every score with the last one (the gold), (b, s)."""
    gold = _centred_ranks(counts, *orders[-1])
    weighted = counts * gold
    spread = np.einsum("bn,bn->b", weighted, gold)
    out = np.empty((len(counts), len(orders) - 1))
    for s, order in enumerate(orders[:-1]):
        ranks = _centred_ranks(counts, *order)
        above = np.einsum("bn,bn->b", weighted, ranks)
        below = np.sqrt(spread * np.einsum("bn,bn,bn->b", counts, ranks, ranks))
        # A constant resample has no order: NaN, which the interval leaves out.
        out[:, s] = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return out


def _centred_ranks(
    counts: np.ndarray, order: np.ndarray, starts: np.ndarray, run: np.ndarray
) -> np.ndarray:
    """Average rank of each row in each resample, less the mean rank; (b, n)."""
    mass = np.add.reduceat(counts[:, order], starts, axis=1)
    rank = np.cumsum(mass, axis=1) - (mass - 1) / 2
    return (rank - (counts.shape[1] + 1) / 2)[:, run]
