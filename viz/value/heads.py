"""Any statistic of heads as a matrix of layers by heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import one_of

from .. import style
from .._headings import Heading, head
from .._reading import axis_label, read, short
from .choosing import GRID, WHOLE, arrow, axis_name, matrix_of, one_label
from .matrix import draw_matrix, told, write_numbers
from .scale import is_ratio, least_reach, null_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MADE_BY = "A measure of probe.value"
_TITLES = {
    "auc": "Related above unrelated regions",
    "effect": "Effect of ablating each head",
    "hit": "Hits on the linked partner",
    "per_token": "Pool attention per token",
    "probability": "Looking across",
}


def plot_heads(
    ds: xr.Dataset,
    variable: str,
    ax: Any = None,
    *,
    direction: str | None = None,
    kind: str | None = None,
    at: Mapping[str, str] | None = None,
    selected: xr.DataArray | Sequence[tuple[int, int]] | None = None,
    null: float | str | None = "known",
    vmin: float | None = None,
    vmax: float | None = None,
) -> Axes:
    """A statistic of each head, layers down and heads across, on one scale with its numbers.

    Parameters
    ----------
    ds
        Result of a measure of `probe.value`.
    variable
        One of its variables over ``layer, head`` and dims of which one label is chosen.
    ax
        Axes to draw on; a new figure if None.
    direction, kind
        Label along the dim of that name. If None: the only one there is, or that for all of them.
    at
        The same for other dims, such as ``{"modality": "image"}``.
    selected
        Heads to ring: bool over (layer, head), or pairs of their labels. If None, those that the
        result calls; the head chosen on one half of the examples is framed.
    null
        Centre of the colours: what chance gives where that is known, or a number; None for
        colours from pale to strong.
    vmin, vmax
        Ends of the scale, such as those of another model; from the values if None.

    Returns
    -------
    matplotlib.axes.Axes
        Hatched cells are not applicable: the model has no such attention there.

    Raises
    ------
    TypeError
        If `ds` is no Dataset, or `selected` neither array nor pairs.
    ValueError
        If there is no such variable, it has no layers and heads, a label is unknown or has to be
        chosen, or the ends of the scale are not in order.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {"auc": (("layer", "head"), [[0.5, 0.9], [0.4, np.nan]])},
    ...     {"layer": [0, 1], "head": [0, 1]},
    ... )
    >>> ax = plot_heads(ds, "auc")
    >>> [text.get_text() for text in ax.texts[1:]]
    ['.50', '.90', '.40']
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    ds = read(ds, [variable], GRID, made_by=MADE_BY)
    ds, labels = one_label(ds, variable, {"direction": direction, "kind": kind, **(at or {})})
    matrix = matrix_of(ds, variable, selected=selected)
    centre = _centre(ds, variable, null)
    rows, columns = matrix.values.shape
    size = (min(max(4.2, 2.0 + 0.42 * columns), 9.6), min(max(2.5, 1.5 + 0.3 * rows), 8.0))
    with style.canvas(ax, size=size) as (own,):
        ratio = is_ratio(variable) and centre is not None
        scale = scale_of(
            matrix.values,
            style.theme_of(own),
            null=centre,
            ratio=ratio,
            reach=least_reach(variable),
            vmin=vmin,
            vmax=vmax,
        )
        legend_rows = draw_matrix(own, matrix, scale, bar=axis_name(variable))
        where = "".join(
            f", {arrow(label)}" for label in labels.values() if label not in WHOLE.values()
        )
        long = axis_label(ds[variable])
        note = "" if long == axis_name(variable) else f"{long[:1].upper()}{long[1:]}."
        if centre is not None:
            palest = "chance" if null == "known" else short(centre)
            note = f"{note} Palest: {palest}.".strip()
        title = _TITLES.get(variable, f"{axis_name(variable).capitalize()} of each head") + where
        head([own], [Heading(title, note, legend_rows)])
        write_numbers([own], [(matrix, scale)])
        style.say(own, told(matrix, title))
    return own


def _centre(ds: xr.Dataset, variable: str, null: float | str | None) -> float | None:
    if null is None:
        return None
    if isinstance(null, str):
        one_of("null", null, ("known",))
        known = null_of(ds, variable)
        if known is None:
            return None
        value = float(np.nanmean(np.append(np.asarray(known, dtype=float).ravel(), np.nan)))
        return value if np.isfinite(value) else None
    return float(null)
