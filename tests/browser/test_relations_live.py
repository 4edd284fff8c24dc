"""The relation explorer with its kernel, messages carried by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from tests.browser.carried_kernel import open_live
from tests.browser.relations_views import drawn, grid, phrase, shares, summary_of
from tests.viz.isd_results import related
from viz.explorers import RelationExplorer


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return related()


@pytest.fixture
def live(result: xr.Dataset, tmp_path: Path, open_page: Callable[..., Any]) -> Any:
    """The live view of a widget, its messages carried by hand; gives (page, view, widget)."""
    widget = RelationExplorer(result, layer=1)
    watched = open_live(widget, tmp_path, open_page)
    return watched, drawn(watched.page.locator(".lp")), widget


def test_the_kernel_follows_the_view(live: Any) -> None:
    watched, view, widget = live
    assert "Layer 1, mean over heads" in summary_of(view)
    phrase(view, 2).click()
    grid(view).focus()
    watched.page.keyboard.press("ArrowDown")
    watched.page.keyboard.press("ArrowRight")
    view.locator("select[name=show]").select_option("gap")
    view.get_by_role("button", name="Next example").click()
    view.locator(".lp-summary", has_text="a blue square").wait_for()
    watched.page.wait_for_timeout(200)
    assert widget.state() == {"example": 1, "layer": 2, "head": 0, "object": 2, "show": "gap"}
    watched.shoot("relations-live")
    watched.assert_clean()


def test_the_view_follows_the_kernel(live: Any, result: xr.Dataset) -> None:
    watched, view, _ = live
    watched.page.evaluate("() => window.model.set('layer', 3)")
    view.locator(".lp-summary", has_text="Layer 3, mean over heads").wait_for()
    watched.page.evaluate("() => window.model.set('object', 1)")
    view.locator(".lp-summary", has_text="among words 2 “a blue box”").wait_for()
    row = result.visual_mean.values[0, 3, 1]
    expected = {j: float(row[j]) for j in (0, 2)}
    view.locator(".lp-rel-image [data-to='2']").wait_for(state="attached")
    assert shares(view, "image") == pytest.approx(expected, abs=1e-3)
    watched.page.evaluate("() => window.model.set('show', 'matrices')")
    view.get_by_text("Words at the left, regions at the right").wait_for()
    watched.assert_clean()
