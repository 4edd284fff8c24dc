"""The edit explorer in Python: what it carries, what it answers, and what it refuses."""

import base64
import json
from io import BytesIO

import numpy as np
import pytest
import traitlets
import xarray as xr
from PIL import Image

from tests.viz import lowrank_results as results
from viz.explorers._edits_payload import BUDGET, mask_of, packed_set, runs_of, sheet
from viz.explorers._payload import unpack
from viz.explorers.edits import EditExplorer


@pytest.fixture(scope="module")
def edits() -> xr.Dataset:
    return results.edits(plus=True)


def opened(packed: dict) -> np.ndarray:
    """(line, place, row, column, channel) of a sheet."""
    with Image.open(BytesIO(base64.b64decode(packed["b64"]))) as image:
        whole = np.asarray(image.convert("RGB"))
    rows, columns = packed["height"], packed["width"]
    cut = whole.reshape(whole.shape[0] // rows, rows, whole.shape[1] // columns, columns, 3)
    return cut.transpose(0, 2, 1, 3, 4)


def drawn_mask() -> np.ndarray:
    mask = np.zeros((results.ROWS, results.COLUMNS), bool)
    mask[1:4, 6:9] = True
    return mask


# What a page carries


def test_a_page_carries_every_region_with_all_frames(edits: xr.Dataset) -> None:
    view = EditExplorer(edits)
    payload = view.payload(whole=True)
    json.dumps(payload, allow_nan=False)
    assert list(payload["sets"]) == ["left|w", "left|w+", "right|w", "right|w+"]
    assert payload["live"] is None
    assert payload["steps"] == [-0.2, -0.1, 0, 0.1, 0.2]
    for key, one in payload["sets"].items():
        name, kind = key.split("|")
        own = edits.isel(edit=np.flatnonzero((edits["name"] == name) & (edits.space == kind)))
        pictures = opened(one["sheet"])
        frames = own.frames.transpose("edit", "step", "row", "column", "channel").values
        np.testing.assert_array_equal(pictures[:, :5], frames)
        others = own.transfer_frames.transpose(
            "edit", "other", "way", "row", "column", "channel"
        ).values
        np.testing.assert_array_equal(pictures[:, 5:], others.reshape(len(frames), 4, 10, 12, 3))
        for i, edit in enumerate(one["edits"]):
            np.testing.assert_allclose(unpack(edit["outside"]), own.outside[i], rtol=1e-6)
            np.testing.assert_allclose(
                unpack(edit["beyond"]), own.transfer_outside[i].values.ravel(), rtol=1e-6
            )
            assert edit["kept"] == float(own.kept_effect[i])
            assert edit["empty"] == bool(own.near_empty[i])
            assert edit["own"] == (edit["method"] == "generalised")
        assert one["rank"] == int(edits.n_directions.sel(mask=name, kind=kind))
        spectrum = unpack(one["spectra"]["inside"])
        np.testing.assert_allclose(
            spectrum, edits.spectrum_inside.sel(mask=name, kind=kind)[:48], rtol=1e-6
        )
    images = opened(payload["images"])[0]
    np.testing.assert_array_equal(
        images, edits.image.transpose("example", "row", "column", "channel").values
    )
    runs = {one["name"]: one["runs"] for one in payload["masks"]}
    for name, mask in results.masks().items():
        np.testing.assert_array_equal(mask_of(runs[name], mask.shape), mask)


def test_the_kernel_is_offered_only_where_there_is_one(edits: xr.Dataset) -> None:
    source = results.source(plus=True)
    assert EditExplorer(edits, recompute=source).payload(whole=False)["live"] == {"most": 12}
    assert EditExplorer(edits).payload(whole=False)["live"] is None


def test_pictures_that_do_not_fit_are_compressed(
    edits: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = EditExplorer(edits).payload(whole=True)["sets"]["left|w"]["sheet"]
    assert whole["error"] == 0
    assert len(whole["b64"]) < BUDGET
    monkeypatch.setattr("viz.explorers._edits_payload.BUDGET", 10)
    coarse = EditExplorer(edits).payload(whole=True)["sets"]["left|w"]["sheet"]
    assert coarse["error"] > 0
    difference = opened(coarse).astype(int) - opened(whole).astype(int)
    assert np.abs(difference).max() == coarse["error"]


def test_large_and_grey_pictures_are_carried_too() -> None:
    large = np.zeros((1, 1, 300, 200, 1), np.uint8)
    large[:, :, :, 100:] = 90
    packed = sheet(large)
    assert (packed["height"], packed["width"]) == (100, 66)
    pixels = opened(packed)[0, 0]
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[50, 60].tolist() == [90, 90, 90]


def test_runs_and_masks_are_each_others_inverse() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((7, 5)) < rng.random()
        np.testing.assert_array_equal(mask_of(runs_of(mask), (7, 5)), mask)
    with pytest.raises(ValueError, match=r"`drawn` must hold pairs of a start and a length; got 3"):
        mask_of([1, 2, 3], (2, 2))
    with pytest.raises(ValueError, match=r"`drawn` must stay within 2 x 2 pixels; got \(3, 2\)"):
        mask_of([3, 2], (2, 2))


# What the kernel answers


def test_a_drawn_region_is_measured_by_the_kernel(edits: xr.Dataset) -> None:
    source = results.source(plus=True)
    view = EditExplorer(edits, recompute=source)
    runs = runs_of(drawn_mask())
    found = view.answer({"mask": "drawn", "drawn": runs, "rank": 0, "kind": "w"})
    wanted = source({"drawn": drawn_mask()}, spaces=["w"])
    assert found == packed_set(wanted, "drawn", "w")
    more = view.answer({"mask": "left", "drawn": [], "rank": 3, "kind": "w+"})
    assert [one["own"] for one in more["edits"]] == [True] * 3 + [False] * 2
    with pytest.raises(ValueError, match=r"`rank` must be between 0 and 12; got 13"):
        view.answer({"mask": "left", "drawn": [], "rank": 13, "kind": "w"})
    with pytest.raises(ValueError, match=r"`region` must hold at least one pixel"):
        view.answer({"mask": "drawn", "drawn": [], "rank": 0, "kind": "w"})
    with pytest.raises(ValueError, match=r"`recompute` must be given to make other edits"):
        EditExplorer(edits).answer({"mask": "left", "drawn": [], "rank": 3, "kind": "w"})


def test_the_same_question_is_computed_once(edits: xr.Dataset) -> None:
    asked = []
    source = results.source(plus=True)

    def counting(regions, **options):
        asked.append(options)
        return source(regions, **options)

    view = EditExplorer(edits, recompute=counting)
    question = {"mask": "left", "drawn": [], "rank": 3, "kind": "w"}
    assert view.answer(question) == view.answer(question)
    assert asked == [{"rank": 3, "spaces": ["w"]}]
    for start in range(12):
        view.answer({"mask": "drawn", "drawn": [start, 4], "rank": 1, "kind": "w"})
    assert len(view._made) <= 9


def test_what_is_shown_can_be_read_back(edits: xr.Dataset) -> None:
    source = results.source(plus=True)
    view = EditExplorer(edits, recompute=source, mask="right", kind="w+")
    held = view.current()
    assert set(held["name"].values) == {"right"}
    assert set(held.space.values) == {"w+"}
    assert held.method.values.tolist() == ["generalised"] * 2 + ["principal", "random"]
    view.rank = 1
    assert view.current().method.values.tolist() == ["generalised", "principal", "random"]
    view.rank = 4
    assert view.current().method.values.tolist() == ["generalised"] * 4 + ["principal", "random"]
    view.mask, view.rank, view.drawn = "drawn", 0, runs_of(drawn_mask())
    np.testing.assert_array_equal(view.current().region[0], drawn_mask())


def test_a_page_keeps_what_the_kernel_made(edits: xr.Dataset) -> None:
    view = EditExplorer(edits, recompute=results.source(plus=True))
    view.mask, view.drawn = "drawn", runs_of(drawn_mask())
    assert "drawn|w" not in view.payload(whole=True)["sets"]
    view.current()
    payload = view.payload(whole=True)
    assert payload["masks"][-1] == {"name": "drawn", "runs": runs_of(drawn_mask())}
    assert payload["sets"]["drawn|w"] == packed_set(view.current(), "drawn", "w")
    view.mask, view.rank = "left", 4
    view.current()
    assert view.payload(whole=True)["sets"]["left|w"]["rank"] == 4
    assert "srcdoc" in view.twin()


def test_it_opens_at_the_farthest_step_that_is_reached(edits: xr.Dataset) -> None:
    ds = edits.copy(deep=True)
    ds["outside"].values[0, -1] = np.nan
    assert EditExplorer(ds).step == 0.1
    ds["outside"].values[0, 3:] = np.nan
    assert EditExplorer(ds).step == 0.2


# What is refused


def test_settings_that_are_not_possible_are_refused(edits: xr.Dataset) -> None:
    view = EditExplorer(edits)
    assert view.state() == {
        **{"mask": "left", "drawn": [], "rank": 0},
        **{"kind": "w", "direction": 0, "step": 0.2},
    }
    for name, value, words in [
        ("mask", "drawn", r"`mask` must be one of 'left', 'right'; got 'drawn'"),
        ("kind", "z", r"`kind` must be one of 'w', 'w\+'; got 'z'"),
        ("rank", 13, r"`rank` must be between 0 and 12; got 13"),
        ("direction", -1, r"`direction` must be between 0 and 11; got -1"),
        ("step", 0.3, r"`step` must be one of -0.2, .*; got 0.3"),
        ("drawn", [200, 4], r"`drawn` must stay within 10 x 12 pixels; got \(200, 4\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            setattr(view, name, value)
    with pytest.raises(traitlets.TraitError):
        view.rank = "many"  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"`recompute` must be a callable or None; got int"):
        EditExplorer(edits, recompute=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`result` must hold the variable 'frames'"):
        EditExplorer(edits.drop_vars("frames"))
    source = results.source()
    with pytest.raises(ValueError, match=r"`result` must hold no region named 'drawn' beside"):
        EditExplorer(source(results.masks()["left"]), recompute=source)
