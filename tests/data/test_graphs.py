"""The graph that needs no download, and what the loaders have in common."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import data
from data import GRAPH_NAMES, load_digits_graph, load_graph, load_planetoid, registry


def slow_edges(pixels: np.ndarray, neighbours: int) -> set[tuple[int, int]]:
    """Nearest pictures one by one, in whole numbers."""
    edges = set()
    for i, picture in enumerate(pixels.astype(int).tolist()):
        far = [
            (sum((a - b) ** 2 for a, b in zip(picture, other, strict=True)), j)
            for j, other in enumerate(pixels.astype(int).tolist())
            if j != i
        ]
        for _, j in sorted(far)[:neighbours]:
            edges |= {(i, j), (j, i)}
    return edges


@pytest.mark.parametrize(("limit", "neighbours"), [(40, 1), (40, 3), (5, 4), (2, 1)])
def test_the_edges_are_those_of_a_slow_search(limit: int, neighbours: int) -> None:
    graph = load_digits_graph(neighbours=neighbours, limit=limit)
    edges = list(map(tuple, graph.edge_index.T.tolist()))
    assert len(edges) == len(set(edges))
    assert set(edges) == slow_edges(load_digits().data[:limit], neighbours)


def test_the_whole_graph() -> None:
    graph = load_digits_graph()
    digits = load_digits()
    assert graph.num_nodes == 1797
    np.testing.assert_array_equal(graph.labels, digits.target)
    np.testing.assert_array_equal(graph.features * 16, digits.data)
    assert graph.features.dtype == np.float32
    assert (graph.features.min(), graph.features.max()) == (0, 1)
    assert graph.label_names == tuple("0123456789")
    assert graph.attrs["neighbours"] == "10"
    assert np.bincount(graph.edge_index[0]).min() == 10
    # Near pictures mostly show the same digit, or a graph of them would tell nothing.
    same = graph.labels[graph.edge_index[0]] == graph.labels[graph.edge_index[1]]
    assert same.mean() > 0.9
    np.testing.assert_array_equal(load_graph("digits").edge_index, graph.edge_index)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 60), st.data())
def test_every_graph_is_symmetric_without_loops(limit: int, draw: st.DataObject) -> None:
    neighbours = draw.draw(st.integers(1, limit - 1))
    graph = load_digits_graph(neighbours=neighbours, limit=limit)
    source, target = graph.edge_index
    assert (source != target).all()
    adjacency = np.zeros((limit, limit), dtype=int)
    np.add.at(adjacency, (source, target), 1)
    assert adjacency.max() == 1
    np.testing.assert_array_equal(adjacency, adjacency.T)
    assert adjacency.sum(axis=1).min() >= neighbours


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"neighbours": 0}, ValueError, "`neighbours` must be from 1 to 1796, as there are 1797"),
        ({"neighbours": 5, "limit": 5}, ValueError, "from 1 to 4, as there are 5 digits; got 5"),
        ({"neighbours": 2.0}, TypeError, "`neighbours` must be a whole number; got float"),
        ({"limit": 1}, ValueError, "`limit` must be at least 2, or None for all; got 1"),
        ({"limit": True}, TypeError, "`limit` must be a whole number; got bool"),
    ],
)
def test_options_out_of_range(options, error, text: str) -> None:
    with pytest.raises(error, match=text):
        load_digits_graph(**options)


def test_the_names_are_those_of_the_registry() -> None:
    graphs = [n for n, s in registry.SOURCES.items() if s.filename.startswith("graphs/")]
    assert list(GRAPH_NAMES) == ["digits", *graphs]
    with pytest.raises(ValueError, match=r"`name` must be one of 'digits', 'cora', .*; got 'karat"):
        load_graph("karate")


def test_a_loaded_graph_is_read_only_and_loaded_again_the_same(planetoid_cache: Path) -> None:
    graph = load_planetoid("cora", progress=False)
    for array in (graph.edge_index, graph.labels, graph.features.data):
        assert not array.flags.writeable
    again = load_graph("cora")
    np.testing.assert_array_equal(again.edge_index, graph.edge_index)
    assert (again.features != graph.features).nnz == 0
    assert again.attrs == graph.attrs
    source = registry.SOURCES["cora"]
    assert (graph.attrs["licence"], graph.attrs["citation"]) == (source.licence, source.citation)


def test_a_corrupt_cache_file_is_an_error(planetoid_cache: Path) -> None:
    path = registry.fetch("cora", progress=False)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"cora\.npz of dataset 'cora' is corrupt or truncated"):
        load_planetoid("cora")


def test_the_package_has_its_names_and_costs_nothing() -> None:
    for name in data.__all__:
        assert name.isupper() or getattr(data, name).__name__ == name
    assert dir(data) == sorted(data.__all__)
    told = "import sys, data; print([m for m in ('numpy', 'scipy', 'pandas') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
