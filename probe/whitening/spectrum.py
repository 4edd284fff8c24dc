"""Principal directions of some rows, and which of them carry more than rounding noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from .._check import finite, ndim, number
from .._rows import known_dtype
from ..moments import Moments

# Distance from 1 to the next number of each dtype.
_EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


@dataclass(frozen=True)
class Spectrum:
    """Eigen-decomposition of a covariance and the rank that its rows' dtype can vouch for.

    Attributes
    ----------
    eigenvalues : numpy.ndarray
        (d,) variance along each direction, descending; what rounding made negative is 0.
    components : numpy.ndarray
        (d, d) orthonormal directions, one per row, each with its largest loading positive.
    kept : numpy.ndarray
        (d,) bool, True where the variance is above the noise floor.
    variance : numpy.ndarray
        (d,) variance of each feature.
    mean : numpy.ndarray
        (d,) mean of each feature.
    n_samples : int
        Rows that were seen.
    dtype : str
        Their dtype.
    """

    eigenvalues: np.ndarray
    components: np.ndarray
    kept: np.ndarray
    variance: np.ndarray
    mean: np.ndarray
    n_samples: int
    dtype: str

    @property
    def rank(self) -> int:
        """Number of directions kept."""
        return int(self.kept.sum())

    def leading(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The first k kept directions (k, d) and their eigenvalues (k,)."""
        if self.kept[:k].all():
            return self.components[:k], self.eigenvalues[:k]
        return self.components[self.kept][:k], self.eigenvalues[self.kept][:k]


def spectrum(
    moments: Moments,
    *,
    dtype: str | None = None,
    rank_tol: float | None = None,
    shrinkage: float = 0.0,
) -> Spectrum:
    """Principal directions, variances and numerical rank of the rows that `moments` has seen.

    Parameters
    ----------
    moments
        Of at least 2 rows.
    dtype
        The dtype that the rows had; None takes the moments' own, "float32" if they know none.
    rank_tol
        A direction is null when its variance is at most `rank_tol` times the largest. None asks
        each direction v for more than rounding can have put there:
        eps^2 sum_i v_i^2 E[x_i^2] (rounding of the values) + 8 eps' sum_i v_i^2 Var[x_i]
        (the product, eps' of float32 or float64) + d eps_64 lambda_max (the eigensolver).
        A few huge features then do not hide small but real directions among the others.
    shrinkage
        s in [0, 1]: eigenvalues become (1 - s) lambda + s mean(lambda) before the rank is taken.

    Returns
    -------
    Spectrum
        Exact to the rounding named above. O(d^3). Directions of equal variance are determined
        only up to a rotation among them.

    Raises
    ------
    ValueError
        If fewer than 2 rows were seen, or an option is out of range.

    Examples
    --------
    >>> rows = np.array([[0.0, 0.0, 5.0], [1.0, 1.0, 5.0], [2.0, 2.0, 5.0], [1.0, 3.0, 5.0]])
    >>> found = spectrum(Moments(3).update(rows))
    >>> found.rank, found.eigenvalues.round(3)
    (2, array([2.   , 0.333, 0.   ]))
    """
    dtype = known_dtype(dtype or moments.dtype or "float32")
    covariance = moments.covariance()
    variance, mean = covariance.diagonal().copy(), moments.mean
    # In place of the covariance: transposed it is what LAPACK takes without a copy.
    values, columns = eigh(covariance.T, overwrite_a=True, check_finite=False, driver="evd")
    del covariance
    # LAPACK gives ascending columns; as rows of the transpose they are descending and contiguous.
    eigenvalues, components = values[::-1].copy(), columns.T[::-1]
    _fix_signs(components)
    if shrinkage:
        # The directions stay; so shrinking costs nothing and loses no digits.
        eigenvalues *= 1.0 - shrinkage
        eigenvalues += shrinkage * variance.mean()
    if rank_tol is None:
        floor = _noise_floor(eigenvalues, components, variance, mean, dtype)
    else:
        floor = number("rank_tol", rank_tol, low=0.0) * eigenvalues[0]
    kept = eigenvalues > np.maximum(floor, 0.0)
    if not shrinkage:
        # n rows span n - 1 directions around their mean.
        kept[moments.n - 1 :] = False
    np.maximum(eigenvalues, 0.0, out=eigenvalues)
    return Spectrum(eigenvalues, components, kept, variance, mean, moments.n, dtype)


