"""The Totoro explorer with its kernel, messages carried by hand; and one of a large graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from probe.totoro import conflict_map, setting_of
from tests.browser.carried_kernel import open_live
from tests.browser.totoro_views import chosen, drawn, fact, summary_of, summed, view_of
from tests.viz.totoro_maps import small_map
from viz.explorers import TotoroExplorer
from viz.report import export_results


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return small_map(text=True, size=16, classes=4)


@pytest.fixture
def live(result: xr.Dataset, tmp_path: Path, open_page: Callable[..., Any]) -> Any:
    """The live view of a widget, its messages carried by hand; gives (page, view, widget)."""
    widget = TotoroExplorer(result)
    watched = open_live(widget, tmp_path, open_page)
    return watched, drawn(watched.page.locator(".lp")), widget


def test_a_label_is_added_and_removed_with_a_kernel(live: Any, result: xr.Dataset) -> None:
    watched, view, widget = live
    base = setting_of(result, alpha=0.15, per_class=4, seed=0)
    node = int(np.flatnonzero(~base.train.values & (result.label_of.values == 1))[0])
    watched.page.evaluate("(node) => window.model.set('selected', node)", node)
    view.get_by_role("button", name="Label this node").click()
    view.get_by_text("With 1 label changed by hand").wait_for()
    train = base.train.values.copy()
    train[node] = True
    found = setting_of(result, alpha=0.15, train=train)
    before, after = (f"{np.nansum(one.totoro.values):#.3g}" for one in (base, found))
    assert f"from {before} to {after} (" in summary_of(view)
    assert f"{int(train.sum())} labelled nodes" in summary_of(view)
    true = f"{float(found.totoro[node]):#.3g}"
    assert fact(view, "Conflict T").startswith(f"{true} (was ")
    assert f"Changed by hand: +{node}." in view.locator(".lp-node").text_content()
    assert widget.toggled == [node]
    watched.shoot("totoro-live")

    view.locator("canvas").focus()
    watched.page.keyboard.press("l")
    view.get_by_role("button", name="Label this node").wait_for()
    assert widget.toggled == []
    assert "by hand" not in summary_of(view)
    watched.page.keyboard.press("l")
    view.get_by_text("With 1 label changed by hand").wait_for()
    view.get_by_role("button", name="Reset labels").click()
    view.get_by_role("button", name="Label this node").wait_for()
    assert widget.toggled == []
    watched.assert_clean()


def test_a_kernel_measures_any_setting_and_says_what_it_cannot(
    live: Any, result: xr.Dataset
) -> None:
    watched, view, widget = live
    view.locator("input[name=per_class]").focus()
    watched.page.keyboard.press("Home")
    view.locator(".lp-summary", has_text="1 label per class").wait_for()
    assert widget.per_class == 1
    view.locator("input[name=alpha]").focus()
    watched.page.keyboard.press("Home")
    view.locator(".lp-summary", has_text="α = 0.01, 1 label per class").wait_for()
    assert summed(setting_of(result, alpha=0.01, per_class=1, seed=0)) in summary_of(view)
    # The last label of a class cannot be taken away.
    view.locator("canvas").focus()
    watched.page.keyboard.press("ArrowRight")
    watched.page.keyboard.press("l")
    view.locator(".lp-problem:not([hidden])").wait_for()
    assert "label" in view.locator(".lp-problem").text_content()
    watched.page.keyboard.press("l")
    view.locator(".lp-problem").wait_for(state="hidden")
    watched.page.evaluate("() => window.model.set('alpha', 0.123)")
    view.locator(".lp-summary", has_text="α = 0.123").wait_for()
    assert view.locator(".lp-slider output").first.text_content() == "0.123"
    watched.assert_clean()


def test_nodes_that_no_other_class_can_reach_carry_a_warning(live: Any, result: xr.Dataset) -> None:
    watched, view, _ = live
    pair, unknown, lone = (result.sizes["node"] - back for back in (3, 2, 1))
    train = setting_of(result, alpha=0.15, per_class=4, seed=0).train.values
    choose = "(node) => window.model.set('selected', node)"
    warning = view.locator(".lp-warnings")
    watched.page.evaluate(choose, lone)
    view.get_by_text(f"Node {lone}:").wait_for()
    assert "It has no neighbours" in warning.text_content()
    watched.page.evaluate(choose, unknown)
    view.get_by_text(f"Node {unknown}: class unknown").wait_for()
    assert view.locator("button[name=toggle]").is_disabled()
    assert fact(view, "Least T") == "0"
    watched.page.evaluate(choose, pair)
    view.get_by_text(f"Node {pair}:").wait_for()
    if not train[pair]:
        assert "No node is labelled among the 2 nodes of its component" in warning.text_content()
        view.locator("button[name=toggle]").click()
        view.get_by_role("button", name="Remove its label").wait_for()
    assert "No other class is labelled in its component: T is 0" in warning.text_content()
    assert "1 of them meets no other class" in summary_of(view)
    watched.assert_clean()


def test_twenty_thousand_nodes_are_drawn(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    n = 20_000
    spots = np.random.default_rng(0).normal(size=(n, 2))
    order = np.lexsort((spots[:, 1], np.round(3 * spots[:, 0])))
    pairs = np.concatenate([np.stack([order[:-k], order[k:]]) for k in (1, 2)], axis=1)
    labels = np.arange(n) % 10
    found = conflict_map(np.concatenate([pairs, pairs[::-1]], axis=1), labels)
    file = export_results(
        [found.assign(position=(("node", "axis"), spots))], tmp_path / "large.html", title="Large"
    )
    watched = open_page(file.as_uri())
    view = view_of(watched)
    assert "20000 nodes, 39997 edges" in view.locator(".lp-note").last.text_content()
    assert "carry labelled nodes only" in view.locator(".lp-note").last.text_content()
    canvas = view.locator("canvas")
    canvas.focus()
    watched.page.keyboard.press("ArrowRight")
    assert chosen(view) >= 0
    gaps = canvas.evaluate(
        """async (canvas) => {
          const gaps = [];
          let last = performance.now();
          for (let i = 0; i < 30; i += 1) {
            canvas.dispatchEvent(new KeyboardEvent('keydown', { key: i % 2 ? '+' : '-' }));
            await new Promise(requestAnimationFrame);
            gaps.push(performance.now() - last);
            last = performance.now();
          }
          return gaps.sort((a, b) => a - b);
        }"""
    )
    assert gaps[len(gaps) // 2] < 250  # milliseconds a frame; about 17 where nothing else runs
    watched.shoot("totoro-large")
    # A setting whose exposures were left out still shows its labelled nodes.
    view.locator("input[value=conflict]").check()
    for name in ("seed", "alpha"):
        view.locator(f"input[name={name}]").focus()
        watched.page.keyboard.press("End")
    assert summed(setting_of(found, alpha=0.5, per_class=20, seed=2)) in summary_of(view)
    assert "no exposures of unlabelled nodes" in view.locator(".lp-node").text_content()
    view.get_by_role("button", name="More conflict").click()
    assert view.locator(".lp-bars li").count() == 10
    watched.assert_clean()
