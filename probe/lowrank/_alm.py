"""Two solvers of principal component pursuit, min ||L||_* + lam ||S||_1 with L + S = M."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg

# Growth of the penalty and its first value over 1/||M||_2 (Lin et al., arXiv:1009.5055, section 5).
_GROWTH, _FIRST = 1.5, 1.25


class Solution(NamedTuple):
    """A split, how it was reached, and the dual variable that certifies it."""

    low_rank: np.ndarray
    sparse: np.ndarray
    dual: np.ndarray
    iterations: int
    residual: float
    converged: bool


def admm(gram: np.ndarray, lam: float, *, tolerance: float, max_iterations: int) -> Solution:
    """The official settings: a constant penalty, stopped when L + S = M alone.

    mu = numel(M) / (4 ||M||_1), ||.||_1 the largest column sum of magnitudes.
    """
    mu = gram.size / (4 * np.abs(gram).sum(0).max())
    low, sparse, dual = np.zeros_like(gram), np.zeros_like(gram), np.zeros_like(gram)
    norm, residual, step = np.linalg.norm(gram), np.inf, 0
    while step < max_iterations:
        step += 1
        low = _thresholded(gram - sparse + dual / mu, 1 / mu)
        sparse = _shrunk(gram - low + dual / mu, lam / mu)
        left = gram - low - sparse
        dual = dual + mu * left
        residual = float(np.linalg.norm(left) / norm)
        if residual <= tolerance:
            break
    return Solution(low, sparse, dual, step, residual, residual <= tolerance)


def ialm(
    gram: np.ndarray, lam: float, *, tolerance: float, settle: float, max_iterations: int
) -> Solution:
    """Inexact augmented Lagrangian (arXiv:1009.5055, algorithm 5) with part of the eigenvalues.

    The penalty grows by half whenever the sparse part has settled: its change times mu is at most
    `settle` of the dual's norm.
    """
    spectral = float(np.linalg.norm(gram, 2))
    mu = _FIRST / spectral
    dual = gram / max(spectral, np.abs(gram).max() / lam)
    low, sparse = np.zeros_like(gram), np.zeros_like(gram)
    norm, residual, step = np.linalg.norm(gram), np.inf, 0
    while step < max_iterations:
        step += 1
        shifted = dual / mu
        shifted += gram
        low = _thresholded(shifted - sparse, 1 / mu)
        before = sparse
        sparse = _shrunk(shifted - low, lam / mu)
        left = gram - low - sparse
        dual = dual + mu * left
        residual = float(np.linalg.norm(left) / norm)
        settled = mu * np.linalg.norm(sparse - before) <= settle * np.linalg.norm(dual)
        # L + S = M alone may hold after one step, far from the least cost.
        if residual <= tolerance and settled:
            return Solution(low, sparse, dual, step, residual, True)
        if settled:
            mu *= _GROWTH
    return Solution(low, sparse, dual, step, residual, False)


def duality_gap(gram: np.ndarray, lam: float, found: Solution) -> float:
    """How far the split's cost may be above the least, as a share of it.

    Any Y with ||Y||_2 <= 1 and |Y| <= lam bounds the cost below by <Y, M>; the solver's dual is
    scaled until it is one.
    """
    sparse = gram - found.low_rank
    cost = np.abs(np.linalg.eigvalsh(found.low_rank)).sum() + lam * np.abs(sparse).sum()
    scale = max(np.linalg.norm(found.dual, 2), np.abs(found.dual).max() / lam)
    bound = float((found.dual * gram).sum() / scale) if scale > 0 else 0.0
    return float(max(cost - bound, 0.0) / cost)


def _thresholded(matrix: np.ndarray, by: float) -> np.ndarray:
    """The symmetric matrix with every eigenvalue moved towards 0 by `by`.

    Only eigenvalues above `by` are found, which takes half the time of all; a Cholesky factor
    tells first that none lies below -`by`.
    """
    matrix = (matrix + matrix.T) / 2
    lifted = matrix.copy()
    lifted[np.diag_indices_from(lifted)] += by
    try:
        linalg.cholesky(lifted, check_finite=False, overwrite_a=True)
        values, vectors = linalg.eigh(
            matrix, subset_by_value=(by, np.inf), driver="evr", check_finite=False
        )
    except linalg.LinAlgError:
        values, vectors = linalg.eigh(matrix, check_finite=False)
    return (vectors * _shrunk(values, by)) @ vectors.T


def _shrunk(values: np.ndarray, by: float) -> np.ndarray:
    """Every entry moved towards 0 by `by`, stopping there."""
    return values - np.clip(values, -by, by)