def numerical_rank(
    eigenvalues: np.ndarray, dtype: str = "float32", *, rank_tol: float | None = None
) -> int:
    """Number of eigenvalues of a covariance that stand above the rounding of its rows' dtype.

    Parameters
    ----------
    eigenvalues
        (d,) in any order.
    dtype
        The dtype that the rows had.
    rank_tol
        Relative to the largest eigenvalue; None takes eps^2 + 8 eps' + d eps_64, eps being that
        of `dtype` and eps' that of the product (float32, or float64 for float64 rows): 1e-6 for
        float32, 6e-5 for bfloat16.

    Returns
    -------
    int
        Between 0 and d. With the directions at hand `spectrum` is sharper: it knows how much
        each direction's own features vary.

    Raises
    ------
    ValueError
        If an eigenvalue is not finite, or an option is out of range.

    Examples
    --------
    >>> numerical_rank(np.array([2.0, 1.0, 3e-9]))
    2
    >>> numerical_rank(np.array([2.0, 1.0, 3e-9]), "float64")
    3
    """
    eigenvalues = finite("eigenvalues", np.asarray(eigenvalues, dtype=np.float64))
    ndim("eigenvalues", eigenvalues, ("component",))
    if rank_tol is None:
        rounding, product = _tolerances(known_dtype(dtype))
        rank_tol = rounding + product + len(eigenvalues) * _EPS["float64"]
    largest = max(float(eigenvalues.max(initial=0.0)), 0.0)
    return int(np.count_nonzero(eigenvalues > number("rank_tol", rank_tol, low=0.0) * largest))


def null_report(found: Spectrum) -> str:
    """In words: how many directions carry variance, how many do not, and the likely cause.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((50, 4))
    >>> print(null_report(spectrum(Moments(4).update(rows))))
    All 4 directions carry variance (50 float64 rows).
    """
    d, n = len(found.eigenvalues), found.n_samples
    null = d - found.rank
    seen = f"({n} {found.dtype} rows)"
    if null == 0:
        return f"All {d} directions carry variance {seen}."
    lines = [f"{found.rank} of {d} directions carry variance {seen}; {null} null, dropped:"]
    constant = int(constant_features(found.variance, found.mean, found.dtype).sum())
    if constant:
        lines.append(f"{constant} because features are constant.")
    few = max(d - max(constant, 0) - (n - 1), 0)
    if few:
        lines.append(f"{few} because {n} rows span at most {n - 1} directions; take more rows.")
    left = null - constant - few
    if left > 0:
        lines.append(
            f"{left} because features obey a fixed linear relation. A state after a LayerNorm "
            "obeys one, sum((x - beta) / gamma) = 0: its null direction is 1 / gamma."
        )
    return " ".join(lines)


def constant_features(variance: np.ndarray, mean: np.ndarray, dtype: str) -> np.ndarray:
    """(d,) bool, True where a feature varies no more than its own rounding."""
    return variance <= _EPS[dtype] ** 2 * (variance + mean**2)


def _tolerances(dtype: str) -> tuple[float, float]:
    """Relative variance put into a direction by rounding the values, and by the product."""
    product = _EPS["float64" if dtype == "float64" else "float32"]
    return _EPS[dtype] ** 2, 8 * product


def _noise_floor(
    eigenvalues: np.ndarray,
    components: np.ndarray,
    variance: np.ndarray,
    mean: np.ndarray,
    dtype: str,
) -> np.ndarray:
    rounding, product = _tolerances(dtype)
    own = rounding * (mean**2 + variance) + product * variance
    solver = len(eigenvalues) * _EPS["float64"] * max(float(eigenvalues[0]), 0.0)
    return np.einsum("kd,kd,d->k", components, components, own) + solver


def _fix_signs(components: np.ndarray) -> None:
    """Turn each row, in place, so that its largest loading is positive whatever LAPACK chose."""
    rows = np.arange(len(components))
    largest = components[rows, np.abs(components).argmax(axis=1)]
    components *= np.where(largest < 0, -1.0, 1.0)[:, None]
