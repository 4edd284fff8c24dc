"""Every picture says its own numbers: the words come from the data, and change with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import viz
from data.faces import render_faces
from data.scenes import render_scenes
from tests.viz import every_probe, isd_results
from tests.viz.drawn import no_figure_is_left  # noqa: F401 (a fixture)
from viz import attribution, faces, isd, lowrank, scenes, style, totoro, value, whitening
from viz._registry import PLOTS

RESULTS = every_probe.RESULTS
HOME = Path(viz.__file__).parent
# Pictures that are no probe's own; of results that other pictures show too.
OTHERS: dict[str, Callable[[], Any]] = {
    "plot_cosines": lambda: whitening.plot_cosines(RESULTS["whitening.effect"](), 0),
    "plot_map": lambda: whitening.plot_map(RESULTS["whitening.effect"](), 1, "whiten"),
    "plot_rogue_dimensions": lambda: whitening.plot_rogue_dimensions(
        RESULTS["whitening.anisotropy"]()
    ),
    "plot_spectrum": lambda: whitening.plot_spectrum(RESULTS["whitening.anisotropy"]()),
    "plot_transformed_spectrum": lambda: whitening.plot_transformed_spectrum(
        RESULTS["whitening.effect"](), 0
    ),
    "plot_before_after": lambda: isd.plot_before_after(
        isd_results.measured(), isd_results.after(), names=("none", "singular")
    ),
    "plot_isd_heads": lambda: isd.plot_isd_heads(isd_results.measured()),
    "plot_change": lambda: lowrank.plot_change(RESULTS["lowrank.edits"]()),
    "plot_conflict": lambda: totoro.plot_conflict(RESULTS["totoro.imbalance"]()),
    "plot_class_conflict": lambda: totoro.plot_class_conflict(RESULTS["totoro.imbalance"]()),
    "plot_node": lambda: totoro.plot_node(RESULTS["totoro.imbalance"](), 0),
    "plot_heads": lambda: value.plot_heads(
        RESULTS["value.coreference"](), "hit", direction="text->image"
    ),
    "plot_agreement": lambda: attribution.plot_agreement(RESULTS["attribution.grid"]()),
    "plot_faithfulness": lambda: attribution.plot_faithfulness(RESULTS["attribution.grid"]()),
    "plot_randomisation": lambda: attribution.plot_randomisation(RESULTS["attribution.grid"]()),
    "plot_scenes": lambda: scenes.plot_scenes(render_scenes(2)),
}


def figure_of(drawn: Any) -> Figure:
    return style.figure_of(np.ravel(np.asarray(drawn, dtype=object))[0])


def drawn_numbers(figure: Figure) -> np.ndarray:
    """Every number that a picture shows: of lines, bars, areas, images, points and texts."""
    found: list[Any] = []
    for ax in figure.axes:
        for line in ax.get_lines():
            found += [line.get_xdata(), line.get_ydata()]
        for patch in ax.patches:
            found += [patch.get_extents().transformed(ax.transData.inverted()).extents]
            found += [[getattr(patch, f"get_{name}")() for name in ("width", "height")]
                      if hasattr(patch, "get_width") else []]  # fmt: skip
        many: Any
        for many in (*ax.collections, *ax.images):
            array = many.get_array()
            found += [] if array is None else [np.ma.filled(np.ma.asarray(array, float), np.nan)]
            found += [many.get_offsets()] if hasattr(many, "get_offsets") else []
            found += many.get_segments() if hasattr(many, "get_segments") else []
        for text in ax.texts:
            found += [numbers_in(text.get_text())]
    flat = np.concatenate([np.ravel(np.asarray(each, dtype=float)) for each in found] or [[]])
    return np.unique(flat[np.isfinite(flat)])


def numbers_in(words: str) -> list[float]:
    return [float(token) for token in tokens_in(words)]


def tokens_in(words: str) -> Iterator[str]:
    plain = words.replace("\N{MINUS SIGN}", "-")
    for found in re.finditer(r"(?<![\w.])-?\d*\.?\d+(?:e-?\d+)?(?![\w])", plain):
        yield found[0]


def said_of(token: str, shown: np.ndarray) -> bool:
    """Whether a number in words is one that is drawn, as it is or times 100, rounded."""
    digits = len(token.partition("e")[0].partition(".")[2])
    half = 0.5000001 * 10.0**-digits
    half *= 10.0 ** float(token.partition("e")[2] or 0)
    return any(np.any(np.abs(scale * shown - float(token)) <= half) for scale in (1, -1, 100))


def words_of(figure: Figure, panels: int) -> str:
    words = str(figure.get_label())
    assert words == style.describe(figure)
    assert words.rstrip().endswith(".")
    # A few sentences for each panel, not a table read aloud.
    assert len(re.findall(r"[.;](?=\s|$)", words)) <= 12 * panels
    assert 20 <= len(words) <= 900 * panels
    assert "nan" not in words.lower().split()
    assert not re.search(r"[,;:]{2}|\.\.|\\\$", words), words
    return words


def panels_of(figure: Figure) -> int:
    return sum(1 for ax in figure.axes if not str(ax.get_label()).startswith("<"))


@cache
def told(probe: str) -> tuple[str, np.ndarray]:
    """The words of a probe's picture, checked, and the numbers in it."""
    assert probe in RESULTS, f"add a small result of {probe} to tests/viz/every_probe.py"
    figure = figure_of(RESULTS[probe]().viz.plot())
    return words_of(figure, panels_of(figure)), drawn_numbers(figure)


@pytest.mark.parametrize("probe", PLOTS)
def test_a_picture_says_numbers_that_it_draws(probe: str) -> None:
    words, shown = told(probe)
    every = list(tokens_in(words))
    # Whole numbers, such as those of layers, are drawn in every picture and say little.
    exact = [token for token in every if "." in token] or every
    assert [token for token in exact if said_of(token, shown)], (words, every)


@pytest.mark.parametrize("probe", PLOTS)
def test_the_words_follow_the_data(probe: str) -> None:
    moved = RESULTS[probe]().copy()
    for each, one in moved.data_vars.items():
        if one.dtype.kind == "f":
            moved[each] = one.copy(data=0.8 * one.values)
    assert told(probe)[0] != str(figure_of(moved.viz.plot()).get_label())


@pytest.mark.parametrize("name", OTHERS)
def test_other_pictures_speak_too(name: str) -> None:
    figure = figure_of(OTHERS[name]())
    words = words_of(figure, panels_of(figure))
    assert list(tokens_in(words))


def test_pictures_of_generated_images_speak_too() -> None:
    made = render_faces(2)
    drawn = [faces.plot_sheet(made), faces.plot_regions(made, index=1)]
    assert all(list(tokens_in(style.describe(figure_of(each)))) for each in drawn)


def test_no_picture_is_left_out() -> None:
    drawn = set()
    for file in HOME.rglob("*.py"):
        found = re.findall(r"^def (plot_\w+)\(", file.read_text("utf-8"), flags=re.MULTILINE)
        drawn |= set() if file.parent == HOME and file.name.startswith("_") else set(found)
    known = {name.partition(":")[2] for name in PLOTS.values()} | set(OTHERS)
    assert drawn - known <= {"plot_sheet", "plot_regions"}


def test_axes_that_are_given_speak_for_themselves() -> None:
    figure = Figure()
    ax: Axes = figure.subplots()
    isd.plot_isd_heads(isd_results.measured(), ax=ax)
    assert str(ax.get_label()) == style.describe(figure)
    assert list(tokens_in(style.describe(ax)))
