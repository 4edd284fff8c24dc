"""Euclidean neighbours of distinct rows, and what is left of them when some rows go."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._check import finite, ndim, refuse

# Squared distances are held in blocks of about this many numbers (32 MiB of float64).
_BLOCK = 2**22
# Rows this near, relative to the root mean square distance to the mean, are the same: float32
# states of one text differ by about this much with the batch that it was padded in.
SAME = 1e-6
# Groups of rows that a jackknife leaves out in turn.
GROUPS = 20


def distinct_rows(rows: np.ndarray) -> np.ndarray:
    """The rows without those that lie within 1e-6 of an earlier one, relative to their spread.

    Parameters
    ----------
    rows
        (n, d) float64.

    Returns
    -------
    np.ndarray
        (m, d), m >= 1, in the order given. O(n^2 d).

    Examples
    --------
    >>> distinct_rows(np.array([[0.0], [1.0], [0.0], [1.0 + 1e-9]])).tolist()
    [[0.0], [1.0]]
    """
    centred = rows - rows.mean(axis=0)
    near = SAME**2 * np.einsum("ij,ij->", centred, centred) / len(rows)
    first = np.ones(len(rows), dtype=bool)
    for start, squares in _blocks(centred):
        earlier = np.arange(len(rows)) < start + np.arange(len(squares))[:, None]
        first[start : start + len(squares)] = ~((squares <= near) & earlier).any(axis=1)
    return rows[first]


def nearest_distances(rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of every row, nearest first, and how far they are.

    Parameters
    ----------
    rows
        (n, d) float64, distinct.
    k
        1 to n - 1.

    Returns
    -------
    tuple
        ``(index (n, k), distance (n, k))``. Distances come from products of centred rows: absolute
        error about 1e-8 of the spread. O(n^2 d).

    Examples
    --------
    >>> index, distance = nearest_distances(np.array([[0.0], [1.0], [3.0]]), 2)
    >>> index[0].tolist(), distance[0].round(6).tolist()
    ([1, 2], [1.0, 3.0])
    """
    n = len(rows)
    index = np.empty((n, k), dtype=np.intp)
    distance = np.empty((n, k))
    for start, squares in _blocks(rows - rows.mean(axis=0)):
        own = np.arange(len(squares))
        squares[own, start + own] = np.inf
        near = np.argpartition(squares, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(squares, near, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        index[start : start + len(squares)] = np.take_along_axis(near, order, axis=1)
        distance[start : start + len(squares)] = np.sqrt(np.take_along_axis(found, order, axis=1))
    return index, distance


def surviving(index: np.ndarray, left_out: np.ndarray | None, k: int) -> np.ndarray:
    """Which entries are the k nearest of each remaining row, once some rows are left out.

    Parameters
    ----------
    index
        (n, m) neighbours, nearest first; m at least k plus the number left out, or all others.
    left_out
        (n,) bool, or None for no row.
    k
        Neighbours wanted.

    Returns
    -------
    np.ndarray
        (n, m) bool, k true in each remaining row, none in the others.

    Raises
    ------
    ValueError
        If fewer than k listed neighbours of some row remain.

    Examples
    --------
    >>> surviving(np.array([[1, 2], [0, 2], [1, 0]]), np.array([False, True, False]), 1).tolist()
    [[False, True], [False, False], [False, True]]
    """
    if left_out is None:
        chosen = np.zeros(index.shape, dtype=bool)
        chosen[:, :k] = True
        return chosen
    alive = ~left_out[index]
    alive[left_out] = False
    reached = np.cumsum(alive, axis=1)
    if (reached[~left_out, -1] < k).any():
        refuse("index", f"list {k} neighbours that remain for every row", "fewer for some")
    return alive & (reached <= k)


def random_groups(n: int, seed: int) -> np.ndarray:
    """Group (n,) of every row: at most 20 random groups, as equal as may be."""
    return np.random.default_rng(seed).permutation(n) % min(GROUPS, n)


def checked(rows: np.ndarray, least: int, what: str = "", *, name: str = "rows") -> np.ndarray:
    """The rows in float64, if there are enough of them and they are finite."""
    array = finite(name, np.asarray(rows, dtype=np.float64))
    ndim(name, array, ("example", "feature"))
    if len(array) < least:
        refuse(name, f"hold at least {what or f'{least} examples'}", len(array))
    return array


def _blocks(rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Squared distances of a block of rows to all rows, with the block's first row."""
    norms = np.einsum("ij,ij->i", rows, rows)
    step = max(1, _BLOCK // len(rows))
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        scale = norms[block, None] + norms
        squares = scale - 2 * (rows[block] @ rows.T)
        # Equal rows far from the mean differ by rounding only: that is no distance.
        squares[squares <= 1e-13 * scale] = 0.0
        yield start, squares
