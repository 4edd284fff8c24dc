"""Which layers or features a region owes its looks to, beside what they could change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import integer

from .. import style
from .._headings import Heading, head, legend_over
from .._reading import read, short
from .._series import label_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MADE_BY = "probe.lowrank.region_attribution"
_WIDE = 0.38


def plot_attribution(ds: xr.Dataset, ax: Any = None, *, most: int = 16) -> Axes:
    """Shares of the Jacobian's energy and of attributions, by layer of w+ or by feature.

    Where both agree, what can change the region is also what made it; a layer with energy alone
    could change the region but did not make it differ from the baseline.

    Parameters
    ----------
    ds
        Result of `probe.lowrank.region_attribution`.
    ax
        One Axes; a new figure if None.
    most
        Features that are shown where there are no layers: those with the largest shares.

    Returns
    -------
    Axes
        With two bars for each layer or feature.

    Raises
    ------
    TypeError
        If `ds` is no Dataset, or `most` no whole number.
    ValueError
        If it lacks what is drawn.

    Examples
    --------
    >>> share = (("layer", "feature"), [[0.25, 0.25], [0.5, 0.0]])
    >>> ds = xr.Dataset({"energy_share": share, "attribution_share": share, "residual": 0.0})
    >>> [float(bar.get_height()) for bar in plot_attribution(ds).patches]
    [0.5, 0.5, 0.5, 0.5]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close()
    """
    ds = read(ds, ["energy_share", "attribution_share", "residual"], ["feature"], made_by=_MADE_BY)
    integer("most", most, low=1)
    layered = "layer" in ds["energy_share"].dims
    energy, made = (ds[f"{name}_share"] for name in ("energy", "attribution"))
    if layered:
        shares = [each.sum("feature").values for each in (energy, made)]
        labels, axis = list(range(ds.sizes["layer"])), "layer of w+"
    else:
        order = np.argsort(-np.maximum(energy.values, made.values), kind="stable")[:most]
        shares = [each.values[order] for each in (energy, made)]
        labels, axis = order.tolist(), "feature of the latent"
    with style.canvas(ax, size=(6.4, 3.6)) as (panel,):
        colours = style.theme_of(panel)
        names = ("energy: what it could change", "attribution: what it made")
        for i, (name, values) in enumerate(zip(names, shares, strict=True)):
            at = np.arange(len(labels)) + (i - 0.5) * _WIDE
            panel.bar(at, values, _WIDE, color=colours.series[i], label=name)
        if layered:
            label_axis(panel, labels, axis)
        else:  # in no order that would tell those left out
            panel.set_xticks(range(len(labels)), [str(label) for label in labels])
            panel.set_xlabel(axis)
        panel.set_xlim(-0.6, len(labels) - 0.4)
        panel.set_ylabel("share")
        rows = legend_over(panel, panel.get_legend_handles_labels()[0], columns=2)
        missed = short(100 * abs(float(ds["residual"])), 2)
        note = f"Integrated gradients miss {missed} % of the difference from the baseline."
        title = "What the region depends on"
        head([panel], [Heading(title, note, rows)])
        agreement = float(np.minimum(*shares).sum())
        style.say(panel, f"{title}, by {axis}: both share {short(agreement, 2)}. {note}")
    return panel
