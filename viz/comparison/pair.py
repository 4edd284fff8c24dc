"""Two results and their difference, side by side on shared scales."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head, legend_over
from .._reading import axis_label
from .._series import legend_above
from ..value.matrix import Matrix, write_numbers
from ..value.rows import Row, Score, Sign, draw_rows
from ..value.scale import scale_of
from ._panels import (
    Line,
    draw_cells,
    draw_lines,
    limits,
    named_cell,
    reach,
    told_cells,
    told_line,
    told_value,
)
from ._slicing import Slice, checked, labels_of, ordinal, sliced

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MADE_BY = "probe.comparison.difference"
_MOST_TOLD = 12


def plot_difference(
    ds: xr.Dataset,
    ax: Any = None,
    *,
    variable: str | None = None,
    at: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Two results on one scale, and beside them the second less the first.

    One number each is a row; along one dim lines, along two cells. The difference is drawn with
    its interval around zero; what is called a difference, after Holm over all cells of the
    variable, is filled (lines, rows) or ringed (cells). Cells show no interval, but the colours of
    their difference have full strength only at the larger of the largest difference and the median
    width of the intervals drawn: differences well inside their intervals stay pale.

    Parameters
    ----------
    ds
        Result of `probe.comparison.difference`.
    ax
        Two Axes, or three for cells; a new figure if None.
    variable
        Which variable; the first of the result if None.
    at
        Labels of dims, such as ``{"direction": "text->image"}``; of dims beyond two that it does
        not name, "all" or the first label. The titles say what was taken.

    Returns
    -------
    np.ndarray
        (panel,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset or `at` no mapping.
    ValueError
        If `ds` is no comparison, or the variable, a dim or a label is unknown.

    Examples
    --------
    >>> from probe.comparison import difference
    >>> attrs = {"probe": "value.fusion_degree"}
    >>> one, two = (
    ...     xr.Dataset({"nmi": ("layer", nmi)}, {"layer": [0, 1]}, attrs)
    ...     for nmi in ([0.75, 0.25], [1.0, 0.25])
    ... )
    >>> _, change = plot_difference(difference(one, two))
    >>> change.get_lines()[1].get_ydata().tolist()
    [0.25, 0.0]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(change.figure)
    """
    checked(ds, MADE_BY, "a comparison of two results")
    one = sliced(ds, "_difference", variable, at)
    if len(one.dims) == 2:
        return _cells(ds, one, ax)
    if len(one.dims) == 1 and ordinal(one, one.dims[0]):
        return _lines(ds, one, ax)
    return _rows(ds, one, ax)


def _read(one: Slice) -> tuple[Line, Line, Line]:
    """The two results and the difference as lines, flat over the drawn dims."""
    called = np.asarray(one.ds[f"{one.name}_called"].transpose(*one.dims).values).reshape(-1)
    first, second, change = (_line(one, kind) for kind in ("a", "b", "difference"))
    return first, second, change._replace(called=called)


def _line(one: Slice, kind: str) -> Line:
    values = one.ds[f"{one.name}_{kind}"].transpose(*one.dims).values
    flat = np.asarray(values, dtype=float).reshape(-1)
    ends = one.ds.get(f"{one.name}_{kind}_interval")
    if ends is None or not np.isfinite(ends.values).any():
        return Line(kind, flat)
    return Line(kind, flat, ends.transpose(*one.dims, "bound").values.reshape(-1, 2))


def _headings(ds: xr.Dataset, one: Slice, line: Line) -> tuple[str, str, str]:
    """Title of the results, title of the difference, and how the difference was found."""
    names = json.loads(str(ds.attrs["names"]))
    label = _label(one)
    pairing = str(one.ds[f"{one.name}_difference"].attrs["pairing"])
    called = np.asarray(line.called)
    cells = int(np.isfinite(ds[f"{one.name}_p"].values).sum())
    found = f"; {int(called.sum())} of {called.size} called, Holm over {cells}"
    shown = line.interval is not None and len(one.dims) < 2
    level = f"{100 * float(ds.attrs['level']):g} % interval, " if shown else ""
    note = f"{level}{pairing}{found if line.interval is not None else ''}"
    title = f"{label}, {one.words}" if one.words else label
    return title[:1].upper() + title[1:], f"{names[1]} less {names[0]}", note


