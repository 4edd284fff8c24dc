"""The Totoro explorer: it packs and answers with the measured numbers, and fits its page."""

from __future__ import annotations

import html
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from probe.totoro import conflict_map, setting_of
from tests.viz.totoro_maps import ALPHAS, PER_CLASS, SEEDS, question, small_map
from viz.explorers import TotoroExplorer, _totoro_payload, explore, totoro
from viz.explorers._payload import unpack
from viz.explorers._twin import script
from viz.report import external_resources


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return small_map(text=True)


@pytest.fixture
def view(result: xr.Dataset) -> TotoroExplorer:
    return TotoroExplorer(result)


def exposures(packed: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray:
    """What the view reads of a setting's exposures: 10 to the packed, 0 where nothing reaches."""
    return np.nan_to_num(10.0 ** unpack(packed["exposure"])).reshape(shape)


# What is packed


def test_every_setting_of_the_page_holds_what_was_measured(
    result: xr.Dataset, view: TotoroExplorer
) -> None:
    payload = view.payload(whole=True)
    assert len(payload["settings"]) == len(ALPHAS) * len(PER_CLASS) * len(SEEDS)
    for key, packed in payload["settings"].items():
        a, p, s = map(int, key.split("|"))
        found = setting_of(result, alpha=ALPHAS[a], per_class=PER_CLASS[p], seed=SEEDS[s])
        nodes = np.flatnonzero(found.train.values)
        np.testing.assert_array_equal(unpack(packed["labelled"]), nodes)
        for name in ("totoro", "conflict_rank", "conflict_share"):
            np.testing.assert_array_equal(
                unpack(packed[name]), found[name].values[nodes].astype(np.float32)
            )
        np.testing.assert_array_equal(
            unpack(packed["zero"]).astype(bool), found.zero_conflict.values[nodes]
        )
        rows = unpack(packed["rows"]).reshape(len(nodes), -1)
        np.testing.assert_array_equal(rows, found.exposure.values[nodes])
        true = found.exposure.values
        np.testing.assert_allclose(exposures(packed, true.shape), true, rtol=3e-4, atol=1e-15)
        assert packed["total"] == pytest.approx(np.nansum(found.totoro.values), rel=1e-12)


def test_conflict_and_weight_follow_from_what_is_packed(
    result: xr.Dataset, view: TotoroExplorer
) -> None:
    """The formulas of totoro_data.js, on the packed numbers, give the measured ones."""
    packed = view.answer(question(per_class=4, seed=1))
    found = setting_of(result, alpha=0.15, per_class=4, seed=1, w_min=0.2, w_max=2.5)
    z = exposures(packed, found.exposure.shape)
    own = result.label_of.values
    for node in np.flatnonzero(own >= 0):
        hypothetical = z[node].sum() - z[node, own[node]]
        true = found.conflict.values[node, own[node]]
        assert hypothetical == pytest.approx(true, rel=1e-2, abs=1e-12)
    rank = unpack(packed["conflict_rank"])
    last = len(rank) - 1
    weights = [0.2 + 2.3 / 2 * (1 + math.cos(math.pi * place / last)) for place in rank]
    nodes = unpack(packed["labelled"])
    np.testing.assert_allclose(weights, found.weight.values[nodes], rtol=1e-6)


def test_the_graph_is_packed_whole(result: xr.Dataset, view: TotoroExplorer) -> None:
    payload = view.payload(whole=True)
    pairs = unpack(payload["edges"]).reshape(-1, 2)
    np.testing.assert_array_equal(pairs, result.edge.values)
    assert payload["n_edges"] == len(pairs)
    for name in ("label_of", "degree", "component"):
        np.testing.assert_array_equal(unpack(payload[name]), result[name].values)
    assert payload["labels"] == result.label_name.values.tolist()
    assert payload["texts"] == result.text.values.tolist()
    spots = result.position.values - result.position.values.mean(axis=0)
    np.testing.assert_allclose(unpack(payload["points"]).reshape(-1, 2), spots, atol=1e-4)
    assert (payload["coarse"], payload["left_out"], payload["directed"]) == (False, 0, False)


def test_without_positions_the_layout_is_made_once(
    result: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    import viz.totoro

    made: list[int] = []

    def layout(edges: np.ndarray, n: int) -> np.ndarray:
        made.append(n)
        assert edges.shape == (2, result.sizes["edge"])
        return np.stack([np.arange(n), np.zeros(n)], axis=1)

    monkeypatch.setattr(viz.totoro, "graph_layout", layout, raising=False)
    totoro._laid_out.cache_clear()
    for _ in range(2):
        view = TotoroExplorer(result.drop_vars("position"))
        points = unpack(view.payload(whole=True)["points"]).reshape(-1, 2)
    totoro._laid_out.cache_clear()
    assert made == [result.sizes["node"]]
    np.testing.assert_allclose(np.diff(points[:, 0]), 1, atol=1e-3)


def test_a_live_view_opens_with_its_own_setting_alone(result: xr.Dataset) -> None:
    view = TotoroExplorer(result, alpha=0.33, per_class=3, seed=8, toggled=[4])
    assert view._payload["settings"] == {}
    opening = question(alpha=0.33, per_class=3, seed=8, toggled=[4])
    assert view._payload["opening"] == view.answer(opening)
    assert view._payload["live"]["per_class"] == 12
    stops = view._payload["live"]["alphas"]
    assert stops == sorted(set(stops))
    assert set(ALPHAS) <= set(stops)
    assert (stops[0], stops[-1]) == (0.01, 0.99)
    assert TotoroExplorer(result).payload(whole=True)["opening"] is None


# The page's budget


@pytest.mark.parametrize(
    ("budget", "kinds"),
    [(10**6, {"u16": 12}), (12 * 39 * 3 * 4 // 3, {"u8": 12}), (800, {"u8": 5, None: 7})],
)
def test_exposures_are_rounded_then_left_out_where_the_page_would_be_too_large(
    result: xr.Dataset,
    view: TotoroExplorer,
    monkeypatch: pytest.MonkeyPatch,
    budget: int,
    kinds: dict[str | None, int],
) -> None:
    monkeypatch.setattr(_totoro_payload, "BUDGET", budget)
    payload = view.payload(whole=True)
    found = [one.get("exposure", {"kind": None})["kind"] for one in payload["settings"].values()]
    assert {kind: found.count(kind) for kind in set(found)} == kinds
    assert payload["coarse"] == ("u8" in kinds)
    assert payload["left_out"] == kinds.get(None, 0)
    opening = payload["settings"]["1|1|0"]
    assert "exposure" in opening, "the setting that is shown first comes first"
    assert all(len(unpack(one["totoro"])) for one in payload["settings"].values())


def test_coarse_exposures_are_within_three_percent(result: xr.Dataset) -> None:
    found = setting_of(result, alpha=0.15, per_class=4, seed=0)
    true = found.exposure.values
    coarse = exposures(_totoro_payload.packed_setting(found, "u8"), true.shape)
    np.testing.assert_allclose(coarse, true, rtol=0.03, atol=1e-6 * true.max())
    np.testing.assert_array_equal(coarse == 0, true <= 0)


def test_edges_and_texts_beyond_a_page_are_thinned(
    result: xr.Dataset, view: TotoroExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_totoro_payload, "EDGES", 10)
    monkeypatch.setattr(_totoro_payload, "TEXT_BUDGET", 100)
    long = view.result.assign(text=("node", ["many words, " * 9] * 39))
    payload = TotoroExplorer(long).payload(whole=True)
    pairs = unpack(payload["edges"]).reshape(-1, 2)
    assert (len(pairs), payload["n_edges"]) == (10, result.sizes["edge"])
    assert {tuple(pair) for pair in pairs} <= {tuple(pair) for pair in result.edge.values}
    assert {len(text) for text in payload["texts"]} == {20}
    assert payload["texts"][0].endswith("…")


def test_a_page_of_cora_s_size_stays_under_four_megabytes() -> None:
    rng = np.random.default_rng(0)
    n = 2708
    edges = rng.integers(n, size=(2, 5400))
    edges = edges[:, edges[0] != edges[1]]
    both = np.unique(np.concatenate([edges, edges[::-1]], axis=1), axis=1)
    found = conflict_map(both, np.arange(n) % 7)
    twin = TotoroExplorer(found.assign(position=(("node", "axis"), rng.normal(size=(n, 2))))).twin()
    assert found.exposure.sizes["alpha"] * found.exposure.sizes["per_class"] == 10
    assert len(twin) < 4_000_000


# Answers


def test_a_toggled_label_is_measured_on_top_of_the_split(
    result: xr.Dataset, view: TotoroExplorer
) -> None:
    plain = setting_of(result, alpha=0.4, per_class=3, seed=5)
    train = plain.train.values.copy()
    labelled = int(np.flatnonzero(train)[0])
    train[[labelled, 38]] ^= True
    expected = setting_of(result, alpha=0.4, train=train)
    for _ in range(2):  # the split is drawn once
        found = view.answer(question(alpha=0.4, per_class=3, seed=5, toggled=[38, labelled]))
        np.testing.assert_array_equal(unpack(found["labelled"]), np.flatnonzero(train))
        wanted = expected.totoro.values[train].astype(np.float32)
        np.testing.assert_array_equal(unpack(found["totoro"]), wanted)
    assert view.answer(question())["total"] == pytest.approx(
        np.nansum(setting_of(result, alpha=0.15, per_class=2, seed=0).totoro)
    )


def test_an_answer_for_a_graph_of_cora_s_size_is_quick() -> None:
    rng = np.random.default_rng(0)
    n = 2708
    edges = rng.integers(n, size=(2, 5400))
    edges = edges[:, edges[0] != edges[1]]
    both = np.unique(np.concatenate([edges, edges[::-1]], axis=1), axis=1)
    found = conflict_map(both, np.arange(n) % 7, alphas=(0.15,), per_class=(20,), seeds=(0,))
    view = TotoroExplorer(found.assign(position=(("node", "axis"), rng.normal(size=(n, 2)))))
    view.answer(question(per_class=20, toggled=[0]))
    started = time.perf_counter()
    view.answer(question(alpha=0.21, per_class=20, toggled=[0, 1]))
    assert time.perf_counter() - started < 0.5


# Pages


def test_the_twin_loads_nothing_and_opens_as_the_view_stands(result: xr.Dataset) -> None:
    view = explore(result)
    assert isinstance(view, TotoroExplorer)
    view.colouring, view.selected = "conflict", 7
    twin = view.twin()
    assert external_resources(twin) == []
    assert '"selected":7' in html.unescape(twin)
    assert '"colouring":"conflict"' in html.unescape(twin)


def test_live_and_static_views_run_the_same_drawing() -> None:
    live, static = (script(TotoroExplorer.views, host) for host in ("_live.js", "_static.js"))
    assert static.startswith(live[: live.index("// Host of a view inside a notebook")])
    assert "</script" not in live.lower() + static.lower()
    assert TotoroExplorer._esm == live
    folder = Path(_totoro_payload.__file__).parent
    own = [*folder.glob("*totoro*"), *folder.glob("_network*"), folder / "_hands.js"]
    assert all(len(file.read_text("utf-8").splitlines()) <= 300 for file in own)
