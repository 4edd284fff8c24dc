"""The pieces of a comparison's pictures: lines, cells and rows, on scales that panels share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import style
from .._reading import short
from .._series import Series, dodged, draw_line, label_axis
from ..value.matrix import Matrix, draw_matrix
from ..value.scale import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_DOTS = 40  # points of a line that are marked one by one
_MOST_TOLD = 6


class Line(NamedTuple):
    """Values (n,) with their interval (n, 2) or None; `called` (n,) bool are drawn filled."""

    name: str
    values: np.ndarray
    interval: np.ndarray | None = None
    called: np.ndarray | None = None


def draw_lines(
    ax: Axes, lines: Sequence[Line], colours: Sequence[str], labels: Sequence[Any], dim: str
) -> None:
    """Lines over a dim; of many points the intervals are bands and no dot is drawn."""
    n = len(labels)
    many = n > _MOST_DOTS
    xs = [np.arange(n)] * len(lines) if many else dodged(n, len(lines), width=0.12)
    for at, (x, line) in enumerate(zip(xs, lines, strict=True)):
        marker = "" if many else style.MARKERS[at % len(style.MARKERS)]
        series = Series(line.name, line.values, line.interval, colours[at], marker)
        draw_line(ax, x, series, band=many)
        if line.called is not None and not many:
            # A hollow dot: no difference is called there.
            open_ = ~line.called & np.isfinite(line.values)
            ax.plot(
                x[open_],
                line.values[open_],
                linestyle="none",
                marker=marker,
                markerfacecolor=style.theme_of(ax).paper,
                markeredgecolor=colours[at],
                label="_not called",
            )
    label_axis(ax, labels, dim)


def draw_cells(
    ax: Axes, matrix: Matrix, scale: Scale, dims: Sequence[str], *, bar: str | None
) -> int:
    """A matrix of any two dims; gives the legend's rows."""
    rows = draw_matrix(ax, matrix, scale, bar=bar)
    ax.set(xlabel=dims[1], ylabel=dims[0])
    width, _ = style.size_of(ax)
    longest = max(len(str(label)) for label in matrix.heads)
    # About 5 points to a letter, and 6 between two labels.
    if (5 * longest + 6) * len(matrix.heads) > width:
        for tick in ax.get_xticklabels():
            tick.set(rotation=30, ha="right", rotation_mode="anchor")
    return rows


def limits(*arrays: np.ndarray | None) -> tuple[float, float]:
    """The range that holds all finite values, a little widened: one for all panels that share it.

    Examples
    --------
    >>> limits(np.array([0.0, 1.0]), np.array([2.0, np.nan]))
    (-0.1, 2.1)
    """
    flat = np.concatenate([np.ravel(each).astype(float) for each in arrays if each is not None])
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return 0.0, 1.0
    low, high = float(flat.min()), float(flat.max())
    room = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return low - room, high + room


def reach(change: Line) -> float:
    """Where a difference has its strongest colour, lest differences within their error look large.

    That is the larger of the largest difference and the median whole width of the intervals: the
    strongest of some cells of noise then has about half of the full colour.

    Examples
    --------
    >>> ends = np.array([[-0.75, 1.25], [-1.25, 0.75]])
    >>> reach(Line("difference", np.array([0.25, -0.25]), ends))
    2.0
    >>> reach(Line("difference", np.array([3.0, -0.25]), ends))
    3.0
    """
    far = float(np.nanmax(np.abs(change.values), initial=0.0))
    if change.interval is not None:
        widths = np.diff(change.interval, axis=-1)
        known = widths[np.isfinite(widths)]
        far = max(far, float(np.median(known)) if known.size else 0.0)
    return far or 1.0


def told_line(labels: Sequence[Any], dim: str, line: Line) -> str:
    """A line in words: every value with its interval where few, else its ends and extremes."""
    known = [int(i) for i in np.flatnonzero(np.isfinite(line.values))]
    if not known:
        return f"{line.name}: no value"
    if len(labels) > _MOST_TOLD:
        order = sorted(known, key=lambda i: float(line.values[i]))
        peaks = [known[0], known[-1], order[-1], order[0]]
        named = zip(("first", "last", "highest", "lowest"), peaks, strict=True)
        parts = [f"{word} {short(float(line.values[i]))} at {labels[i]}" for word, i in named]
    else:
        parts = [f"{labels[i]}: {told_value(line, i)}" for i in known]
    return f"{line.name} by {dim}, {', '.join(parts)}"


def told_value(line: Line, i: int) -> str:
    """A value in words, with its interval if it has one."""
    value = short(float(line.values[i]))
    if line.interval is None or not np.isfinite(line.interval[i]).all():
        return value
    low, high = (short(float(end)) for end in line.interval[i])
    return f"{value} ({low} to {high})"


def told_cells(values: np.ndarray, labels: Sequence[Sequence[Any]], dims: Sequence[str]) -> str:
    """A matrix in words: how large, its highest and its lowest cell, and its mean."""
    size = f"{values.shape[0]} {dims[0]} by {values.shape[1]} {dims[1]}"
    known = np.argwhere(np.isfinite(values))
    if not len(known):
        return f"{size}, no value"
    order = sorted(map(tuple, known.tolist()), key=lambda at: float(values[at]))
    ends = [
        f"{word} {short(float(values[at]))} at {named_cell(at, labels, dims)}"
        for word, at in (("highest", order[-1]), ("lowest", order[0]))
    ]
    return f"{size}, {', '.join(ends)}, mean {short(float(np.nanmean(values)))}"


def named_cell(at: Sequence[int], labels: Sequence[Sequence[Any]], dims: Sequence[str]) -> str:
    """A cell by its labels."""
    parts = zip(dims, labels, at, strict=True)
    return " ".join(f"{dim} {own[int(i)]}" for dim, own, i in parts)
