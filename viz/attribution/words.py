"""Words in the colours of their attributions, each with its value below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import style
from ..value.scale import Scale
from .reading import Cell, Part, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FONT = "DejaVu Sans Mono"  # comes with matplotlib; all letters are as wide
_LETTER, _ROW = 0.64, 3.4  # width of a letter and height of a row, in sizes of the font
_SIZES = np.arange(10.5, 3.9, -0.5)  # of letters, points


def draw_words(ax: Axes, cell: Cell, parts: list[Part], scales: list[Scale]) -> None:
    """The tokens that have attributions, in reading order."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    colours = style.theme_of(ax)
    part, scale = parts[0], scales[0]
    at = np.flatnonzero(np.isfinite(part.values))
    names = cell.result["token"].values.astype(str) if "token" in cell.result else None
    tokens = [(names[i] if names is not None else f"token {i + 1}") or " " for i in at]
    values = [signed(float(part.values[i])) for i in at]
    widths = [
        max(len(token), 0.8 * len(value)) for token, value in zip(tokens, values, strict=True)
    ]
    width, height = style.size_of(ax)
    for points in _SIZES:
        across = max(width / (points * _LETTER), *(w + 1.6 for w in widths), 12)
        places = _rows(widths, across)
        if (places[-1][0] + 1) * points * _ROW <= height:
            break
    points = min(points, width / across / _LETTER)
    ax.set(xlim=(0, across), ylim=(max(height / (points * _ROW), places[-1][0] + 1), 0))
    chips = [
        Rectangle((x, row + 0.06), w + 1, 0.5) for w, (row, x) in zip(widths, places, strict=True)
    ]
    mesh = PatchCollection(chips, cmap=scale.cmap, norm=scale.norm, edgecolor=colours.edge)
    mesh.set(linewidth=0.4, gid="words")
    mesh.set_array(part.values[at])
    ax.add_collection(mesh, autolim=False)
    shades = scale.shade(part.values[at])
    for token, value, w, (row, x), shade in zip(
        tokens, values, widths, places, shades, strict=True
    ):
        for text, y, size, ink in (
            (token, 0.31, points, style.ink_on(shade)),
            (value, 0.75, 0.76 * points, colours.soft),
        ):
            ax.text(
                *(x + (w + 1) / 2, row + y, style.plain(text)),
                ha="center",
                va="center",
                fontsize=size,
                family=_FONT,
                color=ink,
            )


def _rows(widths: list[float], across: float) -> list[tuple[int, float]]:
    """Row and left end of each token, a new row where the width ends."""
    row, x = 0, 0.2
    found = []
    for width in widths:
        if x > 0.2 and x + width + 1.2 > across:
            row, x = row + 1, 0.2
        found.append((row, x))
        x += width + 1.4
    return found
