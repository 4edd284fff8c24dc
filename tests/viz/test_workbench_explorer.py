"""The attribution workbench in Python: what it carries, what it answers, and what it refuses."""

import base64
import json
from io import BytesIO

import numpy as np
import pytest
import traitlets
import xarray as xr
from matplotlib.figure import Figure
from PIL import Image

import viz  # noqa: F401  (gives every result .viz)
from tests.viz import attribution_results as results
from tests.viz.drawn import no_figure_is_left  # noqa: F401 (a fixture)
from viz.attribution.reading import cell_of
from viz.explorers import Workbench, explorable
from viz.explorers._payload import unpack
from viz.explorers._workbench_payload import key_of, packed_cell


def values_of(packed: dict) -> np.ndarray:
    held = unpack(packed["values"])
    if "at" not in packed:
        return held
    found = np.zeros(packed["size"])
    found[unpack(packed["at"])] = held
    return found


def attributed(ds: xr.Dataset, asked: list, **changes):
    """A `recompute` that gives cells of `ds`, as `attribute` does: one method, layer, target."""

    def recompute(*, method: str, layer: str, target: str, example: int) -> xr.Dataset:
        asked.append((method, layer, target, example))
        one = ds.sel(algorithm=[method]).sel(layer=[layer], target=[target], example=[example])
        return one.assign(changes).assign_attrs(probe="attribution.attribution")

    return recompute


# What a page carries


@pytest.mark.parametrize(
    "make", [results.words_and_regions, results.pixels, results.nodes_and_edges]
)
def test_a_page_carries_every_cell_that_can_be(make) -> None:
    ds = make()
    payload = Workbench(ds).payload(whole=True)
    json.dumps(payload, allow_nan=False)
    assert len(payload["cells"]) == (4 * 2 - 2) * 2 * 3
    for m, k in np.ndindex(4, 2):
        method, layer = results.METHODS[m], results.LAYERS[k]
        check = payload["checks"][key_of(method, layer, "", -1)]
        assert check["why"] == results.WHY.get((method, layer), "")
        if check["why"]:
            assert key_of(method, layer, "no", 0) not in payload["cells"]
            assert check["curve"] is None
            continue
        assert check["signed"] == (method != "saliency")
        np.testing.assert_allclose(unpack(check["curve"]["values"]), ds.randomised[m, k], rtol=1e-6)
        low = ds.randomised_interval[m, k].sel(bound="low")
        np.testing.assert_allclose(unpack(check["curve"]["low"]), low, rtol=1e-6, atol=1e-7)
        for target, goal in enumerate(results.TARGETS):
            for example in range(3):
                one = ds.isel(algorithm=m, layer=k, target=target, example=example)
                packed = payload["cells"][key_of(method, layer, goal, example)]
                for part, own in zip(payload["parts"], packed["parts"], strict=True):
                    wanted = one[f"attribution_{part['name']}"].values.ravel()
                    span = np.nanmax(wanted) - np.nanmin(wanted)
                    np.testing.assert_allclose(values_of(own), wanted, atol=1e-6 + span / 60000)
                assert packed["infidelity"] == float(one.infidelity)
                assert packed["infidelity_interval"] == one.infidelity_interval.values.tolist()
                assert packed["infidelity_null"] == 0.5
                assert packed["change"] == 0.9
    assert payload["live"] is False


def test_values_that_are_mostly_zero_are_carried_by_place() -> None:
    ds = results.nodes_and_edges()
    ds["attribution_nodes"].values[0, 0, 0, 0] = [0.0] * 10 + [-2.0, 1.0]
    nodes, edges = packed_cell(cell_of(ds, target="no"))["parts"]
    assert unpack(nodes["at"]).tolist() == [10, 11]
    np.testing.assert_allclose(values_of(nodes), [0.0] * 10 + [-2.0, 1.0], atol=1e-4)
    assert "at" not in edges


