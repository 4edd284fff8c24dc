"""The measures of anisotropy over layers, as small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from probe._check import one_of, refuse

from .. import style
from .._reading import bounds_of, read, short
from .._series import Series, dodged, draw_line, label_axis, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Panel(NamedTuple):
    """One small picture: its title, how to read it, its variables with short names, its scale."""

    title: str
    reading: str
    variables: tuple[tuple[str, str], ...]
    unit: str = ""
    zero: bool = True  # the axis starts at zero


PANELS = {
    "average_cosine": Panel(
        "Average cosine", "0: directions cancel", (("average_cosine", "average cosine"),)
    ),
    "mean_norm_ratio": Panel(
        "Relative norm of the mean", "0: centred", (("mean_norm_ratio", "norm ratio"),)
    ),
    "isoscore": Panel(
        "IsoScore",
        "1: isotropic",
        (("isoscore_corrected", "corrected"), ("isoscore", "of the sample")),
    ),
    "directions": Panel(
        "Directions sharing variance",
        "",
        (("effective_rank", "effective rank"), ("participation_ratio", "participation ratio")),
        "directions",
    ),
    "intrinsic_dimension": Panel(
        "Intrinsic dimension", "TwoNN", (("twonn_dimension", "TwoNN"),), "dimensions"
    ),
    "uniformity": Panel(
        "Uniformity on the sphere",
        "lower: more uniform",
        (("uniformity", "uniformity"),),
        zero=False,
    ),
    "hubness": Panel("Hubness", "0: no hubs", (("hubness_skew", "hubness"),)),
    "partition": Panel(
        "Partition function",
        "1: isotropic",
        (("partition_isotropy", "partition isotropy"),),
    ),
    "null": Panel(
        "Null directions", "without variance", (("null_dimensions", "null"),), "directions"
    ),
}


def plot_anisotropy(
    ds: xr.Dataset, ax: Any = None, *, panels: Sequence[str] | None = None
) -> np.ndarray:
    """How anisotropic each layer is: one small picture for each measure, intervals where sampled.

    Parameters
    ----------
    ds
        Result of `probe.whitening.anisotropy`.
    ax
        One Axes for each panel; a new figure if None.
    panels
        Names in `PANELS`; those whose measures the result holds if None.

    Returns
    -------
    np.ndarray
        (panel,) of Axes.

    Raises
    ------
    ValueError
        If a panel is unknown, or the result does not hold what it shows.

    Examples
    --------
    >>> ds = xr.Dataset({"average_cosine": ("layer", [0.6, 0.1])}, {"layer": [0, 1]})
    >>> (ax,) = plot_anisotropy(ds)
    >>> ax.get_lines()[0].get_ydata().tolist()
    [0.6, 0.1]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    made_by = "probe.whitening.anisotropy"
    names = _panels(read(ds, [], made_by=made_by), panels)
    needed = [variable for name in names for variable, _ in PANELS[name].variables]
    ds = read(ds, needed, ["layer"], made_by=made_by)
    columns = min(3, len(names))
    size = (3.2 * columns + (1.6 if columns == 1 else 0), 2.7 * -(-len(names) // columns))
    with style.canvas(ax, panels=len(names), columns=columns, size=size) as axes:
        for own, name in zip(axes, names, strict=True):
            _draw(own, ds, PANELS[name])
    return np.array(axes, dtype=object)


def _panels(ds: xr.Dataset, wanted: Sequence[str] | None) -> list[str]:
    if wanted is not None:
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        if not names:
            refuse("panels", "name at least one panel", "none")
        return [one_of("panels", name, tuple(PANELS)) for name in names]
    held = [
        name
        for name, panel in PANELS.items()
        if all(variable in ds for variable, _ in panel.variables)
    ]
    if not held:
        read(ds, [PANELS["average_cosine"].variables[0][0]], made_by="probe.whitening.anisotropy")
    return held


def _draw(ax: Axes, ds: xr.Dataset, panel: Panel) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    colours = style.theme_of(ax)
    labels = ds["layer"].values.tolist()
    x = dodged(len(labels), len(panel.variables), width=0.12)
    said = []
    for i, (variable, name) in enumerate(panel.variables):
        values = ds[variable].values.astype(float)
        interval = bounds_of(ds, variable)
        ends = None if interval is None else interval.transpose("layer", "bound").values
        draw_line(ax, x[i], Series(name, values, ends, colours.series[i], style.MARKERS[i]))
        said.append(f"{name} {_by_layer(labels, values)}")
    label_axis(ax, labels, "layer")
    if panel.zero:
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, 0), max(high, 0) or 1)
    # In full at every tick: a factor of all would stand over the axis, where the title is.
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, 4)))
    if panel.unit:
        ax.set_ylabel(panel.unit)
    if all(np.issubdtype(ds[variable].dtype, np.integer) for variable, _ in panel.variables):
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    several = len(panel.variables) > 1
    style.title(ax, panel.title, panel.reading, lift=13 if several else 0)
    if several:
        legend_above(ax)
    style.say(ax, f"{panel.title} by layer: {'; '.join(said)}.")


def _by_layer(labels: list[Any], values: np.ndarray) -> str:
    """All values if they are few, else the first, the last and the extremes."""
    if len(labels) <= 12:
        return ", ".join(short(value) for value in values)
    low, high = np.nanmin(values), np.nanmax(values)
    ends = f"{short(values[0])} at {labels[0]} to {short(values[-1])} at {labels[-1]}"
    return f"{ends}, lowest {short(low)}, highest {short(high)}"
