"""What whitening does to one layer, in one row: cosines, and the map before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from probe._check import refuse

from .. import style
from .._reading import chosen, read
from .cosines import before_after, plot_cosines
from .maps import draw_map, legend_of_labels
from .spectrum import middle


def plot_effect(
    ds: xr.Dataset,
    ax: Any = None,
    *,
    layer: Any = None,
    transforms: Sequence[str] | None = None,
    projection: str | None = None,
) -> np.ndarray:
    """Cosines before and after a transform, and the map of the sample before and after.

    Parameters
    ----------
    ds
        Result of `probe.whitening.whitening_effect`.
    ax
        Three Axes; a new figure if None.
    layer
        Its layer; the middle one if None.
    transforms
        Two, before and after; raw embeddings and full whitening (else the first and the last
        transform) if None.
    projection
        Of the maps; the first of the result if None.

    Returns
    -------
    np.ndarray
        (3,) of Axes.

    Raises
    ------
    ValueError
        If the result lacks what is drawn, a name is unknown, or there are not two transforms.
    """
    made_by = "probe.whitening.whitening_effect"
    needed = ["cosine_density", "average_cosine", "map", "trustworthiness"]
    ds = read(ds, needed, ["layer", "transform", "projection"], made_by=made_by)
    (label,) = chosen(ds, "layer", middle(ds) if layer is None else layer)
    names = before_after(ds) if transforms is None else list(transforms)
    if transforms is None:
        names = [names[0], names[-1]]
    names = chosen(ds, "transform", names, name="transforms")
    if len(names) != 2 or names[0] == names[1]:
        refuse("transforms", "name two transforms, before and after", names)
    shown = ds["projection"].values[0] if projection is None else projection
    (flat,) = chosen(ds, "projection", shown)
    with style.canvas(ax, panels=3, columns=3, size=(12.4, 3.8)) as axes:
        plot_cosines(ds, label, names, ax=axes[0])
        for own, name in zip(axes[1:], names, strict=True):
            one = ds.sel(layer=label, transform=name, projection=flat)
            draw_map(own, one, heading=style.plain(name))
        legend_of_labels(axes[-1])
    return np.array(axes, dtype=object)
