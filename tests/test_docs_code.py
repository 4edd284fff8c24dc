"""Every piece of Python in the pages runs, top to bottom, in an empty folder and without data."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from tests.docs_site import DOCS, PAGES, blocks

WITH_CODE = [page for page in PAGES if blocks(page)]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "empty"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    names: dict[str, object] = {"__name__": "docs"}
    with mpl.rc_context({"backend": "agg"}), contextlib.redirect_stdout(io.StringIO()):
        for block in blocks(page):
            if not block.fragment:
                # Blank lines ahead, so that a traceback tells the line of the page.
                code = compile("\n" * block.line + block.code, str(page), "exec")
                exec(code, names)
    plt.close("all")


def test_most_code_is_run() -> None:
    found = [block for page in WITH_CODE for block in blocks(page)]
    assert sum(not block.fragment for block in found) >= 20
    assert sum(block.fragment for block in found) < len(found) / 4
