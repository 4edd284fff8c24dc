"""The film explorer: exported with the network off, and live with its messages carried by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.carried_kernel import open_live
from tests.viz import comparison_results as results
from viz.explorers import FilmExplorer
from viz.report import export_results

PIXELS = "(canvas) => canvas.toDataURL()"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_results(
        [results.film()], tmp_path_factory.mktemp("film") / "f.html", title="Film"
    )


def view_of(watched: Any) -> Any:
    view = watched.page.frame_locator("iframe").locator(".lp")
    view.locator(".lp-summary:not(:empty)").wait_for()
    watched.page.wait_for_timeout(400)
    return view


def summary_of(view: Any) -> str:
    return view.locator(".lp-summary").text_content()


@pytest.fixture
def watched(page_file: Path, open_page: Callable[..., Any]) -> Any:
    return open_page(page_file.as_uri())


def test_the_scrubber_moves_by_keyboard_and_both_maps_follow(watched: Any, page_file: Path) -> None:
    ds = results.film()
    view = view_of(watched)
    assert view.locator("canvas").count() == 2
    assert "Step 0" in summary_of(view)
    assert "The first frame" in summary_of(view)
    pixels = [canvas.evaluate(PIXELS) for canvas in view.locator("canvas").all()]
    view.locator("input[name=frame]").focus()
    watched.page.keyboard.press("ArrowRight")
    watched.page.wait_for_timeout(500)
    trust = ds.trustworthiness.isel(frame=1).values
    kept, chance = 100 * float(ds.kept_neighbours[1]), 100 * float(ds.kept_chance)
    said = summary_of(view)
    assert f"Step 100: trustworthiness PCA {trust[0]:.2f}, UMAP {trust[1]:.2f}." in said
    assert f"{kept:.1f} % of each one's 5 nearest" in said
    assert f"(chance {chance:.1f} %)" in said
    for canvas, before in zip(view.locator("canvas").all(), pixels, strict=True):
        assert canvas.evaluate(PIXELS) != before
    watched.page.keyboard.press("End")
    assert "Step 400" in summary_of(view)
    watched.assert_clean()
    addresses = [a for a in watched.requested if not a.startswith(("data:", "blob:", "about:"))]
    assert addresses == [page_file.as_uri()]


def test_it_plays_only_when_asked_and_stops_at_the_end(watched: Any) -> None:
    view = view_of(watched)
    watched.page.wait_for_timeout(700)
    assert "Step 0" in summary_of(view)
    view.locator("input[value=fast]").check()
    play = view.get_by_role("button", name="Play")
    play.focus()
    watched.page.keyboard.press("Enter")
    view.get_by_role("button", name="Pause").wait_for()
    assert view.locator(".lp-summary").get_attribute("aria-live") == "off"
    view.locator(".lp-summary", has_text="Step 400").wait_for(timeout=8000)
    view.get_by_role("button", name="Play").wait_for()
    assert view.locator(".lp-summary").get_attribute("aria-live") == "polite"
    # Played again, it begins anew, and a hand on the scrubber stops it.
    view.locator("input[value=slow]").check()
    view.get_by_role("button", name="Play").click()
    view.get_by_role("button", name="Pause").wait_for()
    assert "Step 0" in summary_of(view)
    view.locator("input[name=frame]").focus()
    watched.page.keyboard.press("Home")
    view.get_by_role("button", name="Play").wait_for()
    watched.page.wait_for_timeout(700)
    assert "Step 0" in summary_of(view)
    watched.assert_clean()


def test_a_point_is_named_and_followed_through_all_frames(watched: Any) -> None:
    view = view_of(watched)
    assert "Choose a point" in view.locator(".lp-quote").text_content()
    canvas = view.locator("canvas").first
    canvas.focus()
    watched.page.keyboard.press("ArrowRight")
    assert view.locator(".lp-quote").text_content().startswith("sentence")
    for path in view.locator(".lp-film-path").all():
        assert path.locator("circle").count() == 4
        assert path.locator("polyline").count() == 2
    watched.shoot("film-path")
    watched.page.keyboard.press("Escape")
    assert view.locator(".lp-film-path circle").count() == 0
    size, tip = canvas.bounding_box(), view.locator(".lp-tip")
    for y in range(30, int(size["height"]) - 30, 7):
        for share in (0.3, 0.5, 0.7):
            canvas.hover(position={"x": size["width"] * share, "y": y})
            if tip.is_visible():
                break
        if tip.is_visible():
            break
    assert "sentence" in tip.text_content()
    for _ in range(2):
        view.get_by_role("button", name="Next sentence").click()
    assert results.HOSTILE in view.locator(".lp-quote").text_content()
    assert view.locator("img, script").count() == 0


def test_the_path_runs_through_the_chosen_point(watched: Any) -> None:
    """The ring that the map draws and the end of the path that lies behind are one place."""
    view = view_of(watched)
    view.get_by_role("button", name="Next sentence").click()
    view.locator("input[name=frame]").focus()
    for _ in range(2):
        watched.page.keyboard.press("ArrowRight")
    watched.page.wait_for_timeout(500)
    behind = view.locator(".lp-film-path").first.locator("polyline").nth(1)
    x, y = map(float, behind.get_attribute("points").split()[-1].split(","))
    canvas = view.locator("canvas").first
    canvas.click(position={"x": x, "y": y})
    assert view.locator(".lp-quote").text_content().startswith("sentence 0 ")
    assert len(behind.get_attribute("points").split()) == 3


def test_themes_and_motion_are_the_readers_own(
    page_file: Path, open_page: Callable[..., Any]
) -> None:
    light = view_of(open_page(page_file.as_uri(), color_scheme="light"))
    dark_page = open_page(page_file.as_uri(), color_scheme="dark", reduced_motion="reduce")
    dark = view_of(dark_page)
    assert light.locator("canvas").first.evaluate(PIXELS) != dark.locator("canvas").first.evaluate(
        PIXELS
    )
    # Without motion a frame is there at once, not after a tween.
    dark.locator("input[name=frame]").focus()
    dark_page.page.keyboard.press("ArrowRight")
    now = dark.locator("canvas").first.evaluate(PIXELS)
    dark_page.page.wait_for_timeout(500)
    assert dark.locator("canvas").first.evaluate(PIXELS) == now
    dark_page.shoot("film-dark")
    narrow = open_page(page_file.as_uri(), viewport={"width": 390, "height": 844})
    view_of(narrow)
    assert narrow.page.frames[1].evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_live_it_follows_the_kernel_and_tells_it(
    tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    widget = FilmExplorer(results.film(), frame=200)
    watched = open_live(widget, tmp_path, open_page)
    view = watched.page.locator(".lp")
    view.locator(".lp-summary", has_text="Step 200").wait_for()
    view.locator("input[name=frame]").focus()
    watched.page.keyboard.press("ArrowRight")
    assert widget.frame == 300
    view.locator("input[value=slow]").check()
    assert widget.speed == "slow"
    view.get_by_role("button", name="Next sentence").click()
    assert widget.selected == 0
    watched.page.evaluate(
        "() => { window.model.set('frame', 0); window.model.set('selected', 7); }"
    )
    view.locator(".lp-summary", has_text="Step 0").wait_for()
    assert view.locator(".lp-quote").text_content().startswith("sentence 7 ")
    watched.assert_clean()
