"""Where nodes lie: the same for the same graph, neighbours together, components apart."""

import random

import igraph
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from tests.viz import totoro_results as results
from viz.totoro import graph_layout
from viz.totoro.layout import _GAP, _ROOM, _radius, _rings, pairs_of


def planted(sizes: list[int], seed: int = 0) -> np.ndarray:
    """Dense groups, and a few edges between them."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    ends = rng.integers(len(group), size=(2, 6 * len(group)))
    keep = (group[ends[0]] == group[ends[1]]) | (rng.random(ends.shape[1]) < 0.01)
    chain = np.stack([np.arange(len(group) - 1), np.arange(1, len(group))])
    return np.c_[ends[:, keep], chain]


@given(seed=st.integers(0, 99), nodes=st.integers(1, 40), edges=st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_positions_are_centred_scaled_and_distinct(seed, nodes, edges) -> None:
    pairs = np.random.default_rng(seed).integers(nodes, size=(2, edges))
    xy = graph_layout(pairs, nodes)
    assert xy.shape == (nodes, 2)
    assert np.isfinite(xy).all()
    np.testing.assert_allclose(xy.min(axis=0), -xy.max(axis=0), atol=1e-12)
    assert np.abs(xy).max() == pytest.approx(1.0 if nodes > 1 else 0.0)
    if nodes > 1:
        assert pdist(xy).min() > 1e-3


@given(counts=st.lists(st.integers(1, 60), min_size=2, max_size=80))
@settings(max_examples=50, deadline=None)
def test_components_never_cover_each_other(counts) -> None:
    counts = sorted(counts, reverse=True)
    centres = _rings(counts)
    radii = np.array([_radius(counts[0]), *(_radius(n, _ROOM) for n in counts[1:])])
    apart = squareform(pdist(centres)) - radii[:, None] - radii
    np.fill_diagonal(apart, np.inf)
    # Rings lie a gap apart; within one ring a chord is a little shorter than its arc.
    assert apart.min() > 0.5 * _GAP
    assert (apart[0, 1:] >= _GAP - 1e-9).all()


def test_small_components_and_lone_nodes_stand_round_the_largest() -> None:
    core = planted([120, 120])
    pairs = np.c_[core, [[240, 242], [241, 243]]]
    xy = graph_layout(pairs, 300)
    middle = (xy[:240].min(axis=0) + xy[:240].max(axis=0)) / 2
    distance = np.hypot(*(xy - np.median(xy[:240], axis=0)).T)
    assert distance[240:].min() > distance[:240].max()
    assert np.hypot(*middle) < 0.2
    # The pairs come first, and the lone nodes leave no gap to the edge of the page.
    assert distance[240:244].max() < distance[244:].max() < 1.1


def test_groups_are_to_be_seen() -> None:
    xy = graph_layout(planted([100, 100, 100]), 300)
    group = np.repeat(np.arange(3), 100)
    apart = squareform(pdist(xy))
    same = group[:, None] == group
    assert apart[same].mean() < 0.6 * apart[~same].mean()


def test_the_same_graph_and_seed_give_the_same_positions() -> None:
    pairs = planted([80, 80])
    first = graph_layout(pairs, 160, seed=1)
    np.testing.assert_array_equal(first, graph_layout(pairs, 160, seed=1))
    assert not np.allclose(first, graph_layout(pairs, 160, seed=2))
    noisy = np.c_[pairs[::-1, ::-1], pairs, [[7], [7]]]
    np.testing.assert_array_equal(first, graph_layout(noisy, 160, seed=1))


def test_no_other_random_numbers_are_touched() -> None:
    ring = igraph.Graph.Ring(9)
    random.seed(3)
    state = random.getstate()
    wanted = ring.layout_random().coords
    random.setstate(state)
    graph_layout(planted([80, 80]), 160)
    assert random.getstate() == state
    assert ring.layout_random().coords == wanted


@pytest.mark.parametrize(
    ("edges", "nodes", "seed", "error", "told"),
    [
        (np.zeros((3, 2), int), 4, 0, ValueError, r"`edge_index` must have axes \(2, edge\)"),
        (np.zeros(4, int), 4, 0, ValueError, r"`edge_index` must have axes \(2, edge\)"),
        (np.array([[0], [4]]), 4, 0, ValueError, "hold nodes from 0 to 3; got node 4"),
        (np.array([[-1], [2]]), 4, 0, ValueError, "hold nodes from 0 to 3; got node -1"),
        (np.zeros((2, 1)), 4, 0, TypeError, "`edge_index` must hold whole numbers; got float64"),
        (np.zeros((2, 0), int), 0, 0, ValueError, "`num_nodes` must be at least 1; got 0"),
        (np.zeros((2, 0), int), 2.5, 0, TypeError, "`num_nodes` must be an integer; got float"),
        (np.zeros((2, 0), int), 2, -1, ValueError, "`seed` must be at least 0; got -1"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(edges, nodes, seed, error, told) -> None:
    with pytest.raises(error, match=told):
        graph_layout(edges, nodes, seed=seed)


def test_each_edge_once() -> None:
    graph = results.graph()
    pairs = pairs_of(graph.edge_index, graph.num_nodes)
    assert len(pairs) == graph.num_edges // 2
    assert (pairs[:, 0] < pairs[:, 1]).all()
