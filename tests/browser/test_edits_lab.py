"""The edit explorer in a real JupyterLab: a region is drawn, the kernel finds its directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.edits_views import cut, drag, drawn, picker, slider, summary_of
from tests.browser.lab_notebook import (
    EVALUATE,
    EXECUTE,
    run_all,
    wait_for_kernel,
    wait_for_summary,
    write,
)

CELLS = (
    """\
from data.faces import face_oracle, face_regions
from probe.lowrank import EditSource
from viz.explorers.edits import EditExplorer
oracle = face_oracle(dim=24, seed=2)
latents = oracle.sample(2, seed=3)
masks = face_regions(oracle.parameters(latents[:1]))
source = EditSource(oracle, latents, steps=(0.05, 0.1), baselines=("principal",))
edits = source({"mouth": masks["mouth"][0], "eyes": masks["eyes"][0]})
view = EditExplorer(edits, recompute=source)
view""",
)
SHAPE = (32, 32)


@pytest.fixture(scope="module")
def ran(lab: Any, open_page: Callable[..., Any]) -> Any:
    name = "edits.ipynb"
    write(lab.folder / name, CELLS)
    watched = open_page(lab.address(name))
    run_all(watched.page, name)
    return watched


def test_a_region_is_drawn_and_its_directions_move(ran: Any) -> None:
    page = ran.page
    view = page.locator(".lp").first
    view.scroll_into_view_if_needed()
    wait_for_summary(view, "Region “mouth”, w, direction 1: at +0.10 inside")
    drawn(view)
    ran.shoot("lab-edits")
    drag(page, view, (15, 9), (18, 14), SHAPE)  # about one eye
    wait_for_summary(view, "Region drawn by hand")
    wanted = "[(15 + i) * 32 + 9 if j == 0 else 6 for i in range(4) for j in range(2)]"
    assert page.evaluate(EVALUATE, f"view.mask, view.drawn == {wanted}") == "('drawn', True)"
    outside = "float(view.current().outside[0, -1])"
    text = page.evaluate(EVALUATE, f"'{{:.3f}}'.format({outside}) if {outside} >= .001 else 'less'")
    assert f"the rest changes by {text.strip(chr(39))}" in summary_of(view)
    slider(view, 0).focus()
    page.keyboard.press("ArrowLeft")  # Lab does not take the key away
    wait_for_summary(view, "at +0.05 inside")
    ran.shoot("lab-edits-drawn")
    ran.assert_clean()


def test_keys_move_the_region_and_the_cut(ran: Any) -> None:
    page = ran.page
    view = page.locator(".lp").first
    picker(view).focus()
    page.keyboard.press("n")
    wait_for_summary(view, "Region “mouth”")
    cut(view).focus()
    page.keyboard.press("Home")
    view.locator(".lp-edit-grip", has_text="rank 1").wait_for()
    page.keyboard.press("End")
    view.locator(".lp-edit-grip", has_text="rank 12").wait_for()
    wait_for_kernel(page, "view.rank, view.mask", "(12, 'mouth')")
    assert view.locator(".lp-edit-sliders li").count() == 12
    assert page.evaluate(EXECUTE, "view.mask, view.rank = 'eyes', 0") == "ok"
    wait_for_summary(view, "Region “eyes”")
    ran.assert_clean()
