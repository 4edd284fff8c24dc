"""The gallery of reports in a real browser, network off: pictures load, cards lead to pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.accessible import SIZES, assert_accessible, assert_reflows
from tests.viz.pages import page, png, shown
from viz.report import export_gallery

NAMES = ("00_tour", "01_value", "02_isd")
HOSTILE = "</script><img src=x onerror=\"document.title='hacked'\">"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a folder")
    cells = [shown(png(900, 300, (20, 90, 180)), f"A blue sheet {HOSTILE}")]
    pages = [page(folder, name, fast=name == "02_isd", cells=cells) for name in NAMES]
    return export_gallery(pages, pages[0].parent / "index.html", title=f"Found {HOSTILE}")


def assert_offline(watched: Any, *paths: Path) -> None:
    watched.assert_clean()
    local = [at for at in watched.requested if not at.startswith(("data:", "blob:", "about:"))]
    assert local == [path.as_uri() for path in paths]


def test_every_card_has_its_picture_and_leads_to_its_page(
    index: Path, open_page: Callable[..., Any]
) -> None:
    watched = open_page(index.as_uri())
    cards = watched.page.locator(".card")
    assert cards.count() == len(NAMES)
    for at in range(len(NAMES)):
        image = cards.nth(at).locator("img")
        image.scroll_into_view_if_needed()
        assert image.evaluate("(e) => e.decode().then(() => e.naturalWidth)") == 640
        assert image.get_attribute("alt") == f"A blue sheet {HOSTILE}"
    assert "make report" not in cards.nth(0).text_content()
    assert "Preview, small sizes" in cards.nth(2).text_content()
    assert "loupe report 02_isd.ipynb" in cards.nth(2).locator("code").text_content()
    assert watched.page.locator(".tag", has_text="Answer").count() == 2
    watched.shoot("gallery")
    assert watched.page.title().startswith("Found")
    assert_offline(watched, index)

    # Anywhere on a card: its link covers the picture too.
    cards.nth(1).scroll_into_view_if_needed()
    box = cards.nth(1).locator(".picture").bounding_box()
    watched.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    target = index.parent / "01_value.html"
    watched.page.wait_for_url(target.as_uri())
    assert watched.page.locator("h1").text_content() == "What is inside?"
    assert_offline(watched, index, target)


def test_it_is_used_without_a_mouse(index: Path, open_page: Callable[..., Any]) -> None:
    watched = open_page(index.as_uri())
    reached = []
    for _ in range(2 + len(NAMES)):
        watched.page.keyboard.press("Tab")
        reached.append(watched.page.evaluate("document.activeElement.textContent"))
    assert reached == ["Skip to the content", "Dark theme", *["What is inside?"] * len(NAMES)]
    ring = "getComputedStyle(document.activeElement, '::after').outlineStyle"
    assert watched.page.evaluate(ring) == "solid"
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url((index.parent / "02_isd.html").as_uri())


def test_it_has_a_dark_theme_and_one_column_where_it_is_narrow(
    index: Path, open_page: Callable[..., Any]
) -> None:
    background = "(element) => getComputedStyle(element).backgroundColor"
    dark = open_page(index.as_uri(), color_scheme="dark", viewport={"width": 390, "height": 844})
    light = open_page(index.as_uri(), color_scheme="light")
    found = [each.page.locator(".card").first.evaluate(background) for each in (dark, light)]
    assert found[0] != found[1]
    dark.shoot("gallery-dark")
    light.page.get_by_role("button", name="Dark theme").click()
    assert light.page.locator(".card").first.evaluate(background) == found[0]
    assert dark.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = [dark.page.locator(".card").nth(at).bounding_box() for at in (0, 1)]
    assert boxes[0]["x"] == boxes[1]["x"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_for_everyone(index: Path, open_page: Callable[..., Any], scheme: str) -> None:
    for size in SIZES:
        page = open_page(index.as_uri(), color_scheme=scheme, **SIZES[size]).page
        assert_accessible(page)
        assert_reflows(page)
        page.close()
