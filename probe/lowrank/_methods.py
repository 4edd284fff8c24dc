"""Three ways from two Gram matrices to the directions that change the region alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg

from .._check import refuse
from .decomposition import robust_pca

# The region's principal space holds this share of its mean square change.
_PRINCIPAL = 0.99
# Below this norm a projection is rounding, and has no direction.
_NOTHING = 1e-9


class Candidates(NamedTuple):
    """Unit directions in order of merit, what they were ranked by, and what they keep."""

    vectors: np.ndarray
    score: np.ndarray
    kept_norm: np.ndarray
    rank: int | None
    reason: str


def generalised(inside: np.ndarray, outside: np.ndarray, ridge: float) -> Candidates:
    """Eigenvectors of inside v = s (outside + ridge mean I) v, mean the mean eigenvalue outside."""
    dim = len(inside)
    floor = ridge * np.trace(outside) / dim
    if floor <= 0:  # nothing changes outside: every direction of the region is as local
        floor = ridge * np.trace(inside) / dim
    score, vectors = linalg.eigh(inside, outside + floor * np.eye(dim))
    vectors = (vectors / np.linalg.norm(vectors, axis=0)).T[::-1]
    return Candidates(vectors, score[::-1], in_principal(vectors, inside), None, "")


def null_space(inside: np.ndarray, outside: np.ndarray, tolerance: float) -> Candidates:
    """Directions of most change inside among those that change the rest by next to nothing."""
    values, vectors = np.linalg.eigh(outside)
    basis = vectors[:, values <= tolerance * values[-1]]
    if not basis.shape[1]:
        hint = "Raise it, or take method='generalised'."
        least = max(values[0], 0.0) / values[-1]
        refuse("tolerance", f"leave a null space (be at least {1.01 * least:.3g})", tolerance, hint)
    score, turned = np.linalg.eigh(basis.T @ inside @ basis)
    found = (basis @ turned).T[::-1]
    return Candidates(found, score[::-1], in_principal(found, inside), None, "")


def projected(
    inside: np.ndarray, outside: np.ndarray, lam: float | None, rank: int | None
) -> Candidates:
    """The paper's: B B'v, v principal in the region, B the null space of the rest."""
    region, rest = robust_pca(inside, lam=lam), robust_pca(outside, lam=lam)
    r_in, r_out = int(region["rank"]), int(rest["rank"])
    dim = len(inside)
    used = region.attrs["lam"]
    if r_in == 0 or r_out == dim:
        got = f"{used:.3g}, which leaves rank {r_in} inside and {r_out} of {dim} outside"
        hint = "A larger `lam` raises the ranks, a smaller one lowers them."
        refuse("lam", "give a principal space inside and a null space outside", got, hint)
    count = r_in if rank is None else rank
    if count > r_in:
        hint = "Ask for fewer directions, or raise `lam`."
        refuse("rank", f"be at most {r_in}, the rank of the region's part", rank, hint)
    values, vectors = np.linalg.eigh(region.low_rank.values)
    order = np.argsort(-np.abs(values))[:count]
    null = _leading(rest.low_rank.values, dim)[:, r_out:]
    kept = null @ (null.T @ vectors[:, order])
    norms = np.linalg.norm(kept, axis=0)
    if norms.min() <= _NOTHING:
        got = f"{int((norms <= _NOTHING).sum())} that the projection removes"
        hint = "The rest changes along with all of them: enlarge the region."
        refuse("region", "have directions outside the rest's space", got, hint)
    reason = f"rank of the region's part of low rank, {r_in}, with lam = {used:.3g}"
    return Candidates((kept / norms).T, np.abs(values[order]), norms, count, reason)


def _leading(matrix: np.ndarray, count: int) -> np.ndarray:
    """Eigenvectors (d, count) of a symmetric matrix by falling magnitude of the eigenvalue."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors[:, np.argsort(-np.abs(values), kind="stable")[:count]]


def in_principal(vectors: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Norm of each unit vector's part in the region's principal space."""
    values, space = np.linalg.eigh(inside)
    share = np.cumsum(values[::-1]) / values.sum()
    count = int(np.searchsorted(share, _PRINCIPAL)) + 1
    return np.linalg.norm(vectors @ space[:, ::-1][:, :count], axis=1)
