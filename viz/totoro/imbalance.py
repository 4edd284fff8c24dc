"""The imbalance of one split at a glance."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import head
from .._reading import read
from .classes import MADE_BY
from .conflict import draw_conflict
from .matrix import draw_class_conflict


def plot_imbalance(ds: xr.Dataset, ax: Any = None) -> np.ndarray:
    """Conflict of the labelled nodes with their weights, and conflict between classes.

    Parameters
    ----------
    ds
        Result of `probe.totoro.topology_imbalance`.
    ax
        Two Axes; a new figure if None.

    Returns
    -------
    np.ndarray
        (2,) of Axes; see `plot_conflict` and `plot_class_conflict`.

    Raises
    ------
    ValueError
        If the result lacks what is drawn, or no node is labelled.

    Examples
    --------
    >>> from probe.totoro import topology_imbalance
    >>> path = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> axes = plot_imbalance(topology_imbalance(path, [0, 0, 0, 1], [0, 2, 3]))
    >>> [ax.get_title(loc="left") for ax in axes]
    ['Conflict of 3 labelled nodes', 'Conflict between classes']
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(axes[0].figure)
    """
    needed = ["totoro", "weight", "label_of", "class_conflict"]
    ds = read(ds, needed, ["label", "label_other"], made_by=MADE_BY)
    with style.canvas(ax, panels=2, columns=2, size=(12.8, 4.8)) as axes:
        head(axes, [draw_conflict(axes[0], ds), draw_class_conflict(axes[1], ds)])
    return np.array(axes, dtype=object)
