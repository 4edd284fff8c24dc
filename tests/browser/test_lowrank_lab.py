"""The notebook about local edits in a real JupyterLab: it runs, and its explorer answers keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .edits_views import drawn, slider, summary_of
from .lab_notebook import EVALUATE, opened_and_run, wait_for_summary

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05_lowrank.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_its_explorer_answers_keys(
    lab: Any, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    watched = opened_and_run(lab, open_page, NOTEBOOK, tmp_path)
    page = watched.page
    assert list(tmp_path.glob("models/generator-faces-*.safetensors")), "kept where told to"

    view = page.locator(".lp", has=page.locator(".lp-edit-region")).first
    view.scroll_into_view_if_needed()
    drawn(view)
    wait_for_summary(view, "Region “mouth”, w, direction 1")
    watched.shoot("lab-lowrank-notebook")
    said = summary_of(view)
    slider(view, 0).focus()
    page.keyboard.press("Home")
    # After ten updates not every direction reaches its lowest step: the page says so, as it is.
    lowest = float(page.evaluate(EVALUATE, "float(edits.step.values[0])"))
    reached = page.evaluate(EVALUATE, "bool(np.isfinite(edits.outside.values[0, 0]))") == "True"
    told = f"at −{-lowest:.2f} inside" if reached else f"cannot change the region by {-lowest:.2f}"
    wait_for_summary(view, told)
    assert summary_of(view) != said
    watched.shoot("lab-lowrank-notebook-edited")
    watched.assert_clean()
