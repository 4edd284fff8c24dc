"""The slow, obvious way to everything in `probe.totoro`: dense algebra from the equations."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st
from scipy.sparse.linalg import splu


def pagerank(edges: np.ndarray, weights: np.ndarray | None, n: int, alpha: float) -> np.ndarray:
    """P = alpha (I - (1 - alpha) D^(-1/2) (A + I) D^(-1/2))^(-1), by a sparse LU solve."""
    adjacency = np.zeros((n, n))
    for k, (i, j) in enumerate(edges.T):
        if weights is None:
            adjacency[i, j] = 1.0
        else:
            adjacency[i, j] += weights[k]
    for i in range(n):
        if adjacency[i, i] == 0:
            adjacency[i, i] = 1.0
    root = np.sqrt(adjacency.sum(axis=1))
    hat = adjacency / root[:, None] / root[None, :]
    return splu(sp.csc_matrix(np.eye(n) - (1 - alpha) * hat)).solve(alpha * np.eye(n))


def totoro(pagerank: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    """T (node, label) by the sums of the paper's equations, one node and label at a time."""
    n, classes = len(labels), range(int(labels.max()) + 1)
    influence = np.stack(
        [
            pagerank[train & (labels == c)].mean(axis=0)
            if (train & (labels == c)).any()
            else np.zeros(n)
            for c in classes
        ],
        axis=1,
    )
    found = np.zeros((n, len(classes)))
    for v in range(n):
        for y in classes:
            for c in classes:
                if c != y:
                    found[v, y] += pagerank[v] @ influence[:, c]
    return found


@st.composite
def graphs(draw: st.DrawFn, *, directed: bool = False, weighted: bool = False):
    """Edges with repeats, self-loops, isolated nodes and several components; labels and a mask."""
    n = draw(st.integers(3, 14))
    pairs = draw(
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=24)
    )
    edges = np.array(pairs).T
    weights = None
    if weighted:
        one = st.floats(0.01, 10.0)
        weights = np.array(draw(st.lists(one, min_size=len(pairs), max_size=len(pairs))))
    if not directed:
        once = edges[0] != edges[1]
        edges = np.concatenate([edges, edges[::-1, once]], axis=1)
        weights = None if weights is None else np.concatenate([weights, weights[once]])
    labels = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    # Two nodes and two classes at least; the first two are always labelled.
    labels[:2] = 0, 1
    train = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    for label in range(3):
        members = np.flatnonzero(labels == label)
        if len(members):
            train[members[0]] = True
    return edges, weights, n, labels, train
