"""All that is measured head by head in one picture."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import read
from .choosing import WHOLE, arrow, matrix_of
from .matrix import draw_matrix, told, write_numbers
from .scale import is_ratio, least_reach, null_of, scale_of

# Of each measure: the variable shown, the dim that has a panel for each label, and its name.
_SHOWN = {
    "modality_importance": ("per_token", "modality", "Pool attention per token"),
    "cross_modal": ("probability", "direction", "Looking across"),
    "coreference": ("hit", "direction", "Hits on the partner"),
    "relations": ("auc", "role", "Related regions, AUC"),
}
_COLUMNS = 3


class _Panel(NamedTuple):
    measure: str
    title: str
    part: xr.Dataset


def plot_profile(ds: xr.Dataset, ax: Any = None) -> np.ndarray:
    """A matrix of layers by heads for each question and direction of a profile.

    Panels of one question share a scale, centred on chance where that is known; rings are heads
    that the measure calls, frames those chosen on one half of the examples.

    Parameters
    ----------
    ds
        Result of `probe.value.profile`.
    ax
        One Axes for each panel; a new figure if None.

    Returns
    -------
    np.ndarray
        (panel,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it is no profile.
    """
    from probe.value import part_of

    ds = read(ds, [], ["layer", "head"], made_by="probe.value.profile")
    asked = json.loads(ds.attrs.get("questions", "[]"))
    questions = [name for name in _SHOWN if name in asked]
    if not questions:
        read(
            ds,
            [f"{name}.{shown[0]}" for name, shown in _SHOWN.items()],
            made_by="probe.value.profile",
        )
    panels = [panel for name in questions for panel in _panels(part_of(ds, name), name)]
    rows = -(-len(panels) // _COLUMNS)
    tall = max(2.9, 1.5 + 0.26 * ds.sizes["layer"])
    wide = max(4.0, 1.6 + 0.34 * ds.sizes["head"])
    size = (wide * _COLUMNS, tall * rows)
    with style.canvas(ax, panels=len(panels), columns=_COLUMNS, size=size) as axes:
        colours = style.theme_of(axes[0])
        scales = {}
        for name in questions:
            variable = _SHOWN[name][0]
            of_one = [panel.part for panel in panels if panel.measure == name]
            values = np.stack([matrix_of(part, variable).values for part in of_one])
            null = _chance(of_one, variable)
            ratio = is_ratio(variable)
            scales[name] = scale_of(
                values, colours, null=null, ratio=ratio, reach=least_reach(variable)
            )
        drawn, tables = [], []
        for own, panel in zip(axes, panels, strict=True):
            matrix = matrix_of(panel.part, _SHOWN[panel.measure][0])
            tables.append((matrix, scales[panel.measure]))
            rows = draw_matrix(own, matrix, scales[panel.measure], bar="")
            drawn.append(Heading(panel.title, "", rows))
            style.say(own, told(matrix, panel.title))
        head(axes, drawn)
        write_numbers(axes, tables)
    return np.array(axes, dtype=object)


def _panels(part: xr.Dataset, name: str) -> list[_Panel]:
    _, split, title = _SHOWN[name]
    part = part.sel({dim: label for dim, label in WHOLE.items() if dim in part.dims})
    labels = part[split].values.tolist()
    return [_Panel(name, f"{title}, {arrow(label)}", part.sel({split: label})) for label in labels]


def _chance(parts: list[xr.Dataset], variable: str) -> float | None:
    known = [null_of(part, variable) for part in parts]
    if known[0] is None:
        return None
    values = np.concatenate([np.ravel(np.asarray(each, dtype=float)) for each in known])
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else None
