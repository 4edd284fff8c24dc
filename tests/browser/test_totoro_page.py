"""The Totoro explorer in an exported page: offline, by pointer and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from probe.totoro import setting_of
from tests.browser.totoro_views import chosen, drawn, fact, radii, summary_of, summed, view_of
from tests.viz.totoro_maps import small_map
from viz.report import export_results

PIXELS = "(canvas) => canvas.toDataURL()"


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return small_map(text=True, size=16, classes=4)


@pytest.fixture(scope="module")
def page_file(result: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_results([result], tmp_path_factory.mktemp("totoro") / "page.html", title="Graph")


@pytest.fixture
def watched(page_file: Path, open_page: Callable[..., Any]) -> Any:
    return open_page(page_file.as_uri())


def test_the_page_shows_what_was_measured_and_follows_its_sliders(
    watched: Any, result: xr.Dataset, page_file: Path
) -> None:
    view = view_of(watched)
    watched.shoot("totoro-page")
    assert "α = 0.15, 4 labels per class, split 0:" in summary_of(view)
    assert summed(setting_of(result, alpha=0.15, per_class=4, seed=0)) in summary_of(view)
    for name, key, setting in (
        ("alpha", "ArrowRight", {"alpha": 0.5, "per_class": 4, "seed": 0}),
        ("per_class", "Home", {"alpha": 0.5, "per_class": 2, "seed": 0}),
        ("seed", "End", {"alpha": 0.5, "per_class": 2, "seed": 1}),
    ):
        view.locator(f"input[name={name}]").focus()
        watched.page.keyboard.press(key)
        found = setting_of(result, **setting)
        assert summed(found) in summary_of(view)
        assert f"of {int(found.train.sum())} labelled nodes" in summary_of(view)
    watched.assert_clean()
    assert [a for a in watched.requested if a.startswith("file:")] == [page_file.as_uri()]


def test_weights_change_the_sizes_of_nodes_without_a_kernel(watched: Any) -> None:
    view = view_of(watched)
    small, large = radii(view)
    view.locator("input[name=w_max]").focus()
    watched.page.keyboard.press("End")
    assert "to 5.00" in summary_of(view)
    assert radii(view)[1] == pytest.approx(large * (5 / 1.5) ** 0.5, rel=0.02)
    view.locator("input[name=w_min]").focus()
    watched.page.keyboard.press("Home")
    assert "from 0.00" in summary_of(view)
    assert radii(view)[0] < small
    watched.assert_clean()


def test_a_node_is_chosen_by_keys_by_pointer_and_in_the_order_of_conflict(
    watched: Any, result: xr.Dataset
) -> None:
    view = view_of(watched)
    canvas = view.locator("canvas")
    found = setting_of(result, alpha=0.15, per_class=4, seed=0)
    most = int(np.nanargmax(found.totoro.values))
    canvas.focus()
    watched.page.keyboard.press("ArrowRight")
    assert chosen(view) == most, "the first one is the one with the most conflict"
    assert f"Node {most}" in canvas.get_attribute("aria-label")
    assert view.locator(".lp-quote").text_content() == f"paper {most}"
    assert fact(view, "Conflict T") == f"{float(found.totoro[most]):#.3g}"
    assert fact(view, "Weight") == "0.50"
    assert fact(view, "Degree") == str(int(result.degree[most]))
    share = float(fact(view, "Conflict share").removesuffix(" %"))
    assert share == pytest.approx(100 * float(found.conflict_share[most]), rel=0.01)
    bars = view.locator(".lp-bar-value").all_text_contents()
    values = [float(bar.replace("−", "-")) for bar in bars]
    np.testing.assert_allclose(values, found.exposure[most], rtol=0.01)
    spot = [float(part) for part in canvas.get_attribute("data-focus").split(",")]

    seen = {most}
    for key in ("ArrowLeft", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft"):
        watched.page.keyboard.press(key)
        seen.add(chosen(view))
    assert len(seen) > 2
    watched.page.keyboard.press("Escape")
    assert chosen(view) == -1
    canvas.click(position={"x": spot[0], "y": spot[1]})
    assert chosen(view) == most
    watched.page.keyboard.press("p")
    ranked = np.argsort(-found.totoro.fillna(-1).values)
    assert chosen(view) == ranked[1]
    view.get_by_role("button", name="More conflict").click()
    assert chosen(view) == most
    watched.shoot("totoro-node")
    watched.assert_clean()


def test_what_an_unlabelled_node_would_have(watched: Any, result: xr.Dataset) -> None:
    view = view_of(watched)
    canvas = view.locator("canvas")
    found = setting_of(result, alpha=0.15, per_class=4, seed=0)
    canvas.focus()
    watched.page.keyboard.press("ArrowRight")
    for _ in range(12):
        watched.page.keyboard.press("ArrowDown")
        node = chosen(view)
        if not found.train[node] and result.label_of[node] >= 0:
            break
        watched.page.keyboard.press("ArrowRight")
    true = float(found.conflict[node, result.label_of[node]])
    shown = float(fact(view, "T if labelled").replace("−", "-"))
    assert shown == pytest.approx(true, rel=0.01)
    assert "needs a kernel" in view.locator(".lp-node").text_content()
    assert view.locator("button[name=toggle]").count() == 0


def test_the_graph_zooms_pans_and_changes_its_colours(watched: Any) -> None:
    view = view_of(watched)
    canvas = view.locator("canvas")

    def settled() -> tuple[str, str]:
        watched.page.wait_for_timeout(350)
        drawn(view)
        return canvas.get_attribute("data-zoom"), canvas.evaluate(PIXELS)

    zoom, pixels = settled()
    assert zoom == "1.00"
    view.get_by_role("button", name="Zoom in").click()
    assert settled()[0] == "1.50"
    canvas.focus()
    watched.page.keyboard.press("0")
    assert settled() == (zoom, pixels), "the whole graph again"
    box = canvas.bounding_box()
    watched.page.mouse.move(box["x"] + 60, box["y"] + 500)
    watched.page.mouse.down()
    watched.page.mouse.move(box["x"] + 160, box["y"] + 450, steps=4)
    watched.page.mouse.up()
    assert settled()[1] != pixels
    assert chosen(view) == -1, "a drag chooses nothing"
    watched.page.keyboard.press("0")
    watched.page.mouse.move(box["x"] + 100, box["y"] + 100)
    watched.page.keyboard.down("Control")
    watched.page.mouse.wheel(0, -240)
    watched.page.keyboard.up("Control")
    assert float(settled()[0]) > 1.3
    watched.page.keyboard.press("0")
    looks = {settled()[1]}
    for name in ("conflict", "exposure"):
        view.locator(f"input[value={name}]").check()
        looks.add(settled()[1])
    view.locator(".lp-legend button").first.click()
    looks.add(settled()[1])
    assert len(looks) == 4
    watched.assert_clean()


def test_dark_theme_and_narrow_screen(page_file: Path, open_page: Callable[..., Any]) -> None:
    light = open_page(page_file.as_uri())
    dark = open_page(page_file.as_uri(), color_scheme="dark")
    pictures = [view_of(one).locator("canvas").evaluate(PIXELS) for one in (light, dark)]
    assert pictures[0] != pictures[1]
    dark.shoot("totoro-dark")
    narrow = open_page(page_file.as_uri(), viewport={"width": 390, "height": 844})
    view = view_of(narrow)
    graph, node = (view.locator(".lp-beside > *").nth(i).bounding_box() for i in (0, 1))
    assert node["y"] >= graph["y"] + graph["height"]
    assert narrow.page.frames[1].evaluate("document.documentElement.scrollWidth <= innerWidth")
    narrow.shoot("totoro-narrow")


def test_everything_has_a_name(watched: Any) -> None:
    view_of(watched)
    names = watched.page.frames[1].evaluate(
        """() => [...document.querySelectorAll('input, select, button, canvas, svg[role=img]')]
          .map((e) => e.getAttribute('aria-label') || e.labels?.[0]?.textContent
            || e.textContent)"""
    )
    assert len(names) > 10
    assert all(name and name.strip() for name in names)
