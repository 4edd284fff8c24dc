"""Does a picture depend on what the model learned? The model-randomisation check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head, legend_over
from .._reading import bounds_of, chosen, read, short
from .._series import Series, draw_line, label_axis
from .reading import MADE_BY, depth_names, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_randomisation(
    ds: xr.Dataset, ax: Any = None, *, layer: str | None = None, methods: Any = None
) -> Axes:
    """Rank correlation with the model's own attribution while its weights are drawn anew.

    From the output down, one module after the other is re-initialised (Adebayo et al. 2018). A line
    that stays near 1 is a picture of the input, not of what the model learned; where it comes down
    to 0 the attribution depends on the weights, which does not yet make it right.

    Parameters
    ----------
    ds
        Result of `probe.attribution.grid`.
    ax
        One Axes; a new figure if None.
    layer
        Which layer; the first if None.
    methods
        Names; all that have a curve if None.

    Returns
    -------
    Axes
        With one line for each method.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it lacks what is drawn, or there is no such layer or method.
    """
    ds = read(ds, ["randomised"], ["algorithm", "layer"], made_by=MADE_BY)
    at = chosen(ds, "layer", layer)[0]
    kept_methods = chosen(ds, "algorithm", methods, name="methods")
    ds = ds.sel(layer=at, algorithm=kept_methods)
    curves = ds["randomised"].transpose("algorithm", "depth").values
    kept = np.flatnonzero(np.isfinite(curves).any(axis=1))
    bounds = bounds_of(ds, "randomised")
    steps = depth_names(ds)
    with style.canvas(ax, size=(7.2, 4.2)) as (panel,):
        colours = style.theme_of(panel)
        said = []
        for place, i in enumerate(kept):
            name = str(ds["algorithm"].values[i])
            interval = None
            if bounds is not None:
                interval = bounds.isel(algorithm=i).transpose("depth", "bound").values
            look = place % 8
            tone = colours.other if name == "random" else colours.series[look]
            marker = style.MARKERS[8 if name == "random" else look]
            series = Series(spoken(name), curves[i], interval, tone, marker)
            draw_line(panel, np.arange(len(steps)), series, band=True)
            said.append(f"{spoken(name)} {', '.join(short(float(v), 2) for v in curves[i])}")
        panel.axhline(0, color=colours.soft, linewidth=1.0, zorder=1)
        label_axis(panel, steps, "drawn anew, from the output down to")
        panel.set_ylabel("rank correlation")
        rows = legend_over(panel, panel.get_legend_handles_labels()[0], columns=4)
        title = "Does it depend on what the model learned?"
        note = f"Layer {at}. Near 1 to the end: the same picture for random weights."
        style.say(panel, f"{title} {note} From {steps[0]} to {steps[-1]}: {'; '.join(said)}.")
        head([panel], [Heading(title, note, rows)])
    return panel
