"""The contact sheet, by what it drew."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from data.records import GroundedPair
from data.scenes import render_scenes
from viz.scenes import plot_scenes
from viz.style import DARK, LIGHT, describe, figure_of, luminance, theme


@pytest.fixture(autouse=True)
def no_figure_is_left() -> Iterator[None]:
    plt.switch_backend("agg")
    before = mpl.rcParams.copy()
    yield
    plt.close("all")
    assert mpl.rcParams == before


PAIR = GroundedPair(
    image=np.full((10, 20, 3), 200, np.uint8),
    words=(
        *("the", "cat", "and", "two", "big", "dogs", "in", "the", "picture"),
        *("saw", "it", "all", "$", "day", ",", "again", "and", "again", "."),
    ),
    regions=[[0, 0, 0.2, 0.5], [0.3, 0.1, 0.5, 0.9], [0.6, 0.1, 0.9, 0.9], [0, 0.8, 0.1, 1]],
    phrases=[(0, 2, "cat"), (3, 6, "group"), (7, 9, "scene"), (10, 11, "pronoun"), (11, 12, "all")],
    links=[[0, 1], [1, 0], [1, 2], [3, 1], [4, 0], [4, 1], [4, 2]],
)


def rectangles(ax: Axes) -> list[Any]:
    """The boxes drawn, without the white below each."""
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return [patch for patch in boxes if to_hex(patch.get_edgecolor()) != "#ffffff"]


def chips(ax: Axes) -> dict[str, str]:
    """Text below the image to the colour behind it, "" where there is none."""
    found = {}
    for text in ax.texts[len(rectangles(ax)) :]:
        patch = text.get_bbox_patch()
        filled = patch is not None and patch.get_facecolor()[3] > 0
        found[text.get_text()] = to_hex(patch.get_facecolor()) if patch and filled else ""
    return found


def test_boxes_and_phrases_that_belong_together_have_one_colour() -> None:
    (ax,) = plot_scenes(PAIR)
    drawn = rectangles(ax)
    places = [
        (*box.get_xy(), box.get_x() + box.get_width(), box.get_y() + box.get_height())
        for box in drawn
    ]
    np.testing.assert_allclose(places, PAIR.regions, atol=1e-6)
    colours = [to_hex(box.get_edgecolor()) for box in drawn]
    cat, dogs = LIGHT.series[:2]
    assert colours == [dogs, cat, dogs, LIGHT.other]
    assert [text.get_text() for text in ax.texts[:4]] == ["1", "2", "3", "4"]
    found = chips(ax)
    assert found["the cat 2"] == cat
    assert found["it 2"] == cat
    assert found["all 1,2,3"] == ""  # of several colours: a frame alone
    assert found["the picture -"] == ""
    dogs_drawn = [text for text in found if "dogs" in text]
    assert found[dogs_drawn[0]] == dogs


@pytest.mark.parametrize("dpi", [72, 100, 144])
def test_the_whole_caption_is_written_within_the_width_of_the_image(dpi: int) -> None:
    pairs = render_scenes(5, seed=2)
    axes = plot_scenes(pairs, columns=3)
    assert axes.shape == (5,)
    figure = figure_of(axes[0])
    figure.set_dpi(dpi)
    figure.canvas.draw()
    for ax, pair in zip(axes, pairs, strict=True):
        written = " ".join(text.get_text() for text in ax.texts[len(pair.regions) :])
        words = written.replace(",", " , ").replace(".", " .").split()
        expected = [w for w in pair.words if w.isalpha()]
        assert [w for w in words if w.isalpha()] == expected
        frame = ax.get_window_extent()
        for text in ax.texts[len(pair.regions) :]:
            box = text.get_window_extent()
            assert box.x1 < frame.x1 + 12 * dpi / 72
            assert box.y0 > 0  # not cut at the foot of the page
            assert box.y1 < frame.y0 + 2
        boxes = [text.get_window_extent() for text in ax.texts[len(pair.regions) :]]
        for left, right in pairwise(boxes):
            assert left.x1 < right.x0 or right.y1 < left.y1  # beside it, or a line below
        assert (ax.images[0].get_array() == pair.image).all()


def test_the_picture_is_told_in_words() -> None:
    (ax,) = plot_scenes([PAIR])
    said = describe(ax)
    assert PAIR.caption in said
    assert "4 regions. the cat: 2; two big dogs: 1,3; the picture: no region; it: 2" in said


def test_dark_pages_get_readable_letters() -> None:
    with theme("dark"):
        (ax,) = plot_scenes(PAIR)
    for text in ax.texts[4:]:
        patch = text.get_bbox_patch()
        filled = patch is not None and patch.get_facecolor()[3] > 0
        behind = patch.get_facecolor()[:3] if patch and filled else mpl.colors.to_rgb(DARK.paper)
        ink = mpl.colors.to_rgb(text.get_color())
        high, low = sorted((luminance(np.array(ink)), luminance(np.array(behind))), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_axes_that_are_given_are_drawn_on() -> None:
    figure, axes = plt.subplots(1, 2)
    assert list(plot_scenes(render_scenes(2), ax=axes)) == list(axes)
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plot_scenes([]), ValueError, "`pairs` must hold at least one pair; got none"),
        (lambda: plot_scenes([1]), TypeError, "`pairs` must hold records of type GroundedPair"),  # pyright: ignore
        (lambda: plot_scenes(PAIR, columns=0), ValueError, "`columns` must be"),
        (lambda: plot_scenes(PAIR, columns=1.5), TypeError, "`columns` must be an integer"),  # pyright: ignore
        (lambda: plot_scenes([PAIR] * 2, ax=plt.gca()), ValueError, "each of 2 panel"),
    ],
)
def test_wrong_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
