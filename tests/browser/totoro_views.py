"""What a browser test reads from a Totoro explorer."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import xarray as xr


def view_of(watched: Any) -> Any:
    """The explorer, scrolled to and drawn."""
    watched.page.locator("iframe").scroll_into_view_if_needed()
    view = watched.page.frame_locator("iframe").locator(".lp")
    return drawn(view)


def drawn(view: Any) -> Any:
    view.locator("canvas[data-ready=true]").wait_for()
    view.locator(".lp-summary:not(:empty)").wait_for()
    return view


def summary_of(view: Any) -> str:
    return view.locator(".lp-summary").text_content()


def chosen(view: Any) -> int:
    """The node that the panel is about, -1 for none."""
    found = re.match(r"Node (\d+):", view.locator(".lp-node h4").text_content())
    return int(found[1]) if found else -1


def fact(view: Any, name: str) -> str:
    return view.locator(f".lp-facts dt:text-is('{name}') + dd").text_content()


def radii(view: Any) -> list[float]:
    return [float(r) for r in view.locator("canvas").get_attribute("data-radii").split()]


def summed(found: xr.Dataset) -> str:
    return f"add up to {np.nansum(found.totoro.values):#.3g};"
