"""One model before and after, say without and with IAIS: both on the same scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import refuse, refuse_type

from .. import style
from .._headings import Heading, head
from .._reading import read, short
from ..value.lines import Curve, draw_curves, legend_of_curves, told_curves
from ..value.matrix import draw_matrix, told, write_numbers
from ..value.scale import scale_of
from .curves import MADE_BY, curve_of, even, from_zero, told_gap, zero_line
from .heads import LEAST_GAP, head_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NEED = ("isd", "permuted", "gap", "gap_head")


def plot_before_after(
    before: xr.Dataset,
    after: xr.Dataset,
    ax: Any = None,
    *,
    names: tuple[str, str] = ("before", "after"),
) -> np.ndarray:
    """ISD and gap by layer of two models, and the gap of every head of both on one scale.

    Parameters
    ----------
    before, after
        Results of `probe.isd.isd` with the same layers and heads.
    ax
        Four Axes; a new figure if None.
    names
        What the two are called.

    Returns
    -------
    np.ndarray
        (4,) of Axes: ISD, gap, heads before, heads after.

    Raises
    ------
    TypeError
        If one is no Dataset.
    ValueError
        If one lacks what is drawn, the two differ in layers or heads, or names are alike.
    """
    before = _read("before", before)
    after = _read("after", after)
    for dim in ("layer", "head"):
        own, other = before[dim].values.tolist(), after[dim].values.tolist()
        if own != other:
            refuse("after", f"have the labels of `before` along {dim}, {own}", other)
    if len(names) != 2 or names[0] == names[1]:
        refuse("names", "be two different names", names)
    both = dict(zip(map(str, names), (before, after), strict=True))
    rows, columns = before.sizes["layer"], before.sizes["head"]
    size = (max(9.6, 2 * (2.0 + 0.4 * columns)), 3.5 + max(2.8, 1.6 + 0.28 * rows))
    with style.canvas(ax, panels=4, columns=2, size=size) as axes:
        drawn = [_draw_isd(axes[0], both), _draw_gap(axes[1], both)]
        tables = [head_matrix(each, "gap_head") for each in both.values()]
        values = np.stack([table.values for table in tables])
        theme = style.theme_of(axes[2])
        scale = scale_of(values, theme, null=0.0, reach=LEAST_GAP)
        for own, table, name in zip(axes[2:], tables, both, strict=True):
            # Each has a bar, so that both matrices are as wide; the scale is one.
            legend = draw_matrix(own, table, scale, bar="gap")
            heading = f"What links explain, {name}"
            drawn.append(Heading(heading, f"Both on one scale. Palest: {short(0)}.", legend))
            style.say(own, told(table, heading))
        head(axes, even(drawn[:2]) + even(drawn[2:]))
        write_numbers(axes[2:], [(table, scale) for table in tables])
    return np.array(axes, dtype=object)


def _read(name: str, ds: xr.Dataset) -> xr.Dataset:
    if not isinstance(ds, xr.Dataset):
        refuse_type(name, f"be an xarray.Dataset, such as {MADE_BY} gives", ds)
    missing = [variable for variable in _NEED if variable not in ds]
    if missing:
        held = ", ".join(map(str, ds.data_vars)) or "no variables"
        refuse(name, f"hold {', '.join(missing)}", held, f"{MADE_BY} gives such a result.")
    return read(ds, _NEED, ["layer", "head"], made_by=MADE_BY)


def _draw_isd(ax: Axes, both: dict[str, xr.Dataset]) -> Heading:
    colours = style.theme_of(ax)
    curves: list[Curve] = []
    for i, (name, ds) in enumerate(both.items()):
        sign = (colours.series[i], style.MARKERS[i])
        curves.append(curve_of(ds, "isd", name, *sign))
        curves.append(curve_of(ds, "permuted", f"{name}, permuted", *sign, dashed=True))
    layers = next(iter(both.values()))["layer"].values.tolist()
    draw_curves(ax, layers, curves)
    from_zero(ax)
    ax.set_ylabel("ISD")
    rows = legend_of_curves(ax, columns=2)
    style.say(ax, f"ISD by layer: {told_curves(layers, curves)} 0: the same relations.")
    return Heading("Words against regions", "Dashed: permuted links.", rows)


def _draw_gap(ax: Axes, both: dict[str, xr.Dataset]) -> Heading:
    colours = style.theme_of(ax)
    layers = next(iter(both.values()))["layer"].values.tolist()
    curves = [
        curve_of(ds, "gap", name, colours.series[i], style.MARKERS[i])
        for i, (name, ds) in enumerate(both.items())
    ]
    draw_curves(ax, layers, curves)
    zero_line(ax)
    ax.set_ylabel("gap")
    rows = legend_of_curves(ax)
    told_of = " ".join(
        f"{name}: {told_gap(layers, ds['gap'].values.astype(float), None)}"
        for name, ds in both.items()
    )
    style.say(ax, f"Share of the ISD that links explain: {told_curves(layers, curves)} {told_of}")
    return Heading("What links explain", "(permuted − true) / permuted. 0: nothing.", rows)
