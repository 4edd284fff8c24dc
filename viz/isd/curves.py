"""ISD of true and of permuted links by layer, the gap between both, and its p-values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading
from .._reading import bounds_of, short
from ..value.lines import Curve
from ..value.rows import p_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MADE_BY = "probe.isd.isd"
TRUE, PERMUTED = "true links", "permuted links"
_CALLED = 0.05
_ROOM = 46.0  # points that a p-value in words wants


def curve_of(
    ds: xr.Dataset, variable: str, name: str, colour: str, marker: str, *, dashed: bool = False
) -> Curve:
    """A variable by layer with the interval that the result has of it."""
    interval = bounds_of(ds, variable)
    ends = None if interval is None else interval.transpose("layer", "bound").values.astype(float)
    return Curve(name, ds[variable].values.astype(float), ends, colour, marker, dashed)


def from_zero(ax: Axes) -> None:
    """Let an axis of what cannot be negative begin at 0."""
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))


def zero_line(ax: Axes) -> None:
    """Where links explain nothing: a line at 0, inside the view."""
    low, high = ax.get_ylim()
    room = 0.06 * max(high - low, 1e-9)
    ax.set_ylim(min(low, -room), max(high, room))
    ax.axhline(0, color=style.theme_of(ax).soft, linewidth=1.0, zorder=1)


def even(headings: list[Heading]) -> list[Heading]:
    """Headings with room for as many rows of a legend each, so that panels are as high."""
    most = max(heading.rows for heading in headings)
    return [heading._replace(rows=most) for heading in headings]


def p_of(ds: xr.Dataset) -> np.ndarray | None:
    """(layer,) p-values, corrected over layers where the result has such; None without any."""
    name = "p_corrected" if "p_corrected" in ds else "p"
    return ds[name].values.astype(float) if name in ds else None


def write_p(ax: Axes, curve: Curve, p: np.ndarray) -> bool:
    """p-values beside the points of a curve where words fit, else a star over those below .05.

    Gives whether they are words.
    """
    colours = style.theme_of(ax)
    width, _ = style.size_of(ax)
    words = width / len(p) >= _ROOM
    low, high = ax.get_ylim()
    tops = curve.values if curve.interval is None else curve.interval[:, 1]
    for x, (top, value) in enumerate(zip(tops, p, strict=True)):
        text = p_words(float(value)) if words else "*" if value < _CALLED else ""
        if not np.isfinite(top) or not text:
            continue
        ax.annotate(
            text,
            xy=(x, top),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=colours.ink if value < _CALLED else colours.soft,
            fontsize=8,
            fontweight="bold" if value < _CALLED else "normal",
        )
    ax.set_ylim(low, high + 0.1 * (high - low))
    if words:
        ax.set_xlim(-0.5, len(p) - 0.5)
    return words


def told_gap(layers: list, gap: np.ndarray, p: np.ndarray | None) -> str:
    """The gap in words: where it is largest, and where it is beyond chance."""
    known = np.flatnonzero(np.isfinite(gap))
    if not len(known):
        return "The gap is not applicable in any layer."
    best = known[np.argmax(gap[known])]
    most = f"Largest gap {short(float(gap[best]))} at layer {layers[best]}"
    if p is None:
        return f"{most}."
    below = [str(layers[i]) for i in known if p[i] < _CALLED]
    return f"{most}; p below .05 at layers {', '.join(below) or 'none'}."
