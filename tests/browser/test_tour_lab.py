"""The tour in a real JupyterLab: it runs, and each of its six explorers obeys the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import attention_views, edits_views, relations_views, totoro_views
from .lab_notebook import EVALUATE, opened_and_run, summary_of, wait_for_kernel, wait_for_summary

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "00_tour.ipynb"
# What marks each explorer in the page, in the order of the notebook.
MARKS = {
    "TrainingExplorer": "input[name=step]",
    "AttentionExplorer": ".lp-att-heads",
    "RelationExplorer": ".lp-rel-heads",
    "WhiteningExplorer": "input[name=k]",
    "TotoroExplorer": "input[name=alpha]",
    "EditExplorer": ".lp-edit-region",
}


@pytest.fixture(scope="module")
def ran(lab: Any, open_page: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The tour with small sizes, run from top to bottom once from an empty cache."""
    return opened_and_run(lab, open_page, NOTEBOOK, tmp_path_factory.mktemp("cache"))


def view_of(ran: Any, name: str) -> Any:
    view = ran.page.locator(".lp", has=ran.page.locator(MARKS[name]))
    assert view.count() == 1, f"{name} stands in the tour once"
    view.scroll_into_view_if_needed()
    view.locator(".lp-summary:not(:empty)").wait_for()
    return view


def state(name: str, trait: str) -> str:
    """The kernel's own state of an explorer that a cell has shown."""
    return f"next(v for v in Out.values() if type(v).__name__ == {name!r}).{trait}"


def test_every_explorer_stands_there_once(ran: Any) -> None:
    assert ran.page.locator(".lp").count() == len(MARKS)
    for name in MARKS:
        view_of(ran, name)
    ran.shoot("lab-tour")
    ran.assert_clean()


def test_training_is_walked_through(ran: Any) -> None:
    view = view_of(ran, "TrainingExplorer")
    view.locator("input[name=step]").focus()
    ran.page.keyboard.press("End")
    last = ran.page.evaluate(EVALUATE, "float(history.step[-1])")
    wait_for_summary(view, f"Step {float(last):.0f}:")
    wait_for_kernel(ran.page, state("TrainingExplorer", "step"), last)
    ran.page.keyboard.press("Home")
    wait_for_summary(view, "Step 0:")
    wait_for_kernel(ran.page, state("TrainingExplorer", "step"), "0.0")
    ran.assert_clean()


def test_another_head_is_looked_at(ran: Any) -> None:
    view = attention_views.drawn(view_of(ran, "AttentionExplorer"))
    layer, head = map(int, re.findall(r"\d+", summary_of(view))[:2])
    key, there = ("ArrowLeft", head - 1) if head else ("ArrowRight", 1)
    before = attention_views.image(view).evaluate(attention_views.PIXELS)
    attention_views.grid(view).focus()
    ran.page.keyboard.press(key)
    wait_for_summary(view, f"Layer {layer}, head {there}")
    wait_for_kernel(ran.page, state("AttentionExplorer", "head"), str(there))
    ran.page.wait_for_timeout(600)
    assert attention_views.image(view).evaluate(attention_views.PIXELS) != before
    ran.assert_clean()


def test_relations_of_another_object(ran: Any) -> None:
    view = relations_views.drawn(view_of(ran, "RelationExplorer"))
    said = summary_of(view)
    relations_views.phrase(view, 0).focus()
    ran.page.keyboard.press("ArrowRight")
    wait_for_summary(view, "among words 2")
    assert summary_of(view) != said
    wait_for_kernel(ran.page, state("RelationExplorer", "object"), "1")
    relations_views.grid(view).focus()
    ran.page.keyboard.press("ArrowRight")
    wait_for_summary(view, "head 0")
    wait_for_kernel(ran.page, state("RelationExplorer", "head"), "0")
    ran.assert_clean()


def test_whitening_of_any_rank_comes_from_the_kernel(ran: Any) -> None:
    view = view_of(ran, "WhiteningExplorer")
    wait_for_summary(view, "k = all")
    found = re.search(r"k = all (\d+)", summary_of(view))
    assert found
    k = int(found[1])
    view.locator("input[name=k]").focus()
    ran.page.keyboard.press("ArrowLeft")
    wait_for_summary(view, f"k = {k - 1} of {k}")
    wait_for_kernel(ran.page, state("WhiteningExplorer", "k"), str(k - 1))
    assert view.locator(".lp-problem").is_hidden()
    ran.assert_clean()


def test_a_node_of_the_graph_is_chosen(ran: Any) -> None:
    view = totoro_views.drawn(view_of(ran, "TotoroExplorer"))
    view.locator("input[name=alpha]").focus()
    ran.page.keyboard.press("ArrowLeft")
    view.locator(".lp-summary", has_text="α = 0.15,").wait_for(state="detached")
    view.locator("canvas").first.focus()
    ran.page.keyboard.press("ArrowRight")
    view.locator(".lp-node h4").wait_for()
    node = totoro_views.chosen(view)
    wait_for_kernel(ran.page, state("TotoroExplorer", "selected"), str(node))
    name = ran.page.evaluate(EVALUATE, f"names[{node}]").strip("'")
    assert name in view.locator(".lp-node").text_content()
    ran.assert_clean()


def test_the_mouth_of_a_face_is_moved(ran: Any) -> None:
    view = edits_views.drawn(view_of(ran, "EditExplorer"))
    before = edits_views.figure(view, 1).evaluate(edits_views.PIXELS)
    edits_views.slider(view, 0).focus()
    ran.page.keyboard.press("Home")
    wait_for_summary(view, "at −0.20 inside")
    wait_for_kernel(ran.page, f"float({state('EditExplorer', 'step')})", "-0.2")
    ran.page.wait_for_timeout(300)
    assert edits_views.figure(view, 1).evaluate(edits_views.PIXELS) != before
    ran.shoot("lab-tour-edit")
    ran.assert_clean()
