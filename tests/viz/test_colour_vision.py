"""No picture is told by hue alone: readers without red, green or blue cones see the same."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tests.viz.colour_vision import SEEN, apart, difference, lab
from viz import style
from viz.totoro.classes import _MORE
from viz.value.scale import diverging

FOLDER = Path(style.__file__).parent / "explorers"
SOURCES = [FOLDER / "explorer.css", *sorted(FOLDER.glob("*.js"))]
THEMES = list(style.THEMES.values())
# About 1 is the least difference that is seen side by side; 10 is seen at a glance.
AT_A_GLANCE = 10.0
DIVERGING = ("apart", "div")
each_theme = pytest.mark.parametrize("at", [0, 1], ids=["light", "dark"])
each_reader = pytest.mark.parametrize("reader", SEEN)


def css_ramps(at: int) -> dict[str, list[str]]:
    """Numbered colours of the explorers by name: --lp-heat-0, --lp-heat-1, ... and --lp-d0, ..."""
    text = "\n".join(file.read_text("utf-8") for file in SOURCES)
    found: dict[str, dict[int, str]] = {}
    either = r"--lp-([a-z]+?)-?(\d+): (?:light-dark\((#\w+), (#\w+)\)|(#\w+))"
    for name, i, light, dark, both in re.findall(either, text):
        found.setdefault(name, {})[int(i)] = both or (light, dark)[at]
    return {name: [colours[i] for i in range(len(colours))] for name, colours in found.items()}


@pytest.mark.parametrize(
    ("one", "two", "wanted"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412),
        ((50, -1, 2), (50, 0, 0), 2.3669),
        ((50, 2.5, 0), (50, 3.1736, 0.5854), 1.0),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (56, -27, -3), 31.9030),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_difference_is_the_published_one(one, two, wanted) -> None:
    # Sharma, Wu and Dalal 2005, table 1.
    assert difference(one, two) == pytest.approx(wanted, abs=1e-4)
    assert difference(two, one) == pytest.approx(wanted, abs=1e-4)


@each_reader
def test_white_and_black_stay_what_they_are(reader) -> None:
    np.testing.assert_allclose(lab("white", reader), [100, 0, 0], atol=1e-3)
    np.testing.assert_allclose(lab("black", reader), [0, 0, 0], atol=1e-3)


@each_theme
@each_reader
def test_the_first_four_groups_differ_at_a_glance(at, reader) -> None:
    pairs = combinations(THEMES[at].series[:4], 2)
    assert min(apart(one, two, reader) for one, two in pairs) >= AT_A_GLANCE


@each_theme
@each_reader
def test_colours_that_look_alike_have_another_shape_and_dash(at, reader) -> None:
    colours = [*THEMES[at].series, THEMES[at].other]
    shapes = re.search(r"const corners = \{(.*?)\}\[code\]", (FOLDER / "_scatter.js").read_text())
    corners = dict(re.findall(r"(\d): (\[[^]]*\])", shapes[1])) if shapes else {}
    assert len(corners) == 6
    for i, j in combinations(range(9), 2):
        if apart(colours[i], colours[j], reader) >= AT_A_GLANCE:
            continue
        assert style.MARKERS[i] != style.MARKERS[j]
        assert corners.get(str(i)) != corners.get(str(j))


def test_dashes_part_the_colours_that_look_alike() -> None:
    first, later = style.DASHES[:4], style.DASHES[4:8]
    assert not set(first) & set(later)
    assert style.DASHES[8] not in {*first, *later}


@each_theme
@each_reader
def test_ramps_run_one_way_in_lightness_for_every_reader(at, reader) -> None:
    theme = THEMES[at]
    ramps = {"ordered": list(theme.ordered), "heat of pictures": list(theme.heat)}
    ramps |= {name: all_ for name, all_ in css_ramps(at).items() if name not in ("code", "on")}
    assert {"heat", "over", "rel", "d", *DIVERGING} <= set(ramps)
    for name, anchors in ramps.items():
        if name in DIVERGING:
            continue
        # Layers take one of eight colours each, and none between two.
        n = len(anchors) if name == "d" else 40
        steps = np.diff([lab(c, reader)[0] for c in style.ramp(anchors)(np.linspace(0, 1, n))])
        assert (steps > 0).all() or (steps < 0).all(), (name, steps.round(2))
        assert abs(steps.sum()) >= 25, name


@each_theme
@each_reader
def test_diverging_ramps_are_even_and_their_ends_differ(at, reader) -> None:
    for name in DIVERGING:
        anchors = css_ramps(at)[name]
        assert len(anchors) % 2 == 1
        light = np.array([lab(c, reader)[0] for c in style.ramp(anchors)(np.linspace(0, 1, 41))])
        # Equal distances from the middle look equally strong, up to 12 of 100 in lightness.
        assert np.abs(light - light[::-1]).max() <= 12
        for half in (light[:21][::-1], light[20:]):
            steps = np.diff(half) * np.sign(half[-1] - half[0])
            assert (steps > 0).all(), (name, steps.round(2))
        ends = [apart(anchors[i], anchors[-1 - i], reader) for i in range(len(anchors) // 2)]
        assert min(ends) >= 2 * AT_A_GLANCE - 1


@each_theme
def test_pictures_and_explorers_share_their_colours(at) -> None:
    theme, ramps = THEMES[at], css_ramps(at)
    assert ramps["code"] == [*theme.series, theme.other, *_MORE[theme.name]]
    assert ramps["rel"] == list(theme.heat)
    assert ramps["apart"] == ramps["div"] == list(diverging(theme))


@each_theme
def test_layers_in_order_are_told_from_their_neighbours(at) -> None:
    for n in (2, 4, 6):
        colours = [to_hex(c) for c in style.ordered(n, THEMES[at])]
        for reader in SEEN:
            near = [apart(a, b, reader) for a, b in pairwise(colours)]
            assert min(near) >= 4


@each_theme
def test_numbers_on_colours_can_be_read(at) -> None:
    ramps = css_ramps(at)
    for colour, ink in zip(ramps["code"], ramps["on"], strict=True):
        high, low = sorted((style.luminance(colour), style.luminance(ink)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (colour, ink)
