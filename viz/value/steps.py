"""Statistics of heads while a model trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import refuse

from .. import style
from .._reading import read, short
from .choosing import WHOLE, arrow, axis_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DIMS = ("step", "layer", "head")
_FIRST = ("hit", "auc", "probability", "per_token")
_MOST = 6


def plot_steps(
    ds: xr.Dataset, ax: Any = None, *, measures: Sequence[str] | None = None
) -> np.ndarray:
    """The highest head of each layer along the steps of a training, after the loss.

    Parameters
    ----------
    ds
        Result of `probe.subjects.watching_heads.watch_heads`: variables over ``step, layer, head``
        (and a direction, role or modality, each of which has a panel of its own), and curves over
        ``step_update``.
    ax
        One Axes for each panel; a new figure if None.
    measures
        Variables to draw; hits, AUCs and probabilities, where they are held, if None.

    Returns
    -------
    np.ndarray
        (panel,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If there is nothing over step, layer and head, or a measure is unknown.

    Examples
    --------
    >>> values = xr.DataArray([[[0.1, 0.2]], [[0.3, 0.9]]], dims=("step", "layer", "head"))
    >>> ds = xr.Dataset({"heads_hit": values}, {"step": [0, 50], "layer": [0], "head": [0, 1]})
    >>> (ax,) = plot_steps(ds)
    >>> ax.get_lines()[0].get_ydata().tolist()
    [0.2, 0.9]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    ds = read(ds, [], _DIMS, made_by="probe.subjects.watching_heads.watch_heads")
    parts = [part for name in _measures(ds, measures) for part in _parts(ds[name])]
    curves = [str(name) for name in ("loss", "accuracy") if _is_curve(ds, name)]
    count = len(curves) + len(parts)
    columns = min(3, count) if count != 4 else 2
    size = (3.5 * columns + (1.4 if columns == 1 else 0.4), 2.9 * -(-count // columns))
    with style.canvas(ax, panels=count, columns=columns, size=size) as axes:
        for own, name in zip(axes, curves, strict=False):
            _draw_curve(own, ds[name])
        for own, (title, values) in zip(axes[len(curves) :], parts, strict=True):
            _draw_heads(own, title, values)
    return np.array(axes, dtype=object)


def _measures(ds: xr.Dataset, wanted: Sequence[str] | None) -> list[str]:
    known = [
        str(name)
        for name, values in ds.data_vars.items()
        if set(_DIMS) <= set(values.dims)
        and "bound" not in values.dims
        and values.dtype.kind == "f"
    ]
    if not known:
        held = ", ".join(map(str, ds.data_vars)) or "none"
        refuse("ds", "hold a numeric variable over (step, layer, head)", held)
    if wanted is None:
        return [name for name in known if name.endswith(_FIRST)][:_MOST] or known[:_MOST]
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        refuse("measures", f"name some of {', '.join(known)}", ", ".join(unknown) or "none")
    return names


def _parts(values: xr.DataArray) -> list[tuple[str, xr.DataArray]]:
    """One series of (step, layer, head) for each label of the dims beside these."""
    for dim, whole in WHOLE.items():
        if dim in values.dims:
            labels = values[dim].values.tolist()
            values = values.sel({dim: whole if whole in labels else labels[0]})
    rest = [str(dim) for dim in values.dims if dim not in _DIMS]
    title = axis_name(str(values.name)).replace(".", " ").capitalize()
    if not rest:
        return [(title, values)]
    flat = values.stack(part=rest)
    return [
        (f"{title}, {', '.join(arrow(label) for label in labels)}", flat.isel(part=i))
        for i, labels in enumerate(flat["part"].values.tolist())
    ]


def _is_curve(ds: xr.Dataset, name: str) -> bool:
    return name in ds and ds[name].dims == ("step_update",)


def _draw_curve(ax: Axes, values: xr.DataArray) -> None:
    x = values["step_update"].values
    colours = style.theme_of(ax)
    ax.plot(x, values.values, color=colours.ink, linewidth=1.0, label=str(values.name))
    ax.set(xlabel="step", ylabel="")
    title = axis_name(str(values.name)).capitalize()
    style.title(ax, title)
    ends = f"{short(float(values[0]))} at step {x[0]} to {short(float(values[-1]))} at {x[-1]}"
    style.say(ax, f"{title} along training: {ends}.")


def _draw_heads(ax: Axes, title: str, values: xr.DataArray) -> None:
    from .._series import depth_legend

    steps, layers = values["step"].values, values["layer"].values.tolist()
    # The highest head; a layer without the block stays undefined, and is no line.
    best = values.fillna(-np.inf).max("head").transpose("layer", "step").values.astype(float)
    best = np.where(np.isfinite(best), best, np.nan)
    said = []
    for i, colour in enumerate(style.ordered(len(layers), style.theme_of(ax))):
        ax.plot(steps, best[i], color=colour, marker="o", markersize=3.5, label=str(layers[i]))
        said.append(f"layer {layers[i]} {short(best[i, 0])} to {short(best[i, -1])}")
    ax.set(xlabel="step", ylabel="highest head")
    style.title(ax, title)
    depth_legend(ax, layers, loc="best", columns=2)
    style.say(ax, f"{title}, highest head of each layer along training: {'; '.join(said)}.")
