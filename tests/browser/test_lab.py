"""The explorers in a real JupyterLab: pictures come from the kernel, keys work, state is shared."""

from __future__ import annotations

import os
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

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "notebooks" / "04_whitening.ipynb"

CELLS = (
    """\
import numpy as np
from probe.whitening import whitening_effect
from viz.explorers import explore
rng = np.random.default_rng(0)
rows = {i: rng.normal(size=(90, 24)) * np.linspace(3, 0.2, 24) + 2 - i for i in range(3)}
effect = whitening_effect(rows, texts=[f"sentence {i}" for i in range(90)],
                          labels=[f"topic {i % 3}" for i in range(90)], sample=60,
                          transforms=("raw", "centre", "whiten-4", "whiten-8", "whiten"))
view = explore(effect)
view""",
    """\
import xarray as xr
values = xr.DataArray(np.linspace(1, 0, 15).reshape(5, 3), dims=("step", "layer"))
training = xr.Dataset({"average_cosine": values, "loss": ("step", np.arange(5.0)[::-1])},
                      {"step": [0, 10, 20, 30, 40]}, {"probe": "whitening.training"})
steps = explore(training)
steps""",
)


@pytest.fixture(scope="module")
def ran(lab: Any, open_page: Callable[..., Any]) -> Any:
    """The small notebook, run from top to bottom once; each test looks at its own part of it."""
    name = "explorers.ipynb"
    write(lab.folder / name, CELLS)
    watched = open_page(lab.address(name))
    run_all(watched.page, name)
    return watched


def test_whitening_explorer_is_live(ran: Any) -> None:
    page = ran.page
    view = page.locator(".lp").first
    view.scroll_into_view_if_needed()
    wait_for_summary(view, "k = all 24")
    ran.shoot("lab-whitening")

    # A k that is not in the grid comes from the kernel, and the arrow keys reach the slider.
    after = view.locator("canvas").nth(1)
    before = after.evaluate(PIXELS)
    k = view.locator("input[name=k]")
    k.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    wait_for_summary(view, "k = 22 of 24")
    page.wait_for_timeout(600)
    assert after.evaluate(PIXELS) != before
    wait_for_kernel(page, "(view.k, view.spec)", "(22, 'whiten-22')")
    assert "22" in k.get_attribute("aria-valuetext")

    # The picture's numbers are the measure's own.
    average = "abs(float(__import__('probe.whitening').whitening.effect_of("
    average += "effect, view.layer, view.spec).average_cosine))"
    expected = float(page.evaluate(EVALUATE, average))
    assert f"{expected:.2f} after" in summary_of(view).replace("−", "")

    # State set in Python is shown.
    assert page.evaluate(EXECUTE, "view.layer = 0; view.selected = 7") == "ok"
    wait_for_summary(view, "Layer 0")
    assert "“sentence" in summary_of(view)
    assert view.locator(".lp-neighbours li").count() == 12
    ran.shoot("lab-whitening-k22")

    # What the kernel refuses is said in the view, and the view lives on.
    assert page.evaluate(
        EXECUTE, "view._cache.clear(); view.result = effect.drop_vars('covariance')"
    )
    k.focus()
    page.keyboard.press("ArrowLeft")
    view.locator(".lp-problem:not([hidden])").wait_for(timeout=PATIENCE)
    assert "Error" in view.locator(".lp-problem").text_content()
    assert page.evaluate(EXECUTE, "view.result = effect") == "ok"
    page.keyboard.press("ArrowLeft")
    wait_for_summary(view, "k = 20 of 24")
    assert view.locator(".lp-problem").is_hidden()
    ran.assert_clean()


def test_training_explorer_is_live(ran: Any) -> None:
    page = ran.page
    view = page.locator(".lp").nth(1)
    view.scroll_into_view_if_needed()
    wait_for_summary(view, "Step 0:")
    view.locator("input[name=step]").focus()
    page.keyboard.press("ArrowRight")
    wait_for_summary(view, "Step 10:")
    page.wait_for_timeout(300)
    wait_for_kernel(page, "steps.step", "10.0")
    assert page.evaluate(EXECUTE, "steps.step = 40.0") == "ok"
    wait_for_summary(view, "Step 40:")
    ran.shoot("lab-training")
    ran.assert_clean()


def test_explorer_follows_the_theme_of_lab(ran: Any) -> None:
    page = ran.page
    view = page.locator(".lp").first
    background = "(element) => getComputedStyle(element).backgroundColor"
    light = view.evaluate(background)
    page.evaluate("window.jupyterapp.commands.execute("
                  "'apputils:change-theme', { theme: 'JupyterLab Dark' })")  # fmt: skip
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'", timeout=PATIENCE)
    page.wait_for_timeout(500)
    assert view.evaluate(background) != light
    ran.shoot("lab-dark")
    ran.assert_clean()


@pytest.mark.slow
@pytest.mark.skipif(not MAIN.is_file(), reason="the main notebook is not there")
def test_main_notebook_runs_and_its_explorer_moves(
    lab: Any, open_page: Callable[..., Any], demo_model: None
) -> None:
    copy_fast(MAIN, lab.folder)
    watched = open_page(lab.address(MAIN.name))
    run_all(watched.page, MAIN.name)
    view = watched.page.locator(".lp", has=watched.page.locator("input[name=k]")).first
    view.scroll_into_view_if_needed()
    canvas = view.locator("canvas").nth(1)
    wait_for_summary(view, "k = all")
    before = canvas.evaluate(PIXELS)
    view.locator("input[name=k]").focus()
    watched.page.keyboard.press("ArrowLeft")
    view.locator(".lp-summary", has_text="k = all").wait_for(state="detached", timeout=PATIENCE)
    watched.page.wait_for_timeout(600)
    assert canvas.evaluate(PIXELS) != before
    watched.shoot("lab-main")
    watched.assert_clean()
    assert os.environ.get("LOUPE_EXPORT") != "1"
