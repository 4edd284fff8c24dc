"""Personalised PageRank and its square as short series, with the error known beforehand."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

# Below this the tail of the series drowns in rounding: float64 has 16 digits.
SMALLEST_TOL = 1e-13


class Series(NamedTuple):
    """Coefficients of T_0, T_1, ... for P and P^2, and the bound on the error of P^2.

    `bound` is on the operator's 2-norm (P^2 itself has norm 1), in exact arithmetic.
    """

    once: np.ndarray
    twice: np.ndarray
    bound: float


def chebyshev(alpha: float, tol: float) -> Series:
    """The shortest Chebyshev series of P and P^2 over A_hat that is within `tol`.

    With b = 1 - alpha, s = sqrt(1 - b^2) and rho = (1 - s) / b:
    alpha / (1 - b x)     = sum_k' alpha rho^k / s T_k(x),
    alpha^2 / (1 - b x)^2 = sum_k' alpha^2 rho^k (1 + k s) / s^3 T_k(x),
    terms of k > 0 doubled. |T_k| <= 1 on the spectrum of A_hat, which lies in (-1, 1], so the sum
    of the coefficients left out bounds the error.

    Examples
    --------
    >>> [len(chebyshev(0.15, tol).twice) - 1 for tol in (1e-3, 1e-4, 1e-6, 1e-8)]
    [15, 19, 27, 35]
    """
    b = 1.0 - alpha
    if b == 0.0:
        return Series(np.ones(1), np.ones(1), 0.0)
    s = math.sqrt(alpha * (2.0 - alpha))  # 1 - b^2 without cancellation
    rho = b / (1.0 + s)  # (1 - s) / b without cancellation
    last = 0
    while _tail(last, alpha, s, rho) > tol:
        last += 1
    k = np.arange(last + 1)
    doubled = np.where(k > 0, 2.0, 1.0)
    once = doubled * alpha * rho**k / s
    twice = doubled * alpha**2 * rho**k * (1.0 + k * s) / s**3
    return Series(once, twice, _tail(last, alpha, s, rho))


def _tail(last: int, alpha: float, s: float, rho: float) -> float:
    """Sum of the coefficients of P^2 after the last one, in closed form."""
    k = last + 1
    rest = (1.0 + k * s) / (1.0 - rho) + s * rho / (1.0 - rho) ** 2
    return 2.0 * alpha**2 / s**3 * rho**k * rest


def neumann_length(alpha: float, tol: float, spread: float) -> int:
    """How many steps of the walk bring P P' S of a directed graph within `tol`, entry by entry.

    alpha sum_k b^k W^k leaves out a mass of b^(steps + 1); the change to and from the symmetric
    normalisation costs at most `spread`, the ratio of the largest to the smallest degree, in all:
    an error of 2 spread b^(steps + 1).
    """
    b = 1.0 - alpha
    if b == 0.0:
        return 0
    return max(0, math.ceil(math.log(tol / (2.0 * spread)) / math.log(b)) - 1)