def test_examples_are_carried_with_what_they_are_drawn_on() -> None:
    ds = results.words_and_regions()
    payload = Workbench(ds).payload(whole=True)
    first, _, last = payload["examples"]
    assert first["tokens"] == ["a", "red", "cube", "left", "."]
    assert first["prediction"] == "yes"
    assert first["boxes"][1] == pytest.approx([0.5, 0.4, 0.9, 0.9])
    assert last["boxes"][1] is None
    with Image.open(BytesIO(base64.b64decode(first["image"]["b64"]))) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), ds.image.values[0])
    assert payload["graph"] is None
    graph = Workbench(results.nodes_and_edges()).payload(whole=True)
    assert unpack(graph["graph"]["sources"]).tolist() == list(range(12))
    assert graph["graph"]["labels"][:2] == ["even", "odd"]
    assert [one["explained"] for one in graph["examples"]] == [0, 1, 2]


# Pictures beside it


def test_pictures_beside_are_drawn_for_each_example_and_theme() -> None:
    ds = results.pixels()
    (one,) = Workbench(ds, beside=ds).payload(whole=True)["beside"]
    assert one["title"] == "Attribution: grid"
    assert len(one["pictures"]) == 3, "its plot can show one example"
    for i, pictures in enumerate(one["pictures"]):
        light, dark = pictures
        assert f"Example {i}" in light["alt"]
        assert light["src"].startswith("data:image/webp;base64,")
        assert light["src"] != dark["src"]


def test_figures_beside_are_taken_as_they_are() -> None:
    figures = [Figure(label=f"picture {i}") for i in range(3)]
    ax = figures[0].subplots()
    payload = Workbench(results.pixels(), beside={"one": ax, "each": figures}).payload(whole=True)
    one, each = payload["beside"]
    assert one["title"], len(one["pictures"]) == ("one", 1)
    assert [pictures[0]["alt"] for pictures in each["pictures"]] == [
        *("picture 0", "picture 1", "picture 2"),
    ]
    titled = Workbench(results.pixels(), beside=[ax, ax]).payload(whole=True)["beside"]
    assert [one["title"] for one in titled] == ["Beside it (1)", "Beside it (2)"]
    with pytest.raises(ValueError, match=r"hold one picture for each of 3 examples; got 2"):
        Workbench(results.pixels(), beside={"each": figures[:2]})
    with pytest.raises(TypeError, match=r"`beside` must be a Dataset that has a plot, a figure"):
        Workbench(results.pixels(), beside={"bad": 3})
    with pytest.raises(ValueError, match=r"must be one of .*got 'novel'"):
        Workbench(results.pixels(), beside=xr.Dataset(attrs={"probe": "novel"}))


# What the kernel answers


def test_what_the_grid_does_not_hold_is_asked_from_the_kernel() -> None:
    whole = results.pixels().assign_coords(example=[4, 7, 9])
    held = whole.isel(algorithm=[0, 3], layer=[0])
    asked: list = []
    view = Workbench(
        held, recompute=attributed(whole, asked), methods=["saliency", "random"], layers=["body"]
    )
    payload = view.payload(whole=False)
    assert payload["live"] is True
    assert payload["offered"] == {"methods": ["saliency"], "layers": ["body"], "targets": []}
    question = {"method": "saliency", "layer": "input", "target": "yes", "example": 1}
    answer = view.answer(question)
    assert asked == [("saliency", "input", "yes", 7)], "examples by their label"
    wanted = whole.attribution_pixels.isel(algorithm=1, layer=0, target=1, example=1)
    np.testing.assert_allclose(
        values_of(answer["cell"]["parts"][0]), wanted.values.ravel(), atol=1e-3
    )
    assert answer["check"]["curve"] is not None
    assert view.answer(question) == answer
    assert len(asked) == 1, "what was computed is kept"
    kept = view.payload(whole=True)
    assert kept["cells"][key_of("saliency", "input", "yes", 1)] == answer["cell"]
    assert kept["live"] is False
    for example in range(3):
        for method in ("integrated_gradients", "random"):
            for target in results.TARGETS:
                for _ in range(2):
                    view.answer(
                        {**question, "method": method, "target": target, "example": example}
                    )
    assert len(view._made) <= 64


