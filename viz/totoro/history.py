"""One training of a graph neural network: its loss, and what it scores on other nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._reading import read, short
from .._series import legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOSSES = {"loss": "training", "valid_loss": "validation"}
_SCORES = {"weighted_f1": "Weighted-F1", "macro_f1": "Macro-F1"}
_PARTS = {"valid": "validation", "test": "test"}


def plot_history(ds: xr.Dataset, ax: Any = None) -> np.ndarray:
    """The losses, and F1 of validation and test nodes, along the epochs.

    Parameters
    ----------
    ds
        Result of `probe.subjects.graph.train_gnn`. The epoch that is judged is marked where the
        result has it (``best_step``).
    ax
        Two Axes; a new figure if None.

    Returns
    -------
    np.ndarray
        (2,) of Axes: loss, F1.

    Raises
    ------
    ValueError
        If the result holds no loss or no F1 along ``step``.

    Examples
    --------
    >>> curves = {"loss": ("step", [1.9, 0.7]), "valid_weighted_f1": ("step", [0.3, 0.8])}
    >>> axes = plot_history(xr.Dataset(curves, {"step": [1, 2]}))
    >>> [axes[0].get_lines()[0].get_ydata().tolist(), axes[1].get_lines()[0].get_ydata().tolist()]
    [[1.9, 0.7], [0.3, 0.8]]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(axes[0].figure)
    """
    needed = ["loss", "valid_weighted_f1"]
    ds = read(ds, needed, ["step"], made_by="probe.subjects.graph.train_gnn")
    losses = {name: title for name, title in _LOSSES.items() if name in ds}
    scores = {
        f"{part}_{score}": f"{part_title} {title}"
        for part, part_title in _PARTS.items()
        for score, title in _SCORES.items()
        if f"{part}_{score}" in ds
    }
    with style.canvas(ax, panels=2, columns=2, size=(10.4, 3.9)) as axes:
        rows = [
            _draw(axes[0], ds, losses, "Loss", "nat"),
            _draw(axes[1], ds, scores, "F1", "F1"),
        ]
        words = f"Dotted: the epoch judged, {int(ds['best_step'])}." if "best_step" in ds else ""
        for own, heading in zip(axes, ("Loss", "F1"), strict=True):
            own.set_ylim(bottom=0)
            style.title(own, heading, words, lift=13 * max(rows))
    return np.array(axes, dtype=object)


def _draw(ax: Axes, ds: xr.Dataset, curves: dict[str, str], heading: str, unit: str) -> int:
    """The curves and their legend; gives the legend's rows."""
    from matplotlib.ticker import MaxNLocator

    colours = style.theme_of(ax)
    steps = ds["step"].values
    best = int(ds["best_step"]) if "best_step" in ds else None
    said = []
    for i, (name, title) in enumerate(curves.items()):
        values = ds[name].values.astype(float)
        # The same score has the same dashes on validation and test nodes.
        dashes = "--" if name.endswith("macro_f1") else "-"
        colour = colours.series[1 if name.startswith("valid") else 0 if i == 0 else 2]
        ax.plot(steps, values, color=colour, linestyle=dashes, linewidth=1.4, label=title)
        now = "" if best is None else f", {short(values[steps == best][0])} at epoch {best}"
        said.append(f"{title} {short(values[0])} to {short(values[-1])}{now}")
    if best is not None:
        ax.axvline(best, color=colours.soft, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
    ax.set(xlabel="epoch", ylabel=unit)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    rows = legend_above(ax, columns=2)
    style.say(ax, f"{heading} along {len(steps)} epochs: {'; '.join(said)}.")
    return rows
