"""Every notebook as a page, network off: nothing is fetched, pictures speak, explorers move."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from viz.report import export_gallery, export_notebook

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# What a user moves first: any range, else any list with a choice.
MOVABLE = "input[type=range]:enabled, select:enabled"
STATE = "(view) => view.innerHTML + [...view.querySelectorAll('canvas')].map((c) => c.toDataURL())"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def export(
    executed: Callable[[Path], nbformat.NotebookNode], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], Path]:
    """The page of a notebook that this session has run, in a folder with a space."""
    folder = tmp_path_factory.mktemp("pages") / "all reports"
    folder.mkdir()

    def exported(path: Path) -> Path:
        out = folder / f"{path.stem}.html"
        if not out.exists():
            ran = folder.parent / path.name
            nbformat.write(copy.deepcopy(executed(path)), ran)
            export_notebook(ran, out, execute=False)
        return out

    return exported


def moved(frame: Any) -> bool | None:
    """Whether a key on some control changes the view; None where nothing can be moved."""
    view = frame.locator(".lp").first
    view.locator(".lp-summary:not(:empty)").first.wait_for()
    controls = view.locator(MOVABLE)
    before = view.evaluate(STATE)
    for at in range(controls.count()):
        control = controls.nth(at)
        if not control.is_visible():
            continue
        for key in ("ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"):
            control.press(key)
            frame.page.wait_for_timeout(60)
            if view.evaluate(STATE) != before:
                return True
    return False if controls.count() else None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_page_is_whole_without_a_network(
    path: Path, export: Callable[[Path], Path], open_page: Callable[..., Any], demo_model: None
) -> None:
    out = export(path)
    watched = open_page(out.as_uri())
    page = watched.page
    assert page.locator("h1").first.text_content().strip()
    for image in page.locator("img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("(e) => e.decode().then(() => e.naturalWidth)") > 0
        assert len(image.get_attribute("alt") or "") > 20

    frames = page.locator("iframe")
    assert frames.count() > 0, "every notebook has an explorer"
    found = []
    for at in range(frames.count()):
        handle = frames.nth(at)
        handle.scroll_into_view_if_needed()
        found.append(moved(handle.element_handle().content_frame()))
    assert False not in found
    assert True in found
    watched.shoot(f"page-{path.stem}")
    watched.assert_clean()
    fetched = [at for at in watched.requested if at.startswith(("file:", "http", "ws"))]
    assert fetched == [out.as_uri()]


def test_the_gallery_leads_to_all_of_them(
    export: Callable[[Path], Path], open_page: Callable[..., Any], demo_model: None
) -> None:
    pages = [export(path) for path in NOTEBOOKS]
    index = export_gallery(pages, pages[0].parent / "index.html")
    watched = open_page(index.as_uri())
    cards = watched.page.locator(".card a")
    named = {cards.nth(at).get_attribute("href") for at in range(cards.count())}
    assert named >= {page.name for page in pages}
    assert sum(page.stat().st_size for page in [*pages, index]) < 20_000_000
    watched.shoot("gallery-all")
    watched.assert_clean()
