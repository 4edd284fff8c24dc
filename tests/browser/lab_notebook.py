"""Notebooks in a real JupyterLab: written, run from top to bottom, and asked what is in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from viz.report.execution import read_notebook

# Kernel and server share the machine with the browser; a busy machine is slow, not broken.
PATIENCE = 240_000

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
STDERR = "[data-mime-type='application/vnd.jupyter.stderr']"
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


def wait_for_kernel(page: Any, expression: str, wanted: str) -> None:
    """What the page shows reaches the kernel a moment later: widgets send one change at a time."""
    found = page.evaluate(EVALUATE, expression)
    for _ in range(100):
        if found == wanted:
            return
        page.wait_for_timeout(100)
        found = page.evaluate(EVALUATE, expression)
    assert found == wanted


def copy_fast(source: Path, folder: Path) -> str:
    """Copy a notebook of the project with its small sizes; gives its name."""
    shutil.copyfile(source, folder / source.name)
    notebook = read_notebook(folder / source.name)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace("FAST = False", "FAST = True")
    nbformat.write(notebook, folder / source.name)
    return source.name


def own_cache(notebook: Path, cache: Path) -> None:
    """Train into an empty cache folder, whatever models the user keeps."""
    read = read_notebook(notebook)
    source = f"import os\nos.environ['LOUPE_DATA'] = {str(cache)!r}"
    read.cells.insert(0, nbformat.v4.new_code_cell(source))
    nbformat.write(read, notebook)


def opened_and_run(lab: Any, open_page: Callable[..., Any], source: Path, cache: Path) -> Any:
    """A notebook of the project, with its small sizes and a cache of its own, run without a word.

    Every cell has a number, and nothing was written to stderr.
    """
    copy_fast(source, lab.folder)
    own_cache(lab.folder / source.name, cache)
    watched = open_page(lab.address(source.name))
    run_all(watched.page, source.name)
    assert watched.page.locator(STDERR).all_text_contents() == []
    return watched
