"""Curves by layer: measures with intervals, the random twin beside them, baselines dashed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import style
from .._headings import legend_over
from .._reading import short
from .._series import Series, dodged, draw_line, label_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DODGE = 0.1  # of the distance between two layers, over all curves with intervals


class Curve(NamedTuple):
    """Values (layer,) and their interval (layer, 2) or None; `dashed` is a baseline."""

    name: str
    values: np.ndarray
    interval: np.ndarray | None
    colour: str
    marker: str
    dashed: bool = False


def draw_curves(ax: Axes, layers: Sequence[Any], curves: Sequence[Curve]) -> None:
    """Curves over layers; a layer where a curve is not applicable is a gap in it."""
    solid = [curve for curve in curves if not curve.dashed]
    for x, curve in zip(dodged(len(layers), len(solid), width=_DODGE), solid, strict=True):
        draw_line(ax, x, Series(*curve[:5]))
    for curve in curves:
        if curve.dashed:
            ax.plot(
                np.arange(len(layers)),
                curve.values,
                color=curve.colour,
                linewidth=1.2,
                linestyle=(0, (4, 3)),
                marker=curve.marker,
                markersize=4,
                markerfacecolor=style.theme_of(ax).paper,
                label=style.plain(curve.name),
                zorder=1.5,
            )
    label_axis(ax, layers, "layer")


def legend_of_curves(ax: Axes, columns: int = 3) -> int:
    """The names of curves above the Axes: rows of the legend."""
    handles, _ = ax.get_legend_handles_labels()
    return legend_over(ax, handles, columns=columns)


def told_curves(layers: Sequence[Any], curves: Sequence[Curve]) -> str:
    """All values if they are few, else the first, the last and the extremes of each curve."""
    return "; ".join(f"{curve.name} {_told(layers, curve.values)}" for curve in curves) + "."


def _told(layers: Sequence[Any], values: np.ndarray) -> str:
    if len(layers) <= 8:
        return ", ".join(short(value) for value in values)
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return "not applicable"
    named = {
        "first": known[0],
        "last": known[-1],
        "highest": known[np.argmax(values[known])],
        "lowest": known[np.argmin(values[known])],
    }
    parts = [f"{name} {short(float(values[i]))} at layer {layers[i]}" for name, i in named.items()]
    return ", ".join(parts)
