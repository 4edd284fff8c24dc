"""Notebooks are thin, stripped sources, and run top to bottom on a fresh kernel."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEMPLATES = sorted((ROOT / "notebooks" / "templates").glob("*.ipynb"))
MAX_CELL_LINES = 15


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS + TEMPLATES, ids=lambda p: p.stem)
def test_nothing_but_sources_is_committed(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata
    for cell in cells(path, "code"):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS + TEMPLATES, ids=lambda p: p.stem)
def test_cells_are_short_and_define_nothing(path: Path) -> None:
    for cell in cells(path, "code"):
        assert cell.source.count("\n") < MAX_CELL_LINES, cell.source
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)


@pytest.mark.parametrize("path", NOTEBOOKS + TEMPLATES, ids=lambda p: p.stem)
def test_it_asks_answers_and_has_one_cell_of_sizes(path: Path) -> None:
    prose = [cell.source for cell in cells(path, "markdown")]
    assert prose[0].startswith("# ")
    assert "?" in prose[0].splitlines()[0], "a notebook starts with its question"
    assert any(text.startswith("## Answer") for text in prose), "a notebook ends with its answer"
    tagged = [c for c in cells(path, "code") if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert "FAST" in tagged[0].source


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS + TEMPLATES, ids=lambda p: p.stem)
def test_it_runs_without_any_download(
    path: Path, executed: Callable[[Path], nbformat.NotebookNode], demo_model: None
) -> None:
    cells = executed(path).cells
    counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
    assert all(counts)
    assert counts == sorted(counts)
