"""The attention explorer in an exported page: offline, by pointer and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tests.browser.attention_views import (
    PIXELS,
    bars,
    grid,
    image,
    summary_of,
    view_of,
    weights_of,
    word,
)
from tests.viz.attention_examples import PLANTED, boxed_examples, planted_examples
from viz.explorers import _attention_payload
from viz.report import export_results


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return planted_examples()


@pytest.fixture(scope="module")
def page_file(result: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_results([result], tmp_path_factory.mktemp("attention") / "page.html", title="V")


@pytest.fixture
def watched(page_file: Path, open_page: Callable[..., Any]) -> Any:
    return open_page(page_file.as_uri(), viewport={"width": 1200, "height": 1300})


def test_a_word_is_clicked_and_the_summary_names_the_region_it_looks_at(
    watched: Any, result: xr.Dataset, page_file: Path
) -> None:
    view = view_of(watched)
    watched.shoot("attention-page")
    assert "Layer 1, head 2: “a” attends most to" in summary_of(view)
    assert "region 1 (red square), linked to it, with 8" in summary_of(view)
    word(view, 6).click()
    assert "“blue”" in summary_of(view)
    assert "region 2 (blue box), linked to it, with 8" in summary_of(view)
    row = weights_of(result, 0, *PLANTED)[6]
    region = 100 * float(row @ result.in_region.values[0, 1, : len(row)])
    assert f"with {region:.0f}\u00a0% of its attention" in summary_of(view)
    assert bars(view, "strongest") == [f"{value:.3f}" for value in np.sort(row)[::-1][:6]]
    assert bars(view, "regions")[0] == f"{region:.0f}\u00a0%"
    text = 100 * row[1:8].sum()
    assert float(bars(view, "buckets")[0].removesuffix("\u00a0%")) == pytest.approx(text, abs=0.06)
    assert word(view, 6).get_attribute("aria-pressed") == "true"
    assert view.locator(".lp-words button.lp-lit").count() == 3, "its phrase"
    watched.assert_clean()
    assert [a for a in watched.requested if a.startswith("file:")] == [page_file.as_uri()]


def test_keys_move_through_words_places_and_heads(watched: Any) -> None:
    view = view_of(watched)
    keys = watched.page.keyboard
    word(view, 1).focus()
    keys.press("ArrowRight")
    assert "“red”" in summary_of(view)
    assert word(view, 2).evaluate("(e) => e === document.activeElement")
    keys.press("End")
    assert "[SEP]" in summary_of(view)
    assert view.locator(".lp-words button[tabindex='0']").count() == 1
    image(view).focus()
    keys.press("ArrowDown")
    assert "the patch in row 1, column 1 attends" in summary_of(view)
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):
        keys.press(key)
    assert "the patch in row 2, column 2 attends" in summary_of(view)
    assert "the patch in row 2, column 2" in image(view).get_attribute("aria-label")
    grid(view).focus()
    keys.press("ArrowUp")
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    assert "Layer 0, head 3:" in summary_of(view)
    assert "Layer 0, head 3 is chosen." in grid(view).get_attribute("aria-label")
    keys.press("ArrowDown")
    keys.press("ArrowLeft")
    assert "selected" in grid(view).get_attribute("aria-label")
    watched.assert_clean()


def test_places_and_heads_are_clicked(watched: Any, result: xr.Dataset) -> None:
    view = view_of(watched)
    left, top, wide, tall = map(float, image(view).get_attribute("data-frame").split(","))
    image(view).click(position={"x": left + 4.5 / 6 * wide, "y": top + 0.5 / 6 * tall})
    assert "the patch in row 1, column 5 attends" in summary_of(view)
    position = 9 + 4
    left, top, wide, tall = map(float, grid(view).get_attribute("data-cell").split(","))
    grid(view).click(position={"x": left + 0.5 * wide, "y": top + 2.5 * tall})
    assert "Layer 2, head 0:" in summary_of(view)
    row = weights_of(result, 0, 2, 0)[position]
    assert bars(view, "strongest")[0] == f"{row.max():.3f}"
    grid(view).hover(position={"x": left + 2.5 * wide, "y": top + 1.5 * tall})
    assert "hit, text->image: 0.92" in view.locator(".lp-tip").text_content()
    watched.assert_clean()


def test_what_comes_in_and_what_a_layer_lacks(watched: Any, result: xr.Dataset) -> None:
    view = view_of(watched)
    column = weights_of(result, 0, *PLANTED)[:, 1]
    view.locator("input[value=to]").check()
    assert "“a” is attended to most by" in summary_of(view)
    shown = [float(text.removeprefix("≈ ")) for text in bars(view, "strongest")]
    np.testing.assert_allclose(shown, np.sort(column)[::-1][:6], atol=0.004)
    means = [float(text) for text in bars(view, "buckets")]
    expected = [column[1:8].mean(), column[9:].mean(), column[[0, 8]].mean()]
    np.testing.assert_allclose(means, expected, atol=0.002)
    before = image(view).evaluate(PIXELS)
    grid(view).focus()
    watched.page.keyboard.press("ArrowUp")
    assert "Image: not applicable in this layer." in summary_of(view)
    watched.page.wait_for_timeout(100)
    assert image(view).evaluate(PIXELS) != before
    assert bars(view, "buckets")[1] == "n/a"
    assert bars(view, "regions") == []
    watched.shoot("attention-absent")
    image(view).focus()
    watched.page.keyboard.press("ArrowDown")
    assert "Text: not applicable in this layer." in summary_of(view)
    absent = view.locator(".lp-words button.lp-absent")
    assert absent.count() == 9
    assert "not applicable" in absent.first.get_attribute("aria-label")
    watched.assert_clean()


def test_examples_scores_and_opacity(watched: Any, result: xr.Dataset) -> None:
    view = view_of(watched)
    assert view.get_by_role("button", name="Previous example").is_disabled()
    view.get_by_role("button", name="Next example").click()
    assert view.locator("select[name=example]").input_value() == "1"
    assert "region 1 (green tile), linked to it" in summary_of(view)
    view.locator("select[name=example]").select_option("2")
    assert "region 1 (blue tile), linked to it" in summary_of(view)
    assert view.get_by_role("button", name="Next example").is_disabled()

    def pixels(canvas: Any) -> str:
        watched.page.wait_for_timeout(100)
        return canvas.evaluate(PIXELS)

    looks = {pixels(grid(view))}
    for name in ("hit, text->image", "importance"):
        view.locator("select[name=score]").select_option(name)
        looks.add(pixels(grid(view)))
    assert len(looks) == 3
    key = view.locator(".lp-att-heads .lp-key").text_content()
    low, high = (float(f(result.head_score[2])) for f in (np.min, np.max))
    assert key == f"{low:.2f}{high:.2f}ring: selected by a measure"
    covered = pixels(image(view))
    view.locator("input[name=opacity]").focus()
    watched.page.keyboard.press("Home")
    assert pixels(image(view)) != covered
    watched.assert_clean()


def test_hovered_words_light_their_regions_and_regions_their_words(watched: Any) -> None:
    view = view_of(watched)
    before = image(view).evaluate(PIXELS)
    word(view, 7).hover()
    watched.page.wait_for_timeout(100)
    assert image(view).evaluate(PIXELS) != before
    lit = view.locator(".lp-words button.lp-lit")
    assert lit.all_text_contents() == ["a", "blue", "box"]
    assert "“box”" in view.locator(".lp-tip").text_content()
    left, top, wide, tall = map(float, image(view).get_attribute("data-frame").split(","))
    image(view).hover(position={"x": left + 1.5 / 6 * wide, "y": top + 1.5 / 6 * tall})
    assert lit.all_text_contents() == ["a", "red", "square"]
    assert "region 1 (red square)" in view.locator(".lp-tip").text_content()
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
        watched.shoot(f"attention-{width}-{scheme}")
        watched.assert_clean()
    assert looks[0] != looks[1]


def test_everything_has_a_name(watched: Any) -> None:
    view_of(watched)
    names = watched.page.frames[1].evaluate(
        """() => [...document.querySelectorAll('input, select, button, canvas')]
          .map((e) => e.getAttribute('aria-label') || e.labels?.[0]?.textContent
            || e.textContent)"""
    )
    assert len(names) > 15
    assert all(name and name.strip() for name in names)


def test_boxes_of_a_detector_are_chosen_the_smallest_first(
    tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    boxed = boxed_examples()
    file = export_results([boxed], tmp_path / "boxes.html", title="Boxes")
    watched = open_page(file.as_uri(), viewport={"width": 1200, "height": 1300})
    view = view_of(watched)
    left, top, wide, tall = map(float, image(view).get_attribute("data-frame").split(","))
    x0, y0, x1, y1 = boxed.boxes.values[0, 11].tolist()
    middle = {"x": left + (x0 + x1) / 2 * wide, "y": top + (y0 + y1) / 2 * tall}
    image(view).click(position=middle)
    assert "Layer 0, head 0: box 3 attends" in summary_of(view)
    image(view).click(position={"x": left + 0.9 * wide, "y": top + 0.5 * tall})
    assert "box 1 (wall) attends" in summary_of(view)
    watched.page.keyboard.press("ArrowRight")
    assert "box 2 attends" in summary_of(view)
    assert word(view, 3).text_content() == "square"
    grid(view).focus()
    watched.page.keyboard.press("ArrowDown")
    watched.shoot("attention-boxes")
    watched.assert_clean()


def test_a_page_that_cannot_carry_every_example_says_so(
    result: xr.Dataset,
    tmp_path: Path,
    open_page: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_attention_payload, "BUDGET", 70_000)
    file = export_results([result], tmp_path / "few.html", title="Few")
    watched = open_page(file.as_uri())
    view = view_of(watched)
    options = view.locator("select[name=example] option")
    texts = options.all_text_contents()
    assert [text.endswith("(not in this page)") for text in texts] == [False, False, True]
    assert options.nth(2).is_disabled()
    assert "1 example of 3 would not fit" in view.locator(".lp-note").last.text_content()
    view.get_by_role("button", name="Next example").click()
    assert view.get_by_role("button", name="Next example").is_disabled()
    watched.assert_clean()
