"""ISD of matched pairs beside that of others: how far apart, and how well it tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import refuse

from .. import style
from .._headings import Heading, head
from .._reading import bounds_of, chosen, read, short
from ..value.lines import Curve, draw_curves, legend_of_curves, told_curves
from .curves import even

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MADE_BY = "probe.isd.contrast"
_MATCHED = "matched"
_MOST_DOTS = 400
_SPREAD = 0.3  # of a row, by its dots, to either side
_LOGARITHMIC = 30.0  # from which ratio of largest to smallest on the axis has equal ratios
_GOLDEN = (np.sqrt(5) - 1) / 2


def plot_contrast(ds: xr.Dataset, ax: Any = None, *, layer: int | None = None) -> np.ndarray:
    """ISD of single pairs by kind in one layer, and by layer how well it tells them from matched.

    A dot is a pair (at most 400 of a kind), the bar goes from the first to the third quartile, its
    line is the median. Words give the chance that a matched pair has the smaller ISD (AUC; .5:
    none is told apart) with its interval.

    Parameters
    ----------
    ds
        Result of `probe.isd.contrast`.
    ax
        Two Axes; a new figure if None.
    layer
        Of the first panel; the last one that has an ISD if None.

    Returns
    -------
    np.ndarray
        (2,) of Axes: pairs, AUC by layer.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it lacks what is drawn, has no matched pairs or no others, or there is no such layer.

    Examples
    --------
    >>> pairs = [[[0.1], [0.2]], [[0.3], [0.4]]]
    >>> ds = xr.Dataset(
    ...     {"pair_isd": (("kind", "example", "layer"), pairs)}
    ...     | {"auc": (("kind", "layer"), [[np.nan], [1.0]])},
    ...     {"kind": ["matched", "mismatched"], "layer": [0]},
    ... )
    >>> pairs, auc = plot_contrast(ds)
    >>> pairs.texts[1].get_text()
    'AUC 1'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(pairs.figure)
    """
    ds = read(ds, ["pair_isd", "auc"], ["kind", "layer"], made_by=_MADE_BY)
    kinds = [str(kind) for kind in ds["kind"].values]
    if _MATCHED not in kinds or len(kinds) < 2:
        refuse("ds", f"hold the kind {_MATCHED!r} and at least one other", ", ".join(kinds))
    kinds.sort(key=lambda kind: kind != _MATCHED)
    ds = ds.sel(kind=kinds)
    (at,) = chosen(ds, "layer", _last(ds) if layer is None else layer)
    tall = max(3.6, 1.7 + 0.62 * len(kinds))
    with style.canvas(ax, panels=2, columns=2, size=(11.4, tall)) as axes:
        drawn = [_draw_pairs(axes[0], ds.sel(layer=at), kinds, at), _draw_auc(axes[1], ds, kinds)]
        head(axes, even(drawn))
    return np.array(axes, dtype=object)


def _last(ds: xr.Dataset) -> Any:
    known = ds["pair_isd"].notnull().any([d for d in ds["pair_isd"].dims if d != "layer"])
    if not known.any():
        refuse("ds", "hold an ISD of some pair in some layer", "none")
    return ds["layer"].values[known.values][-1].item()


def _draw_pairs(ax: Axes, ds: xr.Dataset, kinds: list[str], layer: Any) -> Heading:
    colours = style.theme_of(ax)
    said = []
    pairs = [_finite(ds["pair_isd"].sel(kind=kind).values) for kind in kinds]
    every = np.concatenate(pairs)
    if not len(every):
        refuse("layer", "have an ISD of some pair", layer)
    low, high = float(every.min()), float(every.max())
    if low > 0 and high / low > _LOGARITHMIC:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        ax.xaxis.set_minor_formatter(NullFormatter())
    else:
        ax.set_xlim(min(0.0, low), 1.04 * high if high > 0 else 1.0)
    for y, (kind, values) in enumerate(zip(kinds, pairs, strict=True)):
        sign = _sign(y, colours)
        some = values[:: -(-len(values) // _MOST_DOTS) or 1]
        # Multiples of the golden ratio fill the row evenly, without chance.
        jitter = (np.arange(len(some)) * _GOLDEN % 1 * 2 - 1) * _SPREAD
        ax.scatter(
            some, y + jitter, s=11, marker=sign[1], color=sign[0], alpha=0.45, linewidth=0, zorder=2
        )
        words = "no pair"
        if len(values):
            first, middle, third = np.quantile(values, [0.25, 0.5, 0.75])
            for width, colour in ((5.0, colours.paper), (2.6, sign[0])):
                ax.hlines(y, first, third, color=colour, linewidth=width, zorder=3)
            for width, colour, reach in ((4.6, colours.paper, 0.26), (2.4, colours.ink, 0.25)):
                ax.vlines(middle, y - reach, y + reach, color=colour, linewidth=width, zorder=4)
            words = f"median {short(float(middle))} of {len(values):,}"
        told = _auc_words(ds, kind)
        ax.annotate(
            told or words,
            xy=(1.02, y),
            xycoords=ax.get_yaxis_transform(),
            va="center",
            color=colours.ink,
            fontsize=8.5,
            annotation_clip=False,
        )
        said.append(", ".join(filter(None, (f"{kind}: {words}", told.replace("\n", " ")))))
    counts = [len(values) for values in pairs]
    names = [f"{style.plain(kind)}\n{n:,} pairs" for kind, n in zip(kinds, counts, strict=True)]
    ax.set_yticks(range(len(kinds)), names)
    ax.set_ylim(len(kinds) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=colours.grid, linewidth=0.8)
    ax.set_xlabel("ISD of a pair")
    style.say(ax, f"ISD of single pairs by kind in layer {layer}. {'; '.join(said)}.")
    return Heading(f"Pairs in layer {layer}", "Bars: quartiles and median.")


def _draw_auc(ax: Axes, ds: xr.Dataset, kinds: list[str]) -> Heading:
    colours, layers = style.theme_of(ax), ds["layer"].values.tolist()
    curves = []
    for i, kind in enumerate(kinds[1:], start=1):
        one = ds.sel(kind=kind)
        interval = bounds_of(one, "auc")
        ends = None if interval is None else interval.transpose("layer", "bound").values
        curves.append(Curve(kind, one["auc"].values.astype(float), ends, *_sign(i, colours)))
        if "auc_gap" in one:
            values = one["auc_gap"].values.astype(float)
            curves.append(Curve(f"{kind}, by gap", values, None, *_sign(i, colours), dashed=True))
    draw_curves(ax, layers, curves)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.45), min(max(high, 0.55), 1.03))
    ax.axhline(0.5, color=colours.soft, linewidth=1.0, zorder=1)
    ax.set_ylabel("AUC")
    rows = legend_of_curves(ax, columns=2)
    style.say(ax, f"AUC against matched pairs by layer: {told_curves(layers, curves)} Chance 0.5.")
    note = "Chance that the matched one of two pairs has the smaller ISD."
    note += " Dashed: the larger gap." if "auc_gap" in ds else ""
    return Heading("Told from matched pairs", note, rows)


def _auc_words(ds: xr.Dataset, kind: str) -> str:
    one = ds.sel(kind=kind)
    auc = float(one["auc"])
    if not np.isfinite(auc):
        return ""
    interval = bounds_of(one, "auc")
    ends = ""
    if interval is not None and np.isfinite(interval.values.astype(float)).all():
        ends = f"\n({' to '.join(short(float(value), 2) for value in interval.values)})"
    return f"AUC {short(auc, 2)}{ends}"


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)].astype(float)


def _sign(i: int, colours: style.Theme) -> tuple[str, str]:
    return colours.series[i % 8], style.MARKERS[i % 8]
