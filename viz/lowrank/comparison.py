"""Methods side by side: how local their edits are, and how much of an edit is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from probe._check import one_of, refuse, refuse_type

from .. import style
from .._headings import Heading, head
from .._reading import bounds_of, read, short
from .pictures import ratio_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MADE_BY = "probe.lowrank.locality"
_TAKEN = 0.56  # of a row, by the directions of a method


class _Row(NamedTuple):
    """A method: ratio and its ends (direction,), kept effect and emptiness (direction,)."""

    name: str
    ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray
    kept: np.ndarray
    empty: np.ndarray


def plot_locality(
    ds: xr.Dataset | Mapping[str, xr.Dataset],
    ax: Any = None,
    *,
    effects: Mapping[str, xr.Dataset] | None = None,
    step: float | None = None,
) -> np.ndarray:
    """Change inside over change outside at equal change inside, and the kept effect beside it.

    A mark is a direction, its line the interval over latents. Hollow: nearly empty, where the
    ratio says nothing.

    Parameters
    ----------
    ds
        Results of `probe.lowrank.locality` by method; or one, as it is.
    ax
        One Axes for each panel (two with `effects`); a new figure if None.
    effects
        By the same names what the directions came from, results of `region_directions` or
        `baseline_directions`: their kept effect is the second panel.
    step
        Root mean square change inside, one that all results have; the largest such one if None.

    Returns
    -------
    np.ndarray
        (panel,) of Axes.

    Raises
    ------
    TypeError
        If a result is no Dataset.
    ValueError
        If there is none, one lacks what is drawn, the step is not in all, or `effects` has not the
        same names and directions.

    Examples
    --------
    >>> ratio = (("direction", "step"), [[4.0], [2.0]])
    >>> (ax,) = plot_locality({"ours": xr.Dataset({"ratio_mean": ratio}, {"step": [0.1]})})
    >>> [float(line.get_xdata()[0]) for line in ax.lines[:2]]
    [4.0, 2.0]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    results = {"directions": ds} if isinstance(ds, xr.Dataset) else ds
    if not isinstance(results, Mapping):
        refuse_type("ds", "be a Dataset or Datasets by name", results)
    if not results:
        refuse("ds", "hold at least one result", "none")
    held = {
        name: read(one, ["ratio_mean"], ["direction", "step"], made_by=_MADE_BY)
        for name, one in results.items()
    }
    common = sorted(set.intersection(*(set(ds["step"].values.tolist()) for ds in held.values())))
    if not common:
        refuse("ds", "have a step in common", "none")
    at = common[-1] if step is None else one_of("step", step, common)
    rows = [_row(name, ds.sel(step=at), effects) for name, ds in held.items()]
    panels = 1 if effects is None else 2
    size = (6.6 if panels == 1 else 10.4, max(2.8, 1.3 + 0.52 * len(rows)))
    with style.canvas(ax, panels=panels, columns=panels, size=size) as axes:
        _draw_ratios(axes[0], rows)
        note = f"At a change of {short(at)} inside. 1 (line): as much outside as inside."
        headings = [Heading("Change inside over change outside", note)]
        style.say(axes[0], f"{headings[0].title}. {note} {_told_ratios(rows)}")
        if panels == 2:
            _draw_kept(axes[1], rows)
            note = (
                "Of the change that the region's strongest direction makes. Hollow: nearly empty."
            )
            headings.append(Heading("Kept effect", note))
            said = "; ".join(f"{row.name} {_listed(row.kept)}" for row in rows)
            style.say(axes[1], f"Kept effect by method: {said}.")
        head(axes, headings)
        made = np.empty(panels, dtype=object)
        made[:] = axes
    return made


