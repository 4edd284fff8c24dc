"""A graph as attribution reads it: dense features, edges that let a share of a message pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from data.records import Graph

from .._check import refuse, refuse_type
from .graph_tensors import GraphData, SparseMatrix

_EXACT = 1e-4  # scores on the part must be those on the whole graph, up to this share


@dataclass(frozen=True, eq=False)
class Parts:
    """What a graph network reads.

    features (node, feature); edges (2, edge); known: (node,) labels or None; classes: their names;
    adjacency: for models of ours (edge,) the entry of A_hat of each edge and (node,) its diagonal;
    counts: numbers of features and labels.
    """

    features: Tensor
    edges: Tensor
    known: np.ndarray | None
    classes: tuple[str, ...] | None
    weights: tuple[Tensor, Tensor] | None

    def __len__(self) -> int:
        return len(self.features)

    def near(self, nodes: list[int], hops: int) -> tuple[Parts, np.ndarray]:
        """The part within `hops` of some nodes, against the edges' direction, and its nodes."""
        source, target = self.edges.cpu().numpy()
        inside = np.zeros(len(self), bool)
        inside[nodes] = True
        for _ in range(hops):
            inside[source[inside[target]]] = True
        kept = np.flatnonzero(inside)
        place = np.full(len(self), -1)
        place[kept] = np.arange(len(kept))
        keep = inside[source] & inside[target]
        device = self.features.device
        at, on = torch.from_numpy(kept).to(device), torch.from_numpy(keep).to(device)
        weights = self.weights
        part = replace(
            self,
            features=self.features[at],
            edges=torch.from_numpy(place[np.stack([source[keep], target[keep]])]).to(device),
            known=None if self.known is None else self.known[kept],
            weights=None if weights is None else (weights[0][on], weights[1][at]),
        )
        return part, kept


def read_graph(model: nn.Module, data: Any) -> Parts:
    """The parts of a `Graph`, a `GraphData` or a PyG ``Data``, on the model's device.

    Raises
    ------
    TypeError, ValueError
        If it is none of them, or has no features.
    """
    device = next(model.parameters(), torch.zeros(())).device
    classes = None
    if isinstance(data, Graph):
        classes, data = tuple(data.label_names), GraphData.of(data, device=device)
    if isinstance(data, GraphData):
        features, edges = data.dense_features(), data.edge_index
        labels = data.labels.cpu().numpy()
        matrix = _sparse(data.adjacency) if reads_graph_data(model) else None
    else:
        features, edges = getattr(data, "x", None), getattr(data, "edge_index", None)
        if not isinstance(features, Tensor) or not isinstance(edges, Tensor):
            refuse_type("data", "be a Graph, a GraphData or a PyG Data with x and edge_index", data)
        known = getattr(data, "y", None)
        labels = known.cpu().numpy() if isinstance(known, Tensor) and known.ndim == 1 else None
        matrix = None
        if reads_graph_data(model):
            refuse_type("data", "be a Graph or a GraphData for this model", data)
    edges = edges.to(device)
    if edges.shape[1] != len(set(map(tuple, edges.T.tolist()))):
        refuse("data", "list each edge once", "an edge that is listed twice")
    weights = None
    if matrix is not None:
        source, target = edges.cpu().numpy()
        # A loop's message is the diagonal's, which always passes.
        each = np.where(source == target, 0.0, matrix[target, source])
        held = (torch.tensor(v, dtype=torch.float32) for v in (each, matrix.diagonal()))
        first, second = (tensor.to(device) for tensor in held)
        weights = (first, second)
    return Parts(features.detach().float().to(device), edges, labels, classes, weights)


def _sparse(matrix: SparseMatrix) -> sp.csr_array:
    starts, columns, values = matrix.arrays()
    n = len(starts) - 1
    return sp.csr_array((values, columns, starts), shape=(n, n))


def reads_graph_data(model: nn.Module) -> bool:
    """Whether a model is one of ours, which read a `GraphData`."""
    return type(model).__module__.startswith("probe.subjects.")


