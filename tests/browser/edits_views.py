"""What a browser test reads from an edit explorer, and how it draws a region."""

from __future__ import annotations

from typing import Any

PIXELS = "(canvas) => canvas.toDataURL()"


def view_of(watched: Any) -> Any:
    watched.page.locator("iframe").scroll_into_view_if_needed()
    return drawn(watched.page.frame_locator("iframe").locator(".lp"))


def drawn(view: Any) -> Any:
    view.locator(".lp-edit-region canvas[data-ready=true]").wait_for()
    view.locator(".lp-edit-row canvas[data-ready=true]").nth(4).wait_for()
    return view


def summary_of(view: Any) -> str:
    return view.locator(".lp-summary").text_content()


def picker(view: Any) -> Any:
    return view.locator(".lp-edit-region canvas")


def slider(view: Any, k: int) -> Any:
    return view.locator(f"input[name=direction-{k}]")


def figure(view: Any, k: int) -> Any:
    """As it is, edited, change, edited by the baseline, its change."""
    return view.locator(".lp-edit-row canvas").nth(k)


def cut(view: Any) -> Any:
    return view.get_by_role("slider", name="Rank cut")


def pixel(view: Any, row: int, column: int, shape: tuple[int, int]) -> dict[str, float]:
    """The middle of a pixel of the region picker, from its upper left corner."""
    x, y, wide, high = map(float, picker(view).get_attribute("data-frame").split(","))
    return {"x": x + (column + 0.5) * wide / shape[1], "y": y + (row + 0.5) * high / shape[0]}


def drag(page: Any, view: Any, start: tuple[int, int], end: tuple[int, int], shape: Any) -> None:
    box = picker(view).bounding_box()
    places = [pixel(view, *at, shape) for at in (start, end)]
    for i, place in enumerate(places):
        page.mouse.move(box["x"] + place["x"], box["y"] + place["y"], steps=1 + 3 * i)
        (page.mouse.down, page.mouse.up)[i]()


def middle_colour(canvas: Any) -> list[int]:
    """Red, green and blue in the middle of a picture."""
    return canvas.evaluate(
        """(c) => [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data]
          .slice(0, 3)"""
    )
