"""Titles over matrices and rows: written when the widths of the panels are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 13.0  # points of a row of a legend


class Heading(NamedTuple):
    """A title, the lesser note below it, and rows of a legend between both and the Axes."""

    title: str
    note: str = ""
    rows: int = 0


def settle(ax: Axes) -> None:
    """Let the layout of a figure, if it has one, give its Axes their places."""
    figure = style.figure_of(ax)
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)


def head(axes: Sequence[Axes], headings: Sequence[Heading]) -> None:
    """Title Axes whose pictures are drawn, wrapped to the widths that the layout gives them."""
    settle(axes[0])
    for ax, heading in zip(axes, headings, strict=True):
        style.title(ax, heading.title, heading.note, lift=_ROW * heading.rows)


def legend_over(ax: Axes, handles: Sequence[Any], *, columns: int = 3) -> int:
    """A legend between the title and the Axes, where no data can lie: its rows."""
    if not handles:
        return 0
    ax.legend(
        handles=list(handles),
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=min(columns, len(handles)),
        borderaxespad=0.1,
        handlelength=1.2,
        columnspacing=1.2,
        handletextpad=0.5,
        labelspacing=0.3,
        labelcolor=style.theme_of(ax).ink,
    )
    return -(-len(handles) // columns)
