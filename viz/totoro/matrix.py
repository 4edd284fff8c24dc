"""How much each class meets each other one, as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import read, short
from .classes import MADE_BY, class_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NUMBERS = 12  # classes, on one side
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def plot_class_conflict(ds: xr.Dataset, ax: Any = None) -> Axes:
    """Mean exposure of the labelled nodes of each class to each other class, one scale for all.

    A class's exposure to itself is no conflict and mostly far larger: those cells are hatched and
    have no colour. Numbers share one power of ten, named in the note.

    Parameters
    ----------
    ds
        Result of `probe.totoro.topology_imbalance`.
    ax
        Axes to draw on; a new figure if None.

    Raises
    ------
    ValueError
        If the result holds no conflict of classes.

    Examples
    --------
    >>> from probe.totoro import topology_imbalance
    >>> path = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> ax = plot_class_conflict(topology_imbalance(path, [0, 0, 0, 1], [0, 2, 3]))
    >>> ax.get_title(loc="left")
    'Conflict between classes'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    ds = read(ds, ["class_conflict"], ["label", "label_other"], made_by=MADE_BY)
    side = min(max(3.2, 1.6 + 0.5 * ds.sizes["label"]), 7.6)
    with style.canvas(ax, size=(side + 1.4, side)) as (own,):
        head([own], [draw_class_conflict(own, ds)])
    return own


def draw_class_conflict(ax: Axes, ds: xr.Dataset) -> Heading:
    """The picture of `plot_class_conflict` on an Axes; gives its heading."""
    colours = style.theme_of(ax)
    names = class_names(ds)
    count = len(names)
    table = ds["class_conflict"].transpose("label", "label_other").values.astype(float)
    own = np.eye(count, dtype=bool)
    others = np.where(own, np.nan, table)
    cmap = style.ramp(colours.heat)
    cmap.set_bad(colours.grid)
    high = float(np.nanmax(others)) if count > 1 else 0.0
    ax.pcolormesh(
        np.ma.masked_invalid(others),
        cmap=cmap,
        vmin=0.0,
        vmax=high or 1.0,
        edgecolor=colours.paper if count <= _MOST_NUMBERS else "none",
        linewidth=1.5,
    )
    _hatch(ax, count)
    power = 1 - int(np.floor(np.log10(high))) if high > 0 else 0
    numbers = count <= _MOST_NUMBERS
    if numbers:
        shade = cmap(others / (high or 1.0))
        for row, column in np.ndindex(count, count):
            diagonal = row == column
            ax.text(
                column + 0.5,
                row + 0.5,
                f"{table[row, column] * 10.0**power:.1f}",
                ha="center",
                va="center",
                fontsize=8,
                color=colours.soft if diagonal else style.ink_on(shade[row, column]),
                bbox={"boxstyle": "square,pad=0.15", "color": colours.paper} if diagonal else None,
            )
    _name(ax, names)
    note = f"Mean exposure of a class to another{_times(power) if numbers else ''}. "
    note += "Hatched: own class, off the scale."
    pair = ""
    if high > 0:
        row, column = np.unravel_index(np.nanargmax(others), others.shape)
        low = short(float(np.nanmin(others)))
        pair = f"most, {short(high)}, between {names[row]} and {names[column]}; least {low}"
        note += "" if numbers else f" Palest 0, strongest {short(high)}."
    style.say(
        ax, f"Mean exposure of labelled nodes of {count} classes to each other: {pair or 'none'}."
    )
    return Heading("Conflict between classes", note)


def _hatch(ax: Axes, count: int) -> None:
    from matplotlib.patches import Rectangle

    colours = style.theme_of(ax)
    for code in range(count):
        ax.add_patch(
            Rectangle(
                (code, code),
                1,
                1,
                facecolor=colours.grid,
                edgecolor=colours.edge,
                hatch="////",
                linewidth=0,
            )
        )


def _name(ax: Axes, names: list[str]) -> None:
    """Names on both axes; of many, those at even distances."""
    width, height = style.size_of(ax)
    # A line of text and its gap take 13 points, a letter about 5.
    step = max(int(np.ceil(13 * len(names) / min(width, height))), 1)
    at = np.arange(0, len(names), step)
    shown = [names[i] for i in at]
    ax.set_xticks(at + 0.5, shown)
    ax.set_yticks(at + 0.5, shown)
    if (5 * max(map(len, shown)) + 6) * len(at) > width:
        ax.tick_params(axis="x", labelrotation=40)
        for tick in ax.get_xticklabels():
            tick.set(ha="right", rotation_mode="anchor")
    ax.set(xlim=(0, len(names)), ylim=(len(names), 0))
    ax.tick_params(axis="both", length=0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _times(power: int) -> str:
    return f", × 10{str(power).translate(_RAISED)}" if power else ""