def _label(one: Slice) -> str:
    return style.plain(axis_label(one.ds[f"{one.name}_a"]))


def _lines(ds: xr.Dataset, one: Slice, ax: Any) -> np.ndarray:
    first, second, change = _read(one)
    names = json.loads(str(ds.attrs["names"]))
    first, second = first._replace(name=names[0]), second._replace(name=names[1])
    (dim,) = one.dims
    labels = labels_of(one, dim)
    with style.canvas(ax, panels=2, columns=2, size=(9.6, 3.9)) as axes:
        colours = style.theme_of(axes[0])
        draw_lines(axes[0], [first, second], colours.series[:2], labels, dim)
        axes[0].set_ylim(*limits(*_both(first, second)))
        _zero(axes[1])
        draw_lines(axes[1], [change], [colours.series[2]], labels, dim)
        axes[1].set_ylim(*limits(change.values, change.interval, np.zeros(1)))
        title, minus, note = _headings(ds, one, change)
        rows = legend_above(axes[0])
        head(axes, [Heading(title, "", rows), Heading(minus, note, _legend(axes[1], change))])
        told = [told_line(labels, dim, each) for each in (first, second)]
        style.say(axes[0], f"{title}: {'; '.join(told)}.")
        style.say(axes[1], f"{minus}: {told_line(labels, dim, change)}; {note}.")
    return np.array(axes, dtype=object)


def _rows(ds: xr.Dataset, one: Slice, ax: Any) -> np.ndarray:
    lines = _read(one)
    names = json.loads(str(ds.attrs["names"]))
    labels = [str(each) for each in labels_of(one, one.dims[0])] if one.dims else [one.name]
    change = lines[2]
    size = (9.6, 1.9 + 0.42 * len(labels))
    with style.canvas(ax, panels=2, columns=2, size=size) as axes:
        colours = style.theme_of(axes[0])
        signs = {names[0]: Sign(colours.series[0], "o"), names[1]: Sign(colours.series[1], "^")}
        made = [
            Row(
                style.plain(text),
                {n: _score(line, i) for n, line in zip(names, lines, strict=False)},
            )
            for i, text in enumerate(labels)
        ]
        rows = draw_rows(axes[0], made, signs)
        axes[0].set_xlim(*limits(*_both(*lines[:2])))
        made = [Row("", {"difference": _score(change, i)}) for i in range(len(labels))]
        draw_rows(axes[1], made, {"difference": Sign(colours.series[2], "o")})
        _hollow(axes[1], change)
        axes[1].axvline(0, color=colours.edge, linewidth=1.0, zorder=1)
        axes[1].set_xlim(*limits(change.values, change.interval, np.zeros(1)))
        title, minus, note = _headings(ds, one, change)
        head(axes, [Heading(title, "", rows), Heading(minus, note, _legend(axes[1], change))])
        pairs = [
            f"{text}: {names[0]} {told_value(lines[0], i)}, {names[1]} {told_value(lines[1], i)}"
            for i, text in enumerate(labels)
        ]
        gaps = [f"{text}: {told_value(change, i)}" for i, text in enumerate(labels)]
        style.say(axes[0], f"{title}: {'; '.join(pairs)}.")
        style.say(axes[1], f"{minus}: {'; '.join(gaps)}; {note}.")
    return np.array(axes, dtype=object)


