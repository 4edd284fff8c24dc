"""What a browser test reads from a relation explorer."""

from __future__ import annotations

from typing import Any


def view_of(watched: Any) -> Any:
    watched.page.locator("iframe").scroll_into_view_if_needed()
    return drawn(watched.page.frame_locator("iframe").locator(".lp"))


def drawn(view: Any) -> Any:
    for canvas in (view.locator(".lp-rel-image canvas"), grid(view)):
        canvas.and_(view.locator("[data-ready=true]")).wait_for()
    return view


def grid(view: Any) -> Any:
    return view.locator(".lp-rel-heads canvas")


def picture(view: Any) -> Any:
    return view.locator(".lp-rel-image svg")


def summary_of(view: Any) -> str:
    return view.locator(".lp-summary").text_content()


def phrase(view: Any, k: int) -> Any:
    return view.locator(f".lp-rel-words button[data-object='{k}']").first


def table(view: Any, number: int) -> Any:
    """Among words, among regions, and their difference."""
    return view.locator(".lp-rel-table svg").nth(number)


def numbers(view: Any, number: int) -> list[str]:
    return table(view, number).locator("g.lp-cell > text:not(.lp-chip-text)").all_text_contents()


def shares(view: Any, where: str) -> dict[int, float]:
    """Shares that lines ("image") or arcs ("words") stand for, by the object that they go to."""
    marks = view.locator(f".lp-rel-{where} [data-share]")
    found = marks.evaluate_all("(all) => all.map((e) => [e.dataset.to, e.dataset.share])")
    return {int(to): float(share) for to, share in found}


def box(view: Any, k: int) -> Any:
    return view.locator(f".lp-rel-box[data-object='{k}']")


def cell_of_grid(view: Any, layer: int, head: int) -> dict[str, float]:
    """The middle of a head's cell; head -1 is the mean."""
    mean, first, top, wide, tall = map(float, grid(view).get_attribute("data-cell").split(","))
    left = mean if head < 0 else first + head * wide
    return {"x": left + wide / 2, "y": top + (layer + 0.5) * tall}
