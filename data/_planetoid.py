"""The citation graphs of Planetoid: eight files upstream, turned into one graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._graph_npz import both_ways, graph_archive
from ._inert_pickle import read_pickle
from ._source import Part

KEYS = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")
N_VALID = 500  # the nodes after the labelled ones, in every paper that uses the published split


def from_planetoid(files: Sequence[tuple[Part, bytes]], *, label_names: Sequence[str]) -> bytes:
    """Convert the eight files `ind.<name>.*` of one graph.

    Nodes come in the order of `allx`, then the test nodes at the places that `test.index` gives
    them. A place that it leaves out (15 in CiteSeer: papers that are cited, of which nothing else
    is known) is a node with zero features and the label -1. Edges go both ways, each once, without
    self-loops.

    Raises
    ------
    ValueError
        If a part is missing, is no pickle of plain arrays, or does not fit the others.
    """
    parts = {part.subset: (part.url, content) for part, content in files}
    missing = [key for key in KEYS if key not in parts]
    if missing:
        raise ValueError(f"the parts {', '.join(missing)} are missing")
    held = {key: read_pickle(parts[key][1], parts[key][0]) for key in KEYS[:-1]}
    test = _test_nodes(*parts["test.index"])
    x, tx, allx = (_matrix(parts[key][0], held[key]) for key in ("x", "tx", "allx"))
    y, ty, ally = (
        _classes(parts[key][0], held[key], len(label_names)) for key in ("y", "ty", "ally")
    )
    n_known, num_nodes = allx.shape[0], int(test.max()) + 1
    _fits("ally", len(ally), "allx", n_known)
    _fits("ty", len(ty), "tx", tx.shape[0])
    _fits("test.index", len(test), "tx", tx.shape[0])
    if test.min() < n_known or len(np.unique(test)) < len(test):
        raise ValueError(f"{parts['test.index'][0]} must hold distinct nodes from {n_known} on")
    if not np.array_equal(ally[: len(y)], y) or (allx[: x.shape[0]] != x).nnz:
        raise ValueError("the labelled nodes x, y are not the first ones of allx, ally")
    # Row of each node in the stack of allx, tx and one blank row.
    row = np.full(num_nodes, n_known + len(test))
    row[:n_known] = np.arange(n_known)
    row[test] = n_known + np.arange(len(test))
    blank = sp.csr_array((1, allx.shape[1]), dtype=np.float32)
    features = sp.csr_array(sp.vstack([allx, tx, blank], format="csr"))[row]
    features.sum_duplicates()
    public = np.zeros(num_nodes)
    public[: len(y)] = 1
    public[len(y) : len(y) + N_VALID] = 2
    public[test] = 3
    return graph_archive(
        both_ways(_edges(parts["graph"][0], held["graph"], num_nodes), num_nodes),
        np.concatenate([ally, ty, [-1]])[row],
        features,
        label_names=label_names,
        public=public,
    )


def _test_nodes(where: str, content: bytes) -> np.ndarray:
    try:
        nodes = np.array([int(line) for line in content.split()])
    except ValueError:
        raise ValueError(f"{where} must hold one whole number a line") from None
    if not len(nodes) or nodes.min() < 0:
        raise ValueError(f"{where} must hold at least one node, none of them negative")
    return nodes


def _matrix(where: str, value: Any) -> Any:
    if not sp.issparse(value):
        raise ValueError(f"{where} must hold a CSR matrix; got a {type(value).__name__}")
    matrix = sp.csr_array(value, dtype=np.float32)
    if not np.isfinite(matrix.data).all():
        raise ValueError(f"{where} must hold finite features")
    return matrix


def _classes(where: str, value: Any, n_labels: int) -> np.ndarray:
    if not isinstance(value, np.ndarray) or value.ndim != 2 or value.shape[1] != n_labels:
        raise ValueError(f"{where} must hold an array (node, {n_labels})")
    if not np.isin(value, (0, 1)).all() or (value.sum(axis=1) != 1).any():
        raise ValueError(f"{where} must hold a single 1 in each row")
    return value.argmax(axis=1)


def _edges(where: str, graph: Any, num_nodes: int) -> np.ndarray:
    if not isinstance(graph, dict) or not all(isinstance(near, list) for near in graph.values()):
        raise ValueError(f"{where} must hold a dictionary of lists")
    degree = [len(near) for near in graph.values()]
    ends = (list(graph), [node for near in graph.values() for node in near])
    if not all(type(node) is int and 0 <= node < num_nodes for end in ends for node in end):
        raise ValueError(f"{where} must hold nodes from 0 to {num_nodes - 1} only")
    return np.stack([np.repeat(ends[0], degree), ends[1]])


def _fits(name: str, found: int, other: str, wanted: int) -> None:
    if found != wanted:
        raise ValueError(f"{name} holds {found} nodes, but {other} holds {wanted}")
