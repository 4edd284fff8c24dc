"""The mean and second moments of one batch of rows, and what kinds of rows there are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._check import refuse, refuse_type

DTYPES = ("float16", "bfloat16", "float32", "float64")

# Large enough that the product dominates, small enough to stay far below the data's size.
CHUNK_BYTES = 8 * 2**20
# A float32 sum over more rows than this would lose digits that the merge in float64 keeps.
_CHUNK_ROWS = 2730
# Multiply-adds done in float64 before narrower products begin: about 0.05 s of one core.
_WIDE_WORK = 2 * 10**9
# Sums of squares below this lose digits to float32's denormal numbers.
_SMALL_SQUARE = 1e-28

# Count n, mean (d,) and centred second moments (d, d) of some rows.
Parts = tuple[int, Any, Any]


def kind_of(name: str, batch: Any) -> tuple[str, str]:
    """The dtype's and the device's name of a floating-point array or tensor.

    Raises
    ------
    TypeError
        If it is neither, or its numbers are not floating-point.

    Examples
    --------
    >>> kind_of("batch", np.zeros((2, 3), dtype=np.float32))
    ('float32', 'cpu')
    """
    if isinstance(batch, np.ndarray):
        dtype, device = batch.dtype.name, "cpu"
    elif is_tensor(batch):
        dtype, device = str(batch.dtype).removeprefix("torch."), str(batch.device)
    else:
        refuse_type(name, "be a numpy array or a torch tensor", batch)
    if dtype not in DTYPES:
        raise TypeError(f"`{name}` must hold one of {', '.join(DTYPES)}; got {dtype}.")
    return dtype, device


def is_tensor(value: Any) -> bool:
    """Whether `value` is a torch tensor, without importing torch to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def known_dtype(dtype: str) -> str:
    if dtype not in DTYPES:
        refuse("dtype", f"be one of {', '.join(DTYPES)}", repr(dtype))
    return dtype


def as_numpy(values: Any) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def merged(a: Parts, b: Parts) -> Parts:
    """The moments of the rows of both; a's arrays are written over."""
    (n_a, mean_a, m2_a), (n_b, mean_b, m2_b) = a, b
    n = n_a + n_b
    delta = mean_b - mean_a
    m2_a += m2_b
    scaled = delta * (n_a * n_b / n) ** 0.5
    m2_a += scaled[:, None] * scaled
    mean_a += delta * (n_b / n)
    return n, mean_a, m2_a


def rows_moments(batch: Any, *, on_device: bool, wide: int = 0) -> Parts | None:
    """Count, mean and centred second moments of the rows of a batch; None if it has none.

    The first `wide` rows are multiplied in float64 whatever their dtype.

    Raises
    ------
    ValueError
        If the rows hold NaN or infinity.
    """
    work = _on_device if on_device else _Workspace(batch.shape[1])
    total = None
    for start, rows in _chunks(batch, on_device=on_device, wide=wide):
        part = work(rows, start)
        total = part if total is None else merged(total, part)
    return total


def wide_rows(dim: int, seen: int) -> int:
    """How many of the next rows to multiply in float64, `seen` rows having gone before.

    One float32 product is off by up to 2e-7 of the covariance, many of them average out. So the
    first products, which may stay the only ones, are in float64, up to a fixed small cost.
    """
    return max(0, _WIDE_WORK // dim**2 - seen)


def _chunks(batch: Any, *, on_device: bool, wide: int) -> Iterator[tuple[int, Any]]:
    """First row and rows of each chunk, in the dtype of its product, without copying the whole."""
    if is_tensor(batch):
        batch = batch.detach()
    dtype, _ = kind_of("batch", batch)
    start = 0
    while start < len(batch):
        double = dtype == "float64" or on_device or start < wide
        size = max(1, CHUNK_BYTES // ((8 if double else 4) * batch.shape[1]))
        if not on_device:
            size = min(size, _CHUNK_ROWS)
        rows = batch[start : start + size]
        if on_device:
            rows = rows.double()
        else:
            if is_tensor(rows):
                # numpy knows no bfloat16, and float32 holds both half precisions exactly.
                rows = (rows.cpu().float() if rows.itemsize == 2 else rows.cpu()).numpy()
            if double or dtype == "float16":
                rows = rows.astype(np.float64 if double else np.float32, copy=False)
        yield start, rows
        start += len(rows)


class _Workspace:
    """The moments of one chunk on the CPU; its scratch arrays serve all chunks of a batch."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.centred = np.empty((0, dim))

    def __call__(self, rows: np.ndarray, start: int) -> Parts:
        with np.errstate(over="ignore", invalid="ignore"):
            part = self._parts(rows)
        if part is None:
            # Either a value is not finite, or float32 cannot hold its square: float64 can.
            _finite_rows(rows, start)
            with np.errstate(over="ignore", invalid="ignore"):
                part = self._parts(rows.astype(np.float64), last=True)
            if part is None:
                refuse("batch", "have squares that float64 can hold", "values above 1e150")
        return part

    def _parts(self, rows: np.ndarray, *, last: bool = False) -> Parts | None:
        """The moments of some rows, or None where the dtype is too narrow for their squares."""
        k, dtype = len(rows), rows.dtype.newbyteorder("=")
        if self.centred.dtype != dtype or len(self.centred) < k:
            self.centred = np.empty((k, self.dim), dtype)
        ones = np.ones(k, dtype)
        shift = (ones @ rows) / dtype.type(k)
        centred = np.subtract(rows, shift, out=self.centred[:k])
        # The rounding of `shift` leaves this behind; without it the mean is off by an ulp of it.
        residual = (ones @ centred).astype(np.float64)
        # One operand twice, transposed: numpy hands this to syrk, half the work of a product.
        squares = centred.T @ centred
        top = float(squares.diagonal().max())
        too_small = top < k * _SMALL_SQUARE and not last
        if not np.isfinite(top) or too_small or not np.isfinite(residual).all():
            return None
        m2 = squares.astype(np.float64)
        residual /= k**0.5
        m2 -= residual[:, None] * residual
        return k, shift.astype(np.float64) + residual / k**0.5, m2


def _on_device(rows: Any, start: int) -> Parts:
    """The moments of one chunk where it lies; `rows` is a float64 tensor.

    float64 all through: a float32 product would fall to TF32 or, under autocast, to half.
    """
    mean = rows.mean(dim=0)
    if not bool(mean.isfinite().all()):
        _finite_rows(rows.cpu().numpy(), start)
    centred = rows - mean
    return len(rows), mean, centred.T @ centred


def _finite_rows(rows: np.ndarray, start: int) -> None:
    ok = np.isfinite(rows)
    if not ok.all():
        bad = int(ok.size - np.count_nonzero(ok))
        row, feature = (int(i) for i in np.argwhere(~ok)[0])
        refuse(
            "batch",
            "be finite everywhere",
            f"{bad} NaN or infinite values near the first at index {(start + row, feature)}",
            "Drop or repair those rows first.",
        )
