"""The mean and second moments of one batch of rows, and what kinds of rows there are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._check import refuse, refuse_type
from ._symmetric import SymmetricSum

DTYPES = ("float16", "bfloat16", "float32", "float64")

# Large enough that the product dominates, small enough to stay far below the data's size.
CHUNK_BYTES = 9 * 2**20
# A float32 sum over more rows than this would lose digits that the merge in float64 keeps.
_CHUNK_ROWS = 3072
# Multiply-adds done in float64 before narrower products begin: a few milliseconds.
_WIDE_WORK = 2 * 10**8
# Mean squares below this lose digits to float32's denormal numbers.
_SMALL = 1e-28
# Squares of values above this may not fit into float64.
_LARGE = 1e140


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


def keeps_place(device: str) -> bool:
    """Whether rows on this device are summed there; others come to the CPU (not all know float64).

    Examples
    --------
    >>> keeps_place("cuda:0"), keeps_place("mps")
    (True, False)
    """
    return device.startswith("cuda")


def known_dtype(dtype: str) -> str:
    if dtype not in DTYPES:
        refuse("dtype", f"be one of {', '.join(DTYPES)}", repr(dtype))
    return dtype


def as_numpy(values: Any) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def batch_centre(batch: Any) -> Any:
    """(d,) float64 mean of the rows of a batch to the rounding of its dtype; nothing is changed.

    Raises
    ------
    ValueError
        If the rows hold NaN or infinity, or values whose squares float64 cannot hold.
    """
    total: Any = 0.0
    start = 0
    for rows in _chunks(batch):
        if not isinstance(rows, np.ndarray):
            part = rows.sum(dim=0)
            fine = bool(part.isfinite().all()) and float(rows.abs().max()) < _LARGE
        else:
            # A product with ones runs at the speed of memory; numpy's sum over rows does not.
            with np.errstate(over="ignore", invalid="ignore"):
                part = (np.ones(len(rows), rows.dtype) @ rows).astype(np.float64)
            fine = bool(np.isfinite(part).all())
            if rows.dtype == np.float64:
                fine = fine and max(float(rows.max()), -float(rows.min())) < _LARGE
        if not fine:
            exact = as_numpy(rows)
            _finite_rows(exact, start)
            if np.abs(exact).max() >= _LARGE:
                refuse("batch", f"hold values below {_LARGE:g}", np.abs(exact).max())
            # Only the sum did not fit into float32.
            part = exact.sum(axis=0, dtype=np.float64)
        total = total + part
        start += len(rows)
    return total / len(batch)


def add_squares(batch: Any, m2: SymmetricSum, centre: Any, *, wide: int = 0) -> Any:
    """Add the centred second moments of a batch's rows to `m2`; give their mean.

    Parameters
    ----------
    batch
        (k, d) finite rows, k > 0.
    m2
        (d, d), where the rows are summed.
    centre
        From `batch_centre`; its own rounding is corrected for.
    wide
        This many rows are multiplied in float64 whatever their dtype.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        (d,) float64 mean.
    """
    if isinstance(centre, np.ndarray) and kind_of("batch", batch)[0] != "float64":
        # One centre for all chunks, whichever precision they are multiplied in.
        centre = centre.astype(np.float32).astype(np.float64)
    scratch = np.empty((0, batch.shape[1]))
    residual: Any = 0.0
    start = 0
    for rows in _chunks(batch, wide=wide):
        if not isinstance(rows, np.ndarray):
            # float64: a float32 product would fall to TF32 or, under autocast, to half.
            centred = rows - centre
            m2.add(centred.T @ centred)
            residual = residual + centred.sum(dim=0)
            continue
        dtype = np.float64 if start < wide else rows.dtype
        if scratch.dtype != dtype or len(scratch) < len(rows):
            del scratch
            scratch = np.empty(rows.shape, dtype)
        squares, left = _squares(rows, centre, scratch[: len(rows)])
        if squares is None:
            squares, left = _squares(rows, centre, np.empty(rows.shape))
        m2.add(squares)
        # Not kept beside the next one.
        del squares
        residual = residual + left
        start += len(rows)
    # The rounding of the centre leaves this behind; without it the mean is off by an ulp of it.
    del scratch
    m2.add_outer(residual, -1.0 / len(batch))
    return centre + residual / len(batch)


def wide_rows(dim: int, seen: int) -> int:
    """How many of the next rows to multiply in float64, `seen` rows having gone before.

    One float32 product is off by up to 2e-7 of the covariance, many of them average out. So the
    first products, which may stay the only ones, are in float64, up to a fixed small cost.
    """
    return max(0, _WIDE_WORK // dim**2 - seen)


def _chunks(batch: Any, *, wide: int = 0) -> Iterator[Any]:
    """The rows of a batch in the dtype of their product, a chunk at a time.

    They come as arrays, or as float64 tensors where they live on a CUDA device.
    """
    if is_tensor(batch):
        batch = batch.detach()
    dtype, device = kind_of("batch", batch)
    on_device = keeps_place(device)
    width = 8 if dtype == "float64" or on_device else 4
    start = 0
    while start < len(batch):
        # What is multiplied wider than it is needs more room beside it.
        size = max(1, CHUNK_BYTES // ((16 if start < wide else width) * batch.shape[1]))
        if not on_device:
            size = min(size, _CHUNK_ROWS, wide - start if start < wide else _CHUNK_ROWS)
        # Equal parts rather than a short last one, where the product would be slow.
        left = len(batch) - start
        rows = batch[start : start + -(-left // -(-left // size))]
        if on_device:
            yield rows.double()
        elif is_tensor(rows):
            # numpy knows no bfloat16, and float32 holds both half precisions exactly.
            yield (rows.cpu().float() if rows.itemsize == 2 else rows.cpu()).numpy()
        else:
            yield rows.astype(np.float32) if dtype == "float16" else rows
        start += len(rows)


def _squares(rows: np.ndarray, centre: np.ndarray, scratch: np.ndarray) -> tuple[Any, np.ndarray]:
    """(d, d) products and (d,) sums of rows about a centre; None where float32 is too narrow."""
    with np.errstate(over="ignore", invalid="ignore"):
        centred = np.subtract(rows, centre.astype(scratch.dtype), out=scratch)
        left = (np.ones(len(rows), scratch.dtype) @ centred).astype(np.float64)
        # One operand twice, transposed: numpy hands this to syrk, half the work of a product.
        squares = centred.T @ centred
    top = float(squares.diagonal().max())
    if scratch.dtype == np.float32 and not len(rows) * _SMALL < top < np.inf:
        return None, left
    return squares, left


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
