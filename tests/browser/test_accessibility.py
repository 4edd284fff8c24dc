"""Exported pages for everyone: axe-core finds nothing grave, and they can be read at 200 %."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tests.browser.accessible import SIZES, assert_accessible, assert_reflows, load_all
from tests.viz.every_probe import RESULTS
from viz.explorers import _EXPLORERS
from viz.report import export_notebook, export_results


def missing(probe: str) -> str:
    return f"{probe} has an explorer and no small result: add one to tests/viz/every_probe.py"


def test_every_explorer_is_looked_at() -> None:
    assert [missing(probe) for probe in _EXPLORERS if probe not in RESULTS] == []


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of an explorer, or of a notebook, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("accessible")

    def page_of(name: str) -> Path:
        out = folder / f"{name}.html"
        if not out.is_file():
            if name == "notebook":
                export_notebook(notebook(folder), out, execute=False)
            else:
                export_results([RESULTS[name]()], out, title="One result")
        return out

    return page_of


def notebook(folder: Path) -> Path:
    """A notebook with what run notebooks have: text, maths, code, a table, a picture, a widget."""
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_markdown_cell(
            "# What is here?\n\nLet $x_1$ be. [A link](https://example.org) and `code`.\n\n"
            "| a | b |\n|---|---|\n| 1 | 2 |\n\n> A remark.\n\n## Answer\n\n1. One."
        ),
        nbformat.v4.new_code_cell("# A remark\nfor i in range(3):\n    print('text', i + 0.5)"),
    ]
    figure = Figure(figsize=(8, 2))
    figure.subplots().plot([1, 2])
    figure.savefig(picture := io.BytesIO(), format="png")
    table = pd.DataFrame({f"a long name of column {i}": range(3) for i in range(9)})
    widget = RESULTS["whitening.training"]().viz.explore()
    display = nbformat.v4.new_output
    made.cells[1].outputs = [
        display("stream", name="stdout", text="a very long line of words " * 30),
        display("display_data", {"text/html": table.to_html(), "text/plain": "table"}),
        display(
            "display_data",
            {"image/png": base64.b64encode(picture.getvalue()).decode()},
            metadata={"alt": "A line from 1 to 2."},
        ),
        display("display_data", {"text/html": widget.twin(), "text/plain": "widget"}),
    ]
    nbformat.write(made, folder / "all.ipynb")
    return folder / "all.ipynb"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*_EXPLORERS, "notebook"])
def test_nothing_grave_is_found(
    name: str, scheme: str, pages: Callable[[str], Path], open_page: Callable[..., Any]
) -> None:
    watched = open_page(pages(name).as_uri(), color_scheme=scheme, **SIZES["100 %"])
    load_all(watched.page)
    assert_accessible(watched.page)
    for frame in watched.page.frames:
        assert frame.locator("h1, [aria-level='1']").count() == 1
    watched.shoot(f"accessible-{name}-{scheme}")
    watched.assert_clean()


@pytest.mark.parametrize("name", [*_EXPLORERS, "notebook"])
def test_it_is_read_at_200_and_400_percent(
    name: str, pages: Callable[[str], Path], open_page: Callable[..., Any]
) -> None:
    for zoom in ("200 %", "400 %"):
        watched = open_page(pages(name).as_uri(), color_scheme="dark", **SIZES[zoom])
        load_all(watched.page)
        assert_reflows(watched.page)
        if zoom == "200 %":
            assert_accessible(watched.page)
        watched.shoot(f"accessible-{name}-{zoom.split()[0]}")
        watched.page.close()


@pytest.mark.slow
def test_the_page_of_a_notebook_that_ran_is_for_everyone(
    tmp_path: Path, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "empty"))
    smallest = Path(__file__).parents[2] / "notebooks" / "templates" / "graph.ipynb"
    out = export_notebook(smallest, tmp_path / "graph.html", fast=True)
    for size, scheme in (("100 %", "light"), ("100 %", "dark"), ("200 %", "dark")):
        watched = open_page(out.as_uri(), color_scheme=scheme, **SIZES[size])
        load_all(watched.page)
        assert_accessible(watched.page)
        assert_reflows(watched.page)
        watched.assert_clean()


def test_what_is_wrong_is_found(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    file = tmp_path / "bad.html"
    file.write_text(
        "<!DOCTYPE html><html lang=en><title>t</title><main><h1>t</h1><button></button>"
        "<p style='color:#999;background:#fff'>pale</p>"
        "<p style='width:2000px'>wide</p></main></html>",
        encoding="utf-8",
    )
    page = open_page(file.as_uri()).page
    with pytest.raises(AssertionError, match=r"button-name.*color-contrast"):
        assert_accessible(page)
    with pytest.raises(AssertionError, match="pixels wide"):
        assert_reflows(page)
