"""The notebook about attributions in a real JupyterLab: it runs, and the kernel answers keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import opened_and_run, summary_of, wait_for_summary
from .workbench_views import chooser, read_of, side

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "06_workbench.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_its_workbench_answers_keys(
    lab: Any, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    watched = opened_and_run(lab, open_page, NOTEBOOK, tmp_path)
    page = watched.page
    assert list(tmp_path.glob("models/digits-classifier-*.safetensors")), "kept where told to"
    views = page.locator(".lp", has=page.locator("select[name=other]"))
    assert views.count() == 3

    view = views.first
    view.scroll_into_view_if_needed()
    wait_for_summary(view, "Rank correlation of A and B")
    watched.shoot("lab-workbench-images")
    said = summary_of(view)
    chooser(view, "example").focus()
    page.keyboard.press("ArrowDown")  # Lab does not take the key away
    wait_for_summary(view, "Example 2")
    assert summary_of(view) != said
    # The grid does not hold this method: the kernel computes it on the spot.
    chooser(view, "other").focus()
    page.keyboard.type("occlusion")
    side(view, 1).get_by_text("asked from the kernel").wait_for(timeout=60_000)
    side(view, 1).locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    assert "of the strongest" in read_of(view, 0)
    watched.shoot("lab-workbench-asked")

    view = views.nth(1)
    view.scroll_into_view_if_needed()
    view.locator(".lp-wb-words button").first.focus()
    page.keyboard.press("ArrowRight")
    assert "% of the strongest" in read_of(view, 0)
    view.locator(".lp-wb-beside canvas[data-ready='0']").wait_for()
    watched.shoot("lab-workbench-pairs")

    view = views.nth(2)
    view.scroll_into_view_if_needed()
    chooser(view, "target").focus()
    page.keyboard.press("Home")
    side(view, 0).locator("svg[role=application]").focus()
    page.keyboard.press("ArrowRight")
    assert read_of(view, 0).startswith("node ")
    watched.shoot("lab-workbench-graph")
    watched.assert_clean()
