"""What IAIS gains: recall of each arm against none, and what becomes of ISD and its gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import one_of, refuse

from .. import style
from .._headings import Heading, head
from .._reading import bounds_of, chosen, listed, read, short
from ..value.choosing import arrow
from ..value.rows import p_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MADE_BY = "probe.subjects.iais_study.iais_study"
_NEED = ("recall", "recall_difference", "isd", "gap")
_DIMS = ("arm", "seed", "direction", "k", "layer")
_NONE = "none"


def plot_iais_study(
    ds: xr.Dataset, ax: Any = None, *, k: int | None = None, layer: int | None = None
) -> np.ndarray:
    """Recall of each arm less that of none, each seed a dot, and ISD and gap of all arms.

    Recall is x 100. An interval that does not reach the line at 0 is a difference; p-values stand
    beside. A small ISD alone is no gain: even relations have it too, which is why the gap to
    permuted links stands below.

    Parameters
    ----------
    ds
        Result of `probe.subjects.iais_study.iais_study`.
    ax
        One Axes for each direction and two more; a new figure if None.
    k
        Recall among the first k; the first of the result if None.
    layer
        Of ISD and gap; the last with an ISD if None.

    Returns
    -------
    np.ndarray
        (direction + 2,) of Axes: differences by direction, ISD, gap.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it lacks what is drawn or the arm "none" and another one, or there is no such k or layer.
    """
    ds = read(ds, _NEED, _DIMS, made_by=_MADE_BY)
    arms = [str(arm) for arm in ds["arm"].values]
    if _NONE not in arms or len(arms) < 2:
        refuse("ds", f"hold the arm {_NONE!r} and at least one other", listed(arms))
    arms.sort(key=lambda arm: arm != _NONE)
    (first,) = chosen(ds, "k", ds["k"].values[0].item() if k is None else k)
    at = _last(ds) if layer is None else one_of("layer", layer, ds["layer"].values.tolist())
    ds = ds.sel(arm=arms)
    ways = ds["direction"].values.tolist()
    count = len(ways) + 2
    size = (11.6, 2 * max(2.5, 1.5 + 0.5 * len(arms)) * -(-count // 4))
    with style.canvas(ax, panels=count, columns=2, size=size) as axes:
        drawn = [
            _draw_differences(own, ds.sel(direction=way, k=first), arms, str(way), int(first))
            for own, way in zip(axes, ways, strict=False)
        ]
        one = ds.sel(layer=at)
        drawn.append(_draw_arms(axes[-2], one, arms, "isd", f"ISD in layer {at}"))
        drawn.append(_draw_arms(axes[-1], one, arms, "gap", f"What links explain in layer {at}"))
        head(axes, drawn)
    return np.array(axes, dtype=object)


def _last(ds: xr.Dataset) -> Any:
    known = ds["isd"].notnull().any([dim for dim in ds["isd"].dims if dim != "layer"])
    if not known.any():
        refuse("ds", "hold an ISD in some layer", "none")
    return ds["layer"].values[known.values][-1].item()


def _draw_differences(ax: Axes, ds: xr.Dataset, arms: list[str], way: str, k: int) -> Heading:
    colours = style.theme_of(ax)
    recall = 100 * ds["recall"].transpose("arm", "seed").values.astype(float)
    by_seed = recall[1:] - recall[:1]
    value = 100 * ds["recall_difference"].values.astype(float)[1:]
    interval = bounds_of(ds, "recall_difference")
    ends = np.full((len(value), 2), np.nan)
    if interval is not None:
        ends = 100 * interval.transpose("arm", "bound").values.astype(float)[1:]
    p = _p(ds)
    said = []
    for y, arm in enumerate(arms[1:]):
        colour, marker = _sign(y + 1, colours)
        if np.isfinite(ends[y]).all():
            ax.hlines(y, *ends[y], color=colour, linewidth=2.0)
        _dots(ax, by_seed[y], y, colour, marker)
        ax.plot(
            value[y],
            y,
            marker=marker,
            color=colour,
            markersize=8,
            markeredgecolor=colours.paper,
            label=style.plain(arm),
            zorder=4,
        )
        between = f" [{_signed(ends[y, 0])}, {_signed(ends[y, 1])}]"
        words = _signed(value[y]) + (between if np.isfinite(ends[y]).all() else "")
        chance = p_words(float(p[y + 1])) if p is not None else ""
        ahead = _ahead(ds, y + 1, recall.shape[1])
        _beside(ax, y, "\n".join(filter(None, (words, chance, ahead))))
        said.append(", ".join(filter(None, (f"{arm} {words}", chance, ahead))))
    ax.axvline(0, color=colours.ink, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    _rows(ax, arms[1:])
    ax.set_xlabel(f"difference in Recall@{k} × 100")
    called = f"Recall@{k}, {arrow(way)}, less {_NONE}"
    base = f"“{_NONE}” has {recall[0].mean():.1f}"
    style.say(ax, f"{called}, times 100: {'; '.join(said)}; {base}.")
    corrected = "; p corrected" if "recall_difference_p_corrected" in ds else ""
    return Heading(called, f"Dots: {recall.shape[1]} seeds, paired{corrected}. {base}.")


def _ahead(ds: xr.Dataset, arm: int, seeds: int) -> str:
    """With how many seeds an arm is better, where the result says so."""
    if "recall_difference_wins" not in ds:
        return ""
    wins = float(ds["recall_difference_wins"].values[arm])
    return f"better with {wins:.0f} of {seeds}" if np.isfinite(wins) else ""


def _p(ds: xr.Dataset) -> np.ndarray | None:
    for name in ("recall_difference_p_corrected", "recall_difference_p"):
        if name in ds:
            return ds[name].values.astype(float)
    return None


def _draw_arms(ax: Axes, ds: xr.Dataset, arms: list[str], variable: str, title: str) -> Heading:
    colours = style.theme_of(ax)
    values = ds[variable].transpose("arm", "seed").values.astype(float)
    said = []
    for y, (arm, row) in enumerate(zip(arms, values, strict=True)):
        colour, marker = _sign(y, colours)
        _dots(ax, row, y, colour, marker)
        mean = float(np.mean(row))
        if np.isfinite(mean):
            ax.vlines(mean, y - 0.3, y + 0.3, color=colours.ink, linewidth=2.2, zorder=4)
        _beside(ax, y, short(mean) if np.isfinite(mean) else "not applicable")
        said.append(f"{arm} {short(mean)}")
    _rows(ax, arms)
    if variable == "gap":
        ax.axvline(0, color=colours.soft, linewidth=1.0, zorder=1)
    else:
        ax.set_xlim(min(0.0, ax.get_xlim()[0]), 1.04 * ax.get_xlim()[1])
    label = "ISD" if variable == "isd" else "gap to permuted links"
    ax.set_xlabel(label)
    style.say(ax, f"{title}, {label} by arm, mean over seeds: {', '.join(said)}.")
    note = "0: same relations." if variable == "isd" else "0: nothing."
    return Heading(title, f"Dots: seeds; bars: means. {note}")


def _dots(ax: Axes, values: np.ndarray, y: float, colour: str, marker: str) -> None:
    spread = np.linspace(-0.16, 0.16, len(values)) if len(values) > 1 else np.zeros(len(values))
    ax.scatter(
        values, y + spread, s=20, marker=marker, color=colour, alpha=0.55, linewidth=0, zorder=3
    )


def _beside(ax: Axes, y: float, words: str) -> None:
    ax.annotate(
        words,
        xy=(1.02, y),
        xycoords=ax.get_yaxis_transform(),
        va="center",
        color=style.theme_of(ax).ink,
        fontsize=8.5,
        annotation_clip=False,
    )


def _rows(ax: Axes, arms: Sequence[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.set_yticks(range(len(arms)), [style.plain(arm) for arm in arms])
    ax.set_ylim(len(arms) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=style.theme_of(ax).grid, linewidth=0.8)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _sign(i: int, colours: style.Theme) -> tuple[str, str]:
    """Colour and shape of each arm; none is grey."""
    if i == 0:
        return colours.soft, style.MARKERS[0]
    return colours.series[(i - 1) % 8], style.MARKERS[i % 8]
