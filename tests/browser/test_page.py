"""Exported pages in a real browser, network off: they move, obey the keyboard, and are safe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import xarray as xr

from probe.whitening import whitening_effect
from viz.report import export_notebook, export_results

HOSTILE = "</script><img src=x onerror=\"parent.document.title='hacked'\"> & <b>bold</b>"
PIXELS = "(canvas) => canvas.toDataURL()"


def effect() -> xr.Dataset:
    rng = np.random.default_rng(0)
    rows = {i: rng.normal(size=(80, 12)) * np.linspace(3, 0.3, 12) + 2 - i for i in range(3)}
    texts = [f"sentence {i} {HOSTILE if i % 2 else 'plain'}" for i in range(80)]
    labels = [f"topic {i % 3} {HOSTILE if i % 3 == 0 else ''}" for i in range(80)]
    specs = ("raw", "centre", "abtt-1", "abtt-3", "whiten-2", "whiten-6", "whiten")
    return whitening_effect(rows, texts=texts, labels=labels, transforms=specs, sample=50)


def training() -> xr.Dataset:
    steps = np.arange(0, 50, 10)
    values = np.linspace(1, 0, 15).reshape(5, 3)
    return xr.Dataset(
        {
            "average_cosine": (("step", "layer"), values, {"long_name": "average cosine"}),
            "isoscore": (("step", "layer"), 1 - values, {"long_name": "IsoScore"}),
            "loss": ("step", np.exp(-steps / 20)),
        },
        {"step": steps, "layer": [0, 1, 2]},
        {"probe": "whitening.training", "seed": 3, "data_hash": "0123abcd"},
    )


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "with a space" / "results.html"
    return export_results([effect(), training(), effect()], out, title=f"Report {HOSTILE}")


@pytest.fixture
def watched(page_file: Path, open_page: Callable[..., Any]) -> Any:
    return open_page(page_file.as_uri())


def view_of(watched: Any, at: int = 0) -> Any:
    """The explorer number `at`, scrolled to and drawn."""
    frame = watched.page.locator("iframe").nth(at)
    frame.scroll_into_view_if_needed()
    view = watched.page.frame_locator("iframe").nth(at).locator(".lp")
    view.locator(".lp-summary:not(:empty)").wait_for()
    watched.page.wait_for_timeout(400)
    return view


def summary_of(view: Any) -> str:
    return view.locator(".lp-summary").text_content()


def assert_offline(watched: Any, page_file: Path) -> None:
    watched.assert_clean()
    addresses = [a for a in watched.requested if not a.startswith(("data:", "blob:", "about:"))]
    assert addresses == [page_file.as_uri()]


def test_sliders_move_by_keyboard_and_change_the_pictures(watched: Any, page_file: Path) -> None:
    view = view_of(watched)
    watched.shoot("page-light")
    after = view.locator("canvas").nth(1)
    histogram = view.locator("svg.lp-chart").first
    pixels, curve, said = after.evaluate(PIXELS), histogram.inner_html(), summary_of(view)
    assert "k = all 12" in said

    view.locator("input[name=k]").focus()
    watched.page.keyboard.press("ArrowLeft")
    watched.page.wait_for_timeout(500)
    assert "k = 6 of 12" in summary_of(view)
    assert after.evaluate(PIXELS) != pixels
    assert histogram.inner_html() != curve

    view.locator("input[name=layer]").focus()
    watched.page.keyboard.press("End")
    assert "Layer 2" in summary_of(view)
    view.locator("select[name=transform]").select_option("abtt")
    assert "all but the top, D = 3 removed" in summary_of(view)
    view.locator("select[name=transform]").select_option("centre")
    assert view.locator("input[name=k]").is_disabled()
    assert_offline(watched, page_file)


def test_the_numbers_shown_are_those_of_the_result(watched: Any) -> None:
    ds = effect()
    view = view_of(watched)
    expected = ds.average_cosine.sel(layer=1)
    for spec in ("raw", "whiten"):
        assert f"{float(expected.sel(transform=spec)):.2f}".replace("-0.00", "0.00") in summary_of(
            view
        ).replace("−", "-")
    trust = float(ds.trustworthiness.sel(layer=1, transform="whiten", projection="pca"))
    assert f"trustworthiness {trust:.2f}" in view.locator(".lp-panel").nth(3).text_content()


def test_a_chosen_sentence_shows_its_neighbours_before_and_after(watched: Any) -> None:
    ds = effect()
    view = view_of(watched)
    box = view.locator("input[role=combobox]")
    wanted = str(ds.text.values[10])
    box.fill(wanted.split(" <")[0][:12].strip())
    view.locator("[role=option]").first.wait_for()
    box.press("ArrowDown")
    box.press("Enter")
    chosen = view.locator(".lp-quote").text_content()
    at = next(i for i, text in enumerate(ds.text.values) if chosen.startswith(text))
    lists = view.locator(".lp-neighbours")
    for number, spec in ((0, "raw"), (1, "whiten")):
        expected = ds.neighbour.sel(layer=1, transform=spec).isel(example=at).values
        shown = lists.nth(number).locator(".lp-text").all_text_contents()
        assert len(shown) == len(expected)
        for text, i in zip(shown, expected, strict=True):
            assert text.startswith(str(ds.text.values[i]))
    before, after = (
        set(ds.neighbour.sel(layer=1, transform=spec).isel(example=at).values.tolist())
        for spec in ("raw", "whiten")
    )
    assert lists.nth(1).locator(".lp-new").count() == len(after - before)
    assert lists.nth(0).locator(".lp-gone").count() == len(before - after)
    assert f"{len(after - before)} changed" in summary_of(view)
    inside = "(e) => e.scrollWidth <= e.clientWidth"
    assert all(one.evaluate(inside) for one in view.locator(".lp-text, .lp-quote").all())
    watched.shoot("page-neighbours")


def test_the_map_is_reached_by_keys_and_by_pointer(watched: Any, page_file: Path) -> None:
    view = view_of(watched)
    canvas = view.locator("canvas").first
    assert "Arrow keys" in canvas.get_attribute("aria-label")
    canvas.focus()
    watched.page.keyboard.press("ArrowRight")
    first = view.locator(".lp-quote").text_content()
    assert first.startswith("sentence")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        watched.page.keyboard.press(key)
    assert view.locator(".lp-neighbours").first.is_visible()
    watched.page.keyboard.press("Escape")
    assert "No sentence chosen" in view.locator(".lp-quote").text_content()

    # Go over the map until a point is under the pointer; it says its sentence, a click takes it.
    size = canvas.bounding_box()
    tip = view.locator(".lp-tip")
    spots = [
        {"x": size["width"] * share, "y": y}
        for share in (0.5, 0.45, 0.55)
        for y in range(40, int(size["height"]) - 40, 9)
    ]
    for spot in spots:
        canvas.hover(position=spot)
        if tip.is_visible():
            assert "sentence" in tip.text_content()
            watched.shoot("page-hover")
            canvas.click(position=spot)
            break
    assert view.locator(".lp-quote").text_content().startswith("sentence")
    assert_offline(watched, page_file)


def test_hostile_text_stays_text(watched: Any) -> None:
    for at in (0, 2):
        view = view_of(watched, at)
        view.get_by_role("button", name="Next sentence").click()
        view.get_by_role("button", name="Next sentence").click()
        assert HOSTILE in view.locator(".lp-quote").text_content()
        assert view.locator("img, script, b:not(.lp-badge)").count() == 0
    assert HOSTILE in watched.page.locator("h1").text_content()
    assert watched.page.title() == f"Report {HOSTILE}"
    watched.assert_clean()


def test_a_frame_cannot_touch_the_page_nor_the_network(watched: Any) -> None:
    view_of(watched)
    frame = watched.page.frames[1]
    with pytest.raises(Exception, match=r"(?i)cross-origin|SecurityError|blocked"):
        frame.evaluate("parent.document.title")
    refusals = frame.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', (e) => e.message)")
    assert "sent" not in refusals
    assert not any(":9/" in address for address in watched.requested)


def test_frames_fit_their_content(watched: Any) -> None:
    for at in range(3):
        view_of(watched, at)
        watched.page.wait_for_timeout(400)
        frame = watched.page.frames[1 + at]
        inside = frame.evaluate("[document.documentElement.scrollHeight, innerHeight]")
        assert abs(inside[0] - inside[1]) <= 2, "a scroll bar inside the page's own"
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_views_on_one_page_do_not_disturb_each_other(watched: Any) -> None:
    first, third = view_of(watched, 0), view_of(watched, 2)
    said = summary_of(first)
    third.locator("input[name=layer]").focus()
    watched.page.keyboard.press("Home")
    assert "Layer 0" in summary_of(third)
    assert summary_of(first) == said


def test_training_explorer_steps_and_plays(watched: Any, page_file: Path) -> None:
    view = view_of(watched, 1)
    assert "Step 0: average cosine" in summary_of(view)
    picture = view.locator("svg.lp-chart").first
    before = picture.inner_html()
    view.locator("input[name=step]").focus()
    watched.page.keyboard.press("ArrowRight")
    assert "Step 10:" in summary_of(view)
    assert picture.inner_html() != before
    view.locator("select[name=measure]").select_option("isoscore")
    assert "IsoScore" in summary_of(view)
    view.get_by_role("button", name="Play").click()
    view.locator(".lp-summary", has_text="Step 40:").wait_for()
    view.get_by_role("button", name="Play").wait_for()
    watched.shoot("page-training")
    assert_offline(watched, page_file)


def test_dark_theme_by_system_and_by_button(page_file: Path, open_page: Callable[..., Any]) -> None:
    background = "(element) => getComputedStyle(element).backgroundColor"
    dark = open_page(page_file.as_uri(), color_scheme="dark")
    light = open_page(page_file.as_uri(), color_scheme="light")
    seen = {}
    for name, watched in (("dark", dark), ("light", light)):
        view = view_of(watched)
        seen[name] = (watched.page.locator("body").evaluate(background), view.evaluate(background))
    dark.shoot("page-dark")
    assert seen["dark"][0] != seen["light"][0]
    assert seen["dark"][1] != seen["light"][1]

    canvas = view_of(light).locator("canvas").first
    pixels = canvas.evaluate(PIXELS)
    light.page.evaluate("scrollTo(0, 0)")
    button = light.page.get_by_role("button", name="Dark theme")
    assert button.get_attribute("aria-pressed") == "false"
    button.focus()
    light.page.keyboard.press("Enter")
    light.page.wait_for_timeout(500)
    assert button.get_attribute("aria-pressed") == "true"
    switched = (
        light.page.locator("body").evaluate(background),
        view_of(light).evaluate(background),
    )
    assert switched == seen["dark"]
    assert canvas.evaluate(PIXELS) != pixels, "the canvas is drawn again in the new colours"


def test_a_narrow_screen_has_one_column(page_file: Path, open_page: Callable[..., Any]) -> None:
    watched = open_page(page_file.as_uri(), viewport={"width": 390, "height": 844})
    view = view_of(watched)
    boxes = [view.locator(".lp-panel").nth(i).bounding_box() for i in (0, 1)]
    assert boxes[1]["y"] > boxes[0]["y"] + boxes[0]["height"] - 1
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    watched.shoot("page-narrow")


def test_the_page_can_be_used_without_a_mouse(watched: Any) -> None:
    view_of(watched)
    watched.page.evaluate("scrollTo(0, 0)")
    watched.page.keyboard.press("Tab")
    assert watched.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    names = watched.page.frames[1].evaluate(
        """() => [...document.querySelectorAll('input, select, button, canvas, svg[role=img]')]
          .map((e) => e.getAttribute('aria-label') || e.labels?.[0]?.textContent
            || e.textContent)"""
    )
    assert names
    assert all(name and name.strip() for name in names), "everything has a name"
    assert all(image.get_attribute("alt") for image in watched.page.locator("img").all())


@pytest.mark.slow
def test_an_exported_notebook_moves_offline(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# What moves here?\n\nLet $x_1$ be."),
        nbformat.v4.new_code_cell(
            "import xarray as xr, numpy as np\nfrom viz.explorers import explore\n"
            "v = xr.DataArray(np.eye(4), dims=('step', 'layer'))\n"
            "explore(xr.Dataset({'v': v}, {'step': range(4)}))"
        ),
    ]
    nbformat.write(notebook, tmp_path / "moves.ipynb")
    out = export_notebook(tmp_path / "moves.ipynb", tmp_path / "moves.html")
    watched = open_page(out.as_uri())
    view = view_of(watched)
    view.locator("input[name=step]").focus()
    watched.page.keyboard.press("ArrowRight")
    assert "Step 1:" in summary_of(view)
    watched.page.get_by_role("button", name="Code").click()
    assert not watched.page.locator(".jp-InputArea-editor").first.is_visible()
    assert watched.page.locator("math").count() == 1
    assert_offline(watched, out)
