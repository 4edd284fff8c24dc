"""All that the closed forms need of one layer's rows: sums that add up over any shards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._check import refuse
from ..moments import Moments

# Rows are worked off in blocks of about this many numbers (8 MiB of float64).
_BLOCK = 2**20


@dataclass(frozen=True)
class LayerSums:
    """Sums over n rows x of width d, with y = x - mean and u = x / ||x||.

    Attributes
    ----------
    moments : Moments
        n, mean and second moments.
    unit_sum : numpy.ndarray
        (d,) sum of u.
    unit_square : numpy.ndarray
        (d,) sum of u_j^2, each dimension apart.
    cubic : numpy.ndarray
        (d,) sum of ||y||^2 y.
    quartic : float
        Sum of ||y||^4. These last two carry the kurtosis that finite-sample bias depends on.
    """

    moments: Moments
    unit_sum: np.ndarray
    unit_square: np.ndarray
    cubic: np.ndarray
    quartic: float

    @classmethod
    def of(cls, rows: np.ndarray, *, name: str = "rows") -> LayerSums:
        """The sums of rows (n, d), n >= 1.

        Raises
        ------
        ValueError
            If a row is zero: it has no direction, so no cosine.
        """
        n, d = rows.shape
        moments = Moments(d).update(rows)
        mean = moments.mean
        unit_sum, unit_square, cubic = np.zeros((3, d))
        quartic = 0.0
        step = max(1, _BLOCK // d)
        for start in range(0, n, step):
            block = rows[start : start + step].astype(np.float64)
            unit = block / _norms(block, start, name)
            unit_sum += unit.sum(axis=0)
            unit_square += np.einsum("ij,ij->j", unit, unit)
            block -= mean
            squared = np.einsum("ij,ij->i", block, block)
            cubic += squared @ block
            quartic += float(squared @ squared)
        return cls(moments, unit_sum, unit_square, cubic, quartic)

    def merge(self, other: LayerSums) -> LayerSums:
        """The sums of the rows of both; neither is changed."""
        moments = copied(self.moments).merge(other.moments)
        mean = moments.mean
        cubic, quartic = self._around(mean)
        more_cubic, more_quartic = other._around(mean)
        return LayerSums(
            moments,
            self.unit_sum + other.unit_sum,
            self.unit_square + other.unit_square,
            cubic + more_cubic,
            quartic + more_quartic,
        )

    def _around(self, centre: np.ndarray) -> tuple[np.ndarray, float]:
        """Sums of ||y||^2 y and ||y||^4 with y = x - centre in place of x - mean."""
        n, m2 = self.moments.n, self.moments.M2
        delta = centre - self.moments.mean
        far, trace = float(delta @ delta), float(np.trace(m2))
        pull = m2 @ delta
        # ||y - delta||^2 = ||y||^2 - 2 delta'y + ||delta||^2, and the y sum to zero.
        cubic = self.cubic - trace * delta - 2 * pull - n * far * delta
        quartic = (
            self.quartic
            + 4 * float(delta @ pull)
            + n * far**2
            - 4 * float(delta @ self.cubic)
            + 2 * far * trace
        )
        return cubic, quartic

    def pack(self) -> dict[str, np.ndarray]:
        """The sums as named arrays."""
        return {
            "n": np.array(self.moments.n),
            "mean": self.moments.mean,
            "M2": self.moments.M2,
            "unit_sum": self.unit_sum,
            "unit_square": self.unit_square,
            "cubic": self.cubic,
            "quartic": np.array(self.quartic),
        }

    @classmethod
    def unpack(cls, arrays: dict[str, Any]) -> LayerSums:
        """The sums that `pack` wrote."""
        moments = Moments.from_arrays(int(arrays["n"]), arrays["mean"], arrays["M2"])
        unit_sum, unit_square, cubic = (arrays[k] for k in ("unit_sum", "unit_square", "cubic"))
        return cls(moments, unit_sum, unit_square, cubic, float(arrays["quartic"]))


def copied(moments: Moments) -> Moments:
    """The same moments in arrays of their own, since merging writes into the left one."""
    return Moments.from_arrays(moments.n, moments.mean, moments.M2, dtype=moments.dtype)


def _norms(block: np.ndarray, start: int, name: str) -> np.ndarray:
    norms = np.linalg.norm(block, axis=1, keepdims=True)
    zero = np.flatnonzero(norms[:, 0] == 0)
    if len(zero):
        refuse(
            name,
            "hold no zero row, since its cosines are undefined",
            f"{len(zero)} of them, the first at index {start + int(zero[0])}",
            "Drop those rows.",
        )
    return norms
