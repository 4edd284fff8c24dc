"""Frozen records of labelled graphs and of how their nodes are split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

UNKNOWN = -1  # the label of a node whose class nobody knows


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph whose nodes carry labels, and perhaps features.

    Attributes
    ----------
    edge_index
        (2, edge) int64: source and target of each edge. An undirected edge stands in both
        directions, as in PyTorch Geometric.
    labels
        (node,) int64, 0 to n_labels - 1, or -1 where the class is not known.
    features
        (node, feature): a float array or a scipy CSR array, or None.
    edge_weight
        (edge,) float64, not negative, or None where every edge counts alike.
    label_names
        The name of each label; "0", "1", ... if empty.
    name
        What the graph is called in results.
    attrs
        Where it comes from: source, licence, hash, ... as text.

    All arrays are copies and read-only.

    Raises
    ------
    TypeError
        If `edge_index` or `labels` holds no whole numbers.
    ValueError
        If there is no node, shapes disagree, an edge names a node that is not there, a label is
        below -1 or has no name, or a feature or weight is not finite.

    Examples
    --------
    >>> graph = Graph(np.array([[0, 1, 1, 2], [1, 0, 2, 1]]), np.array([0, 0, 1]), name="path")
    >>> graph
    Graph('path', 3 nodes, 4 directed edges, 2 labels)
    >>> graph.label_names
    ('0', '1')
    """

    edge_index: np.ndarray
    labels: np.ndarray
    features: Any = None
    edge_weight: np.ndarray | None = None
    label_names: tuple[str, ...] = ()
    name: str = "graph"
    attrs: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        labels = _whole("labels", self.labels, ("node",))
        if not len(labels):
            raise ValueError("`labels` must hold one label per node; got an empty graph.")
        if labels.min() < UNKNOWN:
            raise ValueError(
                f"`labels` must be at least 0, or {UNKNOWN} where unknown; got {labels.min()}."
            )
        edges = _whole("edge_index", self.edge_index, ("2", "edge"))
        if len(edges) != 2:
            raise ValueError(f"`edge_index` must have axes (2, edge); got shape {edges.shape}.")
        _within("edge_index", edges, len(labels))
        names = tuple(self.label_names) or tuple(str(i) for i in range(int(labels.max()) + 1))
        if labels.max() >= len(names):
            raise ValueError(
                f"`label_names` must name every label up to {labels.max()}; got {len(names)} names."
            )
        for name, value in (("edge_index", edges), ("labels", labels)):
            object.__setattr__(self, name, _frozen(value))
        object.__setattr__(self, "features", _features(self.features, len(labels)))
        object.__setattr__(self, "edge_weight", _weights(self.edge_weight, edges.shape[1]))
        object.__setattr__(self, "label_names", names)
        object.__setattr__(self, "attrs", dict(self.attrs))

    def __len__(self) -> int:
        return self.num_nodes

    def __repr__(self) -> str:
        return (
            f"Graph({self.name!r}, {self.num_nodes} nodes, {self.num_edges} directed edges, "
            f"{self.n_labels} labels)"
        )

    @property
    def num_nodes(self) -> int:
        """Number of nodes, isolated ones included."""
        return len(self.labels)

    @property
    def num_edges(self) -> int:
        """Number of columns of `edge_index`: an undirected edge counts twice."""
        return self.edge_index.shape[1]

    @property
    def n_labels(self) -> int:
        """Number of classes, those without a node included."""
        return len(self.label_names)


@dataclass(frozen=True, eq=False)
class Split:
    """Which nodes a model learns from, which stop its training, and which judge it.

    Attributes
    ----------
    train, valid, test
        (node,) bool, no node in two of them; read-only.
    name
        How it was drawn, for results.

    Raises
    ------
    ValueError
        If lengths differ, a node is in two parts, or no node is in `train`.

    Examples
    --------
    >>> split = Split(*np.eye(3, dtype=bool))
    >>> split
    Split('split', 1 train, 1 valid, 1 test)
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    name: str = "split"

    def __post_init__(self) -> None:
        parts = {}
        for name in ("train", "valid", "test"):
            part = np.array(getattr(self, name))
            if part.dtype != bool or part.ndim != 1:
                raise ValueError(
                    f"`{name}` must hold one boolean per node; got {part.dtype} of shape "
                    f"{part.shape}."
                )
            parts[name] = _frozen(part)
            object.__setattr__(self, name, part)
        if len({len(part) for part in parts.values()}) > 1:
            lengths = ", ".join(f"{name} {len(part)}" for name, part in parts.items())
            raise ValueError(
                f"`train`, `valid` and `test` must have the same length; got {lengths}."
            )
        shared = np.flatnonzero(sum(part.astype(int) for part in parts.values()) > 1)
        if len(shared):
            raise ValueError(
                f"`train`, `valid` and `test` must share no node; {len(shared)} are in two, "
                f"the first is {shared[0]}."
            )
        if not parts["train"].any():
            raise ValueError("`train` must select at least one node; got none.")

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{np.count_nonzero(getattr(self, part))} {part}" for part in ("train", "valid", "test")
        )
        return f"Split({self.name!r}, {counts})"


def _whole(name: str, values: Any, axes: tuple[str, ...]) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"`{name}` must hold whole numbers; got {array.dtype}.")
    if array.ndim != len(axes):
        raise ValueError(f"`{name}` must have axes ({', '.join(axes)}); got shape {array.shape}.")
    return array.astype(np.int64)  # a copy: freezing must not reach the caller


def _within(name: str, positions: np.ndarray, length: int) -> None:
    if positions.size and (positions.min() < 0 or positions.max() >= length):
        wrong = positions.min() if positions.min() < 0 else positions.max()
        raise ValueError(f"`{name}` must hold nodes from 0 to {length - 1}; got node {wrong}.")


def _features(features: Any, length: int) -> Any:
    if features is None:
        return None
    sparse = sp.issparse(features)
    # numpy keeps float32 as it is; integers and booleans become numbers a model can read.
    array: Any = sp.csr_array(features, copy=True) if sparse else np.array(features)
    if array.ndim != 2 or array.shape[0] != length:
        raise ValueError(
            f"`features` must have axes (node, feature) with {length} nodes; "
            f"got shape {array.shape}."
        )
    if array.dtype.kind not in "fbiu":
        raise TypeError(f"`features` must hold numbers; got {array.dtype}.")
    if array.dtype.kind != "f":
        array = array.astype(np.float32)
    held = array.data if sparse else array
    if not np.isfinite(held).all():
        bad = held.size - np.count_nonzero(np.isfinite(held))
        raise ValueError(f"`features` must be finite everywhere; got {bad} NaN or infinite values.")
    if sparse:
        for part in (array.data, array.indices, array.indptr):
            _frozen(part)
        return array
    return _frozen(array)


def _weights(weights: Any, length: int) -> np.ndarray | None:
    if weights is None:
        return None
    array = np.array(weights, dtype=np.float64)
    if array.shape != (length,):
        raise ValueError(f"`edge_weight` must have axes (edge) with {length}; got {array.shape}.")
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(wrong):
        raise ValueError(
            f"`edge_weight` must be finite and not negative; got {array[wrong[0]]} at {wrong[0]}."
        )
    return _frozen(array)


def _frozen(array: Any) -> Any:
    array.flags.writeable = False
    return array
