"""The attribution workbench with its kernel, messages carried by hand: other cells are asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from tests.browser.carried_kernel import open_live
from tests.browser.workbench_views import chooser, options_of, side, summary_of, wait_for_cell
from tests.viz import attribution_results as results
from viz.explorers import Workbench


@pytest.fixture
def live(tmp_path: Path, open_page: Callable[..., Any]) -> Any:
    """A workbench of one method at the input, whose kernel has all; gives (page, view, widget)."""
    whole = results.pixels()

    def recompute(*, method: str, layer: str, target: str, example: int) -> xr.Dataset:
        if method == "random":
            raise ValueError("`method` cannot be had here: no dice.")
        return whole.sel(algorithm=[method]).sel(layer=[layer], target=[target], example=[example])

    widget = Workbench(
        whole.isel(algorithm=[0], layer=[0]),
        recompute=recompute,
        methods=results.METHODS[1:],
        layers=["body"],
    )
    watched = open_live(widget, tmp_path, open_page)
    view = watched.page.locator(".lp")
    view.locator(".lp-summary", has_text="Example 1").wait_for()
    return watched, view, widget


def test_what_is_not_there_is_asked_from_the_kernel(live: Any) -> None:
    watched, view, widget = live
    assert all(can for _, can in options_of(view, "method").values())
    chooser(view, "other").select_option("saliency")
    wait_for_cell(view, 1, "saliency", "input", "yes", 0)
    assert "Rank correlation of A and B" in summary_of(view)
    assert "asked from the kernel" in side(view, 1).text_content()
    assert (widget.other, widget.other_layer) == ("saliency", "input")
    assert view.get_attribute("aria-busy") is None
    chooser(view, "layer").select_option("body")
    wait_for_cell(view, 0, "integrated_gradients", "body", "yes", 0)
    watched.assert_clean()


def test_what_the_kernel_refuses_is_said(live: Any) -> None:
    watched, view, widget = live
    chooser(view, "method").select_option("random")
    problem = view.locator(".lp-problem")
    problem.filter(has_text="Random at input: ValueError: `method` cannot be had here").wait_for()
    assert widget.method == "random"
    chooser(view, "method").select_option("integrated_gradients")
    wait_for_cell(view, 0, "integrated_gradients", "input", "yes", 0)
    assert problem.is_hidden()
    watched.assert_clean()


def test_the_view_follows_the_kernel(live: Any) -> None:
    watched, view, _ = live
    watched.page.evaluate("() => window.model.set('example', 2)")
    wait_for_cell(view, 0, "integrated_gradients", "input", "yes", 2)
    watched.page.evaluate("() => window.model.set('target', 'no')")
    wait_for_cell(view, 0, "integrated_gradients", "input", "no", 2)
    assert "Example 3" in summary_of(view)
    watched.assert_clean()
