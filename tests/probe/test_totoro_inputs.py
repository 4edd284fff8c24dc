"""Every kind of graph that a user has, and every way to get it wrong."""

from __future__ import annotations

from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch

from data.records import Graph
from probe.totoro import estimate, topology_imbalance
from probe.totoro._reading import read_adjacency

EDGES = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
LABELS = np.array([0, 0, 1, 1])
TRAIN = np.array([True, False, False, True])


def check(found) -> None:
    wanted = topology_imbalance(EDGES, LABELS, TRAIN)
    np.testing.assert_array_equal(found.conflict, wanted.conflict)


@pytest.mark.parametrize(
    "edges",
    [
        EDGES.astype(np.int32),
        EDGES.tolist(),
        torch.from_numpy(EDGES),
        sp.coo_matrix((np.ones(6), tuple(EDGES))),
        sp.csr_array((np.ones(6), tuple(EDGES))),
        nx.path_graph(4),
        nx.DiGraph(zip(*EDGES.tolist(), strict=True)),
        nx.MultiGraph([(0, 1), (0, 1), (1, 2), (2, 3)]),
    ],
    ids=lambda edges: type(edges).__name__,
)
def test_all_kinds_of_graphs(edges) -> None:
    check(topology_imbalance(edges, LABELS, TRAIN))
    check(topology_imbalance(edges, torch.from_numpy(LABELS), torch.from_numpy(TRAIN)))


def test_an_edge_given_twice_counts_once_without_weights() -> None:
    check(topology_imbalance(np.concatenate([EDGES, EDGES], axis=1), LABELS, TRAIN))


def test_repeated_edges_add_up_with_weights() -> None:
    twice = topology_imbalance(
        np.concatenate([EDGES, EDGES], axis=1), LABELS, TRAIN, edge_weight=np.full(12, 0.5)
    )
    check(twice)


def test_pyg_data() -> None:
    data = pytest.importorskip("torch_geometric.data").Data(
        edge_index=torch.from_numpy(EDGES),
        y=torch.from_numpy(LABELS)[:, None],
        train_mask=torch.from_numpy(TRAIN),
        num_nodes=4,
    )
    check(topology_imbalance(data))
    data.edge_weight = torch.ones(6)[:, None]
    check(topology_imbalance(data))


def test_our_record_with_its_names() -> None:
    graph = Graph(EDGES, LABELS, label_names=("left", "right"), name="path")
    found = topology_imbalance(graph, train_mask=TRAIN)
    check(found)
    assert found.label_name.values.tolist() == ["left", "right"]
    assert found.attrs["graph"] == "path"


def test_weights_of_a_networkx_graph_count() -> None:
    graph = nx.path_graph(4)
    graph.edges[1, 2]["weight"] = 3.0
    weights = np.array([1, 1, 3, 3, 1, 1.0])
    wanted = topology_imbalance(EDGES, LABELS, TRAIN, edge_weight=weights)
    np.testing.assert_allclose(topology_imbalance(graph, LABELS, TRAIN).conflict, wanted.conflict)


def test_more_nodes_than_the_edges_name() -> None:
    found = topology_imbalance(EDGES, [*LABELS, -1], [0, 3], num_nodes=5)
    assert found.isolated.values.tolist() == [False] * 4 + [True]


def test_a_self_loop_that_is_there_is_not_doubled() -> None:
    looped = np.concatenate([EDGES, [[2], [2]]], axis=1)
    check(topology_imbalance(looped, LABELS, TRAIN))


def bad(match: str, error=ValueError, /, edges=EDGES, labels=LABELS, train=TRAIN, **options):
    with pytest.raises(error, match=match):
        topology_imbalance(edges, labels, train, **options)


def test_graphs_that_are_refused() -> None:
    bad(
        r"`edge_index` must have axes \(2, edge\); got shape \(6, 2\)\. Transpose it", edges=EDGES.T
    )
    bad(r"must have axes \(2, edge\); got shape \(6,\)", edges=EDGES[0])
    bad("must hold whole numbers, not float64", TypeError, edges=EDGES.astype(float))
    bad("`edge_index` must be a .* array or tensor, a scipy.sparse", TypeError, edges="cora")
    bad("must be a .* array or tensor", TypeError, edges=[[0, 1], [1]])
    bad("must hold nodes from 0 to 3; got node 4", edges=np.array([[0], [4]]), num_nodes=4)
    bad("nodes from 0 to 3; got node -1", edges=np.array([[0], [-1]]), num_nodes=4)
    bad("must hold at least one node; got an empty graph", edges=np.zeros((2, 0), dtype=int))
    bad("at least one edge; got an empty graph of 4 nodes", edges=EDGES[:, :0], num_nodes=4)
    bad("at least one node; got an empty graph", edges=nx.Graph())
    bad("at least one node; got an empty graph", edges=sp.csr_array((0, 0)))
    bad("be a square matrix", edges=sp.csr_array(np.ones((2, 3))))
    bad("`num_nodes` must be the 4 of the graph; got 5", edges=nx.path_graph(4), num_nodes=5)
    bad("`edge_weight` must be None beside a networkx", edges=nx.path_graph(4), edge_weight=[1])
    bad("`num_nodes` must be an integer", TypeError, num_nodes=4.0)


