"""Graph networks as tasks: copies side by side, masked edges, parts that are exact."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from data.records import Graph
from probe.attribution import attribute, grid
from probe.subjects.attributable import graph_task
from probe.subjects.graph import GraphData, make_gnn

QUICK = {"draws": 10, "sensitivity_draws": 0, "depths": 0, "n_boot": 10}


def ring(n: int = 12, seed: int = 0, **options) -> Graph:
    rng = np.random.default_rng(seed)
    ends = np.arange(n), (np.arange(n) + 1) % n
    edges = np.concatenate([np.stack(ends), np.stack(ends[::-1])], axis=1)
    features = rng.standard_normal((n, 3)).astype(np.float32)
    return Graph(edges, np.arange(n) % 2, features=features, **options)


@pytest.mark.parametrize("name", ["gcn", "appnp", "sgc", "gat", "sage", "cheb"])
def test_our_networks_score_as_by_themselves_and_attributions_add_up(name):
    graph = ring()
    model = make_gnn(name, 3, 2, hidden=8).eval()
    task = graph_task(model, graph, [2, 7])
    ds = grid(task, methods=["integrated_gradients", "saliency"], n_steps=200, **QUICK)
    with torch.no_grad():
        expected = model(GraphData.of(graph))[[2, 7]].numpy()
    np.testing.assert_allclose(ds.score.values.T, expected, atol=1e-4)
    gaps = ds.completeness_gap.sel(algorithm="integrated_gradients")
    np.testing.assert_allclose(gaps.values, 0, atol=2e-2)
    assert task.shape("feature")[0] == ds.sizes["node"]
    assert ds.edge_source.shape == ds.edge_target.shape == (ds.sizes["edge"],)
    assert np.abs(ds.attribution_edge.values).max() > 0
    assert [task.labels[i].split(":")[0] for i in ds.explained.values] == ["node 2", "node 7"]
    assert ds.x.dims == ds.y.dims == ds.label.dims == ("node",)


def test_only_what_is_within_reach_is_kept_and_owed_anything():
    graph = ring(20)
    model = make_gnn("gcn", 3, 2, hidden=8).eval()
    task = graph_task(model, graph, [5])
    # A_hat is the whole graph's, so two layers reach two steps.
    assert ["".join(filter(str.isdigit, each.split(":")[0])) for each in task.labels] == list(
        "34567"
    )
    assert task.labels[2] == "node 5: 1"
    whole = graph_task(model, graph, [5], hops=9)
    found, all_of_it = (
        attribute(t, method="feature_ablation", target=1, **QUICK) for t in (task, whole)
    )
    near = all_of_it.attribution_feature.values.squeeze()
    place = [list(whole.labels).index(label) for label in task.labels]
    np.testing.assert_allclose(near[place], found.attribution_feature.values.squeeze(), atol=1e-5)
    np.testing.assert_allclose(np.delete(near, place), 0, atol=1e-6)
    with pytest.raises(ValueError, match="`hops` must hold all that the scores depend on; got 1"):
        graph_task(model, graph, [5], hops=1)


def test_an_edge_taken_away_carries_no_message():
    graph = ring(6)
    model = make_gnn("sgc", 3, 2).eval()
    task = graph_task(model, graph, [0], hops=6)
    edge = 3
    ds = attribute(task, method="feature_ablation", target=0, **QUICK)
    matrix = GraphData.of(graph).adjacency.to_dense().clone()
    source, target = task.edge_index[:, edge]
    cut = matrix.clone()
    cut[target, source] = 0
    x = torch.tensor(graph.features) @ model.classifier.weight
    with torch.no_grad():
        change = (matrix @ matrix @ x - cut @ cut @ x)[0, 0]
    assert float(ds.attribution_edge.values.squeeze()[edge]) == pytest.approx(
        float(change), abs=1e-5
    )


class Own(nn.Module):
    """A user's network of PyTorch Geometric's layers."""

    def __init__(self):
        super().__init__()
        from torch_geometric.nn import GCNConv

        torch.manual_seed(0)
        self.first, self.second = GCNConv(3, 8), GCNConv(8, 2)

    def forward(self, x, edge_index):
        return self.second(self.first(x, edge_index).relu(), edge_index)


def test_a_geometric_network_of_one_s_own():
    from torch_geometric.data import Data

    graph = ring(20)
    data = Data(
        x=torch.tensor(graph.features),
        edge_index=torch.tensor(graph.edge_index),
        y=torch.tensor(graph.labels),
    )
    model = Own().eval()
    task = graph_task(model, data, [4, 11], baseline="mean", labels=["even", "odd"])
    assert task.layers == ["first", "second"]
    ds = grid(
        task,
        methods=["integrated_gradients", "deep_lift", "input_x_gradient"],
        layers=["input", "first"],
        n_steps=200,
        **QUICK,
    )
    with torch.no_grad():
        expected = model(data.x, data.edge_index)[[4, 11]].numpy()
    np.testing.assert_allclose(ds.score.values.T, expected, atol=1e-5)
    at = ds.sel(algorithm="integrated_gradients", layer="input")
    np.testing.assert_allclose(at.completeness_gap.values, 0, atol=2e-2)
    first = ds.sel(algorithm="integrated_gradients", layer="first")
    assert np.isnan(first.attribution_edge.values).all()
    assert np.isfinite(first.attribution_feature.values).all()
    assert all(m.explain is None and m._edge_mask is None for m in (model.first, model.second))
    named = graph_task(model, data, [0], node_labels=[f"page {i}" for i in range(20)])
    assert "page 0" in named.labels


class Wrong(nn.Module):
    def forward(self, x, edge_index):
        return x.mean(0)


def test_what_is_no_graph_task():
    graph = ring()
    model = make_gnn("gcn", 3, 2, hidden=4)
    cases = [
        ((3, graph, [0]), {}, TypeError, "`model` must be a torch module; got int"),
        ((model, graph, []), {}, ValueError, "`nodes` must hold at least one node"),
        ((model, graph, [99]), {}, ValueError, "`nodes` must be between 0 and 11"),
        ((model, graph, [1, 1]), {}, ValueError, "`nodes` must hold at least one node, each once"),
        ((model, graph, [0]), {"baseline": "no"}, ValueError, "`baseline` must be one of 'zero'"),
        ((model, 3, [0]), {}, TypeError, "`data` must be a Graph, a GraphData or a PyG Data"),
        ((Wrong(), graph, [0]), {}, ValueError, "`model` must give log-odds (12, class); got (3,)"),
    ]
    for given, options, error, text in cases:
        with pytest.raises(error, match=re.escape(text)):
            graph_task(*given, **options)
    twice = Graph(np.array([[0, 0], [1, 1]]), np.array([0, 1]), features=np.eye(2))
    with pytest.raises(ValueError, match="`data` must list each edge once"):
        graph_task(make_gnn("gcn", 2, 2, hidden=4), twice, [0])

    class Bare:
        x, edge_index = torch.eye(3), torch.tensor([[0, 1], [1, 2]])

    with pytest.raises(TypeError, match="`data` must be a Graph or a GraphData for this model"):
        graph_task(model, Bare(), [0])
