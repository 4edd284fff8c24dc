"""The relation explorer: what it packs is what was measured, small, and the same in a page."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tests.viz.isd_results import (
    HEADS,
    LAYERS,
    measured_examples,
    related,
    related_of_two_streams,
)
from viz.explorers import RelationExplorer, _relations_payload, explore
from viz.explorers._payload import unpack
from viz.explorers._twin import script
from viz.report import external_resources


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return related()


def table_of(packed: dict[str, Any], name: str, *shape: int) -> np.ndarray:
    return unpack(packed["tables"][name]).reshape(shape)


@pytest.mark.parametrize("kind", ["u16", "u8"])
def test_relations_are_packed_within_what_is_said(
    result: xr.Dataset, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "u8":
        monkeypatch.setattr(_relations_payload, "FINE", 10)
    payload = RelationExplorer(result).payload(whole=True)
    assert payload["rounding"] < (1 / 508 if kind == "u8" else 1e-5)
    for i, packed in enumerate(payload["examples"]):
        k = packed["count"]
        assert k == [3, 4, 2][i]
        for name in ("linguistic", "visual"):
            assert packed["tables"][name]["kind"] == kind
            found = table_of(packed, name, LAYERS, HEADS, k, k)
            wanted = result[name].values[i, :, :, :k, :k]
            assert np.abs(found - wanted).max() <= payload["rounding"] + 1e-7
            found = table_of(packed, f"{name}_mean", LAYERS, k, k)
            wanted = result[f"{name}_mean"].values[i, :, :k, :k]
            assert np.abs(found - wanted).max() <= payload["rounding"] + 1e-7
        for name in ("isd_head", "permuted_head"):
            wanted = result[name].values[i].astype(np.float32)
            np.testing.assert_array_equal(table_of(packed, name, LAYERS, HEADS), wanted)
        np.testing.assert_array_equal(table_of(packed, "isd", LAYERS), np.float32(result.isd[i]))
        np.testing.assert_array_equal(unpack(packed["boxes"]).reshape(k, 4), result.box[i, :k])
        np.testing.assert_array_equal(
            unpack(packed["image"]["pixels"]), result.image[i].values.ravel()
        )


def test_captions_are_cut_where_phrases_begin_and_end(result: xr.Dataset) -> None:
    packed = RelationExplorer(result).payload(whole=True)["examples"][1]
    texts = [(piece["text"], piece["objects"]) for piece in packed["pieces"]]
    assert texts == [
        ("a green tile", [0]),
        ("beside", []),
        ("a red box", [1]),
        ("beside", []),
        ("a blue square", [2]),
        ("beside", []),
        ("a red box", [3]),
    ]
    assert packed["tones"] == [0, 1, 2, 3]
    assert packed["phrases"] == ["a green tile", "a red box", "a blue square", "a red box"]


def test_what_does_not_apply_stays_unknown() -> None:
    packed = RelationExplorer(related_of_two_streams()).payload(whole=True)["examples"][0]
    found = table_of(packed, "visual", LAYERS, HEADS, 3, 3)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:]).all()
    assert np.isnan(table_of(packed, "isd", LAYERS)[0])


@pytest.mark.parametrize("links", ["annotation", "attention"])
def test_a_result_of_the_measure_is_shown(links: str) -> None:
    view = explore(measured_examples(links))
    assert isinstance(view, RelationExplorer)
    packed = view.payload(whole=True)["examples"]
    assert [one["count"] for one in packed] == [3, 4, 2]
    assert [piece["objects"] for piece in packed[2]["pieces"]] == [[0], [], [1]]
    known = np.isfinite(unpack(packed[0]["boxes"])).all()
    assert known == (links == "annotation")
    assert view.payload(whole=False) == view.payload(whole=True)


def test_a_page_of_twelve_by_twelve_heads_is_small() -> None:
    twelve = xr.concat([related(layers=12, heads=12)] * 4, "example", data_vars="all")
    view = RelationExplorer(twelve)
    assert view.result.sizes["example"] == 12
    # Two tables of 12 layers, 13 columns and 4 x 4 objects at most, two bytes, four thirds.
    tables = 12 * 2 * 12 * 13 * 16 * 2 * 4 / 3
    assert len(view.twin().encode()) < 450_000 + tables


def test_the_twin_loads_nothing_and_opens_as_the_view_stands(result: xr.Dataset) -> None:
    view = explore(result)
    assert isinstance(view, RelationExplorer)
    view.example, view.object, view.head, view.show = 1, 3, 2, "gap"
    twin = view.twin()
    assert external_resources(twin) == []
    for text in ('"example":1', '"object":3', '"head":2', '"show":"gap"'):
        assert text in html.unescape(twin)


def test_hostile_captions_stay_data() -> None:
    twin = RelationExplorer(related(hostile=True)).twin()
    inside = html.unescape(twin)
    assert "\\u003c/script\\u003e\\u003cimg src=x onerror" in inside
    assert "<img" not in inside


def test_live_and_static_views_run_the_same_drawing() -> None:
    live, static = (script(RelationExplorer.views, host) for host in ("_live.js", "_static.js"))
    assert static.startswith(live[: live.index("// Host of a view inside a notebook")])
    assert "</script" not in live.lower() + static.lower()
    assert RelationExplorer._esm == live
    own = Path(_relations_payload.__file__).parent.glob("*relations*.*")
    assert all(len(file.read_text("utf-8").splitlines()) <= 300 for file in own)
