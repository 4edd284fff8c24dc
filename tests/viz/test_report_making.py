"""Pages of many notebooks: only those that are missing, and none lost for another's failure."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

import loupe
from viz.report import export_notebook, making

from .pages import notebook


def test_only_missing_pages_and_stale_previews_are_made(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    names = ("00_tour", "01_value", "02_isd", "03_totoro")
    sources = [notebook(tmp_path / "notebooks", name) for name in names]
    for source, fast in zip(sources[:3], (False, True, True), strict=True):
        run = notebook(tmp_path / "run", source.stem, fast=fast)
        export_notebook(run, making.page_of(source, folder), execute=False)
    for stale in (sources[0], sources[2]):  # one in full, which stays, and one preview
        changed = nbformat.read(stale, as_version=4)
        changed.cells.append(new_code_cell("more()"))
        nbformat.write(changed, stale)
    found = making.notebooks_in(tmp_path / "notebooks")
    assert found == sources
    assert [path.stem for path in making.without_page(found, folder)] == ["02_isd", "03_totoro"]
    with pytest.raises(FileNotFoundError, match="`folder` must hold notebooks"):
        making.notebooks_in(folder)


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["loupe", "gallery", *words])
    with pytest.raises(SystemExit) as ended:
        loupe.main()
    return int(ended.value.code or 0)


def test_a_notebook_that_fails_does_not_lose_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("00_tour", "01_value", "02_isd"):
        notebook(tmp_path / "notebooks", name)
    asked: list[tuple[str, bool]] = []

    def fake(path: Path, out: Path, *, fast: bool, timeout: float) -> Path:
        asked.append((path.stem, fast))
        if path.stem == "01_value":
            raise RuntimeError("notebook 01_value.ipynb stopped in cell 3: Oops")
        return export_notebook(notebook(tmp_path / "run", path.stem, fast=fast), out, execute=False)

    monkeypatch.setattr(making, "export_notebook", fake)
    assert command(monkeypatch, "00_tour", "--previews") == 1
    assert asked == [("00_tour", False), ("01_value", True), ("02_isd", True)]
    said = capsys.readouterr()
    assert "stopped in cell 3: Oops" in said.err
    first, last = (said.out.index(f"reports/{name}.html") for name in ("00_tour", "02_isd"))
    assert first < said.out.index("preview 1 of 2") < last < said.out.index("index.html")
    text = (tmp_path / "reports" / "index.html").read_text("utf-8")
    assert text.count('<li class="card') == 2

    # Pages that are there are left; one that is asked for is made in full.
    asked.clear()
    assert command(monkeypatch, "02_isd") == 0
    assert asked == [("02_isd", False)]
    assert command(monkeypatch) == 0
    assert command(monkeypatch, "--all") == 1
    assert [name for name, fast in asked[1:] if not fast] == ["00_tour", "01_value", "02_isd"]
    assert command(monkeypatch, "09_none") == 2
    assert "`names` must be notebooks" in capsys.readouterr().err


def test_where_nothing_could_be_made_the_reasons_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_tour.ipynb").write_text("no notebook")
    assert command(monkeypatch, "00_tour") == 1
    assert "`path` must be a notebook (.ipynb)" in capsys.readouterr().err
    assert command(monkeypatch) == 2
    assert "`pages` must hold at least one report" in capsys.readouterr().err
