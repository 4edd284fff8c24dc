"""Rogue dimensions: the few features that make the cosines of a layer high."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import integer

from .. import style
from .._reading import chosen, read, short
from .spectrum import middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_rogue_dimensions(
    ds: xr.Dataset, layer: Any = None, *, top: int = 12, ax: Any = None
) -> Axes:
    """The features that contribute most to the average cosine of a layer, and how many make half.

    Bars are contributions: all d of them, those not shown included, sum to the average cosine.
    Above each bar stands its share of that sum, where the sum is positive. Source: the
    decomposition by dimension of Timkey and van Schijndel 2021, arXiv:2109.04404, section 3.

    Parameters
    ----------
    ds
        Result of `probe.whitening.anisotropy`.
    layer
        Its layer; the middle one if None.
    top
        Bars shown, at least 1.
    ax
        Axes to draw on; a new figure if None.

    Raises
    ------
    ValueError
        If the result holds no contributions, the layer is unknown or `top` is below 1.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {
    ...         "cosine_contribution": (("layer", "feature"), [[0.1, 0.5, 0.0]]),
    ...         "average_cosine": ("layer", [0.6]),
    ...     },
    ...     {"layer": [3]},
    ... )
    >>> ax = plot_rogue_dimensions(ds, 3)
    >>> [tick.get_text() for tick in ax.get_xticklabels()]
    ['1', '0', '2']
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    integer("top", top, low=1)
    made_by = "probe.whitening.anisotropy"
    ds = read(ds, ["cosine_contribution", "average_cosine"], ["layer"], made_by=made_by)
    (label,) = chosen(ds, "layer", middle(ds) if layer is None else layer)
    one = ds.sel(layer=label)
    contribution = one["cosine_contribution"].values.astype(float)
    average = float(one["average_cosine"])
    features = ds["feature"].values if "feature" in ds.coords else np.arange(len(contribution))
    order = np.argsort(-contribution, kind="stable")
    half = _half(contribution[order], average)
    shown = order[: min(top, len(order))]
    with style.canvas(ax, size=(6.4, 3.8)) as (own,):
        colours = style.theme_of(own)
        height = contribution[shown]
        accent = [colours.series[1] if i < half else colours.other for i in range(len(shown))]
        # In 24 points a bar's texts fit side by side.
        crowded = style.size_of(own)[0] / len(shown) < 24
        bars = own.bar(np.arange(len(shown)), height, width=0.72, color=accent)
        if average > 0:
            texts = [_percent(each / average) for each in height]
            own.bar_label(
                bars, texts, padding=2, fontsize=8, color=colours.soft, rotation=90 * crowded
            )
        even = average / len(contribution)
        own.axhline(even, color=colours.ink, linewidth=0.9, linestyle=(0, (4, 3)))
        own.set_xticks(np.arange(len(shown)), [style.plain(features[i]) for i in shown])
        own.tick_params(axis="x", labelrotation=90 * crowded)
        own.set(xlabel="feature", ylabel="contribution to the average cosine")
        own.set_ylim(
            min(own.get_ylim()[0], 0), max(height.max(), even, 0) * (1.2 if crowded else 1.12) or 1
        )
        own.set_xlim(-0.6, len(shown) - 0.4)
        d = len(contribution)
        makes = "feature makes" if half == 1 else f"of {d} features make"
        finding = f"{half} {makes} half of it" if half else "no sum to make half of"
        style.title(
            own,
            f"Average cosine of layer {style.plain(label)}: {finding}",
            f"It is {short(average)}; above the bars stands their share of it. "
            f"Dashed: {short(even, 2)}, what each of {d} features would give if all were alike.",
        )
        named = [f"feature {features[i]} {short(float(contribution[i]))}" for i in shown[:5]]
        style.say(
            own,
            f"Largest contributions to the average cosine {short(average)} of layer {label}: "
            f"{', '.join(named)}; {finding}.",
        )
    return own


def _percent(share: float) -> str:
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %".replace("-", "\N{MINUS SIGN}")


def _half(descending: np.ndarray, total: float) -> int:
    """The fewest features that sum to half of a positive total; 0 if it is not positive."""
    if not total > 0:
        return 0
    return int(np.argmax(np.cumsum(descending) >= total / 2)) + 1
