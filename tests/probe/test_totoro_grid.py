"""Scans of many splits, maps of many settings, and any one setting of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records import Graph
from data.splits import random_split
from probe.totoro import conflict_map, scan_splits, setting_of, topology_imbalance


def blocks(n: int = 60, classes: int = 3, seed: int = 0, weighted: bool = False) -> Graph:
    """A random graph whose classes keep to themselves, mostly."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    ends = rng.integers(n, size=(2, 5 * n))
    keep = (labels[ends[0]] == labels[ends[1]]) | (rng.random(5 * n) < 0.15)
    ends = ends[:, keep & (ends[0] != ends[1])]
    ends = np.unique(np.sort(ends, axis=0), axis=1)
    weight = rng.uniform(0.5, 2, ends.shape[1]) if weighted else None
    both = None if weight is None else np.concatenate([weight, weight])
    edges = np.concatenate([ends, ends[::-1]], axis=1)
    return Graph(edges, labels, edge_weight=both, label_names=("a", "b", "c")[:classes], name="b")


def test_a_scan_is_one_measure_for_each_split() -> None:
    graph = blocks()
    scan = scan_splits(graph, splits=4, per_class=3, valid_per_class=2, seed=7, tol=1e-9)
    for split in range(4):
        mask = random_split(graph.labels, per_class=3, valid_per_class=2, seed=7 + split).train
        one = topology_imbalance(graph, train_mask=mask, tol=1e-9)
        assert scan.split_seed.values[split] == 7 + split
        np.testing.assert_array_equal(scan.train_node.values[split], np.flatnonzero(mask))
        np.testing.assert_allclose(scan.totoro[split], one.totoro.values[mask], rtol=1e-9)
        assert float(scan.graph_totoro[split]) == pytest.approx(one.attrs["graph_totoro"])
        share = one.attrs["graph_conflict_share"]
        assert float(scan.mean_conflict_share[split]) == pytest.approx(share)
        assert int(scan.zero_conflict[split]) == one.attrs["n_zero_conflict"]
    totals = scan.graph_totoro.values
    assert totals[scan.attrs["easiest"]] == totals.min()
    assert totals[scan.attrs["hardest"]] == totals.max()
    assert np.sort(totals)[1] == totals[scan.attrs["median"]]


def test_a_scan_in_small_chunks_is_the_same() -> None:
    graph = blocks()
    options = {"splits": 5, "per_class": 3, "valid_per_class": 2}
    whole = scan_splits(graph, **options)
    # Seven columns: a chunk ends in the middle of a split's classes.
    small = scan_splits(graph, **options, memory_limit=5 * 60 * 8 * 7)
    np.testing.assert_allclose(small.totoro, whole.totoro, rtol=1e-12)


def test_scans_that_are_refused() -> None:
    with pytest.raises(ValueError, match="`splits` must be at least 1; got 0"):
        scan_splits(blocks(), splits=0)
    with pytest.raises(ValueError, match="`labels` must hold one label per node; got none"):
        scan_splits(blocks().edge_index)
    with pytest.raises(ValueError, match="`labels` must hold at least two classes; got 1"):
        scan_splits(blocks().edge_index, np.zeros(60, dtype=int))
    with pytest.raises(ValueError, match="class"):
        scan_splits(blocks(), per_class=30)


GRID = {"alphas": (0.15, 0.5), "per_class": (2, 4), "seeds": (0, 3)}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("stored", [False, True])
def test_a_setting_is_the_measure_itself(weighted: bool, stored: bool) -> None:
    graph = blocks(weighted=weighted)
    ds = conflict_map(graph, **GRID, tol=1e-9)
    alpha, seed = (0.5, 3) if stored else (0.3, 5)
    found = setting_of(ds, alpha=alpha, per_class=4, seed=seed, w_max=2.0)
    mask = random_split(graph.labels, per_class=4, valid_per_class=0, seed=seed).train
    wanted = topology_imbalance(graph, train_mask=mask, alpha=alpha, tol=1e-9, w_max=2.0)
    for name in ("exposure", "conflict", "totoro", "conflict_share", "weight", "class_conflict"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=3e-6, atol=1e-9, err_msg=name)
    for name in ("train", "zero_conflict", "unreached", "isolated", "component", "label_of"):
        np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)
    assert found.attrs["graph_totoro"] == pytest.approx(wanted.attrs["graph_totoro"], rel=1e-5)
    assert found.attrs["probe"] == "totoro.imbalance"
    assert found.label_name.values.tolist() == ["a", "b", "c"]


