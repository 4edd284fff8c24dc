"""The attention explorer: what it packs is what was attended to, within what it says, and fits."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.viz.attention_examples import GRID, PLANTED, large_examples, planted_examples
from viz.explorers import AttentionExplorer, _attention_payload, explore
from viz.explorers._attention_payload import (
    BUDGET,
    Detail,
    buckets_of,
    groups_of,
    packed_attention,
    plan,
)
from viz.explorers._payload import unpack
from viz.explorers._twin import script
from viz.report import external_resources


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return planted_examples()


@pytest.fixture
def view(result: xr.Dataset) -> AttentionExplorer:
    return AttentionExplorer(result)


def weights_of(result: xr.Dataset, i: int) -> np.ndarray:
    n = int((result.modality[i] >= 0).sum())
    return result.attention.values[i, :, :, :n, :n]


def one_of(result: xr.Dataset, i: int) -> xr.Dataset:
    n = int((result.modality[i] >= 0).sum())
    return result.isel(example=i, position=slice(0, n))


def seen(packed: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray:
    """The formulas of attention_data.js: rough weights, exact ones put over them."""
    layers, heads, n, _ = shape
    codes = unpack(packed["codes"]).reshape(layers, heads, n, -1).astype(float)
    found = unpack(packed["top"]).reshape(layers, heads, 1, 1) * (codes / 255) ** 2
    if packed["group"] is not None:
        found = found[..., unpack(packed["group"])]
    keys = unpack(packed["keys"]).reshape(layers, heads, n, packed["exact"]).astype(np.int64)
    np.put_along_axis(found, keys, unpack(packed["values"]).reshape(keys.shape), axis=-1)
    return found


# Attention


@pytest.mark.parametrize("detail", [Detail(6, None), Detail(4, 12), Detail(1, 4)])
def test_what_is_seen_is_off_by_what_is_said_and_the_largest_are_exact(
    result: xr.Dataset, detail: Detail
) -> None:
    weights = weights_of(result, 1)
    packed = packed_attention(weights, one_of(result, 1), detail)
    found = seen(packed, weights.shape)
    error = np.abs(found - weights)
    assert error.max() == pytest.approx(packed["largest"], rel=1e-3, abs=1e-7)
    assert error.mean() == pytest.approx(packed["mean"], rel=1e-3, abs=1e-8)
    order = np.sort(weights, axis=-1)[..., ::-1][..., : detail.exact]
    values = unpack(packed["values"]).reshape(order.shape)
    np.testing.assert_array_equal(values, order, "the largest, in order, as they were")
    assert packed["held"] == pytest.approx(order.sum() / weights.sum(), rel=1e-5)
    if detail.groups is None:
        # Half a step of the root, of a root of at most that of the head's largest weight.
        assert packed["largest"] <= weights.max() * (1 / 255 + 1 / 510**2)


def test_means_of_groups_keep_what_lies_in_each(result: xr.Dataset) -> None:
    weights, one = weights_of(result, 0), one_of(result, 0)
    packed = packed_attention(weights, one, Detail(3, 10))
    group = unpack(packed["group"])
    onto = group[:, None] == np.arange(packed["groups"])
    found = seen(packed, weights.shape)
    np.testing.assert_allclose(found @ onto, weights @ onto, atol=0.03)
    keys = unpack(packed["keys"]).reshape(*weights.shape[:3], 3)
    # One query by hand: a group's mean without those of its positions that are exact.
    rest = [j for j in np.flatnonzero(group == group[20]) if j not in keys[1, 2, 5]]
    true = weights[1, 2, 5, rest].mean()
    top = unpack(packed["top"]).reshape(3, 4)[1, 2]
    half = 0.5 / 255
    assert abs(np.sqrt(found[1, 2, 5, rest[0]] / top) - np.sqrt(true / top)) <= half + 1e-6


def test_masses_are_those_of_words_places_and_marks(result: xr.Dataset) -> None:
    weights, one = weights_of(result, 2), one_of(result, 2)
    buckets = buckets_of(one)
    assert np.bincount(buckets).tolist() == [7, GRID * GRID, 2]
    for groups, accuracy in ((None, 1e-5), (12, 0.0021)):
        packed = packed_attention(weights, one, Detail(4, groups))
        mass = unpack(packed["mass"]).reshape(*weights.shape[:3], 3)
        for b in range(3):
            true = weights[..., buckets == b].sum(-1)
            np.testing.assert_allclose(mass[..., b], true, atol=accuracy)


@given(st.integers(0, 9), st.integers(0, 30), st.integers(0, 3), st.integers(5, 60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_groups_never_mix_words_places_and_marks(
    text: int, image: int, special: int, most: int, boxed: bool
) -> None:
    n = text + image + special
    if n == 0:
        return
    rng = np.random.default_rng(n)
    corner = rng.uniform(0, 0.5, size=(n, 2))
    boxes = np.concatenate([corner, corner + 0.4], axis=1) if boxed else np.full((n, 4), np.nan)
    one = xr.Dataset(
        {
            "modality": ("position", np.repeat([0, 1, 0], [text, image, special])),
            "special": ("position", np.arange(n) >= text + image),
            "boxes": (("position", "corner"), boxes),
        }
    )
    found = groups_of(one, most)
    assert found.shape == (n,)
    assert set(found) == set(range(found.max() + 1))
    assert found.max() + 1 <= most
    for group in range(found.max() + 1):
        assert len(set(buckets_of(one)[found == group])) == 1


# Budget


def test_a_plan_carries_whole_examples_then_rough_ones_then_fewer() -> None:
    assert plan(np.array([40] * 8), 16, 3) == dict.fromkeys(
        [3, 0, 1, 2, 4, 5, 6, 7], Detail(6, None)
    )
    found = plan(np.array([200] * 6), 144, 2)
    assert list(found) == [2, 0]
    assert {detail.groups is None for detail in found.values()} == {False}
    assert list(plan(np.array([2000, 512]), 144, 1)) == [1]
    huge = plan(np.array([1024]), 24 * 16, 0)[0]
    assert (huge.exact, huge.groups) == (1, 4)


@given(
    st.lists(st.integers(2, 600), min_size=1, max_size=10),
    st.integers(1, 144),
    st.integers(0, 9),
)
def test_a_plan_stays_within_its_budget(sizes: list[int], heads: int, first: int) -> None:
    first %= len(sizes)
    found = plan(np.array(sizes), heads, first)
    assert next(iter(found)) == first
    cost = sum(
        heads * sizes[i] * ((detail.groups or sizes[i] + 3) + 6 * detail.exact + 3)
        for i, detail in found.items()
    )
    assert 4 * cost / 3 <= BUDGET * 1.01 or len(found) == 1


def test_twelve_by_twelve_heads_at_512_positions_stay_under_five_megabytes() -> None:
    view = AttentionExplorer(large_examples())
    twin = view.twin()
    assert view.result.sizes["position"] == 512
    assert len(twin.encode()) < 5_000_000
    packed = view.payload(whole=True)["attention"]["0"]
    assert (packed["exact"], packed["groups"]) == (4, 16)


def test_images_beyond_a_page_are_shrunk_by_means(
    result: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_attention_payload, "LONGEST", 24)
    packed = AttentionExplorer(result).payload(whole=True)["examples"][0]["image"]
    assert (packed["height"], packed["width"]) == (24, 24)
    pixels = unpack(packed["pixels"]).reshape(24, 24, 3)
    blocks = result.image.values[0].reshape(24, 2, 24, 2, 3).mean(axis=(1, 3))
    np.testing.assert_array_equal(pixels, np.rint(blocks))
    monkeypatch.setattr(_attention_payload, "IMAGE_BUDGET", 3 * 4 * 100)
    packed = AttentionExplorer(result).payload(whole=True)["examples"][0]["image"]
    assert packed["height"] * packed["width"] <= 100


# The rest of the payload


def test_an_example_is_packed_as_it_is(result: xr.Dataset, view: AttentionExplorer) -> None:
    payload = view.payload(whole=True)
    assert (payload["layers"], payload["heads"], payload["model"]) == (3, 4, "planted")
    np.testing.assert_array_equal(unpack(payload["present"]).reshape(3, 2, 2), result.present)
    for i, packed in enumerate(payload["examples"]):
        one = one_of(result, i)
        assert packed["tokens"] == one.token.values.tolist()
        assert packed["caption"] == str(one.caption.values)
        np.testing.assert_array_equal(unpack(packed["modality"]), one.modality)
        np.testing.assert_array_equal(unpack(packed["special"]), one.special)
        np.testing.assert_array_equal(unpack(packed["boxes"]).reshape(-1, 4), one.boxes)
        n_regions = len(packed["regions"])
        assert n_regions == [3, 4, 3][i]
        assert packed["regions"][-1] == "floor"
        np.testing.assert_array_equal(
            unpack(packed["region_boxes"]).reshape(-1, 4), one.region_box[:n_regions]
        )
        np.testing.assert_array_equal(
            unpack(packed["members"]).reshape(n_regions, -1), one.in_region[:n_regions]
        )
        assert [phrase["regions"] for phrase in packed["phrases"]] == [
            [p] for p in range(n_regions - 1)
        ]
        assert packed["phrases"][1]["positions"] == [5, 6, 7]
        np.testing.assert_array_equal(unpack(packed["image"]["pixels"]), one.image.values.ravel())
    assert payload["first_queries"] == [1, 1, 1]
    names = [score["name"] for score in payload["scores"]]
    assert names == result.score.values.tolist()
    for k, score in enumerate(payload["scores"]):
        expected = result.head_score[k].values.ravel().astype(np.float32)
        np.testing.assert_array_equal(unpack(score["values"]), expected)
    assert np.argmax(unpack(payload["marks"][0]["values"])) == 4 * PLANTED[0] + PLANTED[1]


def test_a_live_view_opens_with_its_own_example_alone_and_answers_the_rest(
    result: xr.Dataset,
) -> None:
    view = AttentionExplorer(result, example=2)
    assert list(view._payload["attention"]) == ["2"]
    assert len(view._payload["examples"]) == 3
    packed = view.answer({"example": 1})
    weights = weights_of(result, 1)
    found = seen(packed, weights.shape)
    assert np.abs(found - weights).max() == pytest.approx(packed["largest"], rel=1e-3)
    at = {"example": 1, "layer": 2, "head": 3, "query": 17}
    out = unpack(view.answer(at | {"direction": "from"})["weights"])
    np.testing.assert_array_equal(out, weights[2, 3, 17])
    into = unpack(view.answer(at | {"direction": "to"})["weights"])
    np.testing.assert_array_equal(into, weights[2, 3, :, 17])


# Pages


def test_the_twin_loads_nothing_and_opens_as_the_view_stands(result: xr.Dataset) -> None:
    view = explore(result)
    assert isinstance(view, AttentionExplorer)
    view.example, view.direction, view.score = 1, "to", "importance"
    twin = view.twin()
    assert external_resources(twin) == []
    for text in ('"example":1', '"direction":"to"', '"score":"importance"'):
        assert text in html.unescape(twin)


def test_live_and_static_views_run_the_same_drawing() -> None:
    live, static = (script(AttentionExplorer.views, host) for host in ("_live.js", "_static.js"))
    assert static.startswith(live[: live.index("// Host of a view inside a notebook")])
    assert "</script" not in live.lower() + static.lower()
    assert AttentionExplorer._esm == live
    own = Path(_attention_payload.__file__).parent.glob("*attention*.*")
    assert all(len(file.read_text("utf-8").splitlines()) <= 300 for file in own)
