"""The relation explorer in a real JupyterLab: its keys stay its own, one state on both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .lab_notebook import EXECUTE, run_all, wait_for_kernel, wait_for_summary, write
from .relations_views import grid, phrase, picture, table

CELLS = (
    """\
import viz
from tests.viz.isd_results import related
view = related().viz.explore()
view""",
)


@pytest.fixture(scope="module")
def ran(lab: Any, open_page: Callable[..., Any]) -> Any:
    name = "relations.ipynb"
    write(lab.folder / name, CELLS)
    watched = open_page(lab.address(name))
    run_all(watched.page, name)
    return watched


def test_pointer_keys_and_python_move_one_state(ran: Any) -> None:
    page = ran.page
    view = page.locator(".lp").first
    view.scroll_into_view_if_needed()
    wait_for_summary(view, "among words 1 “a red square”")
    ran.shoot("lab-relations")
    phrase(view, 1).click()
    wait_for_summary(view, "among words 2 “a blue box”")
    page.keyboard.press("ArrowRight")
    wait_for_summary(view, "among words 3 “a green tile”")
    wait_for_kernel(page, "view.object", "2")
    picture(view).focus()
    page.keyboard.press("ArrowUp")
    wait_for_summary(view, "among words 2 “a blue box”")
    table(view, 2).focus()
    page.keyboard.press("Home")
    wait_for_summary(view, "among words 1 “a red square”")
    grid(view).focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    wait_for_summary(view, "Layer 2, head 1: among words 1")
    wait_for_kernel(page, "(view.layer, view.head, view.object)", "(2, 1, 0)")
    page.evaluate(EXECUTE, "view.example, view.object, view.show = 1, 3, 'gap'")
    wait_for_summary(view, "among words 4 “a red box”")
    assert view.locator("select[name=show]").input_value() == "gap"
    ran.assert_clean()
