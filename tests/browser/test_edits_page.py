"""The edit explorer in an exported page: offline, by pointer and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tests.browser.edits_views import (
    PIXELS,
    cut,
    drag,
    figure,
    picker,
    pixel,
    slider,
    summary_of,
    view_of,
)
from tests.viz import lowrank_results as results
from viz.explorers.edits import EditExplorer

SHAPE = (results.ROWS, results.COLUMNS)


def written(file: Path, ds: xr.Dataset, **state: Any) -> Path:
    twin = EditExplorer(ds, **state).twin()
    file.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{twin}", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return results.edits(plus=True)


@pytest.fixture(scope="module")
def page_file(result: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("edits") / "page.html", result)


@pytest.fixture
def watched(page_file: Path, open_page: Callable[..., Any]) -> Any:
    return open_page(page_file.as_uri(), viewport={"width": 1100, "height": 1500})


def of(result: xr.Dataset, name: str, kind: str = "w") -> xr.Dataset:
    return result.isel(edit=np.flatnonzero((result["name"] == name) & (result.space == kind)))


def colour_at(canvas: Any, row: int, column: int) -> list[int]:
    return canvas.evaluate(
        """(c, [y, x, rows, columns]) => [...c.getContext('2d').getImageData(
          c.width * (x + 0.5) / columns, c.height * (y + 0.5) / rows, 1, 1).data].slice(0, 3)""",
        [row, column, *SHAPE],
    )


def test_it_opens_with_the_first_region_and_its_strongest_edit(
    watched: Any, result: xr.Dataset, page_file: Path
) -> None:
    view = view_of(watched)
    watched.shoot("edits-page")
    assert summary_of(view).startswith("Region “left”, w, direction 1: at +0.20 inside, the rest")
    assert "of what its strongest direction does." in summary_of(view)
    own = of(result, "left")
    for row, column in ((3, 2), (8, 10)):
        wanted = own.frames.isel(edit=0, step=-1, row=row, column=column).values.tolist()
        assert colour_at(figure(view, 1), row, column) == wanted, "the very bytes of the frame"
        before = result.image.isel(example=0, row=row, column=column).values.tolist()
        assert colour_at(figure(view, 0), row, column) == before
    outside = float(own.outside.sel(step=0.2)[2])
    text = figure(view, 4).get_attribute("aria-label")
    assert text.startswith("Where the baseline changes it. Baseline: principal at +0.20 inside")
    assert f"outside {outside:.3f}; {0.2 / outside:.1f} times as much inside" in text
    watched.assert_clean()
    assert [a for a in watched.requested if a.startswith("file:")] == [page_file.as_uri()]
    assert not [a for a in watched.requested if a.startswith("http")]


def test_sliders_move_the_picture_one_direction_at_a_time(watched: Any, result: xr.Dataset) -> None:
    view = view_of(watched)
    keys = watched.page.keyboard
    slider(view, 0).focus()
    keys.press("ArrowLeft")
    assert "at +0.10 inside" in summary_of(view)
    own = of(result, "left")
    watched.page.wait_for_timeout(150)
    wanted = own.frames.sel(step=0.1).isel(edit=0, row=3, column=2).values.tolist()
    assert colour_at(figure(view, 1), 3, 2) == wanted
    keys.press("ArrowLeft")
    assert "the image as it is" in summary_of(view)
    slider(view, 1).focus()
    keys.press("Home")
    assert "direction 2: " in summary_of(view)
    assert "Nearly empty: a unit step changes the region by 0.5\u00a0%" in summary_of(view)
    assert slider(view, 0).input_value() == "2", "the others go back to the middle"
    rows = view.locator(".lp-edit-sliders li")
    assert "nearly empty: the ratio says nothing" in rows.nth(1).text_content()
    assert "nearly empty" not in rows.nth(0).text_content()
    watched.shoot("edits-empty")
    watched.assert_clean()


def test_regions_are_chosen_by_list_pointer_and_keys(watched: Any) -> None:
    view = view_of(watched)
    view.locator("select[name=mask]").select_option("right")
    view.locator(".lp-summary", has_text="Region “right”").wait_for()
    picker(view).click(position=pixel(view, 3, 2, SHAPE))
    view.locator(".lp-summary", has_text="Region “left”").wait_for()
    drag(watched.page, view, (2, 6), (8, 11), SHAPE)
    view.locator(".lp-summary", has_text="Region “right”").wait_for()
    picker(view).focus()
    watched.page.keyboard.press("ArrowRight")
    view.locator(".lp-summary", has_text="Region “left”").wait_for()
    assert "Region left: 16 of 120 pixels." in picker(view).get_attribute("aria-label")
    watched.assert_clean()


def test_latents_baselines_and_other_images(watched: Any, result: xr.Dataset) -> None:
    view = view_of(watched)
    view.get_by_role("radio", name="w+").check()
    view.locator(".lp-summary", has_text="Region “left”, w+, direction 1").wait_for()
    view.locator("select[name=baseline]").select_option("1")
    watched.page.wait_for_timeout(150)
    own = of(result, "left", "w+")
    wanted = own.frames.isel(edit=3, step=-1, row=3, column=2).values.tolist()
    assert colour_at(figure(view, 3), 3, 2) == wanted
    strip = view.locator(".lp-edit-strip > figure")
    assert strip.count() == 2
    shown = strip.nth(1).locator("canvas").nth(2)
    wanted = own.transfer_frames.isel(edit=0, other=1, way=1, row=3, column=2).values.tolist()
    assert colour_at(shown, 3, 2) == wanted
    assert "Image 3, +0.20: ratio" in shown.get_attribute("aria-label")
    watched.assert_clean()


def test_the_rank_is_cut_by_keys_and_by_dragging(watched: Any) -> None:
    view = view_of(watched)
    assert cut(view).get_attribute("aria-valuenow") == "2"
    assert view.locator(".lp-edit-sliders li").count() == 2
    cut(view).focus()
    watched.page.keyboard.press("ArrowLeft")
    view.locator(".lp-edit-grip", has_text="rank 1").wait_for()
    assert view.locator(".lp-edit-sliders li").count() == 1
    watched.page.keyboard.press("End")
    view.locator(".lp-edit-grip", has_text="rank 2").wait_for()
    box = cut(view).bounding_box()
    watched.page.mouse.move(box["x"] + 11, box["y"] + 60)
    watched.page.mouse.down()
    watched.page.mouse.move(box["x"] - 30, box["y"] + 60, steps=4)
    watched.page.mouse.up()
    view.locator(".lp-edit-grip", has_text="rank 1").wait_for()
    view.get_by_text("1 direction, asked for").wait_for()
    watched.assert_clean()


def test_a_step_that_is_not_reached_is_said(
    result: xr.Dataset, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    ds = result.copy(deep=True)
    ds["outside"].values[0, -1] = np.nan
    watched = open_page(written(tmp_path / "far.html", ds, step=0.2).as_uri())
    view = view_of(watched)
    assert "this direction cannot change the region by 0.20" in summary_of(view)
    assert "a change of 0.20 is not reached" in figure(view, 2).get_attribute("aria-label")
    assert slider(view, 0).get_attribute("aria-valuetext") == "+0.20: not reached"
    watched.assert_clean()


def test_hostile_text_stays_text(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    file = written(tmp_path / "bad.html", results.edits(hostile=True))
    watched = open_page(file.as_uri())
    view = view_of(watched)
    assert results.HOSTILE in summary_of(view)
    assert f"Generator: {results.HOSTILE}." in view.text_content()
    assert view.locator("img").count() == 0
    picker(view).hover(position=pixel(view, 3, 2, SHAPE))
    assert view.locator(".lp-tip").text_content() == results.HOSTILE
    watched.assert_clean()


@pytest.mark.parametrize("width", [390, 760, 1200])
def test_themes_and_widths(page_file: Path, open_page: Callable[..., Any], width: int) -> None:
    looks = []
    for scheme in ("light", "dark"):
        options = {"color_scheme": scheme, "viewport": {"width": width, "height": 1700}}
        watched = open_page(page_file.as_uri(), **options)
        view = view_of(watched)
        looks.append(figure(view, 2).evaluate(PIXELS))
        frame = watched.page.frames[1]
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
        watched.shoot(f"edits-{width}-{scheme}")
        watched.assert_clean()
    assert looks[0] != looks[1]


def test_everything_has_a_name(watched: Any) -> None:
    view = view_of(watched)
    names = watched.page.frames[1].evaluate(
        """() => [...document.querySelectorAll('input, select, button, [tabindex]')]
          .map((e) => [e.getAttribute('aria-label') || e.labels?.[0]?.textContent
            || e.textContent, e.dataset.lmSuppressShortcuts])"""
    )
    assert len(names) > 6
    assert all(name and name.strip() for name, _ in names)
    assert all(own == "true" for _, own in names), "Lab takes no arrow keys away"
    labels = view.locator("canvas").evaluate_all("(all) => all.map((c) => c.ariaLabel)")
    assert all(labels), "pictures are told in words"