def test_what_is_stored_equals_what_is_computed() -> None:
    ds = conflict_map(blocks(), **GRID)
    stored = setting_of(ds, alpha=0.15, per_class=2, seed=0)
    computed = setting_of(ds, alpha=0.15, train=stored.train.values)
    np.testing.assert_allclose(stored.exposure, computed.exposure, rtol=1e-6)
    np.testing.assert_array_equal(stored.conflict_rank, computed.conflict_rank)
    cell = ds.sel(alpha=0.15, per_class=2, seed=0)
    np.testing.assert_array_equal(stored.conflict_rank, cell.conflict_rank)
    np.testing.assert_allclose(stored.totoro, cell.totoro, rtol=1e-6)


def test_a_map_knows_its_graph() -> None:
    graph = blocks()
    ds = conflict_map(graph, **GRID, text=[f"node {i}" for i in range(60)])
    assert ds.sizes["edge"] == graph.num_edges // 2
    np.testing.assert_array_equal(ds.degree, np.bincount(graph.edge_index[0], minlength=60))
    assert str(ds.text.values[3]) == "node 3"
    assert ds.train.sum(("node",)).values.tolist() == [[6, 6], [12, 12]]


def test_directions_of_a_map() -> None:
    graph = blocks()
    one_way = graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]]
    ds = conflict_map(one_way, graph.labels, **GRID, directed="exact")
    mask = ds.train.values[1, 0]
    wanted = topology_imbalance(one_way, graph.labels, mask, directed="exact", num_nodes=60)
    found = setting_of(ds, alpha=0.15, train=mask)
    np.testing.assert_allclose(found.totoro, wanted.totoro, rtol=1e-4)
    both = conflict_map(one_way, graph.labels, **GRID, directed="symmetrise")
    again = setting_of(both, alpha=0.2, train=mask)
    wanted = topology_imbalance(graph, train_mask=mask, alpha=0.2)
    np.testing.assert_allclose(again.totoro, wanted.totoro, rtol=1e-4)


def test_two_maps_do_not_share_an_operator() -> None:
    first, second = (conflict_map(blocks(seed=seed), **GRID) for seed in (0, 1))
    mask = first.train.values[0, 0]
    a, b = (setting_of(ds, alpha=0.33, train=mask) for ds in (first, second))
    assert not np.allclose(a.totoro.values[mask], b.totoro.values[mask])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 1))
def test_any_seed_and_alpha_can_be_asked_for(seed: int, alpha: float) -> None:
    found = setting_of(_MAP, alpha=alpha, per_class=1, seed=seed)
    assert int(found.train.sum()) == 3
    assert np.isfinite(found.exposure).all()


_MAP = conflict_map(blocks(), **GRID)


def test_maps_and_settings_that_are_refused() -> None:
    for options, words in (
        ({"alphas": ()}, r"`alphas` must hold at least one value, each once; got \(\)"),
        ({"seeds": (1, 1)}, "`seeds` must hold at least one value, each once"),
        ({"alphas": (0.0,)}, r"`alpha` must be in \(0, 1\]"),
        ({"per_class": (0,)}, "`per_class` must be at least 1"),
        ({"text": ["a"]}, "`text` and `labels` must have the same length"),
    ):
        with pytest.raises(ValueError, match=words):
            conflict_map(blocks(), **(GRID | options))
    with pytest.raises(ValueError, match="`ds` must be a result of conflict_map; got probe 'x'"):
        setting_of(_MAP.assign_attrs(probe="x"), alpha=0.15, per_class=2, seed=0)
    with pytest.raises(ValueError, match="`train` must be given, or `per_class` and `seed`"):
        setting_of(_MAP, alpha=0.15, per_class=2)
    with pytest.raises(ValueError, match="no labelled node of class 1"):
        setting_of(_MAP, alpha=0.15, train=_MAP.label_of.values == 0)


def test_maps_and_scans_can_be_written(tmp_path) -> None:
    import xarray as xr

    scan = scan_splits(blocks(), splits=3, per_class=3, valid_per_class=2)
    for name, ds in {"map": _MAP, "scan": scan}.items():
        ds.to_netcdf(tmp_path / name)
        with xr.open_dataset(tmp_path / name) as back:
            xr.testing.assert_equal(back.load(), ds)
