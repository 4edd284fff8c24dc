"""Measures of the nearest neighbours of rows: intrinsic dimension and hubs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._check import integer, refuse
from ..statistics import Interval, half_sample_interval
from ._nearest import checked, distinct_rows, nearest_distances, surviving
from .neighbours import nearest, unit_rows

# Share of the largest ratios that TwoNN's fit leaves out (Facco et al. 2017).
_DISCARDED = 0.1
# Random splits into halves behind an interval.
_SPLITS = 50


def two_nn(rows: np.ndarray, *, level: float = 0.95, seed: int = 0) -> Interval:
    """Intrinsic dimension from each row's two nearest neighbours (TwoNN, arXiv:1803.06992).

    With mu = r2/r1 the ratio of a row's distances to its second and first neighbour, and F its
    distribution function, -log(1 - F(mu)) = d log(mu): d is the slope of the line through the
    origin, fitted by least squares to the smallest 90 % of the ratios.

    Parameters
    ----------
    rows
        (n, d). Rows nearer to each other than 1e-6 of the root mean square distance to the mean
        count as one. Pass **one side only** of paired data: a paraphrase is a near neighbour by
        construction, and its distance says nothing about the dimension.
    level
        Coverage of the interval.
    seed
        Of the random halves behind the interval.

    Returns
    -------
    Interval
        Dimension, at least 0, with `half_sample_interval` over 50 splits. The estimate falls short
        of large dimensions (7.9 of 10 at n = 400) as neighbours reach the edge of the data, and
        tells of the scale of nearest neighbours only; the interval does not cover that.
        O(n^2 d).

    Raises
    ------
    ValueError
        If fewer than 10 distinct rows are left, or neighbours are all equally far.

    Examples
    --------
    >>> grid = np.random.default_rng(0).uniform(size=(400, 2))
    >>> 1.5 < two_nn(grid @ np.eye(2, 9)).estimate < 2.5
    True
    """
    kept = checked(distinct_rows(checked(rows, 2)), 10, "10 distinct examples")
    index, distance = nearest_distances(kept, _reach(len(kept), 2))

    def slope(left_out: np.ndarray | None) -> float:
        two = distance[surviving(index, left_out, 2)].reshape(-1, 2)
        return _slope(np.log(two[:, 1] / two[:, 0]))

    return _with_halves(slope, len(kept), level, seed)


def hubness_skew(rows: np.ndarray, *, k: int = 10, level: float = 0.95, seed: int = 0) -> Interval:
    """Skewness of how often a row is among the k nearest of others by cosine.

    N_k(x) is the number of rows that count x among their k nearest; the measure is
    E[(N_k - E N_k)^3] / sd^3 (Radovanovic, Nanopoulos & Ivanovic, JMLR 11, 2010).
    About 0: no hubs. It rises with dimension where rows share a direction (gaussian rows of mean 1
    and variance 1 in each of 3, 10, 100 features: 0, 0.5, 3), little where they are centred.

    Parameters
    ----------
    rows
        (n, d), none zero; copies (as in `two_nn`) count as one.
    k
        Size of a neighbourhood.
    level, seed
        As in `two_nn`.

    Returns
    -------
    Interval
        Skewness, with the interval of `two_nn`. It depends on n and k: compare at equal ones.
        O(n^2 d).

    Raises
    ------
    ValueError
        If fewer than 2 k + 6 distinct rows are left, or all are neighbours equally often.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(300, 60))
    >>> hubness_skew(rows).estimate > hubness_skew(rows[:, :3]).estimate
    True
    """
    least = 2 * integer("k", k, low=1) + 6
    kept = checked(distinct_rows(checked(rows, 2)), least, f"{least} distinct examples")
    index, _ = nearest(unit_rows(kept), _reach(len(kept), k))

    def skew(left_out: np.ndarray | None) -> float:
        counts = np.bincount(index[surviving(index, left_out, k)], minlength=len(kept))
        centred = (counts if left_out is None else counts[~left_out]) - k
        spread = float(np.mean(centred**2))
        if spread == 0:
            refuse("rows", "differ in how often they are neighbours", f"{k} times each")
        return float(np.mean(centred**3)) / spread**1.5

    return _with_halves(skew, len(kept), level, seed)


def _slope(log_ratio: np.ndarray) -> float:
    n = len(log_ratio)
    kept = int(n * (1 - _DISCARDED))
    x = np.sort(log_ratio)[:kept]
    # F of the i-th smallest ratio is i/n; the largest, where that is 1, is among those left out.
    y = -np.log1p(-np.arange(1, kept + 1) / n)
    steep = float(x @ x)
    if steep == 0:
        refuse("rows", "have first and second neighbours at unequal distances", "equal ones")
    return float(x @ y) / steep


def _reach(n: int, k: int) -> int:
    """Neighbours to list so that k of them lie in any random half (all but 1e-16 of the time)."""
    return min(n - 1, 8 * k + 48)


def _with_halves(
    statistic: Callable[[np.ndarray | None], float], n: int, level: float, seed: int
) -> Interval:
    """The statistic of all rows, and its interval from random halves, each the other left out."""
    rng = np.random.default_rng(seed)
    splits = [rng.permutation(n) % 2 == 0 for _ in range(_SPLITS)]
    halves = np.array([[statistic(half), statistic(~half)] for half in splits])
    return half_sample_interval(statistic(None), halves, level=level)
