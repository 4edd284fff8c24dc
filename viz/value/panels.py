"""Matrices on one scale, and below them the heads chosen on held-out examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import short
from .choosing import arrow, matrix_of
from .held import held_rows, held_signs, most_counted
from .matrix import draw_matrix, told, write_numbers
from .rows import HEIGHT, draw_rows, told_rows
from .scale import least_reach, null_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 4.6  # inches of a matrix


class Panels(NamedTuple):
    """What `draw_panels` draws.

    `split` is the dim whose labels have a matrix each, `rest` the other dim with its label shown;
    `count`, `unit`: what was counted.
    """

    variable: str
    title: str
    score: str
    split: str
    rest: str
    label: Any
    count: str
    unit: str


def draw_panels(ds: xr.Dataset, twin: xr.Dataset | None, ax: Any, what: Panels) -> np.ndarray:
    """A matrix for each label of a dim, coloured by distance from chance, then rows of scores."""
    labels = ds[what.split].values.tolist()
    kept = most_counted(ds, what.split, what.rest, what.count)
    left = ds.sizes[what.rest] - len(kept)
    more = f" {left} rarer of {what.rest} not shown." if left else ""
    shown = {what.rest: kept}
    other = None if twin is None else twin.sel(shown)
    rows = held_rows(ds.sel(shown), other, (what.split, what.rest), what.count, what.unit)
    flat = [ds.sel({what.split: label, what.rest: what.label}) for label in labels]
    tables = [_matrix(one, what.variable) for one in flat]
    count = len(labels) + 1
    high = (max(3.2, 1.7 + 0.26 * ds.sizes["layer"]), 1.5 + HEIGHT * len(rows))
    # One matrix has the rows beside it; more would make the page shrink a picture so wide.
    beside = count < 3
    size = (_WIDTH * (count if beside else count - 1), max(3.9, *high) if beside else sum(high))
    with style.canvas(ax, panels=count, columns=count, size=size) as axes:
        if ax is None and not beside:
            _stack(axes, high)
        colours = style.theme_of(axes[0])
        away = [table.shown for table in tables]
        scale = scale_of(np.stack(away), colours, null=0.0, reach=least_reach(what.variable))
        drawn = []
        for i, (own, table, label) in enumerate(zip(axes, tables, labels, strict=False)):
            last = i == len(labels) - 1
            bar = f"{what.score} less chance" if last else None
            legend = draw_matrix(own, table, scale, bar=bar)
            chance = np.asarray(null_of(flat[i], what.variable), dtype=float)
            mean = float(np.nanmean(chance)) if np.isfinite(chance).any() else np.nan
            note = f"Numbers: {what.score}; chance (palest) {short(mean)}."
            heading = f"{what.title}, {arrow(label)}"
            drawn.append(Heading(heading, note, legend))
            style.say(own, f"{told(table, heading)} Chance {short(mean)}.")
        signs = held_signs(axes[-1])
        legend = draw_rows(axes[-1], rows, signs)
        axes[-1].set_xlabel(what.score)
        held = Heading(
            "Chosen on one half, scored on the other",
            f"Lines: intervals over examples.{more}",
            legend,
        )
        drawn.append(held)
        head(axes, drawn)
        write_numbers(axes[:-1], [(table, scale) for table in tables])
        said = told_rows(rows)
        style.say(axes[-1], f"{what.title}: heads chosen on one half of the examples. {said}")
    return np.array(axes, dtype=object)


def _stack(axes: Sequence[Axes], high: tuple[float, float]) -> None:
    """Matrices side by side, and the last Axes below them over the whole width."""
    grid = style.figure_of(axes[0]).add_gridspec(2, len(axes) - 1, height_ratios=high)
    for i, own in enumerate(axes[:-1]):
        own.set_subplotspec(grid[0, i])
    axes[-1].set_subplotspec(grid[1, :])


def _matrix(one: xr.Dataset, variable: str) -> Any:
    table = matrix_of(one, variable)
    null = null_of(one, variable)
    chance = null if not isinstance(null, xr.DataArray) else null.transpose("layer", "head").values
    return table._replace(shown=table.values - np.asarray(chance, dtype=float))
