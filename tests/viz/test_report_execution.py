"""The executor: a fresh kernel, FAST where asked for, failures that say where."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from viz.report import execute_notebook, export_notebook
from viz.report.execution import _set_fast, read_notebook

PARAMETERS = {"tags": ["parameters"]}


def written(tmp_path: Path, *cells: nbformat.NotebookNode) -> Path:
    path = tmp_path / "a notebook.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def code(source: str, **metadata: object) -> nbformat.NotebookNode:
    return new_code_cell(source, metadata=metadata)


def test_fast_replaces_only_its_own_line(tmp_path: Path) -> None:
    source = "N = 10  # FAST = False\nFAST = False\nSIZE = 5 if FAST else 50"
    notebook = read_notebook(written(tmp_path, code("FAST = False"), code(source, **PARAMETERS)))
    _set_fast(notebook, tmp_path)
    assert notebook.cells[1].source == source.replace("\nFAST = False", "\nFAST = True")
    assert notebook.cells[0].source == "FAST = False"


def test_fast_without_parameters_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, code("FAST = False"))
    with pytest.raises(ValueError, match="`fast` must be False for a notebook without `FAST"):
        execute_notebook(path, fast=True)


@pytest.mark.slow
def test_a_notebook_runs_in_a_fresh_kernel_and_tells_its_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOUPE_EXPORT", raising=False)
    figure = "import matplotlib.pyplot as plt\n_ = plt.figure().subplots().set_title('Rising')"
    path = written(
        tmp_path,
        new_markdown_cell("# Does it run?"),
        code("FAST = False\nN = 3 if FAST else 300", **PARAMETERS),
        code("import os, xarray as xr, viz\nds = xr.Dataset(attrs={'probe': 'novel', 'seed': N})"),
        code("os.environ['LOUPE_EXPORT'], os.path.basename(os.getcwd()), N"),
        code(figure),
        code(figure),
    )
    before = path.read_bytes()
    ran = execute_notebook(path, fast=True)
    assert path.read_bytes() == before
    assert [cell.execution_count for cell in ran.cells[1:]] == [1, 2, 3, 4, 5]
    assert ran.cells[3].outputs[0].data["text/plain"] == repr(("1", tmp_path.name, 3))
    assert ran.metadata["loupe"] == [{"probe": "novel", "seed": "3"}]
    for cell in ran.cells[4:]:
        assert cell.outputs[0].metadata["image/png"]["alt"] == "Figure: Rising."
    assert "LOUPE_EXPORT" not in os.environ


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "timeout", "why"),
    [
        ("raise KeyError('gone')", 60, r"stopped in cell 2: KeyError: 'gone'"),
        ("import time; time.sleep(60)", 1, r"stopped in cell 2: it took longer than 1 s"),
    ],
)
def test_a_failing_cell_is_named_and_nothing_is_written(
    tmp_path: Path, source: str, timeout: float, why: str
) -> None:
    path = written(tmp_path, code("1"), code(source))
    with pytest.raises(RuntimeError, match=f"notebook a notebook.ipynb {why}"):
        export_notebook(path, tmp_path / "a.html", timeout=timeout)
    assert not (tmp_path / "a.html").exists()
