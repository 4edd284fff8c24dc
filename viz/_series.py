"""Lines along a labelled axis: intervals, ticks for layers, labels at the ends of lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Place: TypeAlias = Literal["best", "lower left"]

_MOST_TICKS = 13
_MOST_NAMED = 8


class Series(NamedTuple):
    """One line: its name, values (n,), interval (n, 2) or None, colour and marker."""

    name: str
    values: np.ndarray
    interval: np.ndarray | None
    colour: str
    marker: str = "o"


def draw_line(ax: Axes, x: np.ndarray, series: Series, *, band: bool = False) -> None:
    """One series with its interval, as bars or as a band; gaps where it is not finite."""
    if series.interval is not None:
        low, high = np.asarray(series.interval, dtype=float).T
        # Not errorbar: a percentile interval need not hold its estimate, and errorbar refuses that.
        if band:
            ax.fill_between(x, low, high, color=series.colour, alpha=0.14, linewidth=0)
        else:
            ax.vlines(x, low, high, color=series.colour, linewidth=1.3, alpha=0.75)
    ax.plot(
        x,
        series.values,
        color=series.colour,
        marker=series.marker,
        markeredgecolor=style.theme_of(ax).paper,
        markeredgewidth=0.6,
        label=style.plain(series.name),
    )


def dodged(n_points: int, n_series: int, *, width: float = 0.24) -> np.ndarray:
    """Positions (series, point), moved apart lest intervals at one point cover each other.

    Examples
    --------
    >>> dodged(2, 3, width=0.2).round(1).tolist()
    [[-0.1, 0.9], [0.0, 1.0], [0.1, 1.1]]
    """
    shift = np.linspace(-width / 2, width / 2, n_series) if n_series > 1 else np.zeros(1)
    return np.arange(n_points) + shift[:, None]


def label_axis(ax: Axes, labels: Sequence[Any], name: str) -> None:
    """Ticks at 0, 1, ... named by labels: every one, or at even distances where they are many."""
    texts = [style.plain(label) for label in labels]
    step = -(-len(texts) // _MOST_TICKS)
    at = np.arange(0, len(texts), step)
    ax.set_xticks(at, [texts[i] for i in at])
    width, _ = style.size_of(ax)
    # About 5 points to a letter, and 6 between two labels.
    if max(5 * len(texts[i]) + 6 for i in at) * len(at) > width:
        ax.tick_params(axis="x", labelrotation=30)
        for tick in ax.get_xticklabels():
            tick.set(ha="right", rotation_mode="anchor")
    room = 0.5 if len(texts) == 1 else 0.25
    ax.set_xlim(-room, len(texts) - 1 + room)
    ax.set_xlabel(name)


def label_ends(ax: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Names right of the Axes at the ends of lines, moved apart where they would overlap.

    Parameters
    ----------
    ax
        With its limits set.
    ends
        x and y of each line's last point, its name and colour.
    """
    ends = [end for end in ends if np.isfinite(end[1])]
    if not ends:
        return
    _, height = style.size_of(ax)
    wanted = ax.transAxes.inverted().transform(ax.transData.transform([end[:2] for end in ends]))
    for (x, y, name, colour), at in zip(ends, spread(wanted[:, 1], 13 / height), strict=True):
        ax.annotate(
            style.plain(name),
            xy=(x, y),
            xytext=(1.03, at),
            textcoords="axes fraction",
            va="center",
            color=colour,
            fontsize=9,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.7,
                "alpha": 0.6,
                "shrinkA": 1,
                "shrinkB": 4,
            },
        )


def spread(wanted: np.ndarray, gap: float) -> np.ndarray:
    """The positions nearest to those wanted (least squares) that lie at least `gap` apart.

    Examples
    --------
    >>> spread(np.array([0.5, 0.5, 0.9]), 0.2).round(2).tolist()
    [0.4, 0.6, 0.9]
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    moved = np.empty(len(wanted))
    # Taking i gaps off the i-th position turns "at least a gap apart" into "not descending".
    moved[order] = isotonic_regression(wanted[order] - steps).x + steps
    return moved


def legend_above(ax: Axes, *, columns: int = 4) -> int:
    """The names of the series between the title and the Axes, where no data can lie: its rows."""
    handles, names = ax.get_legend_handles_labels()
    ax.legend(
        handles,
        names,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=min(columns, len(names)),
        borderaxespad=0.1,
        handlelength=1.2,
        columnspacing=1.2,
        handletextpad=0.5,
        labelspacing=0.3,
        labelcolor=style.theme_of(ax).ink,
    )
    return -(-len(names) // columns)


def depth_legend(ax: Axes, labels: Sequence[Any], *, loc: Place, columns: int = 1) -> None:
    """A legend of layers in order; of many, some at even distances stand for all."""
    lines = {line.get_label(): line for line in ax.get_lines()}
    some = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), _MOST_NAMED)).round())
    names = [style.plain(labels[int(i)]) for i in some]
    legend = ax.legend(
        [lines[name] for name in names],
        names,
        title="layer",
        loc=loc,
        ncols=columns,
        handlelength=1.2,
        labelspacing=0.3,
        labelcolor=style.theme_of(ax).ink,
    )
    legend.get_title().set(color=style.theme_of(ax).soft, fontsize=8.5)
