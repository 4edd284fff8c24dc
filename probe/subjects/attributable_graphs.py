"""Graph neural networks as tasks of attribution: what is owed to which neighbour and edge?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._check import integer, one_of, refuse, refuse_type
from ..attribution import AttributionTask
from ._graph_parts import Parts, checked_logits, exact_part, logits, read_graph, reads_graph_data
from .attributable_images import class_names
from .attributable_texts import blocks
from .batching import evaluating
from .graph_tensors import GraphData

BASELINES = ("zero", "mean")


def graph_task(
    model: nn.Module,
    data: Any,
    nodes: Sequence[int],
    *,
    hops: int | None = None,
    baseline: str = "zero",
    labels: Sequence[str] | None = None,
    node_labels: Sequence[str] | None = None,
    layers: Sequence[str] | None = None,
    name: str = "",
) -> AttributionTask:
    """The classes of some nodes, to be attributed to the features of nodes and to edges.

    Parameters
    ----------
    model
        A PyTorch Geometric model ``model(x, edge_index)`` that gives log-odds (node, class), or
        one of ours, which reads a `GraphData`.
    data
        For the first a PyG ``Data`` (``x``, ``edge_index``) or a `Graph`; for ours a `Graph` or
        `GraphData`.
    nodes
        The target nodes: one example each.
    hops
        Only the part of the graph that is so near to a target node is kept. None takes the
        smallest number at which the model's scores are those of the whole graph, to 1 in 10,000.
    baseline
        Of a node's features: ``"zero"``, or ``"mean"`` over all nodes. An edge's baseline is that
        it carries no message; its weight in a normalisation stays.
    labels
        Names of the classes.
    node_labels
        Text of each node of `data`; None takes its number and known class.
    layers
        Module paths that are offered; None takes the layers that give (node, feature).
    name
        What the task is called; None takes the model's class.

    Returns
    -------
    AttributionTask
        Inputs ``feature`` (kind node) and ``edge`` (kind edge: 1, the share of a message that
        passes). A self loop that the model adds itself is no edge here.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said, or no part of `hops` gives the whole graph's scores.

    Examples
    --------
    >>> from data.records import Graph
    >>> from probe.subjects.graph import make_gnn
    >>> edges = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> graph = Graph(edges, np.array([0, 0, 1]), features=np.eye(3))
    >>> task = graph_task(make_gnn("gcn", 3, 2, hidden=4), graph, [0])
    >>> task.shape("feature"), task.shape("edge")
    ((3,), (4,))
    """
    if not isinstance(model, nn.Module):
        refuse_type("model", "be a torch module", model)
    one_of("baseline", baseline, BASELINES)
    whole = read_graph(model, data)
    chosen = [integer("nodes", each, low=0, high=len(whole) - 1) for each in nodes]
    if not chosen or len(set(chosen)) < len(chosen):
        refuse("nodes", "hold at least one node, each once", f"{chosen}")
    with evaluating(model), torch.no_grad():
        true = _whole_scores(model, data, whole)[chosen]
        part, kept = exact_part(model, whole, chosen, hops, true)
    rows = torch.from_numpy(np.searchsorted(kept, chosen)).to(part.features.device)
    base = whole.features.mean(0) if baseline == "mean" else torch.zeros_like(part.features[0])
    n, edges = len(chosen), part.edges.cpu().numpy()

    def forward(features: Tensor, passing: Tensor, row: Tensor) -> Tensor:
        found = logits(model, part, features, passing)
        return found[torch.arange(len(row), device=row.device), row]

    names = class_names(model, whole.classes if labels is None else labels, true.shape[1])
    return AttributionTask(
        model,
        forward,
        {
            "feature": part.features.expand(n, *part.features.shape),
            "edge": part.features.new_ones(n, edges.shape[1]),
        },
        {
            "feature": base.expand(1, *part.features.shape),
            "edge": part.features.new_zeros(1, edges.shape[1]),
        },
        {"feature": "node", "edge": "edge"},
        names,
        layers=layers or blocks(model) or [path for path, _ in model.named_children()],
        context=(rows,),
        edge_index=edges,
        positions=_places(edges, len(kept)),
        labels=[_text(part, i, int(node), names, node_labels) for i, node in enumerate(kept)],
        explained=rows.tolist(),
        prediction=[
            f"node {i}: {names[k]}" for i, k in zip(chosen, true.argmax(1).tolist(), strict=True)
        ],
        name=name or type(model).__name__,
    )


def _whole_scores(model: nn.Module, data: Any, whole: Parts) -> Tensor:
    """Log-odds (node, class) as the user's own call gives them."""
    if not reads_graph_data(model):
        found = model(whole.features, whole.edges)
    elif isinstance(data, GraphData):
        found = model(data)
    else:
        found = model(GraphData.of(data, device=whole.features.device))
    return checked_logits(found, len(whole))


def _text(part: Parts, i: int, node: int, names: Sequence[str], given: Sequence[str] | None) -> str:
    if given is not None:
        return str(given[node])
    if part.known is None or not 0 <= part.known[i] < len(names):
        return f"node {node}"
    return f"node {node}: {names[int(part.known[i])]}"


def _places(edges: np.ndarray, n_nodes: int) -> np.ndarray:
    """Where each node is drawn (node, 2): edges as springs, the same in every call."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(n_nodes))
    graph.add_edges_from(edges.T.tolist())
    placed = nx.spring_layout(graph, seed=0, iterations=30)
    return np.array([placed[i] for i in range(n_nodes)])
