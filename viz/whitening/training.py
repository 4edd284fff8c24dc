"""The geometry of an encoder while it trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import refuse

from .. import style
from .._reading import axis_label, bounds_of, read, short
from .._series import Series, depth_legend, draw_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIRST = ("average_cosine", "isoscore_corrected", "effective_rank", "precision_at_k")


def plot_training(
    ds: xr.Dataset, ax: Any = None, *, measures: Sequence[str] | None = None
) -> np.ndarray:
    """Measures along the steps of a training, a line for each layer, after the loss if it is held.

    Parameters
    ----------
    ds
        Result of `probe.subjects.watching.watch`: numeric variables over (step, layer), and curves
        over one dim named ``step...``.
    ax
        One Axes for each panel (the curves, then the measures); a new figure if None.
    measures
        Variables over (step, layer) to draw; average cosine, IsoScore, effective rank and
        precision of topic retrieval, where they are held, if None.

    Returns
    -------
    np.ndarray
        (panel,) of Axes.

    Raises
    ------
    ValueError
        If there is nothing over (step, layer), or a measure is unknown.

    Examples
    --------
    >>> values = xr.DataArray([[0.9, 0.8], [0.5, 0.2]], dims=("step", "layer"))
    >>> ds = xr.Dataset({"average_cosine": values}, {"step": [0, 100], "layer": [0, 1]})
    >>> (ax,) = plot_training(ds)
    >>> ax.get_lines()[1].get_ydata().tolist()
    [0.8, 0.2]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    ds = read(ds, [], ["step", "layer"], made_by="probe.subjects.watching.watch")
    names = _measures(ds, measures)
    curves = [str(name) for name, values in ds.data_vars.items() if _is_curve(values)]
    panels = len(curves) + len(names)
    columns = min(3, panels) if panels != 4 else 2
    size = (3.3 * columns + (1.6 if columns == 1 else 0), 2.8 * -(-panels // columns))
    with style.canvas(ax, panels=panels, columns=columns, size=size) as axes:
        for own, name in zip(axes, curves, strict=False):
            _draw_curve(own, ds[name])
        for own, name in zip(axes[len(curves) :], names, strict=True):
            _draw_measure(own, ds, name)
        depth_legend(axes[len(curves)], ds["layer"].values.tolist(), loc="best", columns=2)
    return np.array(axes, dtype=object)


def _measures(ds: xr.Dataset, wanted: Sequence[str] | None) -> list[str]:
    known = [
        str(name)
        for name, values in ds.data_vars.items()
        if set(values.dims) == {"step", "layer"} and np.issubdtype(values.dtype, np.number)
    ]
    if not known:
        refuse(
            "ds", "hold a numeric variable over (step, layer)", ", ".join(map(str, ds.data_vars))
        )
    if wanted is None:
        return [name for name in _FIRST if name in known] or known[:3]
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        refuse("measures", f"name some of {', '.join(known)}", ", ".join(unknown) or "none")
    return names


def _is_curve(values: xr.DataArray) -> bool:
    return (
        values.ndim == 1
        and str(values.dims[0]).startswith("step")
        and np.issubdtype(values.dtype, np.number)
        and values.dims[0] in values.coords
    )


def _draw_curve(ax: Axes, values: xr.DataArray) -> None:
    x = values[values.dims[0]].values
    colours = style.theme_of(ax)
    ax.plot(x, values.values, color=colours.ink, linewidth=1.0, label=str(values.name))
    ax.set(xlabel="step", ylabel=_unit(values))
    style.title(ax, axis_label(values.rename(str(values.name)).drop_attrs()).capitalize())
    ends = f"{short(float(values[0]))} at step {x[0]} to {short(float(values[-1]))} at {x[-1]}"
    style.say(ax, f"{axis_label(values)} along training: {ends}.")


def _draw_measure(ax: Axes, ds: xr.Dataset, name: str) -> None:
    steps, labels = ds["step"].values, ds["layer"].values.tolist()
    values = ds[name].transpose("layer", "step").values
    interval = bounds_of(ds, name)
    ends = None if interval is None else interval.transpose("layer", "step", "bound").values
    said = []
    for i, colour in enumerate(style.ordered(len(labels), style.theme_of(ax))):
        own_ends = None if ends is None else ends[i]
        draw_line(ax, steps, Series(str(labels[i]), values[i], own_ends, colour), band=True)
        said.append(f"layer {labels[i]} {short(values[i, 0])} to {short(values[i, -1])}")
    chance = ds.get("chance") if name == "precision_at_k" else None
    if chance is not None and set(chance.dims) == {"step", "layer"}:
        level = chance.mean("layer").transpose("step").values
        soft = style.theme_of(ax).soft
        ax.plot(steps, level, color=soft, linewidth=1.2, linestyle=(0, (4, 3)), label="chance")
        ax.annotate(
            "chance",
            xy=(steps[-1], level[-1]),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=soft,
            fontsize=8.5,
        )
        said.append(f"chance {short(float(level.mean()))}")
    heading, unit = _TITLES.get(
        name, (axis_label(ds[name].assign_attrs(units="1")), _unit(ds[name]))
    )
    ax.set(xlabel="step", ylabel=unit)
    style.title(ax, heading)
    style.say(ax, f"{axis_label(ds[name])} along training: {'; '.join(said)}.")


def _unit(values: xr.DataArray) -> str:
    units = str(values.attrs.get("units", "1"))
    return "" if units == "1" else units


_TITLES = {
    "average_cosine": ("Average cosine", ""),
    "isoscore_corrected": ("IsoScore, corrected", ""),
    "effective_rank": ("Effective rank", "directions"),
    "precision_at_k": ("Topic retrieval", "precision"),
}
