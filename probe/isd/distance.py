"""How far the relations among words lie from the relations among regions: the matrix KL."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch

from .._check import one_of, refuse, refuse_type

RENORMALISE = ("sum", "softmax", "none")
# Logarithms are taken of at least this much (the epsilon of the paper's code): causal or masked
# attention holds zeros, and the distance to them is large, not infinite.
FLOOR = 1e-6

Array = TypeVar("Array", np.ndarray, torch.Tensor)


def relation_distance(
    linguistic: Array, visual: Array, *, renormalise: str = "sum", diagonal: bool = True
) -> Array:
    """Symmetric matrix KL divergence of two relation matrices over the same objects, in nats.

    m-KL(A, B) = sum_i KL(A_i || B_i) + KL(B_i || A_i) over the rows (arXiv:2105.13868, eq. 3), in
    the form sum_ij (A_ij - B_ij)(log A_ij - log B_ij): no term is negative, and close matrices
    lose no digits. 0 for equal relations, symmetric, and the same under one permutation of the
    objects of both.

    Parameters
    ----------
    linguistic, visual
        (..., object, object), numpy or torch: how much object i attends to object j, as words and
        as regions. Any scale with ``renormalise="sum"``; at least 0 unless it is ``"softmax"``.
    renormalise
        ``"sum"``: rows are divided by their sums; a row that attends to none of the objects is
        read as even. ``"softmax"``: rows go through a softmax, as in the paper's code, which is
        nearly blind to attention that is small already. ``"none"``: rows as they are. The value
        changes by an order of magnitude between them.
    diagonal
        Whether objects' relations to themselves count; without them at least 3 objects are needed.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        (...), at least 0; numpy in float64, torch in the dtype and on the device given and
        differentiable (single precision at the least).

    Raises
    ------
    TypeError
        If one is no array or tensor, or they are not of one kind.
    ValueError
        If shapes differ or are not square, objects are too few, values are NaN, infinite or
        negative, or `renormalise` is unknown.

    Notes
    -----
    Logarithms are taken of at least 1e-6: a deviation from the paper, whose distance is infinite
    where one matrix is 0 and the other is not.

    Examples
    --------
    >>> words = np.array([[0.75, 0.25], [0.5, 0.5]])
    >>> float(relation_distance(words, words))
    0.0
    >>> round(float(relation_distance(words, np.full((2, 2), 0.5))), 4)  # 0.25 log 3
    0.2747
    """
    one_of("renormalise", renormalise, RENORMALISE)
    if isinstance(linguistic, np.ndarray) and isinstance(visual, np.ndarray):
        first, second = (torch.from_numpy(_wide_array(m)) for m in (linguistic, visual))
        return _checked(first, second, renormalise, diagonal).numpy()
    if isinstance(linguistic, torch.Tensor) and isinstance(visual, torch.Tensor):
        dtype = torch.promote_types(linguistic.dtype, visual.dtype)
        dtype = torch.promote_types(dtype, torch.float32)
        return _checked(linguistic.to(dtype), visual.to(dtype), renormalise, diagonal)
    wrong = visual if isinstance(linguistic, np.ndarray | torch.Tensor) else linguistic
    refuse_type("linguistic and visual", "both be numpy arrays or both torch tensors", wrong)


def _wide_array(matrix: np.ndarray) -> np.ndarray:
    if matrix.dtype.kind not in "biuf":
        refuse_type("linguistic and visual", "hold numbers", matrix)
    return np.ascontiguousarray(matrix, dtype=np.float64)


def _checked(
    linguistic: torch.Tensor, visual: torch.Tensor, renormalise: str, diagonal: bool
) -> torch.Tensor:
    if linguistic.shape != visual.shape:
        got = f"shapes {tuple(linguistic.shape)} and {tuple(visual.shape)}"
        refuse("linguistic and visual", "have one shape (..., object, object)", got)
    if linguistic.ndim < 2 or linguistic.shape[-1] != linguistic.shape[-2]:
        got = f"shape {tuple(linguistic.shape)}"
        refuse("linguistic", "be square over its last axes (..., object, object)", got)
    size, least = linguistic.shape[-1], least_objects(diagonal)
    if size < least:
        refuse("linguistic", f"relate at least {least} objects", size, few_objects(diagonal))
    for name, matrix in (("linguistic", linguistic), ("visual", visual)):
        if not bool(torch.isfinite(matrix).all()):
            refuse(name, "be finite everywhere", "NaN or infinite values")
        if renormalise != "softmax" and bool((matrix < 0).any()):
            refuse(name, "be at least 0", float(matrix.min()))
    pairs = pairs_of(torch.ones(size, dtype=torch.bool, device=linguistic.device), diagonal)
    first, second = (normalised(m, pairs, renormalise) for m in (linguistic, visual))
    return divergence(first, logs(first, pairs), second, logs(second, pairs))


def least_objects(diagonal: bool) -> int:
    """How many objects have relations that can differ at all."""
    return 2 if diagonal else 3


def few_objects(diagonal: bool) -> str:
    """Why fewer are too few."""
    if diagonal:
        return "A single object has no relations."
    return "Without the diagonal a row of two objects is always 1."


def pairs_of(valid: torch.Tensor, diagonal: bool) -> torch.Tensor:
    """(..., object, object) bool: which relations count, of (..., object) bool."""
    both = valid[..., :, None] & valid[..., None, :]
    if diagonal:
        return both
    return both & ~torch.eye(valid.shape[-1], dtype=torch.bool, device=valid.device)


def normalised(matrix: torch.Tensor, pairs: torch.Tensor, renormalise: str) -> torch.Tensor:
    """Rows over the relations that count, 0 elsewhere; `pairs` is broadcast to the matrices."""
    if renormalise == "softmax":
        # Rows in which nothing counts are left alone: a softmax of nothing is NaN.
        out = ~pairs & pairs.any(-1, keepdim=True)
        return matrix.masked_fill(out, -torch.inf).softmax(-1).masked_fill(~pairs, 0)
    kept = matrix * pairs
    if renormalise == "none":
        return kept
    total = kept.sum(-1, keepdim=True)
    nothing = total <= 0
    # In place, here and below: fresh memory costs more than the sums.
    rows = kept.div_(total.masked_fill(nothing, 1))
    if not bool((nothing & pairs.any(-1, keepdim=True)).any()):
        return rows
    even = pairs.to(kept.dtype) / pairs.sum(-1, keepdim=True).clamp_min(1)
    return torch.where(nothing, even, rows)


def logs(rows: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
    """Logarithms of the relations that count, 0 elsewhere."""
    return rows.clamp_min(FLOOR).log_().mul_(pairs)


def divergence(
    first: torch.Tensor, first_log: torch.Tensor, second: torch.Tensor, second_log: torch.Tensor
) -> torch.Tensor:
    """(...) of (..., object, object): sum_ij (A_ij - B_ij)(log A_ij - log B_ij)."""
    return torch.linalg.vecdot((first - second).flatten(-2), (first_log - second_log).flatten(-2))


def relation_entropy(rows: torch.Tensor, pairs: torch.Tensor) -> Any:
    """(...) mean entropy of the rows over that of even rows: 1 is even, 0 looks at one object."""
    even = normalised(rows, pairs, "sum")
    terms = (even * even.clamp_min(torch.finfo(even.dtype).tiny).log()).sum(-1)
    width = pairs.sum(-1).clamp_min(2).to(even.dtype)  # rows that are left out are 0 anyhow
    present = pairs.any(-1)
    return -(terms / width.log()).sum(-1) / present.sum(-1).clamp_min(1)
