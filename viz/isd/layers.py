"""ISD by layer, beside what permuted links give and how even the relations are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import read
from .._series import Series, dodged, draw_line, label_axis
from ..value.lines import draw_curves, legend_of_curves, told_curves
from .curves import (
    MADE_BY,
    PERMUTED,
    TRUE,
    curve_of,
    even,
    from_zero,
    p_of,
    told_gap,
    write_p,
    zero_line,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_isd(ds: xr.Dataset, ax: Any = None) -> np.ndarray:
    """ISD of the mean over heads by layer, the gap to permuted links with p, and the entropy.

    An ISD says little alone: even attention has an ISD of almost 0. What links explain is the gap
    between both curves of the first panel, drawn by itself in the second as a share of the ISD of
    permuted links. The third shows how even relations are; near 1 they say nothing at all.

    Parameters
    ----------
    ds
        Result of `probe.isd.isd`.
    ax
        Two Axes, three where the result has the entropy; a new figure if None.

    Returns
    -------
    np.ndarray
        (panel,) of Axes: ISD, gap, and the entropy where `ds` holds it.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it lacks ISD, permuted links or the gap by layer, or there is not one Axes a panel.

    Examples
    --------
    >>> found = {"isd": [0.3, 0.4], "permuted": [0.3, 0.8], "gap": [0.0, 0.5]}
    >>> ds = xr.Dataset({name: ("layer", each) for name, each in found.items()}, {"layer": [0, 1]})
    >>> isd, gap = plot_isd(ds)
    >>> isd.get_lines()[0].get_ydata().tolist()
    [0.3, 0.4]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(isd.figure)
    """
    ds = read(ds, ["isd", "permuted", "gap"], ["layer"], made_by=MADE_BY)
    count = 3 if "entropy" in ds else 2
    with style.canvas(ax, panels=count, columns=count, size=(3.8 * count, 3.8)) as axes:
        drawn = [_draw_isd(axes[0], ds), _draw_gap(axes[1], ds)]
        if count == 3:
            drawn.append(_draw_entropy(axes[2], ds))
        head(axes, even(drawn))
    return np.array(axes, dtype=object)


def _draw_isd(ax: Axes, ds: xr.Dataset) -> Heading:
    colours, layers = style.theme_of(ax), ds["layer"].values.tolist()
    curves = [
        curve_of(ds, "isd", TRUE, colours.series[0], style.MARKERS[0]),
        curve_of(ds, "permuted", PERMUTED, colours.soft, style.MARKERS[2]),
    ]
    draw_curves(ax, layers, curves)
    from_zero(ax)
    ax.set_ylabel("ISD")
    rows = legend_of_curves(ax)
    style.say(ax, f"ISD by layer: {told_curves(layers, curves)} 0: the same relations.")
    counted = f" {int(ds['n_pairs']):,} pairs." if "n_pairs" in ds else ""
    return Heading("Words against regions", f"Mean over heads. 0: same relations.{counted}", rows)


def _draw_gap(ax: Axes, ds: xr.Dataset) -> Heading:
    colours, layers = style.theme_of(ax), ds["layer"].values.tolist()
    curve = curve_of(ds, "gap", "gap", colours.series[0], style.MARKERS[0])
    draw_curves(ax, layers, [curve])
    zero_line(ax)
    ax.set_ylabel("gap")
    p = p_of(ds)
    star = p is not None and not write_p(ax, curve, p)
    said = f"{told_curves(layers, [curve])} {told_gap(layers, curve.values, p)}"
    style.say(ax, f"Share of the ISD that links explain: {said}")
    note = f"(permuted − true) / permuted. 0: nothing.{' *: p < .05.' if star else ''}"
    return Heading("What links explain", note)


def _draw_entropy(ax: Axes, ds: xr.Dataset) -> Heading:
    colours, layers = style.theme_of(ax), ds["layer"].values.tolist()
    entropy = ds["entropy"].transpose("modality", "layer", ...).values.astype(float)
    names = [str(name) for name in ds["modality"].values]
    said = []
    flat = entropy.reshape(len(names), len(layers), -1)
    for i, (name, x) in enumerate(
        zip(names, dodged(len(layers), len(names), width=0.12), strict=True)
    ):
        absent = ~np.isfinite(flat[i]).any(axis=-1)
        rows = np.where(absent[:, None], 0.0, flat[i])
        mean, low, high = (f(rows, axis=-1) for f in (np.nanmean, np.nanmin, np.nanmax))
        for each in (mean, low, high):
            each[absent] = np.nan
        ends = np.stack([low, high], axis=-1) if flat.shape[-1] > 1 else None
        series = Series(name, mean, ends, colours.series[i + 1], style.MARKERS[i + 1])
        draw_line(ax, x, series)
        said.append(f"{name} {', '.join(f'{value:.2f}' for value in mean)}")
    label_axis(ax, layers, "layer")
    low, _ = ax.get_ylim()
    ax.set_ylim(max(0.0, low), 1.03)
    ax.axhline(1, color=colours.soft, linewidth=1.0, zorder=1)
    ax.set_ylabel("entropy / log K")
    rows = legend_of_curves(ax)
    style.say(ax, f"Entropy of relations by layer, mean over heads: {'; '.join(said)}. 1: even.")
    return Heading("How even relations are", "Lines: range over heads. 1: even, no relation.", rows)
