from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import scipy.sparse as sp

from data import Graph, Split

EDGES = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
LABELS = np.array([0, 0, 1])


def test_a_graph_counts_what_it_holds() -> None:
    graph = Graph(EDGES, [0, -1, 2], name="path", label_names=("a", "b", "c", "d"))
    assert len(graph) == graph.num_nodes == 3
    assert graph.num_edges == 4
    assert graph.n_labels == 4
    assert repr(graph) == "Graph('path', 3 nodes, 4 directed edges, 4 labels)"
    assert (graph.features, graph.edge_weight, graph.attrs) == (None, None, {})
    for array in (graph.edge_index, graph.labels):
        assert array.dtype == np.int64


def test_labels_without_names_are_numbered() -> None:
    assert Graph(EDGES, [0, -1, 2]).label_names == ("0", "1", "2")
    unknown = Graph(EDGES, [-1, -1, -1])
    assert (unknown.label_names, unknown.n_labels) == ((), 0)


def test_a_graph_may_have_no_edge() -> None:
    assert Graph(np.zeros((2, 0), dtype=int), [0]).num_edges == 0


@pytest.mark.parametrize("sparse", [False, True])
def test_arrays_are_copies_and_read_only(sparse: bool) -> None:
    edges, labels, weight = EDGES.copy(), LABELS.copy(), np.ones(4)
    dense = np.eye(3, 2, dtype=np.float32)
    features = sp.csr_array(dense) if sparse else dense.copy()
    attrs = {"source": "here"}
    graph = Graph(edges, labels, features, edge_weight=weight, attrs=attrs)
    edges[:], labels[:], weight[:] = 9, 9, 9
    (features.data if sparse else features)[:] = 9
    attrs["source"] = "there"
    np.testing.assert_array_equal(graph.edge_index, EDGES)
    np.testing.assert_array_equal(graph.labels, LABELS)
    np.testing.assert_array_equal(graph.edge_weight, np.ones(4))
    held = graph.features
    np.testing.assert_array_equal(held.toarray() if sparse else held, dense)
    assert graph.attrs == {"source": "here"}
    arrays = [graph.edge_index, graph.labels, graph.edge_weight]
    arrays += [held.data, held.indices, held.indptr] if sparse else [held]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
        graph.name = "other"


@pytest.mark.parametrize(
    ("given", "dtype"), [(np.float64, np.float64), (int, np.float32), (bool, np.float32)]
)
def test_features_become_numbers_that_a_model_reads(given: type, dtype: type) -> None:
    for features in (np.eye(3, dtype=given), sp.csr_array(np.eye(3, dtype=given))):
        assert Graph(EDGES, LABELS, features).features.dtype == dtype
    assert isinstance(Graph(EDGES, LABELS, sp.coo_matrix(np.eye(3))).features, sp.csr_array)


def graph(**changes: object) -> Graph:
    return Graph(**({"edge_index": EDGES, "labels": LABELS} | changes))  # pyright: ignore


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"labels": []}, TypeError, "`labels` must hold whole numbers; got float64."),
        ({"labels": LABELS[:0]}, ValueError, "`labels` must hold one label per node; got an empty"),
        ({"labels": LABELS - 2}, ValueError, "at least 0, or -1 where unknown; got -2."),
        ({"labels": LABELS[None]}, ValueError, "`labels` must have axes (node); got shape (1, 3)."),
        ({"labels": LABELS / 2}, TypeError, "`labels` must hold whole numbers; got float64."),
        ({"edge_index": EDGES / 2}, TypeError, "`edge_index` must hold whole numbers; got float64"),
        ({"edge_index": EDGES.T}, ValueError, "must have axes (2, edge); got shape (4, 2)."),
        ({"edge_index": EDGES[0]}, ValueError, "must have axes (2, edge); got shape (4,)."),
        ({"edge_index": EDGES + 1}, ValueError, "must hold nodes from 0 to 2; got node 3."),
        ({"edge_index": EDGES - 1}, ValueError, "must hold nodes from 0 to 2; got node -1."),
        ({"label_names": ("a",)}, ValueError, "must name every label up to 1; got 1 names."),
        ({"features": np.eye(2)}, ValueError, "(node, feature) with 3 nodes; got shape (2, 2)."),
        ({"features": np.ones(3)}, ValueError, "(node, feature) with 3 nodes; got shape (3,)."),
        ({"features": np.full((3, 1), "a")}, TypeError, "`features` must hold numbers; got <U1."),
        (
            {"features": np.array([[1], [np.nan], [np.inf]])},
            ValueError,
            "`features` must be finite everywhere; got 2 NaN or infinite values.",
        ),
        (
            {"features": sp.csr_array(np.array([[1], [np.nan], [0]]))},
            ValueError,
            "`features` must be finite everywhere; got 1 NaN or infinite values.",
        ),
        ({"edge_weight": np.ones(3)}, ValueError, "must have axes (edge) with 4; got (3,)."),
        ({"edge_weight": [1, 1, -1, 1]}, ValueError, "finite and not negative; got -1.0 at 2."),
        ({"edge_weight": [np.nan, 1, 1, 1]}, ValueError, "finite and not negative; got nan at 0."),
        ({"edge_weight": [1, np.inf, 1, 1]}, ValueError, "finite and not negative; got inf at 1."),
    ],
)
def test_what_is_no_graph_is_refused(changes, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        graph(**changes)


def test_a_split_is_a_read_only_copy() -> None:
    train, valid, test = np.eye(4, dtype=bool)[:3]
    split = Split(train, valid, test, "mine")
    train[:] = True
    assert split.train.tolist() == [True, False, False, False]
    assert repr(split) == "Split('mine', 1 train, 1 valid, 1 test)"
    for part in (split.train, split.valid, split.test):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = True


NONE = np.zeros(3, dtype=bool)
FIRST = np.array([True, False, False])


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (
            (FIRST * 1, NONE, NONE),
            "`train` must hold one boolean per node; got int64 of shape (3,)",
        ),
        (
            (FIRST, NONE[None], NONE),
            "`valid` must hold one boolean per node; got bool of shape (1,",
        ),
        ((FIRST, NONE, [0]), "`test` must hold one boolean per node; got int64 of shape (1,)."),
        ((FIRST, NONE, NONE[:2]), "same length; got train 3, valid 3, test 2."),
        ((FIRST, NONE, FIRST), "must share no node; 1 are in two, the first is 0."),
        ((NONE, FIRST, NONE), "`train` must select at least one node; got none."),
    ],
)
def test_what_is_no_split_is_refused(parts, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        Split(*parts)
