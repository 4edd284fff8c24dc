"""Affine maps of rows: arrays or tensors in, the same kind out, summed in float64."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from .._rows import CHUNK_BYTES, is_tensor
from .spectrum import Spectrum

if TYPE_CHECKING:
    import torch

    Rows: TypeAlias = np.ndarray | torch.Tensor

# (in, out), or (in,) for a diagonal matrix, or None for the identity.
Matrix: TypeAlias = np.ndarray | None
Form: TypeAlias = Literal["centre", "scale", "project", "restore", "remove"]


@dataclass(frozen=True)
class Affine:
    """The map x -> (x - mean) A of rows x, and its inverse where A has one.

    With the rows of `directions` (k, d) in V and `scale` in s, A is: "centre" 1, "scale" diag(s),
    "project" V' diag(s), "restore" V' diag(s) V, "remove" 1 - V' V.
    """

    form: Form
    mean: np.ndarray
    directions: np.ndarray | None = None
    scale: np.ndarray | None = None
    found: Spectrum | None = None
    shrinkage: float = 0.0

    @property
    def n_out(self) -> int:
        """Number of output features."""
        if self.form == "project" and self.directions is not None:
            return len(self.directions)
        return len(self.mean)

    @cached_property
    def forward(self) -> Matrix:
        """The matrix A."""
        if self.form == "remove" and self.directions is not None:
            return np.eye(len(self.mean)) - self.directions.T @ self.directions
        return self._matrix(self.scale)

    @cached_property
    def backward(self) -> Matrix:
        """The inverse of A on what A keeps."""
        if self.form == "remove" or self.scale is None:
            return None
        inverse = self._matrix(1.0 / self.scale)
        return inverse.T if self.form == "project" and inverse is not None else inverse

    def _matrix(self, scale: np.ndarray | None) -> Matrix:
        if self.directions is None or scale is None:
            return scale
        scaled = self.directions.T * scale
        return scaled @ self.directions if self.form == "restore" else scaled


def mapped(
    rows: Any, matrix: Matrix, *, before: np.ndarray | None = None, after: np.ndarray | None = None
) -> Any:
    """(rows - before) matrix + after, in the kind, dtype and place of `rows`.

    A chunk of rows at a time is held in float64; tensors keep their graph.
    """
    width = rows.shape[1] if matrix is None else matrix.shape[-1]
    size = max(1, CHUNK_BYTES // (8 * max(width, rows.shape[1])))
    if is_tensor(rows):
        return _mapped_tensor(rows, matrix, before, after, size)
    out = np.empty((len(rows), width), dtype=rows.dtype)
    for start in range(0, len(rows), size):
        chunk = rows[start : start + size].astype(np.float64)
        if before is not None:
            chunk -= before
        if matrix is not None:
            chunk = chunk @ matrix if matrix.ndim == 2 else chunk * matrix
        if after is not None:
            chunk += after
        out[start : start + size] = chunk
    return out


def _mapped_tensor(rows: Any, matrix: Matrix, before: Any, after: Any, size: int) -> Any:
    import torch

    # Apple's device has no float64: its rows are mapped on the CPU and sent back.
    device = rows.device if rows.device.type == "cuda" else torch.device("cpu")
    parts = [
        None if each is None else torch.from_numpy(np.ascontiguousarray(each)).to(device)
        for each in (matrix, before, after)
    ]
    factor, minus, plus = parts
    done = []
    for chunk in rows.split(size) if len(rows) else [rows]:
        moved = chunk.to(device).double()
        if minus is not None:
            moved = moved - minus
        if factor is not None:
            moved = moved @ factor if factor.ndim == 2 else moved * factor
        if plus is not None:
            moved = moved + plus
        done.append(moved.to(device=rows.device, dtype=rows.dtype))
    return torch.cat(done)
