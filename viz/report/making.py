"""Pages of many notebooks, one after the other; one that fails does not lose the others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .about import cells_hash
from .execution import read_notebook
from .gallery import read_page
from .notebook import export_notebook


@dataclass(frozen=True)
class Made:
    """A page that was made, or why it was not."""

    notebook: Path
    out: Path
    seconds: float
    problem: str = ""


def page_of(notebook: Path, folder: Path) -> Path:
    """Where the page of a notebook lies.

    Examples
    --------
    >>> page_of(Path("notebooks/03_totoro.ipynb"), Path("reports")).as_posix()
    'reports/03_totoro.html'
    """
    return folder / f"{notebook.stem}.html"


def notebooks_in(folder: str | Path) -> list[Path]:
    """The notebooks that lie in a folder itself, by name; those below it are templates.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    found = sorted(Path(folder).glob("*.ipynb"))
    if not found:
        raise FileNotFoundError(
            f"`folder` must hold notebooks (.ipynb); there is none in {folder}."
        )
    return found


def without_page(notebooks: Sequence[Path], folder: Path) -> list[Path]:
    """Those whose page is not there, or is a preview of cells that have changed since.

    A page made in full is left as it is: it took long, and its footer says when it was made.
    """
    return [notebook for notebook in notebooks if not _has_page(notebook, folder)]


def make_pages(
    notebooks: Sequence[Path], folder: Path, *, fast: bool = False, timeout: float = 1200.0
) -> Iterator[Made]:
    """Run notebooks into pages, one at each turn of the caller's loop.

    Parameters
    ----------
    notebooks
        Files, see `notebooks_in`.
    folder
        Where the pages are written.
    fast
        With small sizes.
    timeout
        Seconds that one cell may take.

    Yields
    ------
    Made
        After each notebook, whether it failed or not.
    """
    for notebook in notebooks:
        started, out, problem = time.perf_counter(), page_of(notebook, folder), ""
        try:
            export_notebook(notebook, out, fast=fast, timeout=timeout)
        except (RuntimeError, ValueError, OSError) as error:
            problem = str(error)
        yield Made(notebook, out, time.perf_counter() - started, problem)


def _has_page(notebook: Path, folder: Path) -> bool:
    out = page_of(notebook, folder)
    page = read_page(out) if out.is_file() else None
    if page is None:
        return False
    return not page.about.small or page.about.source == cells_hash(read_notebook(notebook))
