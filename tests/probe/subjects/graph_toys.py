"""Small labelled graphs on which a graph neural network learns within some dozen epochs."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from data.records import Graph, Split


def block_graph(
    *, n: int = 60, n_labels: int = 3, seed: int = 0, sparse: bool = True, weighted: bool = False
) -> Graph:
    """A stochastic block model with noisy features; undirected, no loops, no duplicates."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_labels
    same = labels[:, None] == labels
    upper = np.triu(rng.random((n, n)) < np.where(same, 0.25, 0.03), 1)
    edges = np.argwhere(upper | upper.T).T
    features = rng.normal(size=(n, 8)) + 1.2 * np.eye(8)[labels]
    features[np.abs(features) < 0.3] = 0
    weight = (1 + edges.sum(axis=0) % 3).astype(float) if weighted else None
    return Graph(
        edges,
        labels,
        features=sp.csr_array(features) if sparse else features,
        edge_weight=weight,
        name="blocks",
    )


def directed_graph(*, n: int = 20, seed: int = 0) -> Graph:
    """Random directed weighted edges, some loops and some isolated nodes, no duplicates."""
    rng = np.random.default_rng(seed)
    edges = np.argwhere(rng.random((n, n)) < 0.12).T
    edges = edges[:, (edges < n - 2).all(axis=0)]
    return Graph(
        edges,
        np.arange(n) % 2,
        features=rng.normal(size=(n, 5)),
        edge_weight=rng.uniform(0.2, 3.0, edges.shape[1]),
    )


def block_split(graph: Graph, *, per_class: int = 5, valid: int = 5, seed: int = 0) -> Split:
    """So many random nodes of every class to train and to validate; the rest tests."""
    rng = np.random.default_rng(seed)
    parts = np.zeros((2, graph.num_nodes), dtype=bool)
    for label in range(graph.n_labels):
        nodes = rng.permutation(np.flatnonzero(graph.labels == label))
        parts[0, nodes[:per_class]] = True
        parts[1, nodes[per_class : per_class + valid]] = True
    return Split(*parts, ~parts.any(axis=0), name=f"blocks {seed}")
