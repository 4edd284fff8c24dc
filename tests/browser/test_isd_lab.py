"""The notebook about relations in a real JupyterLab: it runs, and its explorer answers keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import EVALUATE, opened_and_run, wait_for_summary
from .relations_views import drawn, grid, numbers, phrase, summary_of

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "02_isd.ipynb"
# Relations among words of the first pair, last layer, mean over heads, as the result has them.
FIRST = "float(examples.linguistic_mean.values[0, -1, {row}, {column}])"


@pytest.mark.slow
def test_the_notebook_runs_and_its_explorer_answers_keys(
    lab: Any, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    watched = opened_and_run(lab, open_page, NOTEBOOK, tmp_path)
    page = watched.page
    assert list(tmp_path.glob("iais/*/singular-0-*.safetensors")), "trained, and kept where told to"

    view = page.locator(".lp", has=page.locator(".lp-rel-heads")).first
    view.scroll_into_view_if_needed()
    drawn(view)
    wait_for_summary(view, "mean over heads: among words 1")
    watched.shoot("lab-isd-notebook")
    # The table of the page has the numbers of the result.
    shown = float(numbers(view, 0)[1])
    assert shown == pytest.approx(
        float(page.evaluate(EVALUATE, FIRST.format(row=0, column=1))), abs=0.006
    )
    phrase(view, 0).focus()
    page.keyboard.press("ArrowRight")
    wait_for_summary(view, "mean over heads: among words 2")
    said = summary_of(view)
    grid(view).focus()
    page.keyboard.press("ArrowRight")
    wait_for_summary(view, "head 0: among words 2")
    assert summary_of(view) != said
    watched.shoot("lab-isd-notebook-head")
    watched.assert_clean()
