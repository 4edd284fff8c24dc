"""Null distributions by permutation, p-values, and their correction for how many they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ._check import finite, integer, number, one_of, refuse
from ._intervals import TIE, units_of


class PermutationTest(NamedTuple):
    """A statistic, its values under permutation (n,), and the p-value."""

    observed: float
    null: np.ndarray
    p: float


def permutation_test(
    statistic: Callable[[np.ndarray], float],
    labels: np.ndarray,
    *,
    within: Sequence[Any] | np.ndarray | None = None,
    alternative: str = "greater",
    n_permutations: int = 1000,
    seed: int = 0,
) -> PermutationTest:
    """Null distribution of a statistic under shuffled labels, and the p-value it gives.

    Parameters
    ----------
    statistic
        From labels (n, ...) to one number; everything else it closes over stays in place.
    labels
        (n, ...), shuffled along the first axis.
    within
        Group of every label; labels are shuffled inside their group only.
    alternative, n_permutations, seed
        As in `permutation_p`; number of shuffles; the seed of their drawing.

    Returns
    -------
    PermutationTest
        ``observed, null (n_permutations,), p``.

    Raises
    ------
    ValueError
        If there are fewer than 2 labels, lengths differ, or the statistic is not finite.

    Examples
    --------
    >>> x = np.arange(12.0)
    >>> permutation_test(lambda y: np.corrcoef(x, y)[0, 1], x, n_permutations=99).p
    0.01
    """
    labels = np.asarray(labels)
    integer("n_permutations", n_permutations, low=1)
    if len(labels) < 2:
        refuse("labels", "hold at least 2 labels", len(labels))
    within = np.zeros(len(labels)) if within is None else within
    groups = units_of(len(labels), within, least=1, name="within")
    rng = np.random.default_rng(seed)
    observed, null = float(statistic(labels)), np.empty(n_permutations)
    order = np.arange(len(labels))
    for i in range(n_permutations):
        for members in groups:
            order[members] = rng.permutation(members)
        null[i] = statistic(labels[order])
    return PermutationTest(observed, null, permutation_p(observed, null, alternative=alternative))


def permutation_p(observed: float, null: np.ndarray, *, alternative: str = "greater") -> float:
    """(1 + count)/(1 + n): count of the n null values at least as extreme (Phipson & Smyth 2010).

    Never zero, and at most as often below a level as the level says. ``"two-sided"`` doubles the
    smaller tail.

    Raises
    ------
    ValueError
        If a value is not finite, `null` is empty, or `alternative` is unknown.

    Examples
    --------
    >>> permutation_p(3.0, np.array([1.0, 2.0, 3.0]))
    0.5
    """
    one_of("alternative", alternative, ("greater", "less", "two-sided"))
    number("observed", observed)
    null = finite("null", np.asarray(null, dtype=np.float64))
    if not null.size:
        refuse("null", "hold at least one value", "none")
    slack = TIE * max(1.0, abs(observed))
    above = (1 + np.count_nonzero(null >= observed - slack)) / (1 + null.size)
    below = (1 + np.count_nonzero(null <= observed + slack)) / (1 + null.size)
    return float(
        {"greater": above, "less": below}.get(alternative, min(1.0, 2 * min(above, below)))
    )


def correct(p: np.ndarray | Sequence[float], *, method: str = "holm") -> np.ndarray:
    """p-values adjusted for how many they are, in the shape given.

    Parameters
    ----------
    p
        Any shape, in [0, 1]; one family of comparisons.
    method
        ``"holm"`` (Holm 1979): bounds the chance of any false finding, under any dependence.
        ``"fdr_bh"`` (Benjamini & Hochberg 1995): bounds the expected share of false findings,
        for independent or positively dependent tests.

    Raises
    ------
    ValueError
        If a value lies outside [0, 1] or is NaN, none is given, or `method` is unknown.

    Examples
    --------
    >>> correct([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    one_of("method", method, ("holm", "fdr_bh"))
    p = finite("p", np.asarray(p, dtype=np.float64))
    if not p.size or p.min() < 0 or p.max() > 1:
        refuse("p", "hold values in [0, 1]", f"{p.min()} to {p.max()}" if p.size else "none")
    flat = p.ravel()
    if method == "fdr_bh":
        return stats.false_discovery_control(flat, method="bh").reshape(p.shape)
    order = np.argsort(flat, kind="stable")
    adjusted = np.empty_like(flat)
    raised = flat[order] * np.arange(flat.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return adjusted.reshape(p.shape)
