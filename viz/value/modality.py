"""What the pool position attends to: text, image and special marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head, legend_over
from .._reading import read, short
from .._series import label_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = {
    "mass": ("Attention mass", "mass"),
    "per_token": ("Mass per token", "times even attention"),
}
_NOTE = "Bars: mean over heads. Dots: heads."
_WIDTH = 0.8  # of a layer's place, by its bars


def plot_modality(ds: xr.Dataset, ax: Any = None) -> np.ndarray:
    """How much of the pool position's attention goes to each modality, layer by layer.

    Left the mass; right the mass over that of attention spread evenly over all positions, since a
    model has more of one modality than of the other. Bars are means over heads, dots the heads; a
    cross is where a layer cannot attend to that modality.

    Parameters
    ----------
    ds
        Result of `probe.value.modality_importance`.
    ax
        Two Axes; a new figure if None.

    Returns
    -------
    np.ndarray
        (2,) of Axes: mass, mass per token.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If the result lacks what is drawn.

    Examples
    --------
    >>> values = (("layer", "head", "modality"), [[[0.3, 0.5, 0.2], [0.1, 0.7, 0.2]]])
    >>> ds = xr.Dataset({"mass": values, "per_token": values}, {"layer": [0], "head": [0, 1]})
    >>> axes = plot_modality(ds.assign_coords(modality=["text", "image", "special"]))
    >>> [round(float(bar.get_height()), 2) for bar in axes[0].patches]
    [0.2, 0.6, 0.2]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(axes[0].figure)
    """
    dims = ["layer", "head", "modality"]
    ds = read(ds, list(_PANELS), dims, made_by="probe.value.modality_importance")
    width = min(max(8.4, 2 * (1.4 + 0.42 * ds.sizes["layer"])), 15.0)
    with style.canvas(ax, panels=2, columns=2, size=(width, 3.9)) as axes:
        drawn = [_draw(own, ds, name) for own, name in zip(axes, _PANELS, strict=True)]
        head(axes, drawn)
    return np.array(axes, dtype=object)


def _draw(ax: Axes, ds: xr.Dataset, name: str) -> Heading:
    from matplotlib.lines import Line2D

    colours = style.theme_of(ax)
    title, label = _PANELS[name]
    layers, modalities = ds["layer"].values.tolist(), ds["modality"].values.tolist()
    values = ds[name].transpose("modality", "layer", "head").values.astype(float)
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    mean = np.where(count > 0, np.nansum(values, axis=-1) / np.maximum(count, 1), np.nan)
    step = _WIDTH / len(modalities)
    said = []
    for i, modality in enumerate(modalities):
        x = np.arange(len(layers)) + (i - (len(modalities) - 1) / 2) * step
        some = count[i] > 0
        colour = colours.series[i % len(colours.series)]
        ax.bar(
            x[some],
            mean[i, some],
            width=0.9 * step,
            color=colour,
            alpha=0.55,
            linewidth=0,
            label=style.plain(modality),
        )
        at = np.broadcast_to(x[:, None], values[i].shape)
        ax.plot(
            at[known[i]],
            values[i][known[i]],
            linestyle="none",
            marker=style.MARKERS[i % 8],
            markersize=2.6,
            color=colours.ink,
            markeredgewidth=0,
            alpha=0.75,
            label=f"heads of {modality}",
        )
        if not some.all():
            zero = np.zeros((~some).sum())
            ax.plot(
                x[~some],
                zero,
                linestyle="none",
                marker="x",
                color=colour,
                markersize=4,
                clip_on=False,
                label=f"{modality}, not applicable",
            )
        said.append(f"{modality} {', '.join(short(value) for value in mean[i])}")
    if name == "per_token":
        ax.axhline(1, color=colours.ink, linewidth=1.0, linestyle=(0, (4, 3)), zorder=3)
    label_axis(ax, layers, "layer")
    ax.set_xlim(-0.6, len(layers) - 0.4)
    ax.set_ylim(bottom=0)
    ax.set_ylabel(label)
    handles: list[Any] = [bars for bars in ax.containers if bars.get_label()]
    if (count == 0).any():
        sign: dict[str, Any] = {"linestyle": "none", "marker": "x", "color": colours.soft}
        handles.append(Line2D([], [], label="not applicable", **sign))
    rows = legend_over(ax, handles, columns=4)
    heads = f"mean over {ds.sizes['head']} heads"
    style.say(ax, f"{title} of the pool position, {heads}, by layer: {'; '.join(said)}.")
    note = f"{_NOTE} Dashed: even." if name == "per_token" else _NOTE
    return Heading(title, note, rows)
