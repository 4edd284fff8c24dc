"""How far text and image are fused, layer by layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import bounds_of, read
from .lines import Curve, draw_curves, legend_of_curves, told_curves
from .twins import TRAINED, TWIN, read_twin

_MADE_BY = "probe.value.fusion_degree"


class _Panel(NamedTuple):
    title: str
    note: str
    label: str
    fused: float | None  # what it is where the modalities cannot be told apart
    top: float | None


_PANELS = {
    "nmi": _Panel("Clusters follow modality", "NMI of two clusters. 0: fused.", "NMI", 0.0, 1.0),
    "separability": _Panel(
        "A line tells modality", "Held-out accuracy. 0.5: fused.", "accuracy", 0.5, 1.0
    ),
    "gap": _Panel(
        "Gap of the centroids", "Over the spread within a modality. 0: fused.", "gap", 0.0, None
    ),
}


def plot_fusion(ds: xr.Dataset, twin: xr.Dataset | None = None, ax: Any = None) -> np.ndarray:
    """NMI of clusters and modality, linear separability and centroid gap by layer, with intervals.

    Layer 0 is what enters the first layer. An untrained model is not fused at all (its NMI is 1),
    which is why its twin belongs beside.

    Parameters
    ----------
    ds
        Result of `probe.value.fusion_degree`.
    twin
        The same of the model with random weights.
    ax
        One Axes for each of the three measures that `ds` holds; a new figure if None.

    Returns
    -------
    np.ndarray
        (measure,) of Axes: NMI, then separability and gap.

    Raises
    ------
    TypeError
        If `ds` or `twin` is no Dataset.
    ValueError
        If a result has no NMI by layer, or the twin other layers or measures.

    Examples
    --------
    >>> axes = plot_fusion(xr.Dataset({"nmi": ("layer", [0.4, 0.2])}, {"layer": [0, 1]}))
    >>> axes[0].get_lines()[0].get_ydata().tolist()
    [0.4, 0.2]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(axes[0].figure)
    """
    ds = read(ds, ["nmi"], ["layer"], made_by=_MADE_BY)
    names = [name for name in _PANELS if name in ds]
    twin = read_twin(twin, ds, names, ["layer"])
    layers = ds["layer"].values.tolist()
    count = len(names)
    size = (3.6 * count + 0.8, 3.7)
    with style.canvas(ax, panels=count, columns=count, size=size) as axes:
        drawn = []
        for own, name in zip(axes, names, strict=True):
            panel, colours = _PANELS[name], style.theme_of(own)
            curves = [_curve(ds, name, TRAINED, colours.series[0], style.MARKERS[0])]
            if twin is not None:
                curves.append(_curve(twin, name, TWIN, colours.series[1], style.MARKERS[1]))
            draw_curves(own, layers, curves)
            _limits(own, panel)
            rows = legend_of_curves(own) if twin is not None else 0
            drawn.append(Heading(panel.title, panel.note, rows))
            said = told_curves(layers, curves)
            style.say(own, f"{panel.title}, {panel.label} by layer: {said} {panel.note}")
        head(axes, drawn)
    return np.array(axes, dtype=object)


def _curve(ds: xr.Dataset, name: str, called: str, colour: str, marker: str) -> Curve:
    interval = bounds_of(ds, name)
    ends = None if interval is None else interval.transpose("layer", "bound").values.astype(float)
    return Curve(called, ds[name].values.astype(float), ends, colour, marker)


def _limits(ax: Any, panel: _Panel) -> None:
    colours = style.theme_of(ax)
    low, high = ax.get_ylim()
    fused = 0.0 if panel.fused is None else panel.fused
    margin = 0.03 * (1.0 if panel.top else max(high - fused, 0.1))
    ax.set_ylim(min(low, fused - margin), high if panel.top is None else panel.top + margin)
    if panel.fused is not None:
        ax.axhline(panel.fused, color=colours.soft, linewidth=1.0, zorder=1)
    ax.set_ylabel(panel.label)
