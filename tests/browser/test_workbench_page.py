"""The attribution workbench in an exported page: offline, by pointer and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import spearmanr

from tests.browser.workbench_views import (
    chooser,
    options_of,
    read_of,
    side,
    summary_of,
    view_of,
    wait_for_cell,
    words_of,
)
from tests.viz import attribution_results as results
from viz.explorers import Workbench

PIXELS = "(canvas) => canvas.toDataURL()"


def written(file: Path, ds: xr.Dataset, **state: Any) -> Path:
    twin = Workbench(ds, **state).twin()
    file.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{twin}", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, open_page: Callable[..., Any]) -> Any:
    """Open the page of a result with some state; gives (page, view)."""
    folder = tmp_path_factory.mktemp("workbench")

    def opening(ds: xr.Dataset, *, options: dict[str, Any] | None = None, **state: Any) -> Any:
        file = written(folder / f"page-{len(list(folder.iterdir()))}.html", ds, **state)
        asked = {"viewport": {"width": 1100, "height": 1300}, **(options or {})}
        watched = open_page(file.as_uri(), **asked)
        return watched, view_of(watched)

    return opening


def minus(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def test_words_say_their_values_and_two_methods_are_compared(opened: Any) -> None:
    ds = results.words_and_regions()
    watched, view = opened(ds, other="saliency")
    wait_for_cell(view, 1, "saliency", "input", "yes", 0)
    tokens = ds.attribution_tokens.sel(layer="input", target="yes").isel(example=0).values
    regions = ds.attribution_regions.sel(layer="input", target="yes").isel(example=0).values
    said = words_of(view, 0)
    for word, text, value in zip(ds.token.values[0], said, tokens[0], strict=True):
        name, _, number = text.partition(": ")
        assert name == word
        assert float(number.replace("−", "-")) == pytest.approx(float(value), abs=0.006)
    agreed = spearmanr(tokens[0], tokens[1]).statistic
    both = spearmanr(regions[0], regions[1]).statistic
    assert (
        f"Rank correlation of A and B: {minus(agreed)} on tokens, {minus(both)} on regions."
        in summary_of(view)
    )
    assert "A has infidelity 0.11" in summary_of(view)
    assert "below the 0.556 of shuffled values" in summary_of(view)
    share = np.abs(tokens[0]).sum() / (np.abs(tokens[0]).sum() + np.abs(regions[0]).sum())
    assert f"Of all magnitude {100 * share:.0f} % lies on tokens" in side(view, 0).text_content()
    first = view.locator(".lp-wb-words button").first
    first.focus()
    watched.page.keyboard.press("ArrowRight")
    assert read_of(view, 0).startswith("“red”: ")
    assert read_of(view, 1).startswith("“red”: "), "both sides read the same place"
    watched.page.keyboard.press("End")
    assert read_of(view, 0).startswith("“.”: ")
    side(view, 0).locator("canvas").focus()
    watched.page.keyboard.press("ArrowRight")
    strongest = int(np.abs(regions[0]).argmax()) + 1
    assert read_of(view, 0).startswith(f"region {strongest}: ")
    watched.shoot("workbench-words")
    watched.assert_clean()
    assert not [a for a in watched.requested if a.startswith("http")]


def test_choosers_move_by_keyboard(opened: Any) -> None:
    watched, view = opened(results.pixels())
    keys = watched.page.keyboard
    chooser(view, "example").focus()
    keys.press("ArrowDown")
    wait_for_cell(view, 0, "integrated_gradients", "input", "yes", 1)
    assert "Example 2, the model says “no”. Target “yes”" in summary_of(view)
    chooser(view, "target").focus()
    keys.press("ArrowUp")
    wait_for_cell(view, 0, "integrated_gradients", "input", "no", 1)
    chooser(view, "layer").focus()
    keys.press("ArrowDown")
    wait_for_cell(view, 0, "integrated_gradients", "body", "no", 1)
    chooser(view, "method").focus()
    keys.press("End")
    wait_for_cell(view, 0, "random", "body", "no", 1)
    chooser(view, "other").focus()
    keys.press("ArrowDown")
    wait_for_cell(view, 1, "integrated_gradients", "body", "no", 1)
    watched.assert_clean()


def test_combinations_that_cannot_be_say_why(opened: Any) -> None:
    ds = results.pixels()
    ds["attribution_pixels"].values[0, 1] = np.nan
    watched, view = opened(ds)
    layers = options_of(view, "layer")
    assert layers["input"] == ("input", True)
    assert layers["body"] == ("body (not computed for this page)", False)
    # A method that needs a layer takes one along, instead of being out of reach.
    chooser(view, "method").select_option("grad_cam")
    wait_for_cell(view, 0, "grad_cam", "body", "yes", 0)
    assert options_of(view, "layer")["input"] == (
        "input (Grad-CAM reads the maps of a layer)",
        False,
    )
    watched.assert_clean()
    watched, view = opened(ds, method="saliency", layer="body")
    side(view, 0).locator(".lp-wb-why").wait_for()
    assert side(view, 0).locator(".lp-wb-why").text_content() == (
        "Saliency cannot be had at body: saliency is a gradient of the input."
    )
    watched.assert_clean()
    only = ds.isel(target=[0, 1])
    only["attribution_pixels"].values[:, :, 1] = np.nan
    watched, view = opened(only, target="no")
    assert options_of(view, "target")["yes"][1] is False
    assert options_of(view, "method")["grad_cam"][1] is True
    watched.assert_clean()


def test_a_picture_shows_pixels_in_their_colours(opened: Any) -> None:
    ds = results.pixels()
    watched, view = opened(ds)
    canvas = side(view, 0).locator("canvas")
    wanted = ds.attribution_pixels.isel(algorithm=0, layer=0, target=1, example=0).values
    canvas.focus()
    watched.page.keyboard.press("ArrowRight")
    row, column = np.unravel_index(np.abs(wanted).argmax(), wanted.shape)
    assert read_of(view, 0).startswith(f"row {row + 1}, column {column + 1}: ")
    assert "100 % of the strongest" in read_of(view, 0)
    watched.page.wait_for_timeout(200)
    for at in [(row, column), np.unravel_index(wanted.argmax(), wanted.shape)]:
        red, _, blue = canvas.evaluate(
            """(c, [y, x]) => { const [l, t, w, h] = c.dataset.frame.split(',').map(Number);
            const k = c.width / c.clientWidth; return [...c.getContext('2d').getImageData(
              k * (l + w * (x + .5) / 8), k * (t + h * (y + .5) / 6), 1, 1).data].slice(0, 3); }""",
            [int(at[0]), int(at[1])],
        )
        assert (red > blue) == (wanted[at] > 0)
    before = canvas.evaluate(PIXELS)
    view.locator("input[name=opacity]").focus()
    watched.page.keyboard.press("Home")
    watched.page.wait_for_timeout(200)
    assert canvas.evaluate(PIXELS) != before
    assert "Strongest: row" in canvas.get_attribute("aria-label")
    watched.assert_clean()


def test_a_graph_is_walked_from_the_strongest_node(opened: Any) -> None:
    ds = results.nodes_and_edges()
    watched, view = opened(ds)
    graph = side(view, 0).locator("svg[role=application]")
    one = ds.isel(algorithm=0, layer=0, target=1, example=0)
    graph.focus()
    watched.page.keyboard.press("ArrowRight")
    first, second = np.argsort(-np.abs(one.attribution_nodes.values))[:2]
    assert read_of(view, 0).startswith(f"node {first} (")
    watched.page.keyboard.press("ArrowRight")
    assert read_of(view, 0).startswith(f"node {second} (")
    assert graph.locator(".lp-wb-lit").get_attribute("data-node") == str(second)
    watched.page.keyboard.press("ArrowDown")
    edge = int(np.abs(one.attribution_edges.values).argmax())
    assert read_of(view, 0).startswith(f"edge {edge}–{(edge + 1) % 12}: ")
    radii = graph.locator("[data-node]").evaluate_all(
        "(all) => Object.fromEntries(all.map((c) => [c.dataset.node, Number(c.getAttribute('r'))]))"
    )
    share = np.abs(one.attribution_nodes.values) / np.abs(one.attribution_nodes.values).max()
    for node, radius in radii.items():
        assert radius == pytest.approx(3 + 9 * np.sqrt(share[int(node)]), abs=0.01)
    watched.shoot("workbench-graph")
    watched.assert_clean()


def test_checks_stand_beside_the_control(opened: Any) -> None:
    ds = results.pixels()
    _, view = opened(ds, other="saliency")
    wait_for_cell(view, 1, "saliency", "input", "yes", 0)
    rows = view.locator(".lp-wb-checks section").first.locator(".lp-wb-row").all_text_contents()
    one = ds.isel(layer=0, target=1, example=0)
    for text, name, m in zip(
        rows[:3],
        ["A: integrated gradients", "B: saliency", "random (control)"],
        [0, 1, 3],
        strict=True,
    ):
        # Shares of what attributions of 0 would miss.
        low, high = one.infidelity_interval.values[m] / 0.9
        assert text == f"{name}{float(one.infidelity[m]) / 0.9:.3f}{low:.3f} to {high:.3f}"
    assert rows[3:] == [
        *("A: integrated gradients, shuffled0.556", "B: saliency, shuffled0.556"),
    ]
    curve = view.locator(".lp-wb-checks svg.lp-chart").get_attribute("aria-label")
    assert "A: integrated gradients: trained 1.00, head 0.50, body 0.10." in curve
    assert "B: saliency: trained 1.00, head 0.90, body 0.80." in curve
    how = side(view, 1).locator(".lp-wb-how").text_content()
    assert "internal batch 64 · 0.25 s · magnitudes, without a sign" in how


def test_the_probes_own_picture_follows_the_example(opened: Any) -> None:
    ds = results.pixels()
    watched, view = opened(ds, beside={"The same": ds})
    picture = view.locator(".lp-wb-beside canvas[data-ready='0']")
    picture.wait_for()
    before = picture.evaluate(PIXELS)
    chooser(view, "example").select_option("2")
    picture = view.locator(".lp-wb-beside canvas[data-ready='2']")
    picture.wait_for()
    assert picture.evaluate(PIXELS) != before
    assert "Example 2" in picture.get_attribute("aria-label")
    watched.assert_clean()


def test_scales_are_shared_or_own(opened: Any) -> None:
    ds = results.words_and_regions()
    ds["attribution_tokens"].values[1] *= 0.01
    watched, view = opened(ds, other="saliency")
    wait_for_cell(view, 1, "saliency", "input", "yes", 0)
    colour = "(all) => all.map((b) => getComputedStyle(b).backgroundColor)"
    shared = side(view, 1).locator(".lp-wb-words b").evaluate_all(colour)
    view.get_by_role("radio", name="Own").check()
    own = side(view, 1).locator(".lp-wb-words b").evaluate_all(colour)
    assert shared != own
    assert " and " in view.locator(".lp-key").first.text_content(), "two ends are named"
    watched.assert_clean()


def test_hostile_text_stays_text(opened: Any) -> None:
    watched, view = opened(results.words_and_regions(hostile=True))
    assert any(results.HOSTILE in text for text in words_of(view, 0))
    assert view.locator("img").count() == 0
    watched.assert_clean()


@pytest.mark.parametrize("width", [390, 760, 1200])
def test_themes_and_widths(opened: Any, width: int) -> None:
    looks = []
    ds = results.words_and_regions()
    for scheme in ("light", "dark"):
        options = {"color_scheme": scheme, "viewport": {"width": width, "height": 1500}}
        watched, view = opened(ds, options=options, other="random", beside=ds)
        view.locator(".lp-wb-beside canvas[data-ready]").wait_for()
        looks.append(view.locator(".lp-wb-beside canvas").evaluate(PIXELS))
        frame = watched.page.frames[1]
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
        watched.shoot(f"workbench-{width}-{scheme}")
        watched.assert_clean()
    assert looks[0] != looks[1], "the picture beside follows the theme"


def test_everything_has_a_name(opened: Any) -> None:
    watched, _ = opened(results.words_and_regions(), beside=results.pixels())
    names = watched.page.frames[1].evaluate(
        """() => [...document.querySelectorAll('input, select, button, [tabindex]')]
          .map((e) => [e.getAttribute('aria-label') || e.labels?.[0]?.textContent
            || e.textContent, e.dataset.lmSuppressShortcuts])"""
    )
    assert len(names) > 10
    assert all(name and name.strip() for name, _ in names)
    assert all(own == "true" for _, own in names), "Lab takes no arrow keys away"
