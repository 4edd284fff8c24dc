"""Relation consistency of every head as a matrix of layers by heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import bounds_of, read, short
from ..value.choosing import GRID, axis_name, matrix_of, one_label
from ..value.matrix import draw_matrix, told, write_numbers
from ..value.rows import p_words
from ..value.scale import scale_of
from .curves import MADE_BY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..value.matrix import Matrix

_TITLES = {
    "isd_head": ("ISD of each head", "0: same relations.", None),
    "permuted_head": ("ISD under permuted links", "", None),
    "gap_head": ("What links explain, by head", "(permuted − true) / permuted.", 0.0),
    "p_head": ("p of each head", "Not corrected.", None),
    "p_head_corrected": ("p of each head", "Corrected over heads.", None),
    "entropy": ("How even relations are", "Over log K. 1: even.", None),
}
# Gaps nearer to 0 than this stay pale, lest noise look like a finding.
LEAST_GAP = 0.2


def plot_isd_heads(
    ds: xr.Dataset,
    variable: str = "gap_head",
    ax: Any = None,
    *,
    modality: str | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
) -> Axes:
    """A statistic of each head, layers down and heads across; heads that the measure calls ringed.

    The head chosen on one half of the pairs is framed.

    Parameters
    ----------
    ds
        Result of `probe.isd.isd`.
    variable
        One of its variables over ``layer, head``.
    ax
        Axes to draw on; a new figure if None.
    modality
        For the entropy: whose relations.
    vmin, vmax
        Ends of the scale, such as those of another model; from the values if None.

    Returns
    -------
    matplotlib.axes.Axes
        Hatched cells are not applicable: the model has no such attention there.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If there is no such variable, it has no layers and heads, a modality is unknown or has to be
        chosen, or the ends of the scale are not in order.

    Examples
    --------
    >>> ds = xr.Dataset({"gap_head": (("layer", "head"), [[0.0, 0.5]])}, {"layer": [0]})
    >>> ax = plot_isd_heads(ds.assign_coords(head=[0, 1]))
    >>> [text.get_text() for text in ax.texts[1:]]
    ['.00', '.50']
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    ds = read(ds, [variable], GRID, made_by=MADE_BY)
    ds, labels = one_label(ds, variable, {"modality": modality})
    matrix = head_matrix(ds, variable)
    rows, columns = matrix.values.shape
    size = (min(max(4.4, 2.0 + 0.42 * columns), 9.6), min(max(2.6, 1.6 + 0.3 * rows), 8.0))
    title, note, null = _TITLES.get(variable, (axis_name(variable).capitalize(), "", None))
    with style.canvas(ax, size=size) as (own,):
        reach = LEAST_GAP if null is not None else 0.0
        theme = style.theme_of(own)
        scale = scale_of(matrix.values, theme, null=null, reach=reach, vmin=vmin, vmax=vmax)
        legend = draw_matrix(own, matrix, scale, bar=axis_name(variable.removesuffix("_head")))
        whose = "".join(f", {style.plain(label)}" for label in labels.values())
        if null is not None:
            note = f"{note} Palest: {short(null)}. {held_words(ds)}".strip()
        heading = f"{title}{whose}"
        head([own], [Heading(heading, note, legend)])
        write_numbers([own], [(matrix, scale)])
        style.say(own, f"{told(matrix, heading)} {held_words(ds)}")
    return own


def held_words(ds: xr.Dataset) -> str:
    """The gap of the chosen head on pairs that it was not chosen by; "" if there is none.

    Examples
    --------
    >>> held_words(xr.Dataset({"held_out": 0.31, "held_out_p": 0.02}))
    'Chosen on one half of the pairs, it has 0.31 on the other, p = .020.'
    """
    if "held_out" not in ds or not np.isfinite(float(ds["held_out"])):
        return ""
    interval = bounds_of(ds, "held_out")
    ends = "" if interval is None else f" ({' to '.join(short(float(v), 2) for v in interval)})"
    p = p_words(float(ds["held_out_p"])) if "held_out_p" in ds else ""
    said = f"{short(float(ds['held_out']), 2)}{ends} on the other"
    return f"Chosen on one half of the pairs, it has {', '.join(filter(None, (said, p)))}."


def head_matrix(ds: xr.Dataset, variable: str) -> Matrix:
    """A statistic of heads; those that `called_head` names are ringed, the chosen one framed."""
    called = {"called": ds["called_head"]} if "called_head" in ds else {}
    return matrix_of(ds.assign(called), variable)
