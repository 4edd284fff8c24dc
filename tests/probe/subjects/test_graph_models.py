from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from data.records import Graph
from probe.subjects.graph import GNN_NAMES, GraphData, SparseMatrix, make_gnn
from probe.subjects.graph_models import APPNP, GCN, SGC, propagate
from probe.subjects.graph_tensors import normalized_adjacency
from tests.probe.subjects.graph_toys import block_graph, directed_graph

PLAIN = ("gcn", "appnp", "sgc")


def geometric():
    return pytest.importorskip("torch_geometric.nn")


@pytest.mark.parametrize("graph", [block_graph(), block_graph(weighted=True), directed_graph()])
def test_gcn_is_torch_geometrics(graph: Graph) -> None:
    data = GraphData.of(graph)
    model = make_gnn("gcn", data.n_features, data.n_labels, hidden=7).eval()
    states = data.dense_features()
    for i, layer in enumerate(model.layers):  # pyright: ignore
        theirs = geometric().GCNConv(*layer.weight.shape)
        with torch.no_grad():
            theirs.lin.weight.copy_(layer.weight.T)
            theirs.bias.copy_(layer.bias.normal_())
            states = theirs(states.relu() if i else states, data.edge_index, data.edge_weight)
    torch.testing.assert_close(model(data), states, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("graph", [block_graph(), directed_graph()])
def test_appnp_walks_as_torch_geometrics(graph: Graph) -> None:
    data = GraphData.of(graph)
    states = torch.randn(graph.num_nodes, 3, generator=torch.Generator().manual_seed(0))
    theirs = geometric().APPNP(K=10, alpha=0.1)(states, data.edge_index, data.edge_weight)
    torch.testing.assert_close(propagate(states, data.adjacency), theirs, atol=1e-5, rtol=1e-5)


def test_sgc_is_torch_geometrics() -> None:
    data = GraphData.of(block_graph())
    model = SGC(data.n_features, data.n_labels)
    theirs = geometric().SGConv(data.n_features, data.n_labels, K=2)
    with torch.no_grad():
        theirs.lin.weight.copy_(model.classifier.weight.T)
        theirs.lin.bias.copy_(model.classifier.bias.normal_())
    expected = theirs(data.dense_features(), data.edge_index)
    torch.testing.assert_close(model(data), expected, atol=1e-5, rtol=1e-5)


def test_appnp_goes_to_ppnp() -> None:
    """The limit is alpha (I - (1 - alpha) A_hat)^(-1) of the perceptron's output."""
    graph = block_graph()
    data = GraphData.of(graph)
    model = APPNP(8, 3, hidden=4, n_layers=2, dropout=0.0, alpha=0.2, n_steps=100)
    dense = normalized_adjacency(graph).toarray()
    first, second = model.layers
    states = second(first(data.features).relu()).detach().numpy()
    exact = 0.2 * np.linalg.solve(np.eye(60) - 0.8 * dense, states)
    np.testing.assert_allclose(model(data).detach().numpy(), exact, atol=1e-5)


def test_the_adjacency_by_hand() -> None:
    """0 -> 1 twice, 1 -> 1: duplicates count once, the loop is not doubled, D is what flows in."""
    graph = Graph(np.array([[0, 0, 1], [1, 1, 1]]), np.array([0, 1, 0]))
    half = 1 / np.sqrt(2)
    expected = [[1, 0, 0], [half, 0.5, 0], [0, 0, 1]]
    np.testing.assert_allclose(normalized_adjacency(graph).toarray(), expected)
    weighted = replace(graph, edge_weight=np.array([1.0, 2.0, 5.0]))
    expected = [[1, 0, 0], [3 / np.sqrt(8), 5 / 8, 0], [0, 0, 1]]
    np.testing.assert_allclose(normalized_adjacency(weighted).toarray(), expected)


def test_sparse_features_give_the_logits_and_gradients_of_dense_ones() -> None:
    found = []
    for sparse in (True, False):
        data = GraphData.of(block_graph(sparse=sparse))
        assert isinstance(data.features, SparseMatrix) is sparse
        model = make_gnn("gcn", 8, 3, dropout=0.0)
        logits = model(data)
        logits.square().sum().backward()
        found.append([logits, *(p.grad for p in model.parameters())])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_a_sparse_product_has_the_gradient_of_a_dense_one() -> None:
    rng = np.random.default_rng(0)
    matrix = SparseMatrix(sp.random_array((5, 4), density=0.5, rng=rng))
    x = torch.tensor(rng.normal(size=(4, 2)), dtype=torch.float32, requires_grad=True)
    (matrix @ x).square().sum().backward()
    with torch.no_grad():
        dense = matrix.to_dense()
        torch.testing.assert_close(x.grad, 2 * dense.T @ (dense @ x))


def test_a_sparse_matrix_may_come_unsorted_and_with_duplicates() -> None:
    parts = np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1]), np.array([0, 3])
    matrix = sp.csr_array(parts, shape=(1, 2))
    assert SparseMatrix(matrix).to_dense().tolist() == [[2.0, 4.0]]
    assert matrix.indices.tolist() == [1, 0, 1]


