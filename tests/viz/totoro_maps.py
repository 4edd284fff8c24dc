"""Small labelled graphs under a grid of settings, for tests of what is drawn of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from probe.totoro import conflict_map

ALPHAS, PER_CLASS, SEEDS = (0.1, 0.15, 0.5), (2, 4), (0, 1)


def blocks(size: int = 12, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Edges and labels: rings of one class each with chords between, a pair apart, a lone node.

    The pair are the last but two and the last but one node, of class 0 and of no known class; the
    lone node is the last, of class 1.
    """
    rng = np.random.default_rng(seed)
    n = size * classes
    nodes = np.arange(n)
    ring = np.stack([nodes, nodes // size * size + (nodes + 1) % size])
    chords = rng.integers(n, size=(2, n // 2))
    chords = chords[:, chords[0] != chords[1]]
    edges = np.concatenate([ring, chords, [[n], [n + 1]]], axis=1)
    labels = np.concatenate([nodes // size, [0, -1, 1]])
    return np.concatenate([edges, edges[::-1]], axis=1), labels


def small_map(*, text: bool = False, size: int = 12, classes: int = 3) -> xr.Dataset:
    edges, labels = blocks(size, classes)
    words = [f"paper {i}" for i in range(len(labels))] if text else None
    found = conflict_map(
        *(_sparse(edges, len(labels)), labels),
        alphas=ALPHAS,
        per_class=PER_CLASS,
        seeds=SEEDS,
        text=words,
    )
    spots = np.random.default_rng(1).normal(size=(len(labels), 2))
    return found.assign(position=(("node", "axis"), spots))


def question(**changes: Any) -> dict[str, Any]:
    """What a view asks its kernel."""
    return {"alpha": 0.15, "per_class": 2, "seed": 0, "toggled": []} | changes


def _sparse(edges: np.ndarray, n: int) -> object:
    import scipy.sparse as sp

    # A matrix says how many nodes there are, the lone one included.
    adjacency = sp.coo_array((np.ones(edges.shape[1]), tuple(edges)), shape=(n, n)).tocsr()
    adjacency.data[:] = 1
    return adjacency
