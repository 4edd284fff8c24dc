"""A Gram matrix as a matrix of low rank and a sparse one (robust PCA)."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import xarray as xr

from .._check import finite, integer, number, one_of, refuse
from .._provenance import provenance
from .._threads import one_thread_if_small
from ..whitening._describe import describe
from ._alm import admm, duality_gap, ialm
from .derivative import PAPER
from .gram import PAIR

# The official value, which goes with d = 512; from there it scales as the theory says, 1/sqrt(d).
_OFFICIAL, _OFFICIAL_DIM = 1 / 60, 512
_WORDING = {
    "low_rank": ("part of low rank", "(image / latent)^2", ""),
    "sparse": ("sparse part", "(image / latent)^2", ""),
    "eigenvalues": ("eigenvalues of the part of low rank", "(image / latent)^2", ""),
    "rank": ("rank of the part of low rank", "1", "[0, d]"),
    "iterations": ("iterations taken", "1", "[1, inf)"),
    "residual": ("what the two parts leave over, as a share of the matrix", "1", "[0, inf)"),
    "gap": ("how far the cost may be above the least, as a share", "1", "[0, 1]"),
}


def robust_pca(
    gram: Any,
    *,
    lam: float | None = None,
    method: str = "ialm",
    tolerance: float = 1e-7,
    settle: float = 2e-2,
    max_iterations: int | None = None,
) -> xr.Dataset:
    """Splits a Gram matrix, M = L + S, with L of low rank and S sparse.

    min ||L||_* + lam ||S||_1 with L + S = M (principal component pursuit, arXiv:0912.3599;
    arXiv:2106.04488, eq. 3).

    Parameters
    ----------
    gram
        (d, d) symmetric: array, tensor or DataArray.
    lam
        Weight of the sparse part. None: sqrt(512) / (60 sqrt(d)), the official 1/60 at d = 512;
        left at 1/60 for a smaller d it makes L vanish.
    method
        ``"ialm"``: inexact augmented Lagrangian (arXiv:1009.5055). ``"admm"``: the official
        settings, a constant penalty numel / (4 x largest column sum of |M|); 10 to 100 times the
        iterations, and its rule to stop does not ask whether the cost is least: see ``gap``.
    tolerance
        Stop at this share of M left over, in Frobenius norm.
    settle
        For ``"ialm"``: the penalty grows when the sparse part moves by at most this share; smaller
        is slower and nearer to the least cost (1e-4: gap about 1e-4), infinity the fastest.
    max_iterations
        None: 10,000 for ``"admm"`` (the official number), 2,000 for ``"ialm"``.

    Returns
    -------
    xarray.Dataset
        ``low_rank, sparse (coordinate, coordinate_other)``; ``eigenvalues (component)`` of L,
        descending; ``rank``, of what exceeds `tolerance` of M; ``iterations, residual``; ``gap``,
        from the solver's dual variable: 0 is certainly the best split. attrs: ``lam``.

    Raises
    ------
    TypeError, ValueError
        If the matrix is not square, symmetric and finite, is all zero, or an option is out of
        range.
    RuntimeError
        If it has not converged after `max_iterations`.

    Notes
    -----
    O(d^3) an iteration; with d = 512 a few seconds on one core.

    Examples
    --------
    >>> gram = np.full((6, 6), 1.0)
    >>> gram[2, 4] = gram[4, 2] = 9.0
    >>> found = robust_pca(gram, lam=0.4)
    >>> int(found["rank"]), float(found.sparse[2, 4].round(4))
    (1, 8.0)
    """
    started = time.perf_counter()
    one_of("method", method, ("ialm", "admm"))
    matrix = read_square("gram", gram)
    dim = len(matrix)
    weight = _OFFICIAL * (_OFFICIAL_DIM / dim) ** 0.5 if lam is None else number("lam", lam)
    if weight <= 0:
        refuse("lam", "be above 0", lam)
    if number("tolerance", tolerance) <= 0:
        refuse("tolerance", "be above 0", tolerance)
    if not settle > 0:
        refuse("settle", "be above 0", settle)
    most = max_iterations if max_iterations is not None else 10_000 if method == "admm" else 2_000
    integer("max_iterations", most, low=1)
    with one_thread_if_small(dim):
        if method == "admm":
            found = admm(matrix, weight, tolerance=tolerance, max_iterations=most)
        else:
            found = ialm(matrix, weight, tolerance=tolerance, settle=settle, max_iterations=most)
        if not found.converged:
            raise RuntimeError(
                f"robust_pca has not converged after {found.iterations} iterations: residual "
                f"{found.residual:.1e}, wanted {tolerance:.1e}. Raise `max_iterations`, or take a "
                "larger `settle`."
            )
        gap = duality_gap(matrix, weight, found)
        values = np.linalg.eigvalsh(found.low_rank)[::-1]
    # Where L vanishes, its rounding must not count as its rank.
    floor = max(tolerance * np.linalg.norm(matrix), dim * np.finfo(float).eps * abs(values).max())
    attrs = provenance(
        "lowrank.robust_pca",
        paper=PAPER,
        parameters={
            "lam": weight,
            "method": method,
            "tolerance": tolerance,
            "settle": settle,
            "max_iterations": most,
        },
        data=[matrix],
        started=started,
    )
    return describe(
        xr.Dataset(
            {
                "low_rank": (PAIR, found.low_rank),
                "sparse": (PAIR, found.sparse),
                "eigenvalues": ("component", values),
                "rank": int((np.abs(values) > floor).sum()),
                "iterations": found.iterations,
                "residual": found.residual,
                "gap": gap,
            },
            attrs=attrs | {"lam": weight},
        ),
        _WORDING,
    )


def read_square(name: str, matrix: Any) -> np.ndarray:
    """A symmetric matrix as (d, d) float64.

    Raises
    ------
    ValueError
        If it is not square, finite and symmetric, or is all zero.
    """
    values = np.asarray(getattr(matrix, "values", matrix), dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:
        refuse(name, "have axes (d, d)", f"shape {values.shape}")
    finite(name, values)
    size = np.abs(values).max()
    if size == 0:
        refuse(name, "have an entry that is not 0", "zeros alone", "Nothing changes there.")
    if np.abs(values - values.T).max() > 1e-6 * size:
        refuse(name, "be symmetric", "an asymmetric matrix", "Take J'J.")
    return (values + values.T) / 2
