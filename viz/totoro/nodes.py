"""Which classes reach one node, and what its conflict is or would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import integer

from .. import style
from .._headings import Heading, head
from .._reading import read, short
from .classes import MADE_BY, class_names, signs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BARS = 14


def plot_node(ds: xr.Dataset, node: int, ax: Any = None) -> Axes:
    """The exposure of one node to each class as a bar, beside its T under that class's label.

    T leaves out the label's own class, so that it is exact for labels that the node does not
    carry. Of more than 14 classes those that reach the node most have a bar of their own.

    Parameters
    ----------
    ds
        Result of `probe.totoro.topology_imbalance`, or one setting of a map.
    node
        Its position.
    ax
        Axes to draw on; a new figure if None.

    Raises
    ------
    TypeError
        If `node` is no integer.
    ValueError
        If the result lacks exposure or conflict, or has no such node.

    Examples
    --------
    >>> from probe.totoro import topology_imbalance
    >>> path = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> ds = topology_imbalance(path, [0, 0, 0, 1], [0, 2, 3])
    >>> ax = plot_node(ds, 2)
    >>> [bar.get_width() for bar in ax.patches] == ds.exposure.values[2].tolist()
    True
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    ds = read(ds, ["exposure", "conflict", "label_of"], ["node"], made_by=MADE_BY)
    position = integer("node", node, low=0, high=ds.sizes["node"] - 1)
    one = ds.isel(node=position)
    bars = min(one.sizes["label"], _MOST_BARS)
    with style.canvas(ax, size=(6.6, 1.5 + 0.32 * bars)) as (own,):
        head([own], [_draw(own, one, position)])
    return own


def _draw(ax: Axes, one: xr.Dataset, position: int) -> Heading:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    colours = style.theme_of(ax)
    names, exposure = class_names(one), one["exposure"].values.astype(float)
    conflict, label = one["conflict"].values.astype(float), int(one["label_of"])
    codes = _shown(exposure, label)
    marks = signs(len(names), colours)
    at = np.arange(len(codes))
    for y, code in enumerate(codes):
        mine = code == label
        ax.barh(
            y,
            exposure[code],
            height=0.68,
            facecolor=marks[code].colour,
            edgecolor=colours.ink if mine else "none",
            hatch="////" if mine else None,
            linewidth=1.2 if mine else 0,
        )
        # The shape stands before the name, as in every legend.
        ax.plot(
            -0.02,
            y,
            transform=ax.get_yaxis_transform(),
            marker=marks[code].marker,
            color=marks[code].colour,
            clip_on=False,
        )
        ax.annotate(
            short(conflict[code]),
            xy=(1.02, y),
            xycoords=ax.get_yaxis_transform(),
            va="center",
            color=colours.ink if mine else colours.soft,
            fontsize=8.5,
            fontweight="bold" if mine else "normal",
            annotation_clip=False,
        )
    ax.annotate(
        "T if labelled so",
        xy=(1.02, -0.85),
        xycoords=ax.get_yaxis_transform(),
        va="center",
        color=colours.soft,
        fontsize=8.5,
        annotation_clip=False,
    )
    texts = [f"{names[code]} (own)" if code == label else names[code] for code in codes]
    ax.set_yticks(at, texts)
    ax.tick_params(axis="y", length=0, pad=12)
    ax.set(ylim=(len(codes) - 0.4, -0.6), xlim=(0, (exposure.max() * 1.03) or 1.0))
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=colours.grid, linewidth=0.8)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.set_xlabel("exposure Z to the labelled nodes of a class")
    title, note = _words(one, position, label, names)
    if len(codes) < len(names):
        note += f" {len(names) - len(codes)} classes that reach it less are left out."
    said = ", ".join(
        f"{text} {short(exposure[code])} (T {short(conflict[code])})"
        for text, code in zip(texts, codes, strict=True)
    )
    style.say(ax, f"{title}. {note} Exposure by class, and T under its label: {said}.")
    return Heading(title, note)


def _shown(exposure: np.ndarray, label: int) -> list[int]:
    """Classes with a bar, in their order: all, or those that reach most and the own one."""
    if len(exposure) <= _MOST_BARS:
        return list(range(len(exposure)))
    ranked = [int(code) for code in np.argsort(-exposure, kind="stable")]
    others = [code for code in ranked if code != label]
    mine = [label] if label >= 0 else []
    return sorted(mine + others[: _MOST_BARS - len(mine)])


def _words(one: xr.Dataset, position: int, label: int, names: list[str]) -> tuple[str, str]:
    exposure, conflict = one["exposure"].values, one["conflict"].values
    total = float(exposure.sum())
    if label < 0:
        return f"Node {position}, of no known class", f"Exposure to all classes {short(total)}."
    value = float(conflict[label])
    share = f"{100 * value / total:.0f} %" if total > 0 else "undefined"
    labelled = "train" not in one or bool(one["train"])
    verb = "T = " if labelled else "not labelled, T would be "
    title = f"Node {position}, {names[label]}: {verb}{short(value)}, share {share}"
    weight = float(one["weight"]) if "weight" in one else np.nan
    note = f"Share: exposure to other classes, of {short(total)} to all."
    if np.isfinite(weight):
        note += f" ReNode weight {short(weight)}."
    if total == 0:
        note += " No labelled node in its component."
    return title, note
