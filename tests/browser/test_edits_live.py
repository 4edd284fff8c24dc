"""The edit explorer with its kernel, messages carried by hand: regions are drawn, ranks asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tests.browser.carried_kernel import open_live
from tests.browser.edits_views import cut, drag, drawn, picker, pixel, slider, summary_of
from tests.viz import lowrank_results as results
from viz.explorers._edits_payload import mask_of
from viz.explorers.edits import EditExplorer

SHAPE = (results.ROWS, results.COLUMNS)


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return results.edits(plus=True)


@pytest.fixture
def live(result: xr.Dataset, tmp_path: Path, open_page: Callable[..., Any]) -> Any:
    """The live view of a widget, its messages carried by hand; gives (page, view, widget)."""
    widget = EditExplorer(result, recompute=results.source(plus=True))
    watched = open_live(widget, tmp_path, open_page)
    return watched, drawn(watched.page.locator(".lp")), widget


def wait_for(view: Any, words: str) -> None:
    view.locator(".lp-summary", has_text=words).wait_for()


def mask_now(widget: EditExplorer) -> np.ndarray:
    return mask_of(widget.drawn, SHAPE)


def rectangle(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[top : bottom + 1, left : right + 1] = True
    return mask


def test_a_rectangle_is_drawn_and_measured(live: Any) -> None:
    watched, view, widget = live
    drag(watched.page, view, (3, 7), (6, 9), SHAPE)
    wait_for(view, "Region drawn by hand, w, direction 1")
    np.testing.assert_array_equal(mask_now(widget), rectangle(3, 7, 6, 9))
    own = widget.current()
    outside = float(own.outside.sel(step=0.2)[0])
    shown = f"{outside:.3f}" if outside >= 0.001 else "less than 0.001"
    assert f"the rest changes by {shown}:" in summary_of(view)
    assert "12 of 120 pixels" in picker(view).get_attribute("aria-label")
    assert view.locator("select[name=mask]").input_value() == "drawn"
    watched.shoot("edits-live")
    watched.assert_clean()


def test_a_region_is_moved_and_resized_by_keys(live: Any) -> None:
    watched, view, widget = live
    keys = watched.page.keyboard
    picker(view).focus()
    keys.press("ArrowRight")
    keys.press("ArrowDown")
    wait_for(view, "drawn by hand")
    np.testing.assert_array_equal(mask_now(widget), rectangle(3, 2, 6, 5))
    keys.press("Shift+ArrowRight")
    keys.press("Shift+ArrowUp")
    wait_for(view, "drawn by hand")
    watched.page.wait_for_timeout(600)
    np.testing.assert_array_equal(mask_now(widget), rectangle(3, 2, 5, 6))
    for _ in range(12):
        keys.press("ArrowUp")
    np.testing.assert_array_equal(mask_now(widget), rectangle(0, 2, 2, 6))
    keys.press("n")
    wait_for(view, "Region “left”")
    watched.assert_clean()


def test_the_brush_paints_and_the_eraser_takes_away(live: Any) -> None:
    watched, view, widget = live
    keys = watched.page.keyboard
    view.get_by_role("radio", name="Brush").check()
    drag(watched.page, view, (8, 9), (8, 10), SHAPE)
    wait_for(view, "drawn by hand")
    painted = results.masks()["left"] | rectangle(7, 8, 9, 11)
    np.testing.assert_array_equal(mask_now(widget), painted)
    picker(view).focus()
    keys.press("e")
    assert "Space uses it" in picker(view).get_attribute("aria-label")
    for _ in range(2):
        keys.press("ArrowLeft")
    keys.press(" ")
    watched.page.wait_for_timeout(600)
    np.testing.assert_array_equal(mask_now(widget), painted & ~rectangle(7, 7, 9, 9))
    watched.shoot("edits-brush")
    watched.assert_clean()


def test_an_empty_or_whole_region_is_refused_in_words(live: Any) -> None:
    watched, view, widget = live
    drag(watched.page, view, (0, 0), (9, 11), SHAPE)
    problem = view.locator(".lp-problem")
    assert problem.text_content() == "The region must leave pixels outside."
    assert widget.mask == "left"
    picker(view).focus()
    watched.page.keyboard.press("e")
    drag(watched.page, view, (2, 1), (5, 4), SHAPE)
    for row in range(2, 6):
        drag(watched.page, view, (row, 1), (row, 4), SHAPE)
    wait_for_problem = view.get_by_text("The region must hold at least one pixel.")
    wait_for_problem.wait_for()
    watched.assert_clean()


def test_a_higher_rank_asks_the_kernel(live: Any) -> None:
    watched, view, widget = live
    cut(view).focus()
    watched.page.keyboard.press("ArrowRight")
    view.locator(".lp-edit-sliders li").nth(2).wait_for()
    assert cut(view).get_attribute("aria-valuemax") == "12"
    assert widget.rank == 3
    assert "3 directions, asked for" in view.text_content()
    slider(view, 2).focus()
    watched.page.keyboard.press("Home")
    assert "direction 3: " in summary_of(view)
    watched.page.wait_for_timeout(200)
    assert (widget.direction, widget.step) == (2, -0.2)
    watched.assert_clean()


def test_what_the_kernel_refuses_is_said(live: Any) -> None:
    watched, view, widget = live
    cut(view).focus()
    watched.page.keyboard.press("End")  # more directions than a latent of four has
    view.locator(".lp-problem", has_text="`rank` must be between 1 and 4; got 12").wait_for()
    assert widget.rank == 12
    watched.page.keyboard.press("Home")
    view.locator(".lp-edit-grip", has_text="rank 1").wait_for()
    assert view.locator(".lp-problem").is_hidden()
    watched.assert_clean()


def test_the_view_follows_the_kernel(live: Any) -> None:
    watched, view, _ = live
    watched.page.evaluate("() => window.model.set('kind', 'w+')")
    wait_for(view, "Region “left”, w+, direction 1")
    watched.page.evaluate("() => window.model.set('step', -0.1)")
    wait_for(view, "at −0.10 inside")
    watched.page.evaluate("() => window.model.set('mask', 'right')")
    wait_for(view, "Region “right”, w+")
    picker(view).click(position=pixel(view, 3, 2, SHAPE))
    wait_for(view, "Region “left”, w+")
    watched.assert_clean()
