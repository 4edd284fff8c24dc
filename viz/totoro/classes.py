"""Classes of nodes in pictures: their names, one colour and shape for each, and the legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from .. import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MADE_BY = "probe.totoro.topology_imbalance"
_MOST_LISTED = 16
# How much larger a shape has to be drawn to cover about as much as a circle: where size means
# something, classes must not differ in it.
_EVEN = {"o": 1.0, "^": 1.35, "s": 0.8, "D": 0.75, "v": 1.35, "p": 1.15, "h": 1.1, "P": 1.15}
_EVEN |= {"X": 1.15, "*": 1.6}
# Ten classes are common, such as digits: two colours after the eight of a series, as in the
# explorer, and two shapes.
_MORE = {"light": ("#3a4456", "#a3122f"), "dark": ("#dfe5ee", "#ff6f86")}
_SHAPES = (*style.MARKERS[:8], "X", "*")


class Sign(NamedTuple):
    """How a class is drawn everywhere."""

    colour: str
    marker: str

    @property
    def even(self) -> float:
        """By what to multiply an area, so that shapes of one size look so."""
        return _EVEN[self.marker]


def signs(count: int, colours: style.Theme) -> list[Sign]:
    """A colour and a shape for each of `count` classes: a pair of its own for the first 100.

    The first eight are those of every other picture; from the eleventh on a colour comes back
    with another shape.

    Examples
    --------
    >>> found = signs(11, style.LIGHT)
    >>> found[10].colour == found[0].colour, found[10].marker == found[0].marker
    (True, False)
    """
    palette = (*colours.series, *_MORE[colours.name])
    return [
        Sign(palette[code % 10], _SHAPES[(code + 3 * (code // 10)) % 10]) for code in range(count)
    ]


def sign_of(code: int, colours: style.Theme) -> Sign:
    """The sign of one class; that of no class where `code` is negative."""
    return signs(code + 1, colours)[-1] if code >= 0 else Sign(colours.other, style.MARKERS[-1])


def class_names(ds: xr.Dataset) -> list[str]:
    r"""The name of each class, as a reader knows it.

    Examples
    --------
    >>> class_names(xr.Dataset(coords={"label": [0, 1], "label_name": ("label", ["Cats", "$"])}))
    ['Cats', '\\$']
    """
    held = ds["label_name"] if "label_name" in ds.variables else ds["label"]
    return [style.plain(str(name).replace("_", " ")) for name in np.atleast_1d(held.values)]


def legend_of_classes(
    ax: Axes, codes: Sequence[int], names: Sequence[str], *, beside: float = 4.0
) -> None:
    """The signs of classes right of the Axes, `beside` points away; of many the first few."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import ScaledTranslation

    colours = style.theme_of(ax)
    figure = style.figure_of(ax)
    listed = list(codes)[: _MOST_LISTED if len(codes) > _MOST_LISTED + 1 else None]
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=sign_of(code, colours).marker,
            color=sign_of(code, colours).colour,
            markersize=5.5,
            label=names[code] if code >= 0 else "no known class",
        )
        for code in listed
    ]
    if len(listed) < len(codes):
        more = f"and {len(codes) - len(listed)} more"
        handles.append(Line2D([], [], linestyle="", color=colours.other, label=more))
    shift = ScaledTranslation(beside / 72, 0, figure.dpi_scale_trans)
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        bbox_transform=ax.transAxes + shift,
        borderaxespad=0,
        handletextpad=0.2,
        labelspacing=0.35,
        labelcolor=colours.ink,
    )
