"""The head chosen on one half of the examples: its score on the other, null and twin beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._reading import bounds_of
from .choosing import arrow
from .rows import Row, Score, Sign, p_words
from .twins import TRAINED, TWIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HELD = ("held_out", "held_out_null", "chosen_layer", "chosen_head")
CHANCE = "chance"
_MOST_ROWS = 24


def held_rows(
    ds: xr.Dataset, twin: xr.Dataset | None, dims: tuple[str, str], count: str, unit: str
) -> list[Row]:
    """A row for each label along both dims, those of the first dim together.

    Parameters
    ----------
    ds, twin
        Results with `HELD` over `dims`; `twin` may be None.
    dims
        Two dims: what rows are grouped by, and what they are named after.
    count, unit
        Variable over (layer, head) and `dims` that says how much was measured, and its name.
    """
    rows = []
    for outer in ds[dims[0]].values.tolist():
        for inner in ds[dims[1]].values.tolist():
            at = {dims[0]: outer, dims[1]: inner}
            one = ds.sel(at)
            scores = {TRAINED: _score(one), CHANCE: Score(float(one["held_out_null"]))}
            if twin is not None:
                scores[TWIN] = _score(twin.sel(at))
            words = _words(one, count, unit)
            rows.append(Row(_name(inner, one), scores, words, arrow(outer)))
    return rows


def most_counted(ds: xr.Dataset, group: str, dim: str, count: str) -> list[Any]:
    """Labels along `dim` that rows have room for: its first, and those counted most often."""
    labels = ds[dim].values.tolist()
    room = max(_MOST_ROWS // ds.sizes[group], 1)
    if len(labels) <= room or count not in ds:
        return labels[:room]
    other = [each for each in ds[count].dims if each != dim]
    often = ds[count].max(other).values
    # The first label stands for all of them.
    best = sorted(range(1, len(labels)), key=lambda i: -often[i])[: room - 1]
    return [labels[i] for i in (0, *sorted(best))]


def held_signs(ax: Axes) -> dict[str, Sign]:
    """How the scores of `held_rows` are drawn."""
    colours = style.theme_of(ax)
    return {
        TRAINED: Sign(colours.series[0], style.MARKERS[0]),
        TWIN: Sign(colours.series[1], style.MARKERS[1]),
        CHANCE: Sign(colours.soft, "|", tick=True),
    }


def _score(one: xr.Dataset) -> Score:
    interval = bounds_of(one, "held_out")
    ends = (np.nan, np.nan) if interval is None else interval.values.astype(float)
    return Score(float(one["held_out"]), *map(float, ends))


def _name(label: Any, one: xr.Dataset) -> str:
    layer = int(one["chosen_layer"])
    head = f"layer {layer} head {int(one['chosen_head'])}" if layer >= 0 else "no head"
    return f"{style.plain(label)}\n{head}"


def _words(one: xr.Dataset, count: str, unit: str) -> str:
    if not np.isfinite(float(one["held_out"])):
        return "not applicable"
    p = p_words(float(one["held_out_p"])) if "held_out_p" in one else ""
    many = ""
    if count in one:
        place = {"layer": int(one["chosen_layer"]), "head": int(one["chosen_head"])}
        number = one[count].sel({dim: at for dim, at in place.items() if dim in one[count].dims})
        many = f"{int(number):,} {unit}"
    return "\n".join(filter(None, (p, many)))
