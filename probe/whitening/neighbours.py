"""Nearest neighbours by cosine, without an n x n matrix."""

from __future__ import annotations

import numpy as np

from .._check import integer, ndim, refuse


def unit_rows(rows: np.ndarray, *, name: str = "rows") -> np.ndarray:
    """The rows divided by their Euclidean norms.

    Parameters
    ----------
    rows
        (n, d), floating.
    name
        What an error calls them.

    Returns
    -------
    np.ndarray
        (n, d) in the dtype of `rows`.

    Raises
    ------
    ValueError
        If a row is zero (its direction, and every cosine with it, is undefined) or not finite.

    Examples
    --------
    >>> unit_rows(np.array([[3.0, 4.0]])).tolist()
    [[0.6, 0.8]]
    """
    ndim(name, rows, ("example", "feature"))
    # Scaled first: squares of float16-sized or huge numbers would leave the range of float32.
    peak = np.abs(rows).max(axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(peak[:, 0]) & (peak[:, 0] > 0)))
    if len(bad):
        refuse(
            name,
            "be finite and hold no zero vector, whose cosines are undefined",
            f"{len(bad)} such rows, the first at index {int(bad[0])}",
            "Drop those rows, or do not centre rows that are all equal.",
        )
    scaled = rows / peak
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True)


def nearest(unit: np.ndarray, k: int, *, memory: int = 2**26) -> tuple[np.ndarray, np.ndarray]:
    """The k rows of largest cosine with each row, itself left out.

    Parameters
    ----------
    unit
        (n, d) rows of norm 1.
    k
        Neighbours a row, 1..n-1.
    memory
        Bytes that one block of similarities may take.

    Returns
    -------
    tuple
        ``(index (n, k) int32, cosine (n, k) in the dtype of unit)``, nearest first; equal
        cosines in order of index. Exact. O(n^2 d) time, O(memory) space.

    Raises
    ------
    ValueError
        If `k` is not in 1..n-1.

    Examples
    --------
    >>> index, cosine = nearest(np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]), 1)
    >>> index[:, 0].tolist(), cosine[:, 0].tolist()
    ([1, 2, 1], [0.6, 0.8, 0.8])
    """
    n = len(unit)
    integer("k", k, low=1, high=n - 1)
    index = np.empty((n, k), dtype=np.int32)
    cosine = np.empty((n, k), dtype=unit.dtype)
    step = max(1, memory // (n * unit.itemsize))
    for start in range(0, n, step):
        rows = np.arange(start, min(start + step, n))
        similar = unit[rows] @ unit.T
        similar[np.arange(len(rows)), rows] = -np.inf
        top = np.sort(np.argpartition(similar, n - k, axis=1)[:, n - k :], axis=1)
        near = np.take_along_axis(similar, top, axis=1)
        # The candidates are in order of index, so a stable sort settles ties by index.
        order = np.argsort(-near, axis=1, kind="stable")
        index[rows] = np.take_along_axis(top, order, axis=1)
        cosine[rows] = np.take_along_axis(near, order, axis=1)
    return index, np.clip(cosine, -1.0, 1.0)