def _cells(ds: xr.Dataset, one: Slice, ax: Any) -> np.ndarray:
    lines = _read(one)
    names = json.loads(str(ds.attrs["names"]))
    labels = [labels_of(one, dim) for dim in one.dims]
    shape = tuple(len(each) for each in labels)
    values = [line.values.reshape(shape) for line in lines]
    called = np.asarray(lines[2].called).reshape(shape)
    width = min(14.0, 3.4 + 3 * max(2.6, 0.34 * shape[1]))
    size = (width, min(9.0, 2.4 + 0.3 * max(shape[0], 4)))
    with style.canvas(ax, panels=3, columns=3, size=size) as axes:
        colours = style.theme_of(axes[0])
        known = np.concatenate([each[np.isfinite(each)] for each in values[:2]])
        low, high = limits(known)
        both = scale_of(known, colours, vmin=low, vmax=high)
        far = reach(lines[2])
        apart = scale_of([-far, far], colours, null=0.0)
        rings = called if called.any() else None
        rows_, columns = labels
        matrices = [Matrix(each, rows_, columns) for each in values[:2]]
        marks = ("called", "")
        matrices.append(Matrix(values[2], rows_, columns, ringed=rings, mark_names=marks))
        scales, bars = (both, both, apart), (None, "", "")
        drawn = list(zip(matrices, scales, strict=True))
        rows = [
            draw_cells(own, matrix, scale, one.dims, bar=bar)
            for own, (matrix, scale), bar in zip(axes, drawn, bars, strict=True)
        ]
        title, minus, note = _headings(ds, one, lines[2])
        texts = (f"{names[0]}", f"{names[1]}", minus)
        notes = (title, "the same scale", note)
        head(axes, [Heading(*each) for each in zip(texts, notes, rows, strict=True)])
        write_numbers(axes, drawn)
        for own, text, each, remark in zip(axes, texts, values, notes, strict=True):
            style.say(own, f"{text}, {remark}: {told_cells(each, labels, one.dims)}.")
        if called.any():
            style.say(
                axes[2], f"{style.describe(axes[2])} {_told_called(called, labels, one.dims)}"
            )
    return np.array(axes, dtype=object)


def _both(*lines: Line) -> list[np.ndarray | None]:
    return [part for line in lines for part in (line.values, line.interval)]


def _score(line: Line, i: int) -> Score:
    value = float(line.values[i])
    return Score(value) if line.interval is None else Score(value, *map(float, line.interval[i]))


def _told_called(called: np.ndarray, labels: list[list[Any]], dims: tuple[str, ...]) -> str:
    at = np.argwhere(called).tolist()
    some = "; ".join(named_cell(each, labels, dims) for each in at[:_MOST_TOLD])
    more = f" and {len(at) - _MOST_TOLD} more" if len(at) > _MOST_TOLD else ""
    return f"Called: {some}{more}."


def _hollow(ax: Axes, change: Line) -> None:
    """Hollow dots on rows where no difference is called."""
    open_ = ~np.asarray(change.called) & np.isfinite(change.values)
    colours = style.theme_of(ax)
    ax.plot(
        change.values[open_],
        np.asarray(ax.get_yticks())[open_],
        linestyle="none",
        marker="o",
        markersize=6,
        markerfacecolor=colours.paper,
        markeredgecolor=colours.series[2],
        label="_not called",
        zorder=4,
    )


def _zero(ax: Axes) -> None:
    ax.axhline(0, color=style.theme_of(ax).edge, linewidth=1.0, zorder=1, label="_zero")


def _legend(ax: Axes, change: Line) -> int:
    """What a filled and a hollow dot mean, where there is a test at all: rows of the legend."""
    from matplotlib.lines import Line2D

    if change.interval is None:
        return 0
    colours = style.theme_of(ax)
    signs = (("called", colours.series[2]), ("not called", colours.paper))
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            markerfacecolor=face,
            markeredgecolor=colours.series[2],
            label=text,
        )
        for text, face in signs
    ]
    return legend_over(ax, handles)
