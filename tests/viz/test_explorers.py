"""Explorers: what they pack is what the result holds, state is checked, texts stay texts."""

from __future__ import annotations

import html
import json
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import traitlets
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import viz.explorers
from probe.whitening import effect_of, whitening_effect
from viz.explorers import TrainingExplorer, WhiteningExplorer, explorable, explore
from viz.explorers._base import Explorer, need
from viz.explorers._payload import pack, quantise, unpack
from viz.explorers._twin import as_script_json, script, style
from viz.report import external_resources

HOSTILE = "</script><img src=x onerror=alert(1)> & \u2028 'q' \"q\""
SPECS = ("raw", "centre", "abtt-1", "abtt-2", "whiten-2", "whiten-4", "whiten", "power-0.5")


@pytest.fixture(scope="module")
def effect() -> xr.Dataset:
    rng = np.random.default_rng(0)
    rows = {i: rng.normal(size=(40, 6)) * np.linspace(3, 0.5, 6) + 2 for i in range(2)}
    texts = [f"{i} {HOSTILE}" for i in range(40)]
    labels = ["b"] * 21 + ["a"] * 10 + [HOSTILE] * 9
    return whitening_effect(rows, texts=texts, labels=labels, transforms=SPECS, sample=40)


@pytest.fixture
def view(effect: xr.Dataset) -> WhiteningExplorer:
    return WhiteningExplorer(effect)


