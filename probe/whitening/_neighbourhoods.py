"""Measures of the nearest neighbours of rows: intrinsic dimension and hubs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._check import integer, refuse
from ..statistics import Interval, jackknife_interval
from ._nearest import checked, distinct_rows, nearest_distances, random_groups, surviving
from .neighbours import nearest, unit_rows

# Share of the largest ratios that TwoNN's fit leaves out (Facco et al. 2017, Methods).
_DISCARDED = 0.1


def two_nn(rows: np.ndarray, *, level: float = 0.95, seed: int = 0) -> Interval:
    """Intrinsic dimension from each row's two nearest neighbours (TwoNN, arXiv:1803.06992).

    With mu = r2/r1 the ratio of a row's distances to its second and first neighbour, and F its
    distribution function, -log(1 - F(mu)) = d log(mu): d is the slope of the line through the
    origin, fitted to the smallest 90 % of the ratios (eq. 5 and Methods).

    Parameters
    ----------
    rows
        (n, d). Rows nearer to each other than 1e-6 of the root mean square distance to the mean
        count as one. Pass **one side only** of paired data: a paraphrase is a near neighbour by
        construction, and its distance says nothing about the dimension.
    level
        Coverage of the interval.
    seed
        Of the jackknife's groups.

    Returns
    -------
    Interval
        Dimension, at least 0; the jackknife over 20 random groups of rows (a bootstrap would put
        copies at distance 0). It grows too small above about 20 dimensions unless n is huge, and
        tells of the scale of the nearest neighbours only. O(n^2 d).

    Raises
    ------
    ValueError
        If fewer than 5 distinct rows are left, or every row's two neighbours are equally far.

    Examples
    --------
    >>> grid = np.random.default_rng(0).uniform(size=(400, 2))
    >>> 1.5 < two_nn(grid @ np.ones((2, 9)) + grid @ np.eye(2, 9)).estimate < 2.5
    True
    """
    kept = checked(distinct_rows(checked(rows, 2)), 5, "5 distinct examples")
    groups = random_groups(len(kept), seed)
    reach = min(len(kept) - 1, 2 + _largest(groups))
    index, distance = nearest_distances(kept, reach)

    def slope(left_out: np.ndarray | None) -> float:
        near = surviving(index, left_out, 2)
        two = distance[near].reshape(-1, 2)
        return _slope(np.log(two[:, 1] / two[:, 0]))

    return _left_out(slope, groups, level)


def hubness_skew(rows: np.ndarray, *, k: int = 10, level: float = 0.95, seed: int = 0) -> Interval:
    """Skewness of how often a row is among the k nearest of others by cosine (Radovanovic 2010).

    N_k(x) is the number of rows that count x among their k nearest; the measure is
    E[(N_k - E N_k)^3] / sd^3 (JMLR 11, eq. 1). About 0: no hubs. It rises with dimension.

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
        Skewness, with the jackknife of `two_nn`. Depends on n and k: compare at equal ones.

    Raises
    ------
    ValueError
        If fewer than k + 3 distinct rows are left, or all are neighbours equally often.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(300, 60))
    >>> hubness_skew(rows).estimate > hubness_skew(rows[:, :3]).estimate
    True
    """
    integer("k", k, low=1)
    kept = checked(distinct_rows(checked(rows, 2)), k + 3, f"{k + 3} distinct examples")
    groups = random_groups(len(kept), seed)
    reach = min(len(kept) - 1, k + _largest(groups))
    index, _ = nearest(unit_rows(kept), reach)

    def skew(left_out: np.ndarray | None) -> float:
        counts = np.bincount(index[surviving(index, left_out, k)], minlength=len(kept))
        counts = counts if left_out is None else counts[~left_out]
        centred = counts - k
        spread = float(np.mean(centred**2))
        if spread == 0:
            refuse("rows", "differ in how often they are neighbours", f"{k} times each")
        return float(np.mean(centred**3)) / spread**1.5

    return _left_out(skew, groups, level)


def _slope(log_ratio: np.ndarray) -> float:
    n = len(log_ratio)
    kept = max(2, int(n * (1 - _DISCARDED)))
    x = np.sort(log_ratio)[:kept]
    # F(mu_(i)) = i/n; the last one, where it is 1, is among those left out for n above 10.
    kept = min(kept, n - 1)
    x = x[:kept]
    y = -np.log1p(-np.arange(1, kept + 1) / n)
    steep = float(x @ x)
    if steep == 0:
        refuse("rows", "have first and second neighbours at unequal distances", "equal ones")
    return float(x @ y) / steep


def _largest(groups: np.ndarray) -> int:
    return int(np.bincount(groups).max())


def _left_out(
    statistic: Callable[[np.ndarray | None], float], groups: np.ndarray, level: float
) -> Interval:
    replicates = [statistic(groups == g) for g in range(groups.max() + 1)]
    return jackknife_interval(statistic(None), np.array(replicates), level=level)