def test_answers_that_cannot_be_are_refused() -> None:
    whole = results.pixels()
    question = {"method": "integrated_gradients", "layer": "body", "target": "yes", "example": 1}
    view = Workbench(whole, recompute=attributed(whole, []), methods=["shap"])
    for change, words in [
        ({"method": "lime"}, r"`method` must be one of .*'shap'; got 'lime'"),
        ({"example": 5}, r"`example` must be between 0 and 2; got 5"),
        ({"method": "saliency"}, r"that can be combined with the layer \(saliency is a gradient"),
    ]:
        with pytest.raises(ValueError, match=words):
            view.answer(question | change)
    with pytest.raises(ValueError, match=r"`recompute` must be given to compute what the grid"):
        Workbench(whole).answer(question)
    with pytest.raises(TypeError, match=r"`recompute` must give an xarray.Dataset; got int"):
        Workbench(whole, recompute=lambda **_: 3).answer(question)  # type: ignore[arg-type,return-value]
    other = results.words_and_regions()
    with pytest.raises(ValueError, match=r"`recompute` must attribute pixels; got tokens, regions"):
        Workbench(whole, recompute=attributed(other, [])).answer(question)
    with pytest.raises(ValueError, match=r"`recompute` must give example 1 alone; got 3"):
        Workbench(whole, recompute=lambda **_: whole).answer(question)


def test_a_curve_of_other_depths_is_not_drawn_on_the_same_axis() -> None:
    whole = results.pixels()
    held = whole.isel(depth=[0, 2])
    answer = Workbench(held, recompute=attributed(whole, [])).answer(
        {"method": "random", "layer": "body", "target": "no", "example": 0}
    )
    assert answer["check"]["curve"] is None


# Settings


def test_it_opens_with_what_the_model_says() -> None:
    ds = results.pixels()
    assert Workbench(ds).state() == {
        **{"method": "integrated_gradients", "layer": "input", "target": "yes", "example": 0},
        **{"other": "", "other_layer": "", "scale": "shared", "opacity": 0.8},
    }
    view = Workbench(ds, method="grad_cam", other="saliency", example=1, opacity=0.25)
    assert (view.layer, view.other_layer, view.target) == ("body", "input", "no")
    assert Workbench(ds.drop_vars("prediction")).target == "no"
    assert explorable(ds)
    assert isinstance(ds.viz.explore(), Workbench)
    assert "srcdoc" in view.twin()


def test_settings_that_are_not_possible_are_refused() -> None:
    view = Workbench(results.pixels())
    for name, value, words in [
        ("method", "lime", r"`method` must be one of .*; got 'lime'"),
        ("layer", "head", r"`layer` must be one of 'input', 'body'; got 'head'"),
        ("target", "maybe", r"`target` must be one of 'no', 'yes'; got 'maybe'"),
        ("other", "lime", r"`other` must be one of '', .*; got 'lime'"),
        ("other_layer", "head", r"`other_layer` must be one of '', 'input', 'body'; got 'head'"),
        ("example", 3, r"`example` must be between 0 and 2; got 3"),
        ("scale", "log", r"`scale` must be one of 'shared', 'own'; got 'log'"),
        ("opacity", 1.5, r"`opacity` must be between 0 and 1; got 1.5"),
    ]:
        with pytest.raises(ValueError, match=words):
            setattr(view, name, value)
    with pytest.raises(traitlets.TraitError):
        view.method = 3  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"`recompute` must be a task, a callable or None; got int"):
        Workbench(results.pixels(), recompute=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`layers` must be empty without `recompute`"):
        Workbench(results.pixels(), layers=["head"])
    with pytest.raises(ValueError, match=r"`ds` must hold attributions"):
        Workbench(results.pixels().drop_vars("attribution_pixels"))
