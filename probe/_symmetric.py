"""A symmetric matrix that sums are added to, kept as the blocks on and above its diagonal."""

from __future__ import annotations

from typing import Any

import numpy as np

_HEIGHT = 128


class SymmetricSum:
    """A (d, d) float64 sum of symmetric matrices in little more than half the room.

    Parameters
    ----------
    dim
        d.
    zeros
        Makes its blocks from their shape; they may be tensors on a device.

    Examples
    --------
    >>> total = SymmetricSum(2)
    >>> total.add(np.array([[1.0, 2.0], [2.0, 3.0]]))
    >>> total.add_outer(np.array([1.0, 2.0]), -1.0)
    >>> total.full()
    array([[ 0.,  0.],
           [ 0., -1.]])
    """

    def __init__(self, dim: int, zeros: Any = np.zeros) -> None:
        self.dim = dim
        # Block i holds rows [start, start + height) from their diagonal on.
        self.blocks = [
            (start, zeros((min(_HEIGHT, dim - start), dim - start)))
            for start in range(0, dim, _HEIGHT)
        ]

    def add(self, square: Any) -> None:
        """Add a symmetric (d, d) matrix, of which the part below the diagonal is not read."""
        for start, block in self.blocks:
            block += square[start : start + _HEIGHT, start:]

    def add_outer(self, vector: Any, factor: float) -> None:
        """Add factor * v v' for a vector v (d,)."""
        scaled = vector * abs(factor) ** 0.5
        for start, block in self.blocks:
            outer = scaled[start : start + _HEIGHT, None] * scaled[start:]
            if factor > 0:
                block += outer
            else:
                block -= outer

    def full(self) -> np.ndarray:
        """The whole (d, d) matrix, a fresh array; exactly symmetric if all that was added is."""
        whole = np.empty((self.dim, self.dim))
        for start, block in self.blocks:
            rows = block if isinstance(block, np.ndarray) else block.cpu().numpy()
            whole[start:, start : start + _HEIGHT] = rows.T
            whole[start : start + _HEIGHT, start:] = rows
        return whole
