"""Every explorer without a mouse: Tab goes through all of it, each stop is seen, named and left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.accessible import assert_accessible, load_all
from tests.browser.keyboard import names_of, said, walk
from tests.viz.every_probe import RESULTS
from viz.explorers import _EXPLORERS
from viz.report import export_results

ARROWS = ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory, open_page: Callable[..., Any]
) -> Callable[[str], Any]:
    """The page of each explorer, opened once."""
    folder, known = tmp_path_factory.mktemp("keys"), {}

    def open_once(probe: str) -> Any:
        if probe not in known:
            page: Path = export_results([RESULTS[probe]()], folder / f"{probe}.html", title="Keys")
            scheme = "dark" if len(known) % 2 else "light"
            known[probe] = open_page(page.as_uri(), color_scheme=scheme)
            load_all(known[probe].page)
        return known[probe]

    return open_once


@pytest.mark.parametrize("probe", _EXPLORERS)
def test_tab_goes_through_everything_and_on(probe: str, opened: Callable[[str], Any]) -> None:
    page = opened(probe).page
    frame = page.frames[1]
    names = names_of(frame)
    assert len(names) >= 3
    assert all(names), names
    stops = walk(page, frame)
    assert [one["at"] for one in stops] == list(range(len(names))), stops
    for one in stops:
        assert one["changed"], f"no sign of the focus: {one}"
        assert one["outlined"], one
        assert one["contrast"] >= 3, one
        assert one["own"] == "true", f"a notebook would take its keys away: {one}"
    # And back, up to the first one and out of the frame.
    back = walk(page, frame, "Shift+Tab")
    assert [one["at"] for one in back] == list(range(len(names)))[::-1]


@pytest.mark.parametrize("probe", _EXPLORERS)
def test_every_picture_that_takes_the_focus_obeys_keys(
    probe: str, opened: Callable[[str], Any]
) -> None:
    page = opened(probe).page
    frame = page.frames[1]
    pictures = frame.locator("[role=application], [role=slider]")
    for picture in [each for each in pictures.all() if each.is_visible()]:
        name = picture.get_attribute("aria-label")
        picture.focus()
        before = said(picture)
        for key in ARROWS:
            page.keyboard.press(key)
            page.wait_for_timeout(60)
            if said(picture) != before:
                break
        else:
            pytest.fail(f"no arrow key does anything: {name}")
        assert picture.evaluate("(e) => e === document.activeElement"), "the focus stays"
        page.keyboard.press("Escape")
        assert frame.locator(".lp-tip").first.is_hidden()
    # What keys have chosen is as good to read as what was there at first.
    assert_accessible(page)
    opened(probe).assert_clean()


def test_numbers_of_a_chart_are_read_by_keys_as_by_a_pointer(opened: Callable[[str], Any]) -> None:
    page = opened("whitening.training").page
    view = page.frames[1].locator(".lp")
    chart, tip, words = (view.locator(name) for name in (".lp-chart", ".lp-tip", ".lp-said"))
    course = chart.nth(1)
    course.scroll_into_view_if_needed()
    box = course.bounding_box()
    course.hover(position={"x": box["width"] - 15, "y": 60})
    pointed = tip.text_content()
    assert words.text_content() != tip.text_content(), "what a pointer passes is not read aloud"
    page.mouse.move(0, 0)
    course.focus()
    page.keyboard.press("End")
    assert tip.text_content() == pointed
    assert tip.is_visible()
    assert words.text_content().replace(", ", "") == pointed
    assert course.locator(".lp-read").count() == 1
    page.keyboard.press("Enter")
    assert "Step 100" in view.locator(".lp-summary").text_content()
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    assert course.locator(".lp-read").count() == 0


def test_weights_of_places_are_read_without_choosing_them(opened: Callable[[str], Any]) -> None:
    page = opened("value.examples").page
    view = page.frames[1].locator(".lp")
    image = view.locator(".lp-att-image canvas")
    image.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(100)
    summary = view.locator(".lp-summary").text_content()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(100)
    assert "weight" in view.locator(".lp-tip").text_content()
    assert view.locator(".lp-summary").text_content() == summary
    first = view.locator(".lp-said").text_content()
    page.keyboard.press("Shift+ArrowRight")
    assert view.locator(".lp-said").text_content() != first
    page.keyboard.press("Tab")
    assert view.locator(".lp-tip").is_hidden()


def test_neighbours_are_walked_through_by_keys(opened: Callable[[str], Any]) -> None:
    page = opened("whitening.effect").page
    frame = page.frames[1]
    frame.locator("canvas").first.focus()
    page.keyboard.press("ArrowRight")
    near = frame.locator(".lp-neighbours button")
    near.nth(1).focus()
    chosen = frame.locator(".lp-quote").text_content()
    page.keyboard.press("Enter")
    page.wait_for_timeout(100)
    assert frame.locator(".lp-quote").text_content() != chosen
    assert near.nth(1).evaluate("(e) => e === document.activeElement"), "its place is kept"