def _row(name: str, ds: xr.Dataset, effects: Mapping[str, xr.Dataset] | None) -> _Row:
    ratio = ds["ratio_mean"].values.astype(float)
    low = high = np.full(ratio.shape, np.nan)
    interval = bounds_of(ds, "ratio_mean")
    if interval is not None:
        low, high = interval.transpose("bound", "direction").values
    kept, empty = np.full(ratio.shape, np.nan), np.zeros(ratio.shape, bool)
    if effects is not None:
        if name not in effects:
            refuse("effects", f"hold {name!r}", ", ".join(map(str, effects)) or "nothing")
        own = read(effects[name], ["kept_effect", "near_empty"], made_by="region_directions")
        if own.sizes["direction"] != len(ratio):
            refuse("effects", f"have {len(ratio)} directions for {name!r}", own.sizes["direction"])
        kept, empty = own["kept_effect"].values, own["near_empty"].values.astype(bool)
    return _Row(str(name), ratio, low, high, kept, empty)


def _places(row: _Row, y: int) -> np.ndarray:
    n = len(row.ratio)
    return y + (np.linspace(-_TAKEN / 2, _TAKEN / 2, n) if n > 1 else np.zeros(1))


def _draw_ratios(ax: Axes, rows: list[_Row]) -> None:
    colours = style.theme_of(ax)
    ax.set_xscale("log")
    for y, row in enumerate(rows):
        colour = colours.series[y % 8]
        for at, value, low, high, empty in zip(_places(row, y), *row[1:4], row.empty, strict=True):
            if not np.isfinite(value):
                continue
            _mark(ax, value, at, colour, style.MARKERS[y % 8], hollow=empty)
            if np.isfinite([low, high]).all():
                ax.hlines(at, low, high, color=colour, linewidth=1.4)
        known = row.ratio[np.isfinite(row.ratio) & ~row.empty]
        ax.annotate(
            f"best {ratio_words(float(known.max()))}" if len(known) else "none",
            xy=(1.02, y),
            xycoords=ax.get_yaxis_transform(),
            va="center",
            color=colours.ink,
            fontsize=8.5,
            annotation_clip=False,
        )
    ax.axvline(1.0, color=colours.soft, linewidth=1.0, zorder=1)
    _ratio_ticks(ax)
    ax.set_xlabel("inside over outside")
    _rows(ax, rows)


def _ratio_ticks(ax: Axes) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = ax.get_xlim()
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    many = high / low > 300
    ticks = [m * 10.0**p for p in decades for m in ((1,) if many else (1, 2, 5))]
    stride = -(-len([t for t in ticks if low <= t <= high]) // 8)
    ax.xaxis.set_major_locator(FixedLocator(ticks[::stride]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_xlim(low, high)


def _draw_kept(ax: Axes, rows: list[_Row]) -> None:
    colours = style.theme_of(ax)
    for y, row in enumerate(rows):
        for at, value, empty in zip(_places(row, y), row.kept, row.empty, strict=True):
            _mark(ax, value, at, colours.series[y % 8], style.MARKERS[y % 8], hollow=empty)
    ax.set_xlim(-0.02, 1.04)
    ax.set_xlabel("kept effect")
    _rows(ax, rows)
    ax.tick_params(axis="y", labelleft=False)  # named in the panel beside


def _mark(ax: Axes, x: float, y: float, colour: str, marker: str, *, hollow: bool) -> None:
    paper = style.theme_of(ax).paper
    ax.plot(
        x,
        y,
        linestyle="none",
        marker=marker,
        markersize=6,
        markerfacecolor=paper if hollow else colour,
        markeredgecolor=colour if hollow else paper,
        markeredgewidth=1.3 if hollow else 0.6,
        zorder=3,
    )


def _rows(ax: Axes, rows: list[_Row]) -> None:
    colours = style.theme_of(ax)
    ax.set_yticks(range(len(rows)), [style.plain(row.name) for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=colours.grid, linewidth=0.8)
    for y in range(1, len(rows)):
        ax.axhline(y - 0.5, color=colours.grid, linewidth=0.8, zorder=0)


def _told_ratios(rows: list[_Row]) -> str:
    return "; ".join(f"{row.name} {_listed(row.ratio)}" for row in rows) + "."


def _listed(values: np.ndarray) -> str:
    return ", ".join(short(float(value)) for value in values)
