"""The distribution of cosines between sentences, before and after whitening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._reading import chosen, read, short
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
    [0.0, 1.0]
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
            told = f"{name}, average {short(average, 2)}"
            own.stairs(density, edges, fill=True, color=colour, alpha=0.22 if len(names) < 4 else 0)
            own.stairs(density, edges, color=colour, linewidth=1.5, label=style.plain(told))
            own.axvline(average, color=colour, linewidth=1.0, linestyle=(0, (4, 3)))
            said.append(told)
            top = max(top, float(density.max()))
            lows.append(edges[:-1][density > 0.002 * density.max()].min(initial=1.0))
        # Cosines near -1 hardly occur; the empty part of the axis is left out.
        own.set_xlim(max(-1.0, float(np.floor(10 * min(lows)) / 10)), 1.0)
        own.set_ylim(0, top * 1.08)
        own.set(xlabel="cosine of two sentences", ylabel="density")
        legend = own.legend(loc="best", handlelength=1.2, labelcolor=colours.ink)
        legend.set_zorder(5)
        style.title(own, f"Cosines between sentences, layer {style.plain(label)}")
        style.say(own, f"Histogram of cosines between sentences of layer {label}: {'; '.join(said)}.")
    return own


def before_after(ds: xr.Dataset) -> list[str]:
    """Raw embeddings and full whitening, where the result holds both; else all its transforms."""
    known = ds["transform"].values.tolist()
    return ["raw", "whiten"] if {"raw", "whiten"} <= set(known) else known
