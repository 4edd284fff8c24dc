"""Measures of pairs and neighbours, on a sample of rows: they need the rows, not their moments."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from .._check import ndim, number, refuse, same_length
from ..statistics import Interval, bootstrap_interval, jackknife_interval
from ._nearest import checked, random_groups
from ._neighbourhoods import hubness_skew, two_nn
from .neighbours import unit_rows

__all__ = ["alignment", "hubness_skew", "partition_isotropy", "two_nn", "uniformity"]


def uniformity(rows: np.ndarray, *, t: float = 2.0, level: float = 0.95) -> Interval:
    """Log of the mean over pairs of exp(-t ||u - v||^2) of unit rows (arXiv:2005.10242).

    Parameters
    ----------
    rows
        (n, d), none zero; normalised here.
    t
        Sharpness, above 0.
    level
        Coverage of the interval.

    Returns
    -------
    Interval
        In [-4 t, 0]; 0 where all rows point one way, lower is more uniform. Uniform on the sphere:
        log(exp(-2 t) 0F1(d/2; t^2)), near -2 t for large d. Exact over the pairs given, the
        interval by leaving out one row at a time. O(n^2 d).

    Raises
    ------
    ValueError
        If there are fewer than 3 rows, one is zero, or t is not above 0.

    Examples
    --------
    >>> round(uniformity(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])).estimate, 4)
    -1.0626
    """
    if number("t", t) <= 0:
        refuse("t", "be above 0", t, "2 is the paper's value.")
    unit = unit_rows(checked(rows, 3))
    n = len(unit)
    kernel = np.empty(n)
    for start in range(0, n, 512):
        cosine = unit[start : start + 512] @ unit.T
        value = np.exp(np.minimum(2 * t * (cosine - 1), 0.0))
        value[np.arange(len(value)), start + np.arange(len(value))] = 0.0
        kernel[start : start + 512] = value.sum(axis=1)
    total = kernel.sum()
    without = np.log((total - 2 * kernel) / ((n - 1) * (n - 2)))
    return jackknife_interval(np.log(total / (n * (n - 1))), without, level=level)


def alignment(
    first: np.ndarray,
    second: np.ndarray,
    *,
    alpha: float = 2.0,
    level: float = 0.95,
    n_boot: int = 1000,
    seed: int = 0,
) -> Interval:
    """Mean of ||u - v||^alpha over positive pairs of unit rows (arXiv:2005.10242).

    Parameters
    ----------
    first, second
        (n, d) each, row i of both a pair that should lie close; none zero, normalised here.
    alpha
        Exponent, above 0.
    level, n_boot, seed
        Of the percentile bootstrap over pairs.

    Returns
    -------
    Interval
        In [0, 2^alpha]; 0 where partners coincide, lower is better.

    Raises
    ------
    ValueError
        If shapes differ, there are fewer than 2 pairs, a row is zero, or alpha is not above 0.

    Examples
    --------
    >>> float(alignment(np.eye(2), np.eye(2)[::-1]).estimate.round(12))
    2.0
    """
    if number("alpha", alpha) <= 0:
        refuse("alpha", "be above 0", alpha, "2 is the paper's value.")
    one, other = checked(first, 2, name="first"), checked(second, 2, name="second")
    same_length(first=one, second=other)
    if one.shape != other.shape:
        refuse("second", f"have {one.shape[1]} features as `first` has", other.shape[1])
    apart = np.linalg.norm(unit_rows(one) - unit_rows(other), axis=1)
    return bootstrap_interval(
        apart**alpha, method="percentile", level=level, n_boot=n_boot, seed=seed
    )


def partition_isotropy(
    rows: np.ndarray,
    directions: np.ndarray | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Least over largest Z(c), where Z(c) = sum over rows w of exp(c'w) (arXiv:1702.01417).

    Parameters
    ----------
    rows
        (n, d), as they are: the measure depends on their scale, and goes to 0 as norms grow.
    directions
        (d, m), one unit direction per **column**; by default the eigenvectors of W'W. Both c and
        -c are taken, since the sign of an eigenvector means nothing (the paper takes one of them).
    level, seed
        Of the jackknife over 20 groups of rows, on the log scale, with the directions held fixed.

    Returns
    -------
    Interval
        In [0, 1]; 1 is isotropic. The interval is too wide where several directions tie for the
        least or the largest Z, and rough where a few long rows carry Z.

    Raises
    ------
    ValueError
        If there are fewer than 2 rows or the directions have another length.

    Examples
    --------
    >>> round(partition_isotropy(np.vstack([np.eye(3), -np.eye(3)])).estimate, 12)
    1.0
    """
    kept = checked(rows, 2)
    if directions is None:
        directions = np.linalg.eigh(kept.T @ kept)[1]
    ndim("directions", directions, ("feature", "component"))
    if len(directions) != kept.shape[1]:
        refuse("directions", f"have {kept.shape[1]} rows, one per feature", len(directions))
    along = kept @ directions
    groups = random_groups(len(kept), seed)
    members = [np.flatnonzero(groups == g) for g in range(groups.max() + 1)]
    # log of each group's part of Z, for c and for -c: (group, 2 m).
    parts = np.stack(
        [np.hstack([logsumexp(s * along[rows], axis=0) for s in (1, -1)]) for rows in members]
    )

    def log_ratio(left_out: int | None) -> float:
        z = logsumexp(parts if left_out is None else np.delete(parts, left_out, axis=0), axis=0)
        return float(z.min() - z.max())

    found = jackknife_interval(
        log_ratio(None), np.array([log_ratio(g) for g in range(len(members))]), level=level
    )
    return Interval(*(float(np.exp(min(value, 0.0))) for value in found))
