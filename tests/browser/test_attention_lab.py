"""The attention explorer in a real JupyterLab: its keys stay its own, weights are exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .attention_views import PIXELS, bars, grid, image, summary_of, word
from .lab_notebook import EVALUATE, EXECUTE, run_all, wait_for_kernel, wait_for_summary, write

CELLS = (
    """\
import viz
from tests.viz.attention_examples import planted_examples
ds = planted_examples()
view = ds.viz.explore()
view""",
)
LARGEST = (
    "' '.join('%.3f' % w for w in "
    "__import__('numpy').sort(ds.attention.values[0, 2, 2, :45, view.query])[::-1][:6])"
)


@pytest.fixture(scope="module")
def ran(lab: Any, open_page: Callable[..., Any]) -> Any:
    name = "attention.ipynb"
    write(lab.folder / name, CELLS)
    watched = open_page(lab.address(name))
    run_all(watched.page, name)
    return watched


def test_pointer_keys_and_python_move_one_state(ran: Any) -> None:
    page = ran.page
    view = page.locator(".lp").first
    view.scroll_into_view_if_needed()
    wait_for_summary(view, "region 1 (red square), linked to it")
    ran.shoot("lab-attention")
    word(view, 6).click()
    wait_for_summary(view, "region 2 (blue box), linked to it")
    page.keyboard.press("ArrowRight")
    wait_for_summary(view, "“box”")
    wait_for_kernel(page, "view.query", "7")
    image(view).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    wait_for_summary(view, "the patch in row 2, column 2")
    grid(view).focus()
    page.keyboard.press("ArrowDown")
    wait_for_summary(view, "Layer 2, head 2")
    wait_for_kernel(page, "(view.layer, view.head, view.query)", "(2, 2, 16)")
    before = grid(view).evaluate(PIXELS)
    page.evaluate(EXECUTE, "view.direction, view.score = 'to', 'importance'")
    wait_for_summary(view, "is attended to most by")
    view.get_by_text("importance; one scale for all heads").wait_for()
    assert grid(view).evaluate(PIXELS) != before
    wanted = page.evaluate(EVALUATE, LARGEST).strip("'").split()
    view.locator(".lp-strongest .lp-bar-value", has_text=wanted[5]).first.wait_for()
    assert bars(view, "strongest") == wanted, "exact, though rounded in what was sent at first"
    view.get_by_role("button", name="Next example").click()
    wait_for_summary(view, "“a” is attended to most by")
    wait_for_kernel(page, "(view.example, view.query)", "(1, 1)")
    assert "Layer 2, head 2" in summary_of(view)
    ran.assert_clean()
