"""How much conflict random splits of one graph have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import read, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = {
    "graph_totoro": ("Conflict of splits", "sum of T over labelled nodes"),
    "mean_conflict_share": ("Share of other classes", "mean conflict share"),
}
_KINDS = ("easiest", "median", "hardest")


def plot_splits(ds: xr.Dataset, ax: Any = None) -> np.ndarray:
    """Histograms of the sum of T and of the mean conflict share, with three splits marked.

    Parameters
    ----------
    ds
        Result of `probe.totoro.scan_splits`; its attrs ``easiest``, ``median`` and ``hardest``
        are positions of splits by their sum of T.
    ax
        Two Axes; a new figure if None.

    Returns
    -------
    np.ndarray
        (2,) of Axes: the sum, the share.

    Raises
    ------
    ValueError
        If the result lacks what is drawn.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {
    ...         "graph_totoro": ("split", [0.2, 0.1, 0.4]),
    ...         "mean_conflict_share": ("split", [0.3, 0.2, 0.3]),
    ...     },
    ...     attrs={"easiest": 1, "median": 0, "hardest": 2},
    ... )
    >>> axes = plot_splits(ds)
    >>> sum(int(bar.get_height()) for bar in axes[0].patches)
    3
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(axes[0].figure)
    """
    ds = read(ds, list(_PANELS), ["split"], made_by="probe.totoro.scan_splits")
    with style.canvas(ax, panels=2, columns=2, size=(10.4, 3.9)) as axes:
        drawn = [_draw(own, ds, name) for own, name in zip(axes, _PANELS, strict=True)]
        head(axes, drawn)
    return np.array(axes, dtype=object)


def _draw(ax: Axes, ds: xr.Dataset, name: str) -> Heading:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    colours = style.theme_of(ax)
    values = ds[name].values.astype(float)
    # Rice's rule: even bins that neither hide the tail nor count single splits.
    bins = int(np.clip(np.ceil(2 * len(values) ** (1 / 3)), 5, 40))
    heights, edges, _ = ax.hist(
        values, bins=bins, color=colours.series[0], edgecolor=colours.paper, linewidth=0.8
    )
    top = float(np.max(heights))
    marked = []
    for i, kind in enumerate(_KINDS):
        at = ds.attrs.get(kind)
        if at is None:
            continue
        value = float(values[int(at)])
        # Three heights: the three may lie close to each other.
        height = top * (1.06 + 0.13 * i)
        ax.vlines(value, 0, height, color=colours.ink, linewidth=1.2, linestyle=(0, (3, 2)))
        ax.plot(value, height, marker=style.MARKERS[i], color=colours.ink, label=kind)
        left = value > (edges[0] + edges[-1]) / 2
        ax.annotate(
            f"{kind}, split {int(at)}: {short(value)}",
            xy=(value, height),
            xytext=(-7 if left else 7, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            color=colours.ink,
            fontsize=8.5,
            # The line of another split may run behind.
            bbox={"boxstyle": "square,pad=0.1", "color": colours.paper},
            zorder=5,
        )
        marked.append(f"{kind} split {int(at)} {short(value)}")
    ax.set_ylim(0, top * 1.42)
    ax.set(xlabel=_PANELS[name][1], ylabel="splits")
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, 4)))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    middle, spread = float(values.mean()), float(values.std())
    note = f"{len(values):,} splits, mean {short(middle)}, standard deviation {short(spread)}."
    style.say(
        ax,
        f"Histogram of the {_PANELS[name][1]}: {note} From {short(values.min())} to "
        f"{short(values.max())}{'; ' if marked else ''}{', '.join(marked)}.",
    )
    return Heading(_PANELS[name][0], note)
