"""The look of pictures: contrast, colour-blind safety, borrowed Axes, and words."""

import re
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from viz import style
from viz._series import Series, draw_line, label_axis, label_ends, spread

THEMES = list(style.THEMES.values())
CSS = Path(style.__file__).parent / "explorers" / "explorer.css"


def contrast(a, b) -> float:
    high, low = sorted([style.luminance(a), style.luminance(b)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def oklab(colour, blind=None) -> np.ndarray:
    """Perceptual coordinates (Ottosson 2020), as a reader without red or green cones sees them."""
    # Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
    seen = {
        "protan": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deutan": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    }
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if blind:
        linear = np.clip(np.array(seen[blind]) @ linear, 0, 1)
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(to_lab) @ np.cbrt(np.array(to_lms) @ linear)


@pytest.mark.parametrize("theme", THEMES, ids=lambda t: t.name)
def test_text_and_marks_can_be_read_on_the_paper(theme) -> None:
    for text in (theme.ink, theme.soft):
        assert contrast(text, theme.paper) >= 4.5
    marks = [*theme.series[:4], *theme.series[6:], *style.ordered(12, theme)]
    assert min(contrast(mark, theme.paper) for mark in marks) >= 3
    # The fifth and sixth colour and "other" are lesser; none of them is a lone sign.
    assert min(contrast(c, theme.paper) for c in (*theme.series, theme.other)) >= 2.4


@pytest.mark.parametrize("theme", THEMES, ids=lambda t: t.name)
@pytest.mark.parametrize("blind", [None, "protan", "deutan"])
def test_colours_differ_for_every_reader(theme, blind) -> None:
    seen = [oklab(colour, blind) for colour in theme.series]
    nearest = min(np.linalg.norm(a - b) for a, b in combinations(seen[:4], 2))
    # The least difference that is seen is about 0.02.
    assert nearest > 0.045
    # All eight differ by colour alone for full sight; for others some pairs differ by shape.
    if blind is None:
        assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.08
    assert len(set(style.MARKERS[:8])) == 8


@pytest.mark.parametrize("theme", THEMES, ids=lambda t: t.name)
def test_ramps_run_one_way_in_lightness(theme) -> None:
    for anchors in (theme.ordered, theme.heat):
        lightness = [oklab(c)[0] for c in style.ramp(anchors)(np.linspace(0, 1, 40))]
        steps = np.diff(lightness)
        assert (steps > 0).all() or (steps < 0).all()


@settings(deadline=None)
@given(st.tuples(*[st.floats(0, 1)] * 3))
def test_text_on_any_colour_has_enough_contrast(rgb) -> None:
    assert contrast(style.ink_on(rgb), rgb) >= 4.5


@pytest.mark.parametrize("at", [0, 1])
def test_colours_are_those_of_the_explorers(at) -> None:
    pairs = re.findall(r"--lp-([\w-]+): light-dark\((#\w+), (#\w+)\)", CSS.read_text())
    css = {name: colours[at] for name, *colours in pairs}
    theme = THEMES[at]
    assert [css[f"code-{i}"] for i in range(9)] == [*theme.series, theme.other]
    assert [css[n] for n in ("bg", "ink", "soft")] == [theme.paper, theme.ink, theme.soft]


def test_nothing_global_changes() -> None:
    plt.switch_backend("agg")  # else the first figure of the process picks one
    before = mpl.rcParams.copy()
    with style.theme("dark"), style.canvas() as (ax,):
        assert mpl.rcParams["text.color"] == style.DARK.ink
        assert style.theme_of(ax) is style.DARK
    assert mpl.rcParams == before
    with style.canvas() as (other,):
        assert style.theme_of(other) is style.LIGHT
    plt.close(ax.figure)
    plt.close(other.figure)


def test_ticks_made_after_the_block_keep_the_look() -> None:
    with style.theme("dark"), style.canvas() as (ax,):
        ax.plot([0, 1], [0, 1])
    ax.set_xlim(0, 9)
    ax.figure.canvas.draw()
    assert {tick.label1.get_color() for tick in ax.xaxis.get_major_ticks()} == {style.DARK.ink}
    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("figure_colour", "axes_colour", "theme"),
    [("white", "white", "light"), ("black", "black", "dark"), ("black", "none", "dark")],
)
def test_borrowed_axes_decide_the_theme(figure_colour, axes_colour, theme) -> None:
    ax = Figure(facecolor=figure_colour).subplots()
    ax.set_facecolor(axes_colour)
    with style.canvas(ax) as (own,):
        own.set_xlabel("x")
    assert own is ax
    assert style.theme_of(ax).name == theme
    assert ax.xaxis.label.get_color() == style.THEMES[theme].ink


def test_a_transparent_page_follows_the_chosen_theme() -> None:
    ax = Figure(facecolor="none").subplots()
    ax.set_facecolor("none")
    with style.theme("dark"):
        assert style.theme_of(ax) is style.DARK
    assert style.theme_of(ax) is style.LIGHT


def test_a_failed_picture_leaves_no_figure() -> None:
    before = plt.get_fignums()
    with pytest.raises(RuntimeError, match="stop"), style.canvas(panels=2, columns=2):
        raise RuntimeError("stop")
    assert plt.get_fignums() == before


def test_errors_of_the_canvas() -> None:
    axes = Figure().subplots(1, 2)
    with pytest.raises(ValueError, match="`ax` must hold one Axes for each of 3 panel"):
        next(style.canvas(axes, panels=3).gen)
    with pytest.raises(TypeError, match="`ax` must be matplotlib Axes"):
        next(style.canvas("ax").gen)
    with pytest.raises(ValueError, match="`name` must be one of 'light', 'dark'"):
        next(style.theme("sepia").gen)
    axes[0].remove()
    with pytest.raises(ValueError, match="`ax` must be part of a figure"):
        style.figure_of(axes[0])


def test_words_are_kept_with_axes_and_figure() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    style.say(left, "Left  is 1.")
    style.say(right, "Right is 2.")
    assert style.describe(right) == "Right is 2."
    assert figure.get_label() == style.describe(figure) == "Left is 1. Right is 2."
    style.say(left, "Left is 3.")
    assert figure.get_label() == "Left is 3. Right is 2."


def test_a_figure_that_has_a_name_keeps_it() -> None:
    figure = Figure()
    figure.set_label("mine")
    style.say(figure.subplots(), "One.")
    assert figure.get_label() == "mine"
    assert style.describe(figure) == "One."


def test_a_title_wraps_to_its_axes() -> None:
    ax = Figure(figsize=(3, 2)).subplots()
    style.title(ax, "a title of several words that is too long", "and a note")
    assert ax.get_title(loc="left").count("\n") >= 1
    assert ax.texts[0].get_text() == "and a note"


def test_a_dollar_in_a_result_starts_no_formula() -> None:
    ax = Figure().subplots()
    text = ax.text(0, 0, style.plain("$HOME and $\\bad"))
    ax.figure.savefig(Path("/dev/null"), format="png")
    assert text.get_text().count("\\$") == 2


@settings(deadline=None)  # the first call imports scipy.optimize
@given(st.lists(st.floats(-1, 2), min_size=1, max_size=8), st.floats(0.01, 0.3))
def test_labels_spread_apart_in_order(wanted, gap) -> None:
    wanted = np.array(wanted)
    moved = spread(wanted, gap)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9).all()
    assert np.isclose(moved.mean(), wanted.mean())
    if len(wanted) == 1 or np.diff(wanted[order]).min() >= gap:
        np.testing.assert_allclose(moved, wanted, atol=1e-9)


def test_lines_leave_gaps_and_take_any_interval() -> None:
    ax = Figure().subplots()
    values = np.array([1.0, np.nan, 3.0])
    # The last interval does not hold its estimate, as a percentile interval may not.
    interval = np.array([[0.5, 1.5], [np.nan, np.nan], [3.1, 3.4]])
    draw_line(ax, np.arange(3), Series("x", values, interval, "#0072b2"))
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), values)
    drawn = [np.array(s)[:, 1].tolist() for s in ax.collections[0].get_segments() if len(s)]
    assert drawn == [[0.5, 1.5], [3.1, 3.4]]


def test_many_layers_get_some_ticks_and_long_names_are_turned() -> None:
    ax = Figure().subplots()
    label_axis(ax, list(range(48)), "layer")
    shown = [int(tick.get_text()) for tick in ax.get_xticklabels()]
    assert shown == ax.get_xticks().tolist() == list(range(0, 48, 4))
    label_axis(ax, [f"a_long_name_{i}" for i in range(9)], "layer")
    assert {tick.get_rotation() for tick in ax.get_xticklabels()} == {30}


def test_undefined_ends_have_no_label() -> None:
    ax = Figure().subplots()
    label_ends(ax, [(0, np.nan, "no", "red"), (1, 0.5, "yes", "blue")])
    assert [text.get_text() for text in ax.texts] == ["yes"]
    label_ends(ax, [(0, np.nan, "no", "red")])
    assert len(ax.texts) == 1


def test_a_notebook_backend_stays_interactive():
    """The inline backend switches this on while the first figure is made; it must stay on."""
    with mpl.rc_context():
        mpl.rcParams["interactive"] = False
        with style.canvas() as (ax,):
            mpl.rcParams["interactive"] = True
        assert mpl.rcParams["interactive"]
    plt.close(ax.figure)
