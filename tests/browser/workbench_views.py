"""What a browser test reads from an attribution workbench, and how it chooses."""

from __future__ import annotations

import json
from typing import Any


def view_of(watched: Any) -> Any:
    watched.page.locator("iframe").scroll_into_view_if_needed()
    view = watched.page.frame_locator("iframe").locator(".lp")
    view.locator(".lp-summary", has_text="Example").wait_for()
    return view


def summary_of(view: Any) -> str:
    return view.locator(".lp-summary").first.text_content()


def side(view: Any, k: int) -> Any:
    return view.locator(".lp-wb > section").nth(k)


def chooser(view: Any, name: str) -> Any:
    return view.locator(f"select[name={name}]")


def wait_for_cell(view: Any, k: int, *cell: Any) -> None:
    """Until a side shows (method, layer, target, example)."""
    wanted = json.dumps(cell, ensure_ascii=False, separators=(",", ":"))
    handle = side(view, k).element_handle()
    for _ in range(300):
        if handle.get_attribute("data-ready") == wanted:
            return
        view.page.wait_for_timeout(50)
    assert handle.get_attribute("data-ready") == wanted


def words_of(view: Any, k: int) -> list[str]:
    return (
        side(view, k)
        .locator(".lp-wb-words button")
        .evaluate_all("(all) => all.map((one) => one.ariaLabel)")
    )


def read_of(view: Any, k: int) -> str:
    return side(view, k).locator(".lp-wb-read").text_content()


def options_of(view: Any, name: str) -> dict[str, tuple[str, bool]]:
    """Value to words and whether it can be chosen."""
    found = (
        chooser(view, name)
        .locator("option")
        .evaluate_all("(all) => all.map((one) => [one.value, one.textContent, !one.disabled])")
    )
    return {value: (text, open_) for value, text, open_ in found}
