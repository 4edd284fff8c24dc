"""A series of results: lines coloured in order, or cells side by side on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import axis_label
from .._series import legend_above
from ..value.matrix import Matrix, write_numbers
from ..value.scale import scale_of
from ._panels import Line, draw_cells, draw_lines, limits, told_cells, told_line
from ._slicing import Slice, checked, labels_of, sliced

MADE_BY = "probe.comparison.series"
_MOST_LINES, _MOST_PANELS = 9, 6


def plot_series(
    ds: xr.Dataset,
    ax: Any = None,
    *,
    variable: str | None = None,
    at: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Results of a series on one scale, first to last.

    One number each is a line over the series; along one dim one line for each result, coloured
    from first to last; along two dims cells, one panel each on one scale. Of many results some at
    even distances, first and last among them, stand for all, and the title says so.

    Parameters
    ----------
    ds
        Result of `probe.comparison.series`.
    ax
        One Axes, or one for each panel of cells (six at most); a new figure if None.
    variable, at
        As in `plot_difference`.

    Returns
    -------
    np.ndarray
        (panel,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset or `at` no mapping.
    ValueError
        If `ds` is no series, or the variable, a dim or a label is unknown.

    Examples
    --------
    >>> from probe.comparison import series
    >>> attrs = {"probe": "value.fusion_degree"}
    >>> steps = {
    ...     step: xr.Dataset({"nmi": ("layer", nmi)}, {"layer": [0, 1]}, attrs)
    ...     for step, nmi in ((0, [0.9, 0.2]), (50, [0.4, 0.1]))
    ... }
    >>> (ax,) = plot_series(series(steps))
    >>> [line.get_ydata().tolist() for line in ax.get_lines()]
    [[0.9, 0.2], [0.4, 0.1]]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    checked(ds, MADE_BY, "a series of results")
    along = "step" if "step" in ds.dims else "result"
    one = sliced(ds, "", variable, at, first=(along,))
    if not one.dims:
        return _numbers(one, along, ax)
    return _lines(one, along, ax) if len(one.dims) == 1 else _cells(one, along, ax)


def _title(one: Slice, along: str, shown: int) -> str:
    label = style.plain(axis_label(one.ds[one.name]))
    n = one.ds.sizes[along]
    some = f", {shown} of {n} {along}s" if shown < n else ""
    words = f"{label}, {one.words}" if one.words else label
    return f"{words[:1].upper()}{words[1:]}{some}"


def _some(n: int, most: int) -> np.ndarray:
    """Positions at even distances, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def _interval(one: Slice, *dims: str) -> np.ndarray | None:
    beside = one.ds.get(f"{one.name}_interval")
    return None if beside is None else beside.transpose(*dims, "bound").values


def _numbers(one: Slice, along: str, ax: Any) -> np.ndarray:
    labels = labels_of(one, along)
    line = Line(one.name, one.ds[one.name].values.astype(float), _interval(one, along))
    with style.canvas(ax, size=(6.4, 3.8)) as axes:
        colours = style.theme_of(axes[0])
        draw_lines(axes[0], [line], [colours.series[0]], labels, along)
        axes[0].set_ylim(*limits(line.values, line.interval))
        title = _title(one, along, len(labels))
        note = "95 % intervals of each result" if line.interval is not None else ""
        head(axes, [Heading(title, note)])
        style.say(axes[0], f"{title}: {told_line(labels, along, line)}.")
    return np.array(axes, dtype=object)


def _lines(one: Slice, along: str, ax: Any) -> np.ndarray:
    (dim,) = one.dims
    labels, names = labels_of(one, dim), labels_of(one, along)
    shown = _some(len(names), _MOST_LINES)
    values = one.ds[one.name].transpose(along, dim).values.astype(float)
    ends = _interval(one, along, dim)
    lines = [Line(str(names[i]), values[i], None if ends is None else ends[i]) for i in shown]
    with style.canvas(ax, size=(7.2, 4.2)) as axes:
        colours = style.ordered(len(lines), style.theme_of(axes[0]))
        draw_lines(axes[0], lines, colours, labels, dim)
        parts = [part for line in lines for part in (line.values, line.interval)]
        axes[0].set_ylim(*limits(*parts))
        title = _title(one, along, len(shown))
        note = f"{along}s from first to last"
        note += "; bars: 95 % interval of each" if ends is not None else ""
        head(axes, [Heading(title, note, legend_above(axes[0], columns=5))])
        told = [told_line(labels, dim, line) for line in (lines[0], lines[-1])]
        style.say(axes[0], f"{title}, {len(lines)} lines: {'; '.join(told)}.")
    return np.array(axes, dtype=object)


def _cells(one: Slice, along: str, ax: Any) -> np.ndarray:
    labels, names = [labels_of(one, dim) for dim in one.dims], labels_of(one, along)
    shown = _some(len(names), _MOST_PANELS)
    values = one.ds[one.name].transpose(along, *one.dims).values.astype(float)[shown]
    columns = min(3, len(shown))
    rows, heads = labels
    size = (
        min(14.0, 1.2 + 3.2 * columns),
        (1.8 + 0.24 * max(len(rows), 4)) * -(-len(shown) // columns),
    )
    with style.canvas(ax, panels=len(shown), columns=columns, size=size) as axes:
        low, high = limits(values)
        scale = scale_of(values, style.theme_of(axes[0]), vmin=low, vmax=high)
        drawn = [(Matrix(each, rows, heads), scale) for each in values]
        last = [(at + 1) % columns == 0 or at + 1 == len(drawn) for at in range(len(drawn))]
        keys = [
            draw_cells(own, matrix, scale, one.dims, bar="" if bar else None)
            for own, (matrix, _), bar in zip(axes, drawn, last, strict=True)
        ]
        title = _title(one, along, len(shown))
        texts = [f"{along} {names[i]}" if along == "step" else str(names[i]) for i in shown]
        notes = [title, *("the same scale" for _ in texts[1:])]
        made = zip(texts, notes, keys, strict=True)
        head(axes, [Heading(style.plain(text), note, key) for text, note, key in made])
        write_numbers(axes, drawn)
        for own, text, each in zip(axes, texts, values, strict=True):
            style.say(own, f"{title}, {text}: {told_cells(each, labels, one.dims)}.")
    return np.array(axes, dtype=object)