class Tags(HTMLParser):
    """The start tags of a document, scripts apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


# Packing


@given(
    hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6)),
    st.sampled_from(["u8", "u16"]),
)
def test_quantised_numbers_are_within_half_a_step(values: np.ndarray, kind: str) -> None:
    packed = quantise(values, kind)
    step = (values.max() - values.min()) / (254 if kind == "u8" else 65534)
    assert np.abs(unpack(packed) - values).max() <= step / 2 + 1e-9 * np.abs(values).max()


def test_what_is_not_finite_is_unpacked_as_nan() -> None:
    found = unpack(quantise(np.array([np.nan, 1.0, np.inf, 3.0])))
    np.testing.assert_array_equal(found, [np.nan, 1.0, np.nan, 3.0])
    assert np.isnan(unpack(quantise(np.array([np.nan])))).all()


@pytest.mark.parametrize("kind", ["u8", "u16", "i32", "f32"])
def test_plain_numbers_are_kept(kind: str) -> None:
    np.testing.assert_array_equal(unpack(pack(np.arange(6).reshape(2, 3), kind)), range(6))


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`array` must fit in u8; got values -1 to 300"):
        pack(np.array([-1, 300]), "u8")


@given(st.text())
def test_json_in_a_script_has_no_markup_and_loses_nothing(text: str) -> None:
    found = as_script_json({"text": text})
    assert not set("<>&") & set(found)
    assert json.loads(found)["text"] == text


# The whitening explorer's data


def test_the_payload_holds_the_numbers_of_the_result(
    effect: xr.Dataset, view: WhiteningExplorer
) -> None:
    payload = view.payload(whole=True)
    assert set(payload["slices"]) == {f"{i}|{spec}" for i in range(2) for spec in SPECS}
    for key, packed in payload["slices"].items():
        layer, spec = key.split("|")
        one = effect.sel(layer=int(layer), transform=spec)
        density = one.cosine_density.values
        np.testing.assert_allclose(unpack(packed["cosines"]), density, atol=density.max() / 1e5)
        np.testing.assert_array_equal(unpack(packed["neighbours"]), one.neighbour.values.ravel())
        cosines = unpack(packed["neighbour_cosines"])
        np.testing.assert_allclose(cosines, one.neighbour_cosine.values.ravel(), atol=0.004)
        assert packed["average"] == pytest.approx(float(one.average_cosine), abs=1e-5)
        variance = one.transformed_eigenvalues.values
        share = np.nan_to_num(10 ** unpack(packed["spectrum"]))
        np.testing.assert_allclose(share, variance / variance.sum(), rtol=1e-3, atol=1e-12)
        trust = float(one.trustworthiness.sel(projection="pca"))
        assert packed["maps"]["pca"]["trustworthiness"] == pytest.approx(trust, abs=1e-4)


def test_maps_keep_distances_and_turn_to_agree_with_raw(
    effect: xr.Dataset, view: WhiteningExplorer
) -> None:
    raw = effect["map"].sel(layer=1, transform="raw", projection="pca").values
    for spec in SPECS:
        packed = view.payload(whole=True)["slices"][f"1|{spec}"]["maps"]["pca"]
        found = unpack(packed["points"]).reshape(-1, 2)
        true = effect["map"].sel(layer=1, transform=spec, projection="pca").values
        scale = np.ptp(true, axis=0).max()
        distances = np.linalg.norm(true[:, None] - true[None], axis=-1) / scale
        shown = np.linalg.norm(found[:, None] - found[None], axis=-1)
        np.testing.assert_allclose(shown, distances, atol=1e-4)
        assert ((found - found.mean(0)) * raw).sum(0).min() > -1e-6
        np.testing.assert_allclose(np.ptp(found, axis=0), packed["span"], atol=1e-3)
        np.testing.assert_allclose(found.max(0) + found.min(0), 0, atol=1e-4)


def test_a_live_view_opens_with_little_and_asks_for_the_rest(view: WhiteningExplorer) -> None:
    assert set(view._payload["slices"]) == {"0|raw", "1|raw", "1|whiten"}


def test_the_kernel_answers_any_k_and_computes_it_once(
    effect: xr.Dataset, view: WhiteningExplorer
) -> None:
    question = {"layer": 1, "transform": "whiten-3", "projection": "pca"}
    found = view.answer(question)
    expected = effect_of(effect, 1, "whiten-3")
    np.testing.assert_array_equal(unpack(found["neighbours"]), expected.neighbour.values.ravel())
    assert found["average"] == pytest.approx(float(expected.average_cosine), abs=1e-5)
    assert view.answer(question) is found


def test_answers_within_the_grid_equal_the_page(view: WhiteningExplorer) -> None:
    question = {"layer": 0, "transform": "whiten-2", "projection": "pca"}
    assert view.answer(question) == view.payload(whole=True)["slices"]["0|whiten-2"]


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ({"layer": 1, "transform": "whiten-7", "projection": "pca"}, "7"),
        ({"layer": 9, "transform": "whiten", "projection": "pca"}, "`layer` must"),
        ({"layer": 1, "transform": "bleach", "projection": "pca"}, "bleach"),
        ({"layer": 1}, "KeyError"),
    ],
)
def test_errors_in_the_kernel_are_sent_to_the_view(
    view: WhiteningExplorer,
    monkeypatch: pytest.MonkeyPatch,
    question: dict[str, Any],
    why: str,
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(view, "send", sent.append)
    view._handle_custom_msg({"id": "ask-1", "question": question}, [])
    assert [message["id"] for message in sent] == ["ask-1"]
    assert why in sent[0]["error"]
    view._handle_custom_msg({"id": "ask-2", "question": {**view_question()}}, [])
    assert "answer" in sent[1]
    view._handle_custom_msg("no question", [])
    assert len(sent) == 2


def view_question() -> dict[str, Any]:
    return {"layer": 0, "transform": "whiten-3", "projection": "pca"}


def test_labels_are_ranked_by_frequency(effect: xr.Dataset, view: WhiteningExplorer) -> None:
    payload = view.payload(whole=True)
    assert payload["labels"] == ["b", "a", HOSTILE]
    codes = unpack(payload["codes"])
    assert [payload["labels"][code] for code in codes] == effect.label.values.tolist()
    bare = WhiteningExplorer(effect.assign_coords(label=("example", [""] * 40)))
    assert bare.payload(whole=True)["labels"] == []


def test_families_say_which_k_an_exported_page_can_show(view: WhiteningExplorer) -> None:
    families = {one["name"]: one for one in view.payload(whole=True)["families"]}
    assert families["whiten"]["ks"] == [2, 4, 0]
    assert families["abtt"]["ks"] == [1, 2]
    assert families["abtt"]["removes"]
    assert not families["abtt"]["full"]
    assert families["raw"]["ks"] is None
    assert families["power-0.5"]["ks"] == [0]


def test_a_page_of_a_large_result_stays_under_two_megabytes() -> None:
    rng = np.random.default_rng(0)
    layers, examples, width = 7, 400, 384
    specs = ["raw", "centre", "zscore", *(f"abtt-{d}" for d in (1, 3, 10)), "shrunk", "power-0.5"]
    specs += [*(f"whiten-{k}" for k in (16, 32, 64, 128, 256)), "whiten"]
    grid = (layers, len(specs))
    ds = xr.Dataset(
        {
            "cosine_density": (("layer", "transform", "bin"), rng.random((*grid, 80))),
            "average_cosine": (("layer", "transform"), rng.random(grid)),
            "map": (
                ("layer", "transform", "projection", "example", "axis"),
                rng.normal(size=(*grid, 2, examples, 2)),
            ),
            "trustworthiness": (("layer", "transform", "projection"), rng.random((*grid, 2))),
            "neighbour": (
                ("layer", "transform", "example", "neighbour"),
                rng.integers(0, examples, (*grid, examples, 6)),
            ),
            "neighbour_cosine": (
                ("layer", "transform", "example", "neighbour"),
                rng.random((*grid, examples, 6)),
            ),
            "transformed_eigenvalues": (
                ("layer", "transform", "component"),
                rng.random((*grid, width)),
            ),
            "rank": ("layer", [width - 1] * layers),
        },
        {
            "layer": range(layers),
            "transform": specs,
            "family": ("transform", [s.split("-")[0] if s[0] in "aw" else s for s in specs]),
            "k": ("transform", [-1] * len(specs)),
            "text": (
                "example",
                ["a sentence of some sixty or seventy letters or so, made up"] * 400,
            ),
            "label": ("example", ["label"] * examples),
            "bin": np.linspace(-1, 1, 80),
            "projection": ["pca", "umap"],
        },
        {"probe": "whitening.effect"},
    )
    assert len(WhiteningExplorer(ds).twin()) < 2_000_000


# State


def test_state_is_set_and_read_by_name(view: WhiteningExplorer) -> None:
    assert view.state() == {
        "layer": 1,
        "transform": "whiten",
        "k": 0,
        "projection": "pca",
        "selected": -1,
    }
    view.layer, view.transform, view.k, view.selected = 0, "abtt", 2, 5
    assert view.spec == "abtt-2"
    view.transform = "centre"
    assert view.spec == "centre"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("layer", 7, r"`layer` must be one of 0, 1; got 7"),
        ("transform", "bleach", r"`transform` must be one of 'raw', .*; got 'bleach'"),
        ("k", 7, r"`k` must be between 0 and 6; got 7"),
        ("selected", 40, r"`selected` must be between -1 and 39; got 40"),
        ("projection", "umap", r"`projection` must be one of 'pca'; got 'umap'"),
    ],
)
def test_impossible_state_is_refused(
    effect: xr.Dataset, view: WhiteningExplorer, name: str, value: Any, why: str
) -> None:
    before = view.state()
    with pytest.raises(ValueError, match=why):
        setattr(view, name, value)
    assert view.state() == before
    with pytest.raises(ValueError, match=why):
        WhiteningExplorer(effect, **{name: value})
    with pytest.raises(traitlets.TraitError):
        view.k = "many"


def test_a_result_that_lacks_something_is_refused(effect: xr.Dataset) -> None:
    with pytest.raises(ValueError, match=r"must hold the variable 'map'.*whitening_effect"):
        WhiteningExplorer(effect.drop_vars("map"))
    with pytest.raises(ValueError, match=r"must hold 'rank' with dims \('layer',\); got \(\)"):
        WhiteningExplorer(effect.assign(rank=3))
    with pytest.raises(ValueError, match=r"'raw'"):
        WhiteningExplorer(effect.sel(transform=["whiten"]))
    with pytest.raises(ValueError, match=r"got nothing. Make it with there"):
        need(xr.Dataset(), {"x": ()}, made_by="there")


# Live and static


def test_the_twin_is_there_only_while_a_report_is_made(
    view: WhiteningExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOUPE_EXPORT", raising=False)
    data, _ = view._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "text/html" not in data
    monkeypatch.setenv("LOUPE_EXPORT", "1")
    data, _ = view._repr_mimebundle_()
    assert data["text/html"] == view.twin()


def test_the_twin_is_one_sandboxed_frame_that_loads_nothing(view: WhiteningExplorer) -> None:
    view.k = 4
    twin = view.twin()
    assert external_resources(twin) == []
    assert [tag for tag, _ in Tags(twin).seen] == ["iframe", "script"]
    frame = Tags(twin).seen[0][1]
    assert frame["sandbox"] == "allow-scripts"
    assert frame["title"] == "Whitening explorer"
    inside = Tags(str(frame["srcdoc"])).seen
    assert [tag for tag, _ in inside].count("script") == 3
    assert not {"img", "iframe", "b", "link"} & {tag for tag, _ in inside}
    assert "content=\"default-src 'none';" in html.unescape(twin)
    assert '"k":4' in html.unescape(twin)


def test_live_and_static_views_run_the_same_drawing() -> None:
    for name in ("whitening.js", "training.js"):
        live, static = script([name], "_live.js"), script([name], "_static.js")
        shared = live[: live.index("// Host of a view inside a notebook")]
        assert static.startswith(shared)
        assert "</script" not in live.lower() + static.lower()
    assert WhiteningExplorer._esm == script(WhiteningExplorer.views, "_live.js")
    assert "</style" not in style().lower()


def test_the_base_is_abstract() -> None:
    bare = Explorer.__new__(Explorer)
    with pytest.raises(NotImplementedError):
        Explorer.payload(bare, whole=True)
    with pytest.raises(NotImplementedError):
        Explorer.answer(bare, {})


def test_explore_finds_the_view_by_probe(effect: xr.Dataset) -> None:
    assert isinstance(explore(effect), WhiteningExplorer)
    assert isinstance(explore(training()), TrainingExplorer)
    other = training().assign_attrs(probe="some.other")
    assert explorable(other)
    assert isinstance(explore(other), TrainingExplorer)
    with pytest.raises(ValueError, match=r"that has an explorer .*; got probe None"):
        explore(xr.Dataset())
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = viz.explorers.Nothing


# The training explorer


def training() -> xr.Dataset:
    steps = np.array([0, 10, 20])
    values = np.arange(6.0).reshape(3, 2)
    interval = np.stack([values - 1, values + 1], axis=-1)
    return xr.Dataset(
        {
            "isoscore": (("layer", "step"), values.T, {"long_name": "IsoScore"}),
            "isoscore_interval": (("step", "layer", "bound"), interval),
            "loss": ("step_fine", np.arange(21.0), {"units": "nats"}),
            "note": ("step", ["a", "b", "c"]),
        },
        {
            "step": steps,
            "layer": ["first", "last"],
            "step_fine": range(21),
            "bound": ["low", "high"],
        },
        {"probe": "whitening.training"},
    )


def test_training_payload_holds_measures_bands_and_curves() -> None:
    view = TrainingExplorer(training())
    payload = view.payload(whole=True)
    assert payload == view._payload
    assert payload["steps"] == [0.0, 10.0, 20.0]
    assert payload["layers"] == ["first", "last"]
    (measure,) = payload["measures"]
    np.testing.assert_array_equal(unpack(measure["values"]), np.arange(6.0))
    np.testing.assert_array_equal(unpack(measure["low"]), np.arange(6.0) - 1)
    np.testing.assert_array_equal(unpack(measure["high"]), np.arange(6.0) + 1)
    assert (measure["label"], measure["units"]) == ("IsoScore", "")
    (curve,) = payload["curves"]
    assert (curve["label"], curve["units"]) == ("loss", "nats")
    np.testing.assert_array_equal(unpack(curve["steps"]), np.arange(21))
    assert external_resources(view.twin()) == []


def test_training_state_is_checked() -> None:
    view = TrainingExplorer(training(), step=10)
    assert view.state() == {"measure": "isoscore", "step": 10.0}
    view.step = 20
    with pytest.raises(ValueError, match=r"`step` must be one of 0.0, 10.0, 20.0; got 15.0"):
        view.step = 15
    with pytest.raises(ValueError, match=r"`measure` must be one of 'isoscore'; got 'loss'"):
        view.measure = "loss"
    with pytest.raises(ValueError, match="must not be asked"):
        view.answer({"k": 1})


def test_training_needs_a_number_over_steps_and_layers() -> None:
    with pytest.raises(ValueError, match=r"dims \(step, layer\); got .*'loss': \('step_fine',\)"):
        TrainingExplorer(training().drop_vars(["isoscore", "isoscore_interval"]))
    with pytest.raises(ValueError, match="must have numeric steps"):
        TrainingExplorer(training().assign_coords(step=["a", "b", "c"]))


def test_a_training_opens_on_what_moves():
    steps = {"step": [0, 10], "layer": [0, 1]}
    rows = xr.DataArray(np.full((2, 2), 7), steps, ("step", "layer"))
    cosine = xr.DataArray([[0.9, 0.8], [0.5, 0.2]], steps, ("step", "layer"))
    result = xr.Dataset({"n_samples": rows, "isoscore": 1 - cosine, "average_cosine": cosine})
    view = TrainingExplorer(result)
    assert view.measure == "average_cosine"
    names = [one["name"] for one in view.payload(whole=True)["measures"]]
    assert names == ["isoscore", "average_cosine"]
    assert TrainingExplorer(result[["n_samples"]]).measure == "n_samples"
