"""What a browser test reads from an attention explorer."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

PIXELS = "(canvas) => canvas.toDataURL()"


def view_of(watched: Any) -> Any:
    watched.page.locator("iframe").scroll_into_view_if_needed()
    return drawn(watched.page.frame_locator("iframe").locator(".lp"))


def drawn(view: Any) -> Any:
    for canvas in (image(view), grid(view)):
        canvas.and_(view.locator("[data-ready=true]")).wait_for()
    return view


def image(view: Any) -> Any:
    return view.locator(".lp-att-image canvas")


def grid(view: Any) -> Any:
    return view.locator(".lp-att-heads canvas")


def summary_of(view: Any) -> str:
    return view.locator(".lp-summary").text_content()


def word(view: Any, position: int) -> Any:
    return view.locator(f".lp-words button[data-position='{position}']")


def bars(view: Any, kind: str) -> list[str]:
    return view.locator(f".lp-{kind} .lp-bar-value").all_text_contents()


def weights_of(result: xr.Dataset, i: int, layer: int, head: int) -> np.ndarray:
    n = int((result.modality[i] >= 0).sum())
    return result.attention.values[i, layer, head, :n, :n]
