"""Scores of a labelled task, by layer and transform, beside what chance would score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from .. import style
from .._reading import bounds_of, read, short
from .._series import Series, dodged, draw_line, label_axis, label_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class _Task(NamedTuple):
    measure: str
    baseline: str
    made_by: str
    heading: str
    ylabel: str
    floor: str  # what the baseline is called


def plot_topics(ds: xr.Dataset, ax: Any = None) -> Axes:
    """Precision of topic retrieval by layer, a line for each transform, with intervals and chance.

    Chance is the mean over transforms of the precision with topics permuted, its band the widest
    of their intervals. A result of one layer is drawn as points, one for each transform.

    Parameters
    ----------
    ds
        Result of `probe.whitening.topic_retrieval`.
    ax
        Axes to draw on; a new figure if None.

    Raises
    ------
    ValueError
        If the result holds no precision or no chance.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {
    ...         "precision_at_k": (("layer", "transform"), [[0.4, 0.5], [0.6, 0.5]]),
    ...         "chance": (("layer", "transform"), np.full((2, 2), 0.1)),
    ...     },
    ...     {"layer": [0, 1], "transform": ["raw", "whiten"]},
    ... )
    >>> ax = plot_topics(ds)
    >>> ax.get_lines()[0].get_ydata().tolist()
    [0.4, 0.6]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    k = f" at {ds.attrs['k']}" if isinstance(ds, xr.Dataset) and "k" in ds.attrs else ""
    return _plot(
        ds,
        ax,
        _Task(
            "precision_at_k",
            "chance",
            "probe.whitening.topic_retrieval",
            "Neighbours that share the topic",
            f"precision{k}",
            "chance",
        ),
    )


def plot_classification(ds: xr.Dataset, ax: Any = None) -> Axes:
    """Held-out accuracy of a linear classifier by layer, a line for each transform, with intervals.

    Parameters
    ----------
    ds
        Result of `probe.whitening.classification_check`.
    ax
        Axes to draw on; a new figure if None.

    Raises
    ------
    ValueError
        If the result holds no accuracy or no majority baseline.
    """
    made_by = "probe.whitening.classification_check"
    heading = "Logistic regression on held-out sentences"
    task = _Task("accuracy", "majority", made_by, heading, "accuracy", "majority label")
    return _plot(ds, ax, task)


def _plot(ds: xr.Dataset, ax: Any, task: _Task) -> Axes:
    needed = [task.measure, task.baseline]
    ds = read(ds, needed, ["layer", "transform"], made_by=task.made_by)
    layers, transforms = ds["layer"].values.tolist(), ds["transform"].values.tolist()
    score = ds[task.measure].transpose("layer", "transform").values
    interval = bounds_of(ds, task.measure)
    ends = None if interval is None else interval.transpose("layer", "transform", "bound").values
    floor = ds[task.baseline].mean([d for d in ds[task.baseline].dims if d != "layer"])
    floor = floor.broadcast_like(ds["layer"]).values
    with style.canvas(ax, size=(6.6, 3.9)) as (own,):
        colours = style.theme_of(own)
        palette = [*colours.series, *[colours.other] * len(transforms)]
        x = dodged(len(layers), len(transforms))
        if len(layers) == 1:
            _points(own, transforms, score[0], None if ends is None else ends[0], palette)
            base_x = np.array([-0.5, len(transforms) - 0.5])
            label_axis(own, transforms, "transform")
            own.set_xlim(*base_x)
        else:
            for t, name in enumerate(transforms):
                own_ends = None if ends is None else ends[:, t]
                marker = style.MARKERS[min(t, 8)]
                draw_line(own, x[t], Series(name, score[:, t], own_ends, palette[t], marker))
            base_x = np.arange(len(layers))
            label_axis(own, layers, "layer")
        base = np.broadcast_to(floor, base_x.shape) if len(floor) == 1 else floor
        _baseline(own, ds, task, base_x, base)
        own.set_ylim(0, own.get_ylim()[1])
        own.set_ylabel(task.ylabel)
        names = [] if len(layers) == 1 else list(enumerate(transforms))
        last = [(x[t, -1], score[-1, t], name, palette[t]) for t, name in names]
        label_ends(own, [*last, (base_x[-1], base[-1], task.floor, colours.soft)])
        one = f", layer {style.plain(layers[0])}" if len(layers) == 1 else ""
        style.title(own, f"{task.heading}{one}")
        said = [
            f"{name} {', '.join(short(value) for value in score[:, t])}"
            for t, name in enumerate(transforms)
        ]
        style.say(
            own,
            f"{task.heading}: {task.ylabel} at layers {', '.join(map(str, layers))}. "
            f"{'; '.join(said)}; {task.floor} {short(float(np.mean(floor)))}.",
        )
    return own


def _points(
    ax: Axes, names: list[Any], score: np.ndarray, ends: np.ndarray | None, palette: list[str]
) -> None:
    for t, name in enumerate(names):
        own_ends = None if ends is None else ends[[t]]
        marker = style.MARKERS[min(t, 8)]
        draw_line(ax, np.array([t]), Series(name, score[[t]], own_ends, palette[t], marker))


def _baseline(ax: Axes, ds: xr.Dataset, task: _Task, x: np.ndarray, value: np.ndarray) -> None:
    colour = style.theme_of(ax).soft
    interval = bounds_of(ds, task.baseline)
    if interval is not None:
        others = [d for d in interval.dims if d not in ("layer", "bound")]
        low = interval.sel(bound="low").min(others).broadcast_like(ds["layer"]).values
        high = interval.sel(bound="high").max(others).broadcast_like(ds["layer"]).values
        low, high = (np.broadcast_to(e, x.shape) if len(e) == 1 else e for e in (low, high))
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    ax.plot(x, value, color=colour, linewidth=1.2, linestyle=(0, (4, 3)), label=task.floor)
