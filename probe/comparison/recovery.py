"""The interval of a difference from the intervals of its two terms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from .._check import refuse
from .._intervals import checked_level

PAPER = "doi:10.1002/sim.3095"


class Recovered(NamedTuple):
    """Arrays of one shape: the difference, the ends of its interval, and its two-sided p-value."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def recovered_difference(
    a: np.ndarray,
    a_interval: np.ndarray,
    b: np.ndarray,
    b_interval: np.ndarray,
    *,
    level: float = 0.95,
) -> Recovered:
    """The difference b - a of two independent estimates, from the interval of each (MOVER).

    Zou & Donner 2008 (doi:10.1002/sim.3095): a limit of an interval tells the variance of its
    estimate near that limit, so, with theta_1 = b and theta_2 = a,

        low  = b - a - sqrt((b - b_low)^2 + (a_high - a)^2)
        high = b - a + sqrt((b_high - b)^2 + (a - a_low)^2)

    which for symmetric intervals of half widths h is b - a -+ sqrt(h_a^2 + h_b^2), and narrower
    than asking whether the two intervals overlap. Independence is assumed: where both estimates
    come from the same examples and rise and fall together, the interval is too wide.

    Parameters
    ----------
    a, b
        Estimates, of any one shape.
    a_interval, b_interval
        The same shape with (low, high) last, both of coverage `level`.
    level
        Coverage, in (0, 1).

    Returns
    -------
    Recovered
        ``estimate, low, high, p``; NaN where a number is missing. p inverts the interval: its
        limits are taken to move from the estimate as the quantiles of a normal do, and p is one
        less the level at which zero is a limit, so ``p < 1 - level`` just where the interval
        leaves zero out. Where both intervals are points there is nothing to tell an error from,
        and p is NaN.

    Raises
    ------
    ValueError
        If shapes differ or `level` is not in (0, 1).

    Examples
    --------
    >>> found = recovered_difference(1.0, [0.7, 1.3], 2.0, [1.6, 2.4])
    >>> float(found.low), float(found.high)
    (0.5, 1.5)
    """
    first, second = (np.asarray(each, dtype=np.float64) for each in (a, b))
    ends = [np.asarray(each, dtype=np.float64) for each in (a_interval, b_interval)]
    if first.shape != second.shape or any(each.shape != (*first.shape, 2) for each in ends):
        shapes = f"{first.shape}, {ends[0].shape}, {second.shape} and {ends[1].shape}"
        refuse("a", "have the shape of `b`, and intervals that shape with 2 more", shapes)
    checked_level(level)
    # A percentile interval need not hold its estimate; a side it lies beyond has no width.
    down_a, up_a = (first - ends[0][..., 0]).clip(0), (ends[0][..., 1] - first).clip(0)
    down_b, up_b = (second - ends[1][..., 0]).clip(0), (ends[1][..., 1] - second).clip(0)
    estimate = second - first
    below, above = np.hypot(down_b, up_a), np.hypot(up_b, down_a)
    toward_zero = np.where(estimate > 0, below, above)
    quantile = stats.norm.ppf((1 + level) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(estimate == 0, 0.0, np.abs(estimate) / toward_zero)
    p = 2 * stats.norm.sf(away * quantile)
    p = np.where((below + above == 0) | ~np.isfinite(below + above), np.nan, p)
    return Recovered(estimate, estimate - below, estimate + above, p)
