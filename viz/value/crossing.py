"""Heads that look across to the other modality."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import read
from .choosing import arrow, matrix_of
from .matrix import draw_matrix, told, write_numbers
from .scale import scale_of

_HALF = 0.5


def plot_cross_modal(ds: xr.Dataset, ax: Any = None) -> np.ndarray:
    """How often positions attend mostly to the other modality, for each head and direction.

    Both directions share one scale from 0 to 1; rings are heads that look across more often than
    not.

    Parameters
    ----------
    ds
        Result of `probe.value.cross_modal`.
    ax
        One Axes for each direction; a new figure if None.

    Returns
    -------
    np.ndarray
        (direction,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If the result lacks the probability.

    Examples
    --------
    >>> values = (("layer", "head", "direction"), [[[0.9, 0.1], [0.2, 0.4]]])
    >>> ds = xr.Dataset({"probability": values}, {"layer": [0], "head": [0, 1]})
    >>> axes = plot_cross_modal(ds.assign_coords(direction=["text->image", "image->text"]))
    >>> len(axes)
    2
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(axes[0].figure)
    """
    dims = ["layer", "head", "direction"]
    ds = read(ds, ["probability"], dims, made_by="probe.value.cross_modal")
    labels = ds["direction"].values.tolist()
    count = len(labels)
    size = ((2.0 + 0.42 * ds.sizes["head"]) * count, max(3.2, 1.7 + 0.28 * ds.sizes["layer"]))
    size = (max(size[0], 4.6 * count), size[1])
    with style.canvas(ax, panels=count, columns=count, size=size) as axes:
        scale = scale_of([], style.theme_of(axes[0]), vmin=0.0, vmax=1.0)
        drawn, tables = [], []
        for own, label in zip(axes, labels, strict=True):
            table = matrix_of(ds.sel(direction=label), "probability")
            over = np.nan_to_num(table.values) > _HALF
            table = table._replace(ringed=over, mark_names=("more often than not", "chosen"))
            bar = "probability" if own is axes[-1] else None
            tables.append((table, scale))
            legend = draw_matrix(own, table, scale, bar=bar)
            title = f"Looking across, {arrow(label)}"
            drawn.append(
                Heading(title, "Share of positions that attend mostly to the other.", legend)
            )
            style.say(own, told(table, f"{title}, probability"))
        head(axes, drawn)
        write_numbers(axes, tables)
    return np.array(axes, dtype=object)
