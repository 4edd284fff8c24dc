"""A sample of rows that no batching, order or sharding can change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

# Bytes of rows hashed at a time.
_BLOCK = 2**22
_GOLDEN = 0x9E3779B97F4A7C15


class Reservoir(NamedTuple):
    """The rows with the lowest keys so far: keys (m,) uint64 ascending, rows by name (m, ...)."""

    keys: np.ndarray
    rows: Mapping[Any, np.ndarray]

    def lowest(self, size: int) -> Reservoir:
        """The `size` rows of the lowest keys, in order of their keys."""
        order = np.argsort(self.keys, kind="stable")[:size]
        return Reservoir(self.keys[order], {name: rows[order] for name, rows in self.rows.items()})

    def merge(self, other: Reservoir, size: int) -> Reservoir:
        """The `size` rows of the lowest keys of both."""
        keys = np.concatenate([self.keys, other.keys])
        both = {name: np.concatenate([rows, other.rows[name]]) for name, rows in self.rows.items()}
        return Reservoir(keys, both).lowest(size)


def row_hashes(layers: Iterable[np.ndarray]) -> np.ndarray:
    """A 64-bit hash of what every row holds in all layers.

    The priority of a row must not depend on where it came in a stream, so it is made of the row
    itself: equal rows (0.0 and -0.0 are equal) have equal hashes.

    Parameters
    ----------
    layers
        Arrays (n, d) of the same n rows, float32 or float64.

    Returns
    -------
    np.ndarray
        (n,) uint64. A multilinear hash (Carter & Wegman 1979) of the words of the row, mixed.

    Examples
    --------
    >>> one, other, again = row_hashes([np.array([[0.0, 1.0], [1.0, 0.0], [-0.0, 1.0]])])
    >>> bool(one == again), bool(one == other)
    (True, False)
    """
    total: np.ndarray | None = None
    for rows in layers:
        hashed = _hash_one(rows)
        # Mixed before each addition, so that the order of the layers counts.
        total = hashed if total is None else mixed(total) + hashed
    if total is None:
        return np.empty(0, dtype=np.uint64)
    return mixed(total)


def keys_of(hashes: np.ndarray, seed: int) -> np.ndarray:
    """The priority of every hash under a seed, (n,) uint64; the lowest are sampled."""
    return mixed(hashes ^ mixed(np.array([seed % 2**64], dtype=np.uint64)))


def mixed(values: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014): every input bit reaches every output bit.

    Examples
    --------
    >>> hex(mixed(np.array([0], dtype=np.uint64))[0])
    '0xe220a8397b1dcdaf'
    """
    z = values + np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _hash_one(rows: np.ndarray) -> np.ndarray:
    n, d = rows.shape
    word = np.uint32 if rows.itemsize == 4 else np.uint64
    weights = mixed(np.arange(d, dtype=np.uint64)) | np.uint64(1)
    hashed = np.empty(n, dtype=np.uint64)
    step = max(1, _BLOCK // (8 * d))
    for start in range(0, n, step):
        # Adding 0.0 turns -0.0 into 0.0; sums wrap around modulo 2**64, as they should.
        block = np.ascontiguousarray(rows[start : start + step] + rows.dtype.type(0)).view(word)
        hashed[start : start + step] = block.astype(np.uint64, copy=False) @ weights
    return hashed
