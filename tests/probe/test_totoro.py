"""Topology imbalance against the equations, the published code, and laws it must obey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.totoro import renode_weights, topology_imbalance

from .totoro_truth import graphs, pagerank, totoro

ALPHAS = st.sampled_from([0.02, 0.15, 0.5, 0.9, 1.0])


def measured(edges, weights, n, labels, train, **options):
    return topology_imbalance(
        edges, labels, train, num_nodes=n, edge_weight=weights, **{"tol": 1e-12} | options
    )


@pytest.mark.parametrize("name", [f"{g}_{i}" for g in ("cora", "citeseer") for i in range(3)])
def test_the_official_codes_values(golden: Path, name: str) -> None:
    with np.load(golden / f"totoro_{name}.npz") as file:
        edges, labels, train = file["edge_index"], file["labels"], file["train_mask"]
        official, weights = file["totoro"], file["weight"]
    ds = topology_imbalance(edges, labels, train, num_nodes=len(labels))
    every = ds.conflict.values[np.arange(len(labels)), labels]
    assert np.abs(every - official).max() < 5e-6 * official.max()
    assert np.array_equal(ds.totoro.values[train], every[train])
    # Their float32 inverse orders values that lie within its noise of each other at random, and
    # their ranks follow memory on ties: such values hold a run of ranks together. Elsewhere the
    # weights are equal.
    t, ours, theirs = official[train], ds.weight.values[train], weights[train]
    curve = 1 + 0.5 * np.cos(np.pi * np.arange(len(t)) / (len(t) - 1))
    first, alone = 0, 0
    for group in _close_groups(t, 5e-6 * official.max()):
        run = curve[first : first + len(group)]
        np.testing.assert_allclose(np.sort(theirs[group])[::-1], run, atol=1e-6)
        assert (ours[group] >= run[-1] - 1e-9).all()
        assert (ours[group] <= run[0] + 1e-9).all()
        first, alone = first + len(group), alone + (len(group) == 1)
    assert alone > len(t) / 2


def _close_groups(values: np.ndarray, gap: float) -> list[np.ndarray]:
    order = np.argsort(values)
    return np.split(order, np.flatnonzero(np.diff(values[order]) > gap) + 1)


@given(graphs(), ALPHAS)
def test_exact_on_undirected_graphs(graph, alpha: float) -> None:
    edges, weights, n, labels, train = graph
    ds = measured(*graph, alpha=alpha)
    truth = totoro(pagerank(edges, weights, n, alpha), labels, train)
    np.testing.assert_allclose(ds.conflict.values, truth, rtol=0, atol=1e-11)


@given(graphs(weighted=True), ALPHAS)
def test_exact_on_weighted_graphs(graph, alpha: float) -> None:
    edges, weights, n, labels, train = graph
    ds = measured(*graph, alpha=alpha)
    truth = totoro(pagerank(edges, weights, n, alpha), labels, train)
    np.testing.assert_allclose(ds.conflict.values, truth, rtol=0, atol=1e-11)


@settings(max_examples=60)
@given(graphs(directed=True, weighted=True), st.sampled_from([0.15, 0.5, 1.0]))
def test_exact_on_directed_graphs(graph, alpha: float) -> None:
    edges, weights, n, labels, train = graph
    ds = measured(*graph, alpha=alpha, directed="exact", tol=1e-9)
    truth = totoro(pagerank(edges, weights, n, alpha), labels, train)
    np.testing.assert_allclose(ds.conflict.values, truth, rtol=0, atol=2e-9)


@settings(max_examples=40)
@given(graphs(directed=True))
def test_symmetrising_is_giving_both_directions(graph) -> None:
    edges, _, n, labels, train = graph
    both = np.concatenate([edges, edges[::-1]], axis=1)
    found = measured(edges, None, n, labels, train, directed="symmetrise")
    wanted = measured(both, None, n, labels, train)
    np.testing.assert_allclose(found.conflict, wanted.conflict, atol=1e-14)


@settings(max_examples=40)
@given(graphs(), st.sampled_from([1e-2, 1e-4, 1e-6]))
def test_the_error_stays_below_the_bound_that_is_promised(graph, tol: float) -> None:
    edges, weights, n, labels, train = graph
    ds = measured(*graph, tol=tol)
    truth = totoro(pagerank(edges, weights, n, 0.15), labels, train)
    assert np.abs(ds.conflict.values - truth).max() <= ds.attrs["error_bound"] + 1e-14
    counts = np.bincount(labels[train])
    assert ds.attrs["error_bound"] <= tol * np.sum(1 / np.sqrt(counts[counts > 0]))


@settings(max_examples=40)
@given(graphs(weighted=True), st.randoms(use_true_random=False))
def test_numbering_of_nodes_and_order_of_edges_do_not_matter(graph, random) -> None:
    edges, weights, n, labels, train = graph
    new = list(range(n))
    random.shuffle(new)
    new = np.array(new)
    moved_labels, moved_train = np.empty_like(labels), np.empty_like(train)
    moved_labels[new], moved_train[new] = labels, train
    order = np.argsort(edges[0] * 7 % 5, kind="stable")
    moved = measured(new[edges[:, order]], weights[order], n, moved_labels, moved_train)
    ds = measured(*graph)
    np.testing.assert_allclose(moved.conflict.values[new], ds.conflict.values, atol=1e-13)
    np.testing.assert_allclose(
        moved.weight.values[new], ds.weight.values, atol=1e-12, equal_nan=True
    )


@settings(max_examples=40)
@given(graphs())
def test_the_tables_agree_with_each_other(graph) -> None:
    _, _, _, labels, train = graph
    ds = measured(*graph)
    z = ds.exposure.values
    np.testing.assert_allclose(ds.conflict, z.sum(1, keepdims=True) - z, atol=1e-14)
    between, counts = ds.class_conflict.values, np.bincount(labels[train], minlength=z.shape[1])
    seen = counts > 0
    np.testing.assert_allclose(between[seen][:, seen], between[seen][:, seen].T, atol=1e-13)
    off = between[seen][:, seen] * ~np.eye(seen.sum(), dtype=bool)
    total = (counts[seen, None] * off).sum()
    assert ds.attrs["graph_totoro"] == pytest.approx(total, abs=1e-12)
    share = ds.conflict_share.values[train]
    assert ((share >= 0) & (share <= 1)).all()
    assert (share[ds.zero_conflict.values[train]] == 0).all()
    # T is exactly 0 where nobody of another class can be reached, and only there.
    alone = ds.zero_conflict.values[train]
    assert (ds.totoro.values[train][alone] == 0).all()
    assert (ds.totoro.values[train][~alone] > 0).all()
    np.testing.assert_array_equal(ds.weight.values[train], renode_weights(ds.totoro.values[train]))
    assert np.isnan(ds.totoro.values[~train]).all()
    assert np.isnan(ds.weight.values[~train]).all()


def test_two_nodes_by_hand() -> None:
    # A_hat is J/2, with eigenvalues 1 and 0: P = J/2 + alpha (I - J/2),
    # so P^2 = J/2 + alpha^2 (I - J/2), whose off-diagonal is (1 - alpha^2) / 2.
    ds = topology_imbalance([[0, 1], [1, 0]], [0, 1], [True, True], alpha=0.3, tol=1e-13)
    np.testing.assert_allclose(ds.totoro, (1 - 0.09) / 2, atol=1e-12)
    np.testing.assert_allclose(ds.conflict_share, (1 - 0.09) / 2, atol=1e-12)
    np.testing.assert_allclose(ds.influence, [[0.65, 0.35], [0.35, 0.65]], atol=1e-12)


def test_labelling_a_node_changes_not_its_own_conflict() -> None:
    rng = np.random.default_rng(0)
    edges = rng.integers(30, size=(2, 60))
    edges = np.concatenate([edges, edges[::-1]], axis=1)
    labels = rng.integers(3, size=30)
    train = np.zeros(30, dtype=bool)
    train[[np.flatnonzero(labels == c)[0] for c in range(3)]] = True
    before = topology_imbalance(edges, labels, train, num_nodes=30)
    node = int(np.flatnonzero(~train)[5])
    after = topology_imbalance(edges, labels, [*np.flatnonzero(train), node], num_nodes=30)
    promised = before.conflict.values[node, labels[node]]
    assert after.totoro.values[node] == pytest.approx(promised, rel=1e-12)


def test_what_nobody_reaches_is_said() -> None:
    # 0-1 with both classes; 2-3 with one labelled node; 4-5 with none; 6 alone.
    edges = np.array([[0, 1, 2, 3, 4, 5], [1, 0, 3, 2, 5, 4]])
    ds = topology_imbalance(edges, [0, 1, 0, 1, 0, 1, 1], [0, 1, 2], num_nodes=7)
    assert ds.zero_conflict.values.tolist() == [False, False, True, *[False] * 4]
    assert ds.unreached.values.tolist() == [False] * 4 + [True] * 3
    assert ds.isolated.values.tolist() == [False] * 6 + [True]
    assert len(np.unique(ds.component)) == 4
    assert ds.attrs["n_zero_conflict"] == 1
    assert ds.attrs["n_unreached"] == 3
    assert ds.attrs["n_isolated"] == 1
    assert (
        "1 of 3 labelled nodes share their component with no labelled node of another"
        in (ds.attrs["notes"])
    )
    assert "3 of 7 nodes share their component with no labelled node" in ds.attrs["notes"]
    assert "1 of 7 nodes have no neighbour" in ds.attrs["notes"]
    # The largest weight goes to the node that meets nobody.
    assert ds.weight.values[2] == 1.5


def test_a_class_that_no_node_has_takes_no_part() -> None:
    # Label 1 is skipped: its column is empty, and nothing else changes.
    edges = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
    ds = topology_imbalance(edges, [0, 2, 2], [0, 1])
    two = topology_imbalance(edges, [0, 1, 1], [0, 1])
    assert (ds.exposure.sel(label=1) == 0).all()
    np.testing.assert_array_equal(ds.totoro, two.totoro)
    assert np.isnan(ds.class_conflict.sel(label=1)).all()


def test_a_loose_tolerance_is_noted() -> None:
    edges = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
    loose = topology_imbalance(edges, [0, 1, 1], [0, 1], tol=0.5)
    assert "lower `tol`" in loose.attrs["notes"]
    assert topology_imbalance(edges, [0, 1, 1], [0, 1]).attrs["notes"] == ""


def test_the_result_is_labelled_and_can_be_written(tmp_path: Path) -> None:
    import xarray as xr

    edges = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
    ds = topology_imbalance(edges, [0, 1, 1], [0, 1])
    for name, variable in ds.data_vars.items():
        assert {"long_name", "units"} <= set(variable.attrs), name
    assert ds.attrs["probe"] == "totoro.imbalance"
    assert ds.attrs["products"] == 27
    ds.to_netcdf(tmp_path / "t.nc")
    with xr.open_dataset(tmp_path / "t.nc") as back:
        xr.testing.assert_equal(back.load(), ds)
