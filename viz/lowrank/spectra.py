"""Eigenvalues of a region's Gram matrix and of the rest's, and how many directions are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import integer

from .. import style
from .._headings import Heading, head, legend_over
from .._reading import read, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MADE_BY = "probe.lowrank.region_directions"
_LOWEST = 1e-9  # of the largest eigenvalue: below lies rounding


def plot_spectra(ds: xr.Dataset, ax: Any = None, *, most: int = 40) -> Axes:
    """Eigenvalues of both Gram matrices from the largest down, with the rank that was taken.

    Where the region's eigenvalues stand above the rest's, some direction changes the region more;
    which one is not seen here, since the two have different eigenvectors.

    Parameters
    ----------
    ds
        Result of `probe.lowrank.region_directions`.
    ax
        One Axes; a new figure if None.
    most
        Eigenvalues that are shown, at least 1. Those below 1e-9 of the largest are rounding and
        are left out.

    Returns
    -------
    Axes
        With one line for the region and one for the rest.

    Raises
    ------
    TypeError
        If `ds` is no Dataset, or `most` no whole number.
    ValueError
        If `ds` lacks what is drawn.

    Examples
    --------
    >>> values = ("component", [1.0, 0.5])
    >>> ds = xr.Dataset({"spectrum_inside": values, "spectrum_outside": values}, attrs={"rank": 1})
    >>> ax = plot_spectra(ds)
    >>> len(ax.lines)
    3
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    from matplotlib.ticker import MaxNLocator

    ds = read(ds, ["spectrum_inside", "spectrum_outside"], ["component"], made_by=_MADE_BY)
    count = min(integer("most", most, low=1), ds.sizes["component"])
    inside, outside = (
        ds[f"spectrum_{side}"].values[:count].astype(float) for side in ("inside", "outside")
    )
    top = float(np.nanmax([inside[0], outside[0]]))
    known = np.flatnonzero(np.maximum(inside, outside) > _LOWEST * top)
    rank = int(ds.attrs.get("rank", 0))
    count = min(count, max(int(known.max(initial=0)) + 1, rank + 2))
    inside, outside = inside[:count], outside[:count]
    with style.canvas(ax, size=(6.4, 3.8)) as (panel,):
        colours = style.theme_of(panel)
        at = np.arange(1, count + 1)
        signs = {"region": (inside, 0), "rest": (outside, 1)}
        for name, (values, i) in signs.items():
            shown = np.where(values > _LOWEST * top, values, np.nan)
            panel.plot(
                at,
                shown,
                color=colours.series[i],
                marker=style.MARKERS[i],
                markersize=4,
                label=name,
            )
        panel.set_yscale("log")
        panel.set_xlim(0.3, count + 0.7)
        panel.set_xlabel("eigenvalue, from the largest")
        panel.set_ylabel("mean square change")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        if rank:
            _draw_cut(panel, rank, count, colours)
        rows = legend_over(panel, panel.get_lines()[:2])
        reason = str(ds.attrs.get("rank_reason", ""))
        note = f"Rank {rank}: {style.plain(reason)}." if reason else ""
        head([panel], [Heading("What a unit step changes", note, rows)])
        style.say(
            panel,
            f"Eigenvalues of the region from {short(inside[0])} down to {short(inside[-1])}, of the"
            f" rest from {short(outside[0])} to {short(outside[-1])}. {note}",
        )
    return panel


def _draw_cut(panel: Axes, rank: int, count: int, colours: style.Theme) -> None:
    at = min(rank, count) + 0.5
    panel.axvline(at, color=colours.ink, linewidth=1.2, linestyle=(0, (4, 3)))
    late = at > 0.7 * count
    panel.annotate(
        f"rank {rank}",
        xy=(at, 1),
        xycoords=panel.get_xaxis_transform(),
        xytext=(-5 if late else 5, -3),
        textcoords="offset points",
        ha="right" if late else "left",
        va="top",
        color=colours.ink,
        fontsize=8.5,
    )