class PassingMatrix:
    """A_hat of several copies of a graph, each edge times the share that passes.

    Stands where a `SparseMatrix` does: ``matrix @ dense``.
    """

    def __init__(self, parts: Parts, passing: Tensor) -> None:
        if parts.weights is None:
            refuse("data", "have the weights of its edges", None)
        each, diagonal = parts.weights
        rows = len(passing)
        self._edges = united(parts.edges, rows, len(parts))
        self._weights = (passing * each).flatten()
        self._diagonal = diagonal.repeat(rows)

    def __matmul__(self, dense: Tensor) -> Tensor:
        messages = self._weights[:, None] * dense[self._edges[0]]
        own = self._diagonal[:, None] * dense
        return own.index_add(0, self._edges[1], messages)


def united(edges: Tensor, rows: int, n_nodes: int) -> Tensor:
    """The edges (2, rows * edge) of `rows` copies of a graph side by side."""
    shift = torch.arange(rows, device=edges.device) * n_nodes
    return (edges[:, None] + shift[:, None]).flatten(1)


def logits(model: nn.Module, parts: Parts, features: Tensor, passing: Tensor) -> Tensor:
    """Log-odds (row, node, class) of copies: features (row, node, feature), passing (row, edge).

    Raises
    ------
    ValueError
        If the model gives something else.
    """
    rows, n_nodes = features.shape[:2]
    edges = united(parts.edges, rows, n_nodes)
    flat = features.flatten(0, 1)
    if reads_graph_data(model):
        data = GraphData(
            features=flat,
            adjacency=PassingMatrix(parts, passing),  # pyright: ignore
            edge_index=edges,
            edge_weight=None,
            labels=torch.zeros(len(flat), dtype=torch.long, device=flat.device),
            n_features=flat.shape[1],
            n_labels=0,
        )
        with masked_messages(model, passing.flatten(), edges):
            found = model(data)
    else:
        with masked_messages(model, passing.flatten(), edges):
            found = model(flat, edges)
    return checked_logits(found, len(flat)).unflatten(0, (rows, n_nodes))


def checked_logits(found: Any, n_nodes: int) -> Tensor:
    """What a model gives, if it is log-odds (node, class).

    Raises
    ------
    ValueError
        If it is something else.
    """
    if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != n_nodes:
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        refuse("model", f"give log-odds ({n_nodes}, class)", got)
    return found


@contextmanager
def masked_messages(model: nn.Module, passing: Tensor, edges: Tensor) -> Iterator[None]:
    """Messages of PyTorch Geometric's layers times the share of their edge that passes."""
    try:
        from torch_geometric.explain.algorithm.utils import clear_masks, set_masks
        from torch_geometric.nn import MessagePassing
    except ImportError:  # then there is no layer of it in the model
        yield
        return
    if not any(isinstance(module, MessagePassing) for module in model.modules()):
        yield
        return
    set_masks(model, passing, edges, apply_sigmoid=False)
    try:
        yield
    finally:
        clear_masks(model)


def exact_part(
    model: nn.Module, whole: Parts, nodes: list[int], hops: int | None, true: Tensor
) -> tuple[Parts, np.ndarray]:
    """The smallest part, or that of `hops`, whose scores of the nodes are those of the whole.

    Raises
    ------
    ValueError
        If the part of `hops` has others.
    """
    scale = float(true.abs().max().clamp(min=1e-6))
    before, tried = -1, 1 if hops is None else hops
    while True:
        part, kept = whole.near(nodes, tried)
        ones = part.features.new_ones(1, part.edges.shape[1])
        at = torch.from_numpy(np.searchsorted(kept, nodes))
        off = float((logits(model, part, part.features[None], ones)[0][at] - true).abs().max())
        if off <= _EXACT * scale:
            return part, kept
        if hops is not None or len(kept) == before:
            hint = "Give more hops, or None to have them found."
            refuse("hops", "hold all that the scores depend on", f"{tried}, off by {off:.2g}", hint)
        before, tried = len(kept), tried + 1
