"""Titles wrapped to the width that Axes have once long names stand beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .. import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Heading(NamedTuple):
    """A title and the lesser note below it."""

    title: str
    note: str = ""


def head(axes: Sequence[Axes], headings: Sequence[Heading]) -> None:
    """Title Axes whose pictures are drawn: the layout is made once before, for their widths."""
    figure = style.figure_of(axes[0])
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
    for ax, heading in zip(axes, headings, strict=True):
        style.title(ax, heading.title, heading.note)
