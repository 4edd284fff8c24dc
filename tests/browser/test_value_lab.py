"""The notebook about attention heads in a real JupyterLab: it runs, its explorers answer keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .attention_views import PIXELS, bars, drawn, grid, image, summary_of
from .lab_notebook import EVALUATE, opened_and_run, wait_for_summary

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_value.ipynb"
# The three largest weights of the shown query, as the measure's own result has them.
LARGEST = (
    "' '.join('%.3f' % w for w in "
    "np.sort(examples.attention.values[0, {layer}, {head}, {query}])[::-1][:3])"
)


def chosen(view: Any) -> tuple[int, int]:
    """Layer and head that the readout is about."""
    found = re.match(r"Layer (\d+), head (\d+)\b", summary_of(view))
    assert found, summary_of(view)
    return int(found[1]), int(found[2])


@pytest.mark.slow
def test_the_notebook_runs_and_its_explorers_answer_keys(
    lab: Any, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    watched = opened_and_run(lab, open_page, NOTEBOOK, tmp_path)
    page = watched.page
    assert list(tmp_path.glob("models/single-*.safetensors")), "trained, and kept where told to"

    heads = page.locator(".lp", has=page.locator(".lp-att-heads")).first
    heads.scroll_into_view_if_needed()
    drawn(heads)
    wait_for_summary(heads, "Layer ")
    watched.shoot("lab-value-notebook")
    layers = int(page.evaluate(EVALUATE, "model.n_layers"))
    layer, head = chosen(heads)
    ahead = head + 1 < int(page.evaluate(EVALUATE, "model.n_heads"))
    # The grid ends at its edges: whichever way leads to another head.
    for key, by in (
        ("ArrowRight" if ahead else "ArrowLeft", (0, 1 if ahead else -1)),
        ("ArrowDown" if layer + 1 < layers else "ArrowUp", (1 if layer + 1 < layers else -1, 0)),
    ):
        pixels = [canvas(heads).evaluate(PIXELS) for canvas in (grid, image)]
        grid(heads).focus()
        page.keyboard.press(key)
        layer, head = layer + by[0], head + by[1]
        wait_for_summary(heads, f"Layer {layer}, head {head}")
        page.wait_for_timeout(600)
        assert [canvas(heads).evaluate(PIXELS) for canvas in (grid, image)] != pixels
    # The readout is of that head: its weights are those of the result.
    query = "examples.in_phrase.values[0, examples.link.values[0].any(1).argmax()].argmax()"
    wanted = page.evaluate(EVALUATE, LARGEST.format(layer=layer, head=head, query=query))
    assert bars(heads, "strongest")[:3] == wanted.strip("'").split()
    watched.shoot("lab-value-notebook-heads")

    steps = page.locator(".lp", has=page.locator("input[name=step]")).first
    steps.scroll_into_view_if_needed()
    said = summary_of(steps)
    last = int(page.evaluate(EVALUATE, "int(best_heads.step[-1])"))
    steps.locator("input[name=step]").focus()
    page.keyboard.press("Home" if f"Step {last}" in said else "End")
    wait_for_summary(steps, "Step 0:" if f"Step {last}" in said else f"Step {last}:")
    assert summary_of(steps) != said
    watched.shoot("lab-value-notebook-steps")
    watched.assert_clean()
