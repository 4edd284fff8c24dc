"""The Totoro explorer and its notebook in a real JupyterLab: the kernel measures, labels move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .lab_notebook import (
    EVALUATE,
    EXECUTE,
    PATIENCE,
    PIXELS,
    copy_fast,
    run_all,
    summary_of,
    wait_for_kernel,
    wait_for_summary,
    write,
)

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03_totoro.ipynb"

CELLS = (
    """\
import numpy as np
import viz
from data.records import Graph
from probe.totoro import conflict_map, setting_of
rng = np.random.default_rng(0)
labels = np.arange(90) % 3
ends = np.unique(np.sort(rng.integers(90, size=(2, 400)), axis=0), axis=1)
near = (labels[ends[0]] == labels[ends[1]]) | (rng.random(ends.shape[1]) < 0.1)
ends = ends[:, near & (ends[0] != ends[1])]
graph = Graph(np.concatenate([ends, ends[::-1]], axis=1), labels, label_names=("a", "b", "c"))
ds = conflict_map(graph, alphas=(0.15, 0.5), per_class=(3, 6), seeds=(0, 1))
view = ds.viz.explore()
view""",
)
COLOURED = """(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let vivid = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] && Math.max(data[i], data[i + 1], data[i + 2])
      - Math.min(data[i], data[i + 1], data[i + 2]) > 90) vivid += 1;
  }
  return vivid > 200;
}"""
SETTING = "setting_of(ds, alpha=view.alpha, per_class=view.per_class, seed=view.seed)"


def total(page: Any, train: str = "") -> str:
    """The sum of T of the view's setting, as the measure itself gives it, worded as in the view."""
    setting = f"setting_of(ds, alpha=view.alpha, train={train})" if train else SETTING
    value = float(page.evaluate(EVALUATE, f"__import__('builtins').float({setting}.totoro.sum())"))
    return f"{value:.3g}" if value < 1e-4 else f"{float(f'{value:.3g}'):g}"


@pytest.fixture(scope="module")
def ran(lab: Any, open_page: Callable[..., Any]) -> Any:
    name = "totoro.ipynb"
    write(lab.folder / name, CELLS)
    watched = open_page(lab.address(name))
    run_all(watched.page, name)
    return watched


def test_sliders_ask_the_kernel(ran: Any) -> None:
    page = ran.page
    view = page.locator(".lp").first
    view.scroll_into_view_if_needed()
    wait_for_summary(view, "α = 0.15, 6 labels per class, split 0")
    # Classes have their colours although Lab fills the output before it puts it into the page.
    assert view.locator("canvas").first.evaluate(COLOURED)
    ran.shoot("lab-totoro")
    for name, words in (("alpha", "α = 0.1"), ("per_class", "7 labels"), ("seed", "split 1")):
        before = summary_of(view)
        view.locator(f"input[name={name}]").focus()
        page.keyboard.press("ArrowRight")
        wait_for_summary(view, words)
        page.wait_for_function(
            "(before) => document.querySelector('.lp-summary').textContent !== before", arg=before
        )
    page.wait_for_timeout(500)
    # None of these is in the grid: the picture's sum is the measure's own.
    wait_for_kernel(page, "(view.per_class, view.seed)", "(7, 1)")
    assert f"add up to {total(page)}" in summary_of(view)
    ran.assert_clean()


def test_a_label_is_added_by_hand(ran: Any) -> None:
    page = ran.page
    view = page.locator(".lp").first
    assert page.evaluate(EXECUTE, "view.alpha, view.per_class, view.seed = 0.15, 6, 0") == "ok"
    wait_for_summary(view, "α = 0.15, 6 labels per class, split 0")
    canvas = view.locator("canvas").first
    unlabelled = "int(np.flatnonzero(~ds.train.values[1, 0])[4])"
    assert page.evaluate(EXECUTE, f"view.selected = {unlabelled}") == "ok"
    view.locator("button[name=toggle]:not([disabled])").wait_for(timeout=PATIENCE)
    before = canvas.evaluate(PIXELS)
    view.locator("button[name=toggle]").click()
    wait_for_summary(view, "1 label changed by hand")
    page.wait_for_timeout(500)
    assert canvas.evaluate(PIXELS) != before
    assert page.evaluate(EVALUATE, f"view.toggled == [{unlabelled}]") == "True"
    flipped = f"ds.train.values[1, 0] ^ (np.arange(90) == {unlabelled})"
    assert f"to {total(page, flipped)}" in summary_of(view)
    ran.shoot("lab-totoro-labelled")
    # The same key takes it away again.
    canvas.focus()
    page.keyboard.press("l")
    view.locator(".lp-summary", has_text="changed by hand").wait_for(
        state="detached", timeout=PATIENCE
    )
    wait_for_kernel(page, "view.toggled", "[]")
    ran.assert_clean()


@pytest.mark.slow
def test_the_notebook_runs_and_its_explorer_moves(lab: Any, open_page: Callable[..., Any]) -> None:
    copy_fast(NOTEBOOK, lab.folder)
    watched = open_page(lab.address(NOTEBOOK.name))
    run_all(watched.page, NOTEBOOK.name)
    view = watched.page.locator(".lp", has=watched.page.locator("input[name=alpha]")).first
    view.scroll_into_view_if_needed()
    wait_for_summary(view, "α = 0.15, 20 labels per class")
    canvas = view.locator("canvas").first
    before = canvas.evaluate(PIXELS)
    view.locator("input[name=alpha]").focus()
    for _ in range(5):
        watched.page.keyboard.press("ArrowRight")
    view.locator(".lp-summary", has_text="α = 0.15,").wait_for(state="detached", timeout=PATIENCE)
    watched.page.wait_for_timeout(600)
    assert canvas.evaluate(PIXELS) != before
    watched.shoot("lab-totoro-notebook")
    watched.assert_clean()
