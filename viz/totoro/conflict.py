"""The conflict of every labelled node, in order, and the weight that ReNode makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import refuse

from .. import style
from .._headings import Heading, head
from .._reading import read, short
from .classes import MADE_BY, class_names, legend_of_classes, sign_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_conflict(ds: xr.Dataset, ax: Any = None) -> Axes:
    """T of the labelled nodes in ascending order, by class, and the curve of their weights.

    Hollow marks are nodes whose component holds no labelled node of another class: their T is 0
    because nobody is met, and their weight is the largest all the same.

    Parameters
    ----------
    ds
        Result of `probe.totoro.topology_imbalance`.
    ax
        Axes to draw on; a new figure if None.

    Raises
    ------
    ValueError
        If the result lacks conflict, weights or classes, or no node is labelled.

    Examples
    --------
    >>> from probe.totoro import topology_imbalance
    >>> path = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> ax = plot_conflict(topology_imbalance(path, [0, 0, 0, 1], [0, 2, 3]))
    >>> ax.get_title(loc="left")
    'Conflict of 3 labelled nodes'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    ds = read(ds, ["totoro", "weight", "label_of"], made_by=MADE_BY)
    with style.canvas(ax, size=(7.4, 4.2)) as (own,):
        head([own], [draw_conflict(own, ds)])
    return own


def draw_conflict(ax: Axes, ds: xr.Dataset) -> Heading:
    """The picture of `plot_conflict` on an Axes; gives its heading."""
    from matplotlib.ticker import FuncFormatter

    colours = style.theme_of(ax)
    values, weight = ds["totoro"].values.astype(float), ds["weight"].values.astype(float)
    labelled = np.flatnonzero(np.isfinite(values))
    if not len(labelled):
        refuse("ds", "hold conflict of at least one labelled node", "none that is finite")
    order = labelled[np.argsort(values[labelled], kind="stable")]
    # Equal T, equal weight: only among them does the order mean nothing.
    label, heights, weights = ds["label_of"].values[order], values[order], weight[order]
    alone = _alone(ds)[order]
    names = class_names(ds)
    codes = sorted(set(label.tolist()))
    for code in codes:
        sign = sign_of(code, colours)
        at = np.flatnonzero(label == code)
        ax.scatter(
            at,
            heights[at],
            s=24,
            marker=sign.marker,
            facecolor=[colours.paper if hollow else sign.colour for hollow in alone[at]],
            edgecolor=[sign.colour if hollow else colours.paper for hollow in alone[at]],
            linewidth=[1.1 if hollow else 0.4 for hollow in alone[at]],
            zorder=3,
            clip_on=False,
            label=names[code] if code >= 0 else "no known class",
        )
    top = float(heights[-1]) * 1.06 or 1.0
    _draw_weights(ax, weights, top)
    last = max(len(order) - 1, 1)
    ax.set(xlim=(-0.02 * last, 1.02 * last), ylim=(0, top))
    ax.set(xlabel="labelled nodes, by conflict", ylabel="conflict T")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    note = f"Sum {short(heights.sum())}, median {short(float(np.median(heights)))}."
    if alone.any():
        note += f" Hollow: {alone.sum()} that no other class reaches."
    legend_of_classes(ax, codes, names, beside=44)
    by_class = ", ".join(
        f"{names[code] if code >= 0 else 'no known class'} {short(heights[label == code].mean())}"
        for code in codes[:12]
    )
    style.say(
        ax,
        f"Conflict T of {len(order)} labelled nodes in ascending order, from {short(heights[0])} "
        f"to {short(heights[-1])}, sum {short(heights.sum())}; {alone.sum()} meet no other class. "
        f"ReNode weight falls from {short(weights[0])} to {short(weights[-1])}. "
        f"Mean T by class: {by_class}.",
    )
    return Heading(f"Conflict of {len(order)} labelled nodes", note)


def _draw_weights(ax: Axes, weights: np.ndarray, top: float) -> None:
    """The weights as a line on a scale of their own, right, which starts at 0 as well."""
    colours = style.theme_of(ax)
    full = float(weights.max()) * 1.06 or 1.0
    scale = top / full
    ax.plot(
        np.arange(len(weights)),
        weights * scale,
        color=colours.soft,
        linewidth=1.4,
        zorder=2,
        label="weight",
    )

    def to_weight(height: Any) -> Any:
        return height / scale

    def to_height(weight: Any) -> Any:
        return weight * scale

    # No twin: that would be one more Axes in a figure that is not ours.
    right = ax.secondary_yaxis("right", functions=(to_weight, to_height))
    right.set_ylabel("ReNode weight (line)", color=colours.soft, fontsize=9.5)
    right.tick_params(color=colours.edge, labelcolor=colours.soft, labelsize=8.5)
    right.spines["right"].set_color(colours.edge)


def _alone(ds: xr.Dataset) -> np.ndarray:
    """Which nodes meet no other class; none where the result does not say."""
    if "zero_conflict" not in ds:
        return np.zeros(ds.sizes["node"], dtype=bool)
    return ds["zero_conflict"].values.astype(bool)
