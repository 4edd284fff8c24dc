"""Mean differences over units that two results share: resampled for intervals, flipped for p."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from .._check import integer, refuse
from .._intervals import BLOCK, TIE, checked_level

PAPER = "arXiv:1411.5279"


class PairedMeans(NamedTuple):
    """Arrays over cells: both means, b - a, the ends of its interval, two-sided p, and pairs."""

    a: np.ndarray
    b: np.ndarray
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    pairs: np.ndarray


def paired_means(
    a: np.ndarray,
    b: np.ndarray,
    *,
    level: float = 0.95,
    n_boot: int = 2000,
    n_permutations: int = 9999,
    seed: int = 0,
) -> PairedMeans:
    """Mean of b - a over shared units, for many cells at once, with its interval and its p.

    The interval is the expanded percentile bootstrap over units (Hesterberg 2015,
    arXiv:1411.5279): quantiles at Phi(-sqrt(n/(n - 1)) t_(n-1)), which undoes the shortness of
    plain percentiles for few units. p is that of the test which flips the sign of a unit's
    difference in all cells at once; exact where differences are symmetric around zero under the
    null. The bootstrap in `probe.statistics` refuses gaps and gathers every resample; here units
    missing in a cell are left out of it, and a resample is a vector of weights.

    Parameters
    ----------
    a, b
        (unit, ...) of one shape; row i of both is the same unit. NaN where it was not measured.
    level, n_boot, n_permutations, seed
        Coverage; number of resamples and of random flips; the seed of both.

    Returns
    -------
    PairedMeans
        Each of shape (...). The means are over units measured in both. Cells with fewer than two
        pairs have NaN for interval and p.

    Raises
    ------
    ValueError
        If shapes differ or an option is out of range.

    Examples
    --------
    >>> a = np.array([0.8, 0.9, 0.7, 0.8, 0.9, 0.8])
    >>> found = paired_means(a, a + np.array([0.1, 0.2, 0.1, 0.3, 0.2, 0.1]))
    >>> round(float(found.estimate), 4), bool(found.low > 0), round(float(found.p), 2)
    (0.1667, True, 0.03)
    """
    first, second = (np.asarray(each, dtype=np.float64) for each in (a, b))
    if first.shape != second.shape or first.ndim < 1:
        refuse("a", "have the shape of `b`, units first", f"{first.shape} and {second.shape}")
    checked_level(level)
    integer("n_boot", n_boot, low=2)
    integer("n_permutations", n_permutations, low=1)
    shape = first.shape[1:]
    known = np.isfinite(first) & np.isfinite(second)
    known = known.reshape(len(first), -1)
    x, y = (np.where(known, each.reshape(known.shape), 0.0) for each in (first, second))
    pairs = known.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [each.sum(axis=0) / pairs for each in (x, y, y - x)]
    rng = np.random.default_rng(seed)
    low, high = _interval(y - x, known, means[2], level, n_boot, rng)
    p = _flipped(y - x, pairs, n_permutations, rng)
    return PairedMeans(*(each.reshape(shape) for each in (*means, low, high, p, pairs)))


def _interval(
    gaps: np.ndarray,
    known: np.ndarray,
    estimate: np.ndarray,
    level: float,
    n_boot: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the expanded percentile interval of each column's mean, (cell,) each."""
    n, cells = gaps.shape
    ends = np.full((2, cells), np.nan)
    pairs = known.sum(axis=0)
    some = pairs >= 2
    if not some.any():
        return ends[0], ends[1]
    drawn = np.empty((n_boot, int(some.sum())))
    step = max(1, BLOCK // n)
    for start in range(0, n_boot, step):
        block = slice(start, min(start + step, n_boot))
        weights = rng.multinomial(n, np.full(n, 1 / n), size=block.stop - start).astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn[block] = (weights @ gaps[:, some]) / (weights @ known[:, some])
    for count in np.unique(pairs[some]):
        own = pairs[some] == count
        reach = np.sqrt(count / (count - 1)) * stats.t.ppf((1 + level) / 2, count - 1)
        tail = stats.norm.sf(reach)
        # A resample that drew none of a cell's units says nothing of it.
        found = np.nanquantile(drawn[:, own], [tail, 1 - tail], axis=0)
        ends[:, np.flatnonzero(some)[own]] = found
    # Rounding alone is no spread: differences that are all equal have a point for interval.
    spread = gaps.max(axis=0, initial=-np.inf, where=known)
    spread = spread - gaps.min(axis=0, initial=np.inf, where=known)
    still = some & (spread <= TIE * np.maximum(1.0, np.abs(estimate)))
    return np.where(still, estimate, ends[0]), np.where(still, estimate, ends[1])


def _flipped(
    gaps: np.ndarray, pairs: np.ndarray, n_permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """Two-sided p of each column's sum under random signs of its rows, (cell,)."""
    n, cells = gaps.shape
    observed = np.abs(gaps.sum(axis=0))
    # Sums in another order differ by rounding, which must not break a tie.
    bar = observed - TIE * np.maximum(np.abs(gaps).sum(axis=0), TIE)
    count = np.zeros(cells)
    step = max(1, BLOCK // max(n, cells))
    for start in range(0, n_permutations, step):
        size = min(step, n_permutations - start)
        signs = rng.integers(2, size=(size, n), dtype=np.int8) * 2.0 - 1.0
        count += (np.abs(signs @ gaps) >= bar).sum(axis=0)
    return np.where(pairs >= 2, (1 + count) / (1 + n_permutations), np.nan)
