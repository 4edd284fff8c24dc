"""The explorers in a real JupyterLab: pictures come from the kernel, keys work, state is shared."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from viz.report.execution import read_notebook

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "notebooks" / "04_whitening.ipynb"
# Kernel and server share the machine with the browser; a busy machine is slow, not broken.
PATIENCE = 240_000

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

RUN_ALL = """async (path) => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  await app.commands.execute('notebook:run-all-cells');
}"""
EVALUATE = """async (expression) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute(
    { code: '', silent: true, store_history: false, user_expressions: { it: expression } });
  const found = (await future.done).content.user_expressions.it;
  return found.status === 'ok' ? found.data['text/plain'] : `${found.ename}: ${found.evalue}`;
}"""
EXECUTE = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  return (await kernel.requestExecute({ code }).done).content.status;
}"""
NUMBERED = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')]
    .map((prompt) => prompt.textContent.trim()).filter((text) => text);
  return prompts.length > 0 && prompts.every((text) => /^\\[\\d+\\]:?$/.test(text));
}"""
ERRORS = """() => [...document.querySelectorAll('.jp-OutputArea-output pre')]
  .map((pre) => pre.textContent).filter((text) => text.includes('Traceback (most recent'))"""
PIXELS = "(canvas) => canvas.toDataURL()"


def write(path: Path, sources: tuple[str, ...]) -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(metadata=kernel)
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(notebook, path)


def run_all(page: Any, name: str) -> None:
    page.wait_for_function("window.jupyterapp !== undefined", timeout=PATIENCE)
    page.evaluate(RUN_ALL, name)
    # A cell that raises stops the run: say which error, not that numbers are missing.
    assert page.evaluate(ERRORS) == []
    page.wait_for_function(NUMBERED, timeout=PATIENCE)


def summary_of(view: Any) -> str:
    return view.locator(".lp-summary").text_content()


def wait_for_summary(view: Any, part: str) -> None:
    view.locator(".lp-summary", has_text=part).wait_for(timeout=PATIENCE)


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
    assert page.evaluate(EVALUATE, "(view.k, view.spec)") == "(22, 'whiten-22')"
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
    assert page.evaluate(EVALUATE, "steps.step") == "10.0"
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
    shutil.copyfile(MAIN, lab.folder / MAIN.name)
    notebook = read_notebook(lab.folder / MAIN.name)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace("FAST = False", "FAST = True")
    nbformat.write(notebook, lab.folder / MAIN.name)
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
