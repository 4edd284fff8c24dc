"""The distribution of cosines between sentences, before and after whitening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._reading import chosen, read
from .._series import legend_above
from .spectrum import middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_cosines(
    ds: xr.Dataset,
    layer: Any = None,
    transforms: Sequence[str] | None = None,
    *,
    ax: Any = None,
) -> Axes:
    """Histograms of the cosine of random pairs of sentences, one for each transform of a layer.

    Parameters
    ----------
    ds
        Result of `probe.whitening.whitening_effect` or `effect_of`.
    layer
        Its layer; the middle one if None.
    transforms
        Those to draw; raw embeddings and full whitening if None and they are there, else all.
    ax
        Axes to draw on; a new figure if None.

    Raises
    ------
    ValueError
        If the result holds no cosines, or the layer or a transform is unknown.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {
    ...         "cosine_density": (("layer", "transform", "bin"), [[[0.0, 1.0], [0.5, 0.5]]]),
    ...         "average_cosine": (("layer", "transform"), [[0.5, 0.0]]),
    ...     },
    ...     {"layer": [1], "transform": ["raw", "whiten"], "bin": [-0.5, 0.5]},
    ... )
    >>> ax = plot_cosines(ds, 1)
    >>> ax.patches[0].get_data().values.tolist()
    [1.0]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    made_by = "probe.whitening.whitening_effect"
    needed = ["cosine_density", "average_cosine"]
    ds = read(ds, needed, ["layer", "transform"], made_by=made_by)
    (label,) = chosen(ds, "layer", middle(ds) if layer is None else layer)
    names = before_after(ds) if transforms is None else transforms
    names = chosen(ds, "transform", names, name="transforms")
    centres = ds["bin"].values
    half = (centres[1] - centres[0]) / 2
    edges = np.append(centres - half, centres[-1] + half)
    with style.canvas(ax, size=(6.4, 3.4)) as (own,):
        colours = style.theme_of(own)
        said, top, lows = [], 0.0, []
        for i, name in enumerate(names):
            one = ds.sel(layer=label, transform=name)
            density, average = one["cosine_density"].values, float(one["average_cosine"])
            colour = (*colours.series, colours.other)[min(i, len(colours.series))]
            told = f"{name}, average {_two_decimals(average)}"
            # Empty bins at either end would be drawn as a line along the axis.
            first, last = np.flatnonzero(density)[[0, -1]]
            step = density[first : last + 1], edges[first : last + 2]
            if len(names) < 4:
                own.stairs(*step, fill=True, color=colour, alpha=0.22)
            dash = style.DASHES[min(i, 8)]
            own.stairs(*step, color=colour, lw=1.5, ls=dash, label=style.plain(told))
            own.axvline(average, color=colour, linewidth=1.0, linestyle=(0, (4, 3)))
            said.append(told)
            top = max(top, float(density.max()))
            lows.append(edges[first])
        # Cosines near -1 hardly occur; the empty part of the axis is left out.
        own.set_xlim(max(-1.0, float(np.floor(10 * min(lows)) / 10)), 1.0)
        own.set_ylim(0, top * 1.08)
        own.set(xlabel="cosine of two sentences", ylabel="density")
        rows = legend_above(own, columns=2)
        style.title(own, f"Layer {style.plain(label)}: cosines between sentences", lift=13 * rows)
        style.say(
            own, f"Histogram of cosines between sentences of layer {label}: {'; '.join(said)}."
        )
    return own


def _two_decimals(value: float) -> str:
    """Without the sign that a small negative number would leave before 0.00."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def before_after(ds: xr.Dataset) -> list[str]:
    """Raw embeddings and full whitening, where the result holds both; else all its transforms."""
    known = ds["transform"].values.tolist()
    return ["raw", "whiten"] if {"raw", "whiten"} <= set(known) else known
