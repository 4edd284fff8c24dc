"""One head's attention over picture and caption, by the numbers that are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.viz.attention_examples import (
    PLANTED,
    boxed_examples,
    large_examples,
    planted_examples,
)
from tests.viz.drawn import no_figure_is_left  # noqa: F401 (a fixture)
from viz import style
from viz.value import plot_examples
from viz.value.asking import look_of, one_example


def drawn(ax: Any, gid: str) -> Any:
    (found,) = [each for each in ax.collections if each.get_gid() == gid]
    return found


def rectangles(collection: Any) -> np.ndarray:
    """(patch, 4): x0, y0, x1, y1."""
    ends = [path.get_extents() for path in collection.get_paths()]
    return np.array([[e.x0, e.y0, e.x1, e.y1] for e in ends])


def test_places_and_words_have_the_mean_weights_of_the_phrase_at_the_best_head() -> None:
    ds = planted_examples()
    picture, caption = plot_examples(ds)
    one = ds.isel(example=0, layer=PLANTED[0], head=PLANTED[1])
    asked = one.in_phrase.values[0]
    mean = one.attention.values[asked].mean(axis=0)
    places, words = drawn(picture, "places"), drawn(caption, "words")
    np.testing.assert_allclose(rectangles(words)[:, 2] - rectangles(words)[:, 0],
                               [len(t) + 1 for t in one.token.values[:9]])  # fmt: skip
    order = [int(np.flatnonzero(np.isclose(one.boxes.values, box, atol=1e-6).all(1))[0])
             for box in rectangles(places)]  # fmt: skip
    assert sorted(order) == np.flatnonzero(one.modality.values == 1).tolist()
    np.testing.assert_allclose(places.get_array(), mean[order])
    np.testing.assert_allclose(words.get_array(), mean[:9])
    plain = mean[~one.special.values.astype(bool)]
    assert places.norm.vmax == pytest.approx(plain.max())
    assert words.norm is places.norm
    assert picture.get_title(loc="left") == "Attention from “a red square”"
    assert "Example 0, layer 1, head 2." in style.describe(picture)
    text = mean[1:8].sum()
    image, marks = mean[one.modality.values == 1].sum(), mean[[0, 8]].sum()
    said = f"text {100 * text:.0f} %, image {100 * image:.0f} %, marks {100 * marks:.0f} %"
    assert said in style.describe(picture)


def test_regions_have_what_lies_on_their_places_highest_first() -> None:
    ds = planted_examples()
    _, caption = plot_examples(ds)
    one = ds.isel(example=0, layer=PLANTED[0], head=PLANTED[1])
    mean = one.attention.values[one.in_phrase.values[0]].mean(axis=0)
    mass = one.in_region.values @ mean
    lines = [text.get_text().split() for text in caption.texts if text.get_gid() == "region"]
    order = np.argsort(-mass[:3])
    assert [line[3] for line in lines] == [str(r + 1) for r in order]
    assert [line[0] for line in lines] == [f"{100 * mass[r]:.0f}" for r in order]
    assert lines[0][4:] == ["red", "square"]
    assert float(lines[0][0]) > 75, "the planted head looks there"


def test_frames_say_what_is_asked_and_what_belongs_to_it() -> None:
    picture, caption = plot_examples(planted_examples())
    orange, ink = style.LIGHT.series[1], style.LIGHT.ink
    edges = [to_hex(c) for c in drawn(caption, "words").get_edgecolor()]
    assert [i for i, c in enumerate(edges) if c == ink] == [1, 2, 3]
    assert orange not in edges, "a phrase is not linked to itself"
    numbers = {t.get_text(): to_hex(t.get_bbox_patch().get_facecolor()) for t in picture.texts
               if t.get_bbox_patch()}  # fmt: skip
    assert [number for number, face in numbers.items() if face == orange] == ["1"]
    assert set(numbers) == {"1", "2", "3"}
    # From a place of the second region: its own number, and the words that name it.
    ds = planted_examples()
    place = int(np.flatnonzero(ds.in_region.values[0, 1])[0])
    picture, caption = plot_examples(ds, query=place)
    edges = [to_hex(c) for c in drawn(caption, "words").get_edgecolor()]
    assert [i for i, c in enumerate(edges) if c == orange] == [5, 6, 7]
    (frame,) = [patch for patch in picture.patches if patch.get_gid() == "asked"]
    np.testing.assert_allclose(frame.get_bbox().extents, ds.boxes.values[0, place], atol=1e-6)


def test_a_block_that_is_not_there_is_hatched_and_no_weight() -> None:
    picture, caption = plot_examples(planted_examples(), layer=0, head=1)
    assert [c for c in picture.collections if c.get_gid() == "places"] == []
    absent = [patch for patch in picture.patches if patch.get_gid() == "absent"]
    assert len(absent) == 36
    assert "image not applicable" in style.describe(picture)
    picture, caption = plot_examples(planted_examples(), layer=0, head=1, query=20)
    assert drawn(caption, "words").get_array().mask.all()
    assert "text not applicable" in style.describe(caption.figure)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("a blue box", [5, 6, 7]),
        ("Blue box", [6, 7]),
        ("[CLS]", [0]),
        (4, [4]),
        (np.int64(6), [6]),
        (None, [1, 2, 3]),
    ],
)
def test_what_is_asked_of_is_words_a_mark_or_a_position(query: Any, asked: list[int]) -> None:
    one, _ = one_example(planted_examples(), 0, 1, 2)
    look = look_of(one, query)
    assert np.flatnonzero(look.asked).tolist() == asked
    np.testing.assert_allclose(look.weights, one.attention.values[asked].mean(axis=0))


def test_padding_is_left_out_and_a_smaller_box_lies_on_a_larger_one() -> None:
    ds = planted_examples()
    one, _ = one_example(ds, 2, None, None)
    assert one.sizes["position"] == int((ds.modality.values[2] >= 0).sum())
    picture, _ = plot_examples(boxed_examples(), layer=1, head=2)
    boxes = rectangles(drawn(picture, "places"))
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert (np.diff(area) <= 1e-6).all()


def test_the_picture_is_grey_and_as_light_as_it_was() -> None:
    ds = planted_examples()
    (shown,) = plot_examples(ds)[0].get_images()
    grey = shown.get_array().astype(float)
    assert (grey == grey[..., :1]).all()
    light = ds.image.values[0].astype(float) @ [0.2126, 0.7152, 0.0722]
    np.testing.assert_allclose(grey[..., 0], 120 + light * 135 / 255, atol=1)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_no_text_is_cut_and_no_word_leaves_its_panel(name: str) -> None:
    ds = planted_examples()
    with style.theme(name):
        picture, caption = plot_examples(ds, example=1)
    figure = picture.figure
    figure.canvas.draw()
    whole = figure.bbox.padded(1)
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent()
            assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, text
            assert whole.y0 <= box.y0 <= box.y1 <= whole.y1, text
    chips = rectangles(drawn(caption, "words"))
    words = [text for text in caption.texts if text.get_family() == ["DejaVu Sans Mono"]]
    for text, chip in zip(words[: len(chips)], chips, strict=True):
        box = text.get_window_extent().transformed(caption.transData.inverted())
        assert chip[0] <= box.x0 <= box.x1 <= chip[2], text


def test_an_example_without_words_has_an_empty_caption() -> None:
    ds = planted_examples(1, scores=False)
    kept = np.flatnonzero(ds.modality.values[0] == 1)
    bare = ds.isel(position=kept, query=kept, key=kept).drop_vars(["image", "image_size"])
    picture, caption = plot_examples(bare, layer=2, query=0)
    assert len(caption.collections) == 0
    np.testing.assert_allclose(drawn(picture, "places").norm.vmax, bare.attention[0, 2, 0, 0].max())
    assert "the place at 8 % across, 8 % down" in style.describe(picture)


def test_a_long_caption_and_given_axes() -> None:
    figure = Figure(figsize=(8, 4), dpi=50)
    given = figure.subplots(1, 2)
    axes = plot_examples(large_examples(positions=320, layers=2, heads=2), given, layer=1, head=1)
    assert [id(ax) for ax in axes] == [id(ax) for ax in given]
    assert figure.axes == list(given)
    assert plt.get_fignums() == []
    assert rectangles(drawn(axes[1], "words"))[:, 3].max() <= axes[1].get_ylim()[0]
    assert "head 1" in style.describe(axes[0])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"example": 9}, ValueError, "`example` must be between 0 and 2; got 9"),
        ({"layer": 7}, ValueError, "`layer` must be one of 0, 1, 2; got 7"),
        ({"head": 7}, ValueError, "`head` must be one of 0, 1, 2, 3; got 7"),
        ({"query": "a green tree"}, ValueError, "`query` must be words of the caption that stand"),
        ({"query": " "}, ValueError, "`query` must be words of the caption that stand"),
        ({"query": "a"}, ValueError, "`query` must be there once; got 'a' at 1, 5"),
        ({"query": 99}, ValueError, "`query` must be between 0 and 44; got 99"),
        ({"query": 1.5}, TypeError, "`query` must be a position, words of the caption, or None"),
    ],
)
def test_errors_say_what_is_there(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plot_examples(planted_examples(), **options)


def test_another_result_is_refused() -> None:
    with pytest.raises(ValueError, match="`ds` must hold attention, present, token"):
        plot_examples(planted_examples()[["caption"]])
    with pytest.raises(TypeError, match=r"`ds` must be an xarray.Dataset"):
        plot_examples([1])  # pyright: ignore
