"""What a number is worth: intervals, null distributions, many comparisons, paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ._check import integer, refuse
from ._intervals import (
    BLOCK,
    Interval,
    Statistic,
    bootstrap_interval,
    checked_rows,
    half_sample_interval,
    jackknife_interval,
    row_mean,
    units_of,
)
from ._nulls import PermutationTest, correct, permutation_p, permutation_test

__all__ = [
    "Difference",
    "Interval",
    "PermutationTest",
    "Statistic",
    "bootstrap_interval",
    "correct",
    "half_sample_interval",
    "jackknife_interval",
    "paired_difference",
    "permutation_p",
    "permutation_test",
    "row_mean",
]


class Difference(NamedTuple):
    """A paired difference, the ends of its interval, and its two-sided p-value."""

    estimate: float
    low: float
    high: float
    p: float


def paired_difference(
    a: np.ndarray,
    b: np.ndarray,
    *,
    statistic: Statistic = row_mean,
    method: str = "bca",
    level: float = 0.95,
    n_boot: int = 1000,
    n_permutations: int = 1000,
    seed: int = 0,
    clusters: Sequence[Any] | np.ndarray | None = None,
) -> Difference:
    """statistic(a) - statistic(b) on the same rows, its bootstrap interval, and its p-value.

    The null swaps the two arms of a row (or of a whole cluster) with probability 1/2; for means
    that is the sign-flip test of the differences. The interval resamples both arms together.

    Parameters
    ----------
    a, b
        (n, ...) each; row i of both is the same example, seed or split.
    statistic, method, level, n_boot, seed, clusters
        As in `bootstrap_interval`; the statistic takes one arm, (b, n, ...) -> (b,).
    n_permutations
        Number of random swaps.

    Returns
    -------
    Difference
        ``estimate, low, high, p``, p two-sided.

    Raises
    ------
    ValueError
        If the arms differ in length or the statistic is no single finite number.

    Examples
    --------
    >>> a = np.array([0.8, 0.9, 0.7, 0.8, 0.9, 0.8])
    >>> found = paired_difference(a, a - 0.1)
    >>> round(float(found.estimate), 6), found.p < 0.1
    (0.1, True)
    """
    first, second = checked_rows((a, b))
    integer("n_permutations", n_permutations, low=1)
    found = bootstrap_interval(
        first,
        second,
        statistic=lambda x, y: np.asarray(statistic(x)) - np.asarray(statistic(y)),
        method=method,
        level=level,
        n_boot=n_boot,
        seed=seed,
        clusters=clusters,
    )
    if np.ndim(found.estimate):
        refuse("statistic", "give one number a resample", f"shape {np.shape(found.estimate)} each")
    units = units_of(len(first), clusters)
    home = np.empty(len(first), dtype=np.intp)
    for unit, members in enumerate(units):
        home[members] = unit
    rng = np.random.default_rng(seed)
    null = np.empty(n_permutations)
    step = max(1, BLOCK // (first.size + second.size))
    for start in range(0, n_permutations, step):
        block = slice(start, min(start + step, n_permutations))
        swap = rng.integers(2, size=(block.stop - start, len(units)), dtype=np.int8)[:, home] > 0
        swap = swap.reshape(*swap.shape, *(1,) * (first.ndim - 1))
        x, y = np.where(swap, second, first), np.where(swap, first, second)
        null[block] = np.asarray(statistic(x)) - np.asarray(statistic(y))
    p = permutation_p(abs(float(found.estimate)), np.abs(null))
    return Difference(float(found.estimate), float(found.low), float(found.high), p)