def test_row_normalised_features_sum_to_one() -> None:
    graph = replace(block_graph(), features=np.array([[1.0, -3.0]] * 59 + [[0.0, 0.0]]))
    for features in (graph.features, sp.csr_array(graph.features)):
        data = GraphData.of(replace(graph, features=features), row_normalise=True)
        sums = data.dense_features().abs().sum(dim=1)
        assert sums.tolist() == [1.0] * 59 + [0.0]


@pytest.mark.parametrize("name", GNN_NAMES)
def test_every_model_gives_logits_by_its_seed_and_leaves_the_random_state(name: str) -> None:
    if name not in PLAIN:
        geometric()
    data = GraphData.of(block_graph())
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two, other = (make_gnn(name, 8, 3, hidden=16, seed=s).eval() for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert one(data).shape == (60, 3)
    assert torch.equal(one(data), two(data))
    assert not torch.equal(one(data), other(data))


def test_dropout_acts_in_training_only_between_layers() -> None:
    data = GraphData.of(block_graph())
    model = make_gnn("gcn", 8, 3)
    assert not torch.equal(model(data), model(data))
    model.eval()
    assert torch.equal(model(data), model(data))
    single = GCN(8, 3, hidden=32, n_layers=1, dropout=0.9)
    assert torch.equal(single(data), single(data))


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_geometric.nn", None)
    with pytest.raises(ImportError, match=r"'gat' is made of .*pip install 'loupe\[graph\]'"):
        make_gnn("gat", 8, 3)
    make_gnn("appnp", 8, 3)


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`model` must be one of 'gcn', 'appnp', .*; got 'gnn'"):
        make_gnn("gnn", 8, 3)
    with pytest.raises(ValueError, match="`hidden` must be a multiple of GAT's 8 heads; got 12"):
        make_gnn("gat", 8, 3, hidden=12)
    with pytest.raises(ValueError, match=r"`alpha` must be in \(0, 1\]; got 0"):
        APPNP(8, 3, hidden=4, n_layers=2, dropout=0.0, alpha=0)
    with pytest.raises(ValueError, match=r"`dropout` must be between 0\.0 and 1\.0; got 2"):
        make_gnn("gcn", 8, 3, dropout=2)
    with pytest.raises(ValueError, match="`n_layers` must be at least 1; got 0"):
        make_gnn("sage", 8, 3, n_layers=0)


def test_weights_of_edges_are_read_or_refused() -> None:
    geometric()
    weighted, data = GraphData.of(block_graph(weighted=True)), GraphData.of(block_graph())
    for name in ("gcn", "appnp", "sgc", "cheb"):
        model = make_gnn(name, 8, 3).eval()
        assert not torch.allclose(model(weighted), model(data))
    for name in ("gat", "sage"):
        with pytest.raises(ValueError, match=f"`model` must read the weights .*; got '{name}'"):
            make_gnn(name, 8, 3)(weighted)


def test_a_graph_must_have_features() -> None:
    with pytest.raises(ValueError, match="`graph` must have features to learn from; got Graph"):
        GraphData.of(replace(block_graph(), features=None))
    with pytest.raises(TypeError, match=r"`graph` must be a data\.records\.Graph; got ndarray"):
        GraphData.of(np.eye(3))  # pyright: ignore