def test_directions_are_never_ignored() -> None:
    one_way = np.array([[0, 1, 2], [1, 2, 3]])
    bad("every edge in both directions; got a directed graph: 3 of 3 edges", edges=one_way)
    bad("a directed graph", edges=EDGES, edge_weight=[1, 2, 1, 1, 1, 1])
    bad("`directed` must be one of 'refuse', 'symmetrise', 'exact'", directed="yes")
    check(topology_imbalance(one_way, LABELS, TRAIN, directed="symmetrise"))
    exact = topology_imbalance(one_way, LABELS, TRAIN, directed="exact")
    assert "The graph is directed" in exact.attrs["notes"]
    symmetrised = topology_imbalance(one_way, LABELS, TRAIN, directed="symmetrise")
    assert "counted in both directions" in symmetrised.attrs["notes"]
    # Exact on an undirected graph is the usual measure.
    check(topology_imbalance(EDGES, LABELS, TRAIN, directed="exact"))


def test_weights_that_are_refused() -> None:
    for wrong in (np.nan, np.inf, -1.0):
        weights = np.array([1, 1, wrong, 1, 1, 1])
        bad(r"finite weights that are not negative; got .* at edge 2", edge_weight=weights)
        matrix = sp.csr_array((weights, tuple(EDGES)))
        bad("finite weights that are not negative", edges=matrix)
    bad(r"`edge_weight` must have axes \(edge\) with 6; got shape \(5,\)", edge_weight=np.ones(5))
    bad("hold real numbers, not <U1", TypeError, edge_weight=list("abcdef"))


def test_labels_that_are_refused() -> None:
    bad(r"`labels` must have axes \(node\) with 4; got shape \(3,\)", labels=LABELS[:3])
    bad("`labels` must hold whole numbers, not float64", TypeError, labels=LABELS / 1.0)
    bad("be from 0 up, or -1 where unknown; got label -2 at node 3", labels=[0, 0, 1, -2])
    bad("`labels` must hold at least two classes; got 1", labels=[0, 0, 0, 0])
    bad("`labels` must hold one label per node; got none", labels=None)
    named = SimpleNamespace(edge_index=EDGES, num_nodes=4, label_names=("a", "b"))
    bad("from 0 to 1, or -1 where unknown; got label 2 at node 3", edges=named, labels=[0, 0, 1, 2])


def test_masks_that_are_refused() -> None:
    bad("`train_mask` must select the labelled nodes; got none", train=None)
    bad("`train_mask` selects no labelled node of class 1; Totoro needs", train=[0, 1])
    named = Graph(EDGES, LABELS, label_names=("left", "right"))
    bad(r"no labelled node of class 1 \(right\)", edges=named, train=[0, 1])
    bad(r"have axes \(node\) with 4; got shape \(3,\)", train=TRAIN[:3])
    bad("nodes from 0 to 3; got node 7", train=[0, 7])
    bad("one boolean per node or positions of nodes, not float64", TypeError, train=[0.0, 1.0])
    bad("each position once; got repeated ones. A mask needs dtype bool", train=[1, 0, 0, 1])
    bad("select nodes with a label; got node 1, whose label is -1", labels=[0, -1, 1, 1], train=[1])


def test_numbers_that_are_refused() -> None:
    for alpha in (0.0, -0.1, 1.5):
        bad(r"`alpha` must be in \(0, 1\]; got .* 0.15 is the paper's value", alpha=alpha)
    bad("`alpha` must be finite", alpha=np.nan)
    bad("`alpha` must be a real number", TypeError, alpha="0.15")
    bad("`tol` must be between 1e-13 and 1", tol=0.0)
    bad("`dtype` must be one of 'float32', 'float64'", dtype="float16")
    bad("`memory_limit` must be at least 160", memory_limit=100)
    bad("`w_min` must be at least 0", w_min=-1.0)
    bad("`w_max` must be at least 2.0", w_min=2.0)
    with pytest.raises(ValueError, match="`n_labels` must be at least 2; got 1"):
        estimate(EDGES, n_labels=1)


def test_reading_keeps_direction_and_order() -> None:
    matrix = read_adjacency([[2, 0], [0, 1]], num_nodes=4, edge_weight=[2.0, 0.5])
    assert matrix.toarray()[2, 0] == 2.0
    assert matrix.toarray()[0, 1] == 0.5
    assert matrix.nnz == 2
