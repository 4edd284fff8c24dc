"""Layers by heads as coloured cells: numbers, rings, frames and hatching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import style
from .._headings import legend_over, settle
from .._reading import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .scale import Scale

_LETTER, _LINE = 4.9, 10.5  # points of a number in a cell
_NUMBER = 8.0  # points; smaller would not be read in a page
_MOST_SAID = 3


class Matrix(NamedTuple):
    """What is drawn: `values` (layer, head), NaN where not applicable, and marks on cells.

    `shown` are the values that colours stand for, `values` themselves if None; `ringed`
    (layer, head) bool; `framed` cells, each (row, column); `mark_names` what the two are called.
    """

    values: np.ndarray
    layers: Sequence[Any]
    heads: Sequence[Any]
    ringed: np.ndarray | None = None
    framed: tuple[tuple[int, int], ...] = ()
    shown: np.ndarray | None = None
    mark_names: tuple[str, str] = ("called", "chosen")


def draw_matrix(ax: Axes, matrix: Matrix, scale: Scale, *, bar: str | None = None) -> int:
    """Draw it without its numbers, with a colour bar named `bar` if that is not None.

    Gives the legend's rows; `write_numbers` follows when the titles are written.
    """
    colours = style.theme_of(ax)
    shown = matrix.values if matrix.shown is None else matrix.shown
    low, high = float(scale.norm.vmin or 0.0), float(scale.norm.vmax or 1.0)
    mesh = ax.pcolormesh(
        np.ma.masked_invalid(np.clip(shown, low, high)),
        cmap=scale.cmap,
        norm=scale.norm,
        edgecolor=colours.paper,
        linewidth=1.0 if max(shown.shape) <= 24 else 0.4,
    )
    _axes(ax, matrix)
    absent = ~np.isfinite(shown)
    _hatch(ax, absent)
    if bar is not None:
        _colour_bar(ax, mesh, scale, bar)
    _marks(ax, matrix, scale.shade(shown), absent)
    return legend_over(ax, _handles(matrix, absent, colours))


def write_numbers(axes: Sequence[Axes], drawn: Sequence[tuple[Matrix, Scale]]) -> None:
    """The numbers of matrices drawn and titled, in cells in which all of them fit."""
    settle(axes[0])
    for ax, (matrix, scale) in zip(axes, drawn, strict=True):
        shown = matrix.values if matrix.shown is None else matrix.shown
        _numbers(ax, matrix.values, scale.shade(shown))


def told(matrix: Matrix, what: str) -> str:
    """The matrix in words: how large, its extremes, and which heads are marked."""
    values = matrix.values
    known = [(int(row), int(column)) for row, column in np.argwhere(np.isfinite(values))]
    parts = [f"{what}, {values.shape[0]} layers by {values.shape[1]} heads"]
    if known:
        order = sorted(known, key=lambda at: -values[at])
        best = order[:_MOST_SAID]
        most = ", ".join(f"{short(float(values[at]))} at {_name(matrix, at)}" for at in best)
        parts.append(f"highest {most}; lowest {short(float(values[order[-1]]))}")
        parts.append(f"mean {short(float(np.nanmean(values)))}")
    if matrix.ringed is not None:
        at = np.argwhere(matrix.ringed)
        some = ", ".join(_name(matrix, each) for each in at[:12])
        more = f" and {len(at) - 12} more" if len(at) > 12 else ""
        parts.append(f"{matrix.mark_names[0]} {len(at)}{': ' if len(at) else ''}{some}{more}")
    if matrix.framed:
        some = ", ".join(_name(matrix, each) for each in matrix.framed)
        parts.append(f"{matrix.mark_names[1]}: {some}")
    if len(known) < values.size:
        parts.append(f"not applicable: {values.size - len(known)} heads")
    return "; ".join(parts) + "."


def _name(matrix: Matrix, at: Sequence[int] | np.ndarray) -> str:
    row, column = int(at[0]), int(at[1])
    return f"layer {matrix.layers[row]} head {matrix.heads[column]}"


def _axes(ax: Axes, matrix: Matrix) -> None:
    rows, columns = matrix.values.shape
    width, height = style.size_of(ax)
    for axis, labels, step in (
        (ax.xaxis, matrix.heads, int(np.ceil(15 * columns / width))),
        (ax.yaxis, matrix.layers, int(np.ceil(12 * rows / height))),
    ):
        at = np.arange(0, len(labels), max(step, 1))
        axis.set_ticks(at + 0.5, [style.plain(labels[int(i)]) for i in at])
    ax.set(xlim=(0, columns), ylim=(rows, 0), xlabel="head", ylabel="layer")
    ax.tick_params(axis="both", length=0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _hatch(ax: Axes, absent: np.ndarray) -> None:
    from matplotlib.patches import Rectangle

    colours = style.theme_of(ax)
    for row, column in np.argwhere(absent):
        ax.add_patch(
            Rectangle(
                (column, row),
                1,
                1,
                facecolor=colours.grid,
                edgecolor=colours.edge,
                hatch="////",
                linewidth=0,
            )
        )


def _marks(ax: Axes, matrix: Matrix, shade: np.ndarray, absent: np.ndarray) -> None:
    """Rings inside cells and frames around them, black or white by what is below."""
    from matplotlib.patches import Ellipse, Rectangle

    colours = style.theme_of(ax)

    def ink(at: tuple[int, int]) -> str:
        return colours.ink if absent[at] else style.ink_on(shade[at])

    for row, column in np.argwhere(matrix.ringed) if matrix.ringed is not None else ():
        centre = (column + 0.5, row + 0.5)
        ring = Ellipse(centre, 0.84, 0.84, fill=False, edgecolor=ink((row, column)), linewidth=1.3)
        ax.add_patch(ring).set_gid("ring")
    for row, column in matrix.framed:
        # Two lines: one of them is seen on any cell, and both in any neighbourhood.
        for inset, edge, width in ((0.07, colours.paper, 1.4), (0.02, colours.ink, 2.2)):
            place, side = (column + inset, row + inset), 1 - 2 * inset
            frame = Rectangle(
                place, side, side, fill=False, edgecolor=edge, linewidth=width, zorder=3
            )
            ax.add_patch(frame).set_gid("frame")


def _handles(matrix: Matrix, absent: np.ndarray, colours: style.Theme) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    sign: dict[str, Any] = {"color": colours.ink, "fillstyle": "none", "linestyle": "none"}
    if matrix.ringed is not None and matrix.ringed.any():
        handles.append(Line2D([], [], marker="o", label=matrix.mark_names[0], **sign))
    if matrix.framed:
        handles.append(
            Line2D([], [], marker="s", markeredgewidth=1.8, label=matrix.mark_names[1], **sign)
        )
    if absent.any():
        handles.append(
            Patch(
                facecolor=colours.grid,
                edgecolor=colours.edge,
                hatch="////",
                linewidth=0,
                label="not applicable",
            )
        )
    return handles


def _colour_bar(ax: Axes, mesh: Any, scale: Scale, name: str) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    colours = style.theme_of(ax)
    inset = ax.inset_axes((1.025, 0.0, 0.03, 1.0))
    bar = style.figure_of(ax).colorbar(mesh, cax=inset)
    bar.set_label(name, color=colours.ink, fontsize=8.5)
    bar.outline.set_visible(False)
    inset.tick_params(color=colours.edge, labelcolor=colours.ink, labelsize=8, length=2)
    inset.minorticks_off()
    ticks = scale.ticks()
    if ticks is not None:
        inset.yaxis.set_major_locator(FixedLocator(ticks))
        inset.yaxis.set_minor_locator(NullLocator())
    inset.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, 3)))
    if scale.null is not None:
        inset.axhline(scale.null, color=colours.ink, linewidth=1.0)


def _numbers(ax: Axes, values: np.ndarray, shade: np.ndarray) -> None:
    width, height = style.size_of(ax)
    places = _decimals(values)
    known = [(int(row), int(column)) for row, column in np.argwhere(np.isfinite(values))]
    texts = {at: _brief(float(values[at]), places) for at in known}
    longest = max(map(len, texts.values()), default=0)
    if height / values.shape[0] < _LINE + 2 or width / values.shape[1] < _LETTER * longest + 5:
        return
    for (row, column), text in texts.items():
        ax.text(
            column + 0.5,
            row + 0.5,
            text,
            ha="center",
            va="center",
            fontsize=_NUMBER,
            color=style.ink_on(shade[row, column]),
        )


def _brief(value: float, decimals: int = 2) -> str:
    """At most so many digits after the point, fewer of large values, and no 0 before it.

    Examples
    --------
    >>> _brief(0.931), _brief(-0.05), _brief(12.34), _brief(1.0), _brief(0.0123, 3)
    ('.93', '−.05', '12', '1.0', '.012')
    """
    size = abs(value)
    places = decimals if size < 0.995 else 1 if size < 9.95 else 0
    text = f"{round(value, places) + 0.0:.{places}f}".replace("-", "\N{MINUS SIGN}")
    return text.replace("0.", ".", 1) if size < 0.995 else text


def _decimals(values: np.ndarray) -> int:
    """Digits after the point that tell values apart: more where all of them are small.

    Examples
    --------
    >>> _decimals(np.array([0.5, 0.01])), _decimals(np.array([0.05])), _decimals(np.zeros(1))
    (2, 3, 2)
    """
    most = float(np.nanmax(np.abs(values), initial=0.0))
    return int(np.clip(1 - np.floor(np.log10(most)), 2, 4)) if most > 0 else 2
