"""The relation explorer in an exported page: offline, by pointer and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tests.browser.relations_views import (
    box,
    cell_of_grid,
    grid,
    numbers,
    phrase,
    picture,
    shares,
    summary_of,
    table,
    view_of,
)
from tests.viz.isd_results import BEST, measured_examples, related, related_of_two_streams
from viz.explorers import _relations_payload
from viz.report import export_results

PIXELS = "(canvas) => canvas.toDataURL()"


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return related()


@pytest.fixture(scope="module")
def page_file(result: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_results([result], tmp_path_factory.mktemp("isd") / "page.html", title="R")


@pytest.fixture
def watched(page_file: Path, open_page: Callable[..., Any]) -> Any:
    return open_page(page_file.as_uri(), viewport={"width": 1200, "height": 1300})


def row_of(values: xr.DataArray, k: int) -> dict[int, float]:
    """What object `k` gives to the others."""
    row = values.values[k]
    return {j: float(v) for j, v in enumerate(row) if j != k and np.isfinite(v)}


def decimals(values: np.ndarray) -> list[float]:
    return [float(value) for value in values.ravel()]


def test_it_opens_with_the_mean_over_heads_of_the_last_layer(
    watched: Any, result: xr.Dataset, page_file: Path
) -> None:
    view = view_of(watched)
    watched.shoot("relations-page")
    words, regions = (result[f"{s}_mean"][0, 3, :3, :3] for s in ("linguistic", "visual"))
    assert "Layer 3, mean over heads: among words 1 “a red square” relates" in summary_of(view)
    isd, permuted = float(result.isd[0, 3]), float(result.permuted[0, 3])
    assert f"ISD of this pair {isd:.3f}" in summary_of(view)
    assert f"{permuted:.3f} with links permuted" in summary_of(view)
    gap = 100 * (permuted - isd) / permuted
    how = f"{abs(gap):.1f}\u00a0% {'better' if gap > 0 else 'worse'}"
    assert how in summary_of(view)
    both = (words.values, regions.values, words.values - regions.values)
    for number, wanted in enumerate(both):
        shown = [float(text.replace("−", "-")) for text in numbers(view, number)]
        np.testing.assert_allclose(shown, decimals(wanted), atol=0.0051)
    for where, values in (("image", regions), ("words", words)):
        assert shares(view, where) == pytest.approx(row_of(values, 0), abs=1e-3)
    watched.assert_clean()
    assert [a for a in watched.requested if a.startswith("file:")] == [page_file.as_uri()]


def test_an_object_is_chosen_in_the_caption_the_image_and_the_tables(
    watched: Any, result: xr.Dataset
) -> None:
    view = view_of(watched)
    words = result.linguistic_mean[0, 3]
    phrase(view, 1).click()
    assert "among words 2 “a blue box” relates most" in summary_of(view)
    assert phrase(view, 1).get_attribute("aria-pressed") == "true"
    assert table(view, 0).locator("g.lp-focus").get_attribute("data-row") == "1"
    box(view, 2).click()
    assert "among words 3 “a green tile” relates most" in summary_of(view)
    assert shares(view, "words") == pytest.approx(row_of(words, 2), abs=1e-3)
    table(view, 1).locator("[data-cell='0,2']").click()
    assert "among words 1 “a red square” relates most" in summary_of(view)
    table(view, 2).locator("[data-chip='1']").first.click()
    assert "among words 2 “a blue box” relates most" in summary_of(view)
    watched.assert_clean()


def test_what_is_pointed_at_lights_up_and_the_choice_comes_back(
    watched: Any, result: xr.Dataset
) -> None:
    view = view_of(watched)
    regions = result.visual_mean[0, 3]
    table(view, 1).locator("[data-cell='2,0']").hover()
    assert shares(view, "image") == pytest.approx(row_of(regions, 2), abs=1e-3)
    tip = view.locator(".lp-tip")
    assert "from 3 “a green tile”" in tip.text_content()
    assert f"Among regions: {float(regions[2, 0]):.3f}" in tip.text_content()
    assert phrase(view, 2).evaluate("(e) => e.classList.contains('lp-lit')")
    assert phrase(view, 0).get_attribute("aria-pressed") == "true", "the choice stays"
    box(view, 1).hover()
    watched.page.wait_for_timeout(100)
    assert shares(view, "words") == pytest.approx(row_of(result.linguistic_mean[0, 3], 1), abs=1e-3)
    view.locator(".lp-title").hover()
    watched.page.wait_for_timeout(100)
    assert shares(view, "image") == pytest.approx(row_of(regions, 0), abs=1e-3)
    assert tip.is_hidden()
    watched.assert_clean()


def test_keys_move_through_objects_heads_and_examples(watched: Any) -> None:
    view = view_of(watched)
    keys = watched.page.keyboard
    phrase(view, 0).focus()
    keys.press("ArrowRight")
    assert "2 “a blue box”" in summary_of(view)
    assert phrase(view, 1).evaluate("(e) => e === document.activeElement")
    keys.press("End")
    assert "among words 3 “a green tile”" in summary_of(view)
    assert view.locator(".lp-rel-words button[tabindex='0']").count() == 1
    picture(view).focus()
    keys.press("Home")
    assert "among words 1 “a red square”" in summary_of(view)
    keys.press("ArrowDown")
    assert "From 2 “a blue box” to 1" in picture(view).get_attribute("aria-label")
    table(view, 0).focus()
    keys.press("ArrowDown")
    assert "among words 3 “a green tile”" in summary_of(view)
    assert "Among words. From 3" in table(view, 0).get_attribute("aria-label")
    grid(view).focus()
    keys.press("ArrowUp")
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    layer, head = BEST
    assert f"Layer {layer}, head {head}: among words 3" in summary_of(view)
    assert f"Layer {layer}, head {head}, is chosen." in grid(view).get_attribute("aria-label")
    assert "among regions to the same" in summary_of(view)
    assert "share 100\u00a0% of their weight. ISD of this pair 0.000" in summary_of(view)
    assert "agree 100\u00a0% better" in summary_of(view)
    watched.assert_clean()


def test_heads_are_clicked_and_shown_in_three_ways(watched: Any, result: xr.Dataset) -> None:
    view = view_of(watched)
    grid(view).click(position=cell_of_grid(view, 1, 4))
    assert "Layer 1, head 4:" in summary_of(view)
    grid(view).hover(position=cell_of_grid(view, 0, -1))
    tip = view.locator(".lp-tip").text_content()
    assert tip.startswith(f"Layer 0, mean over headsISD {float(result.isd[0, 0]):.3f}")
    key = view.locator(".lp-panel:has(.lp-rel-heads) .lp-key")
    every = np.append(result.isd_head.values[0], result.isd.values[0])
    assert key.text_content() == f"{every.min():.2f}{every.max():.2f}"
    looks = set()
    for show in ("isd", "gap", "matrices"):
        view.locator("select[name=show]").select_option(show)
        watched.page.wait_for_timeout(150)
        looks.add(grid(view).evaluate(PIXELS))
    assert len(looks) == 3
    assert key.text_content().startswith("0.00")
    grid(view).click(position=cell_of_grid(view, 2, -1))
    assert "Layer 2, mean over heads:" in summary_of(view)
    watched.assert_clean()


def test_examples_follow_each_other(watched: Any) -> None:
    view = view_of(watched)
    assert view.get_by_role("button", name="Previous example").is_disabled()
    phrase(view, 2).click()
    view.get_by_role("button", name="Next example").click()
    assert "3 “a blue square”" in summary_of(view)
    assert view.locator(".lp-rel-words button").count() == 4
    assert view.locator(".lp-rel-box").count() == 4
    view.locator("select[name=example]").select_option("2")
    assert "2 “a green square” relates most to 1 “a blue tile”" in summary_of(view)
    assert view.get_by_role("button", name="Next example").is_disabled()
    watched.assert_clean()


def test_a_layer_without_a_block_is_not_applicable(
    tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    file = export_results([related_of_two_streams()], tmp_path / "two.html", title="Two")
    watched = open_page(file.as_uri())
    view = view_of(watched)
    grid(view).click(position=cell_of_grid(view, 0, 2))
    assert "Layer 0, head 2: not applicable, since the layer has no attention" in summary_of(view)
    assert set(numbers(view, 0)) == {"–"}
    assert shares(view, "image") == {}
    assert "Not applicable in this layer." in table(view, 1).get_attribute("aria-label")
    watched.shoot("relations-absent")
    watched.assert_clean()


@pytest.mark.parametrize("links", ["annotation", "attention"])
def test_a_result_of_the_measure_is_shown(
    links: str, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    measured = measured_examples(links)
    if links == "attention":
        measured = measured.drop_vars("image")
    file = export_results([measured], tmp_path / "real.html", title="Real")
    watched = open_page(file.as_uri())
    view = view_of(watched)
    phrase(view, 1).click()
    assert "2 “a blue box” relates most" in summary_of(view)
    # Without links each head has regions of its own, so that there are no boxes.
    assert view.locator(".lp-rel-box").count() == (3 if links == "annotation" else 0)
    watched.assert_clean()


def test_what_has_no_phrase_or_was_rounded_is_said(
    tmp_path: Path, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_relations_payload, "FINE", 10)
    ds = related().copy(deep=True)
    ds["phrase"][0, 1] = "a kite"
    watched = open_page(export_results([ds], tmp_path / "odd.html", title="Odd").as_uri())
    view = view_of(watched)
    assert view.get_by_text("Not found in the caption: 2 “a kite”.").is_visible()
    assert view.get_by_text("Relations are rounded by at most 0.00").is_visible()
    phrase(view, 1).click()
    assert "among words 2 “a kite” relates most" in summary_of(view)
    watched.assert_clean()


def test_hostile_text_stays_text(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    file = export_results([related(hostile=True)], tmp_path / "bad.html", title="Bad")
    watched = open_page(file.as_uri())
    view = view_of(watched)
    assert "</script><img src=x onerror=alert(1)>" in summary_of(view)
    assert view.locator("img").count() == 0
    assert "</script><img" in phrase(view, 0).text_content()
    phrase(view, 0).hover()
    assert "<img" in view.locator(".lp-tip").text_content()
    watched.assert_clean()


@pytest.mark.parametrize("width", [390, 900, 1200])
def test_themes_and_widths(page_file: Path, open_page: Callable[..., Any], width: int) -> None:
    looks = []
    for scheme in ("light", "dark"):
        options = {"color_scheme": scheme, "viewport": {"width": width, "height": 1300}}
        watched = open_page(page_file.as_uri(), **options)
        view = view_of(watched)
        looks.append(grid(view).evaluate(PIXELS))
        frame = watched.page.frames[1]
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
        watched.shoot(f"relations-{width}-{scheme}")
        watched.assert_clean()
    assert looks[0] != looks[1]


def test_everything_has_a_name(watched: Any) -> None:
    view_of(watched)
    names = watched.page.frames[1].evaluate(
        """() => [...document.querySelectorAll('input, select, button, [tabindex]')]
          .map((e) => [e.getAttribute('aria-label') || e.labels?.[0]?.textContent
            || e.textContent, e.dataset.lmSuppressShortcuts])"""
    )
    assert len(names) > 10
    assert all(name and name.strip() for name, _ in names)
    assert all(own == "true" for _, own in names), "Lab takes no arrow keys away"
