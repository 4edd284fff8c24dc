"""Probers beside what they would reach without the model: majority, random labels, half a pair."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from probe._check import refuse

from .. import style
from .._headings import Heading, head
from .._reading import bounds_of, read, short
from .lines import Curve, draw_curves, legend_of_curves, told_curves
from .rows import HEIGHT, Row, Score, Sign, draw_rows, told_rows
from .twins import TWIN, read_twin

_MADE_BY = "probe.value.attention_prober, embedding_prober or linguistic"
_NEEDED = ["accuracy", "majority", "control"]
_PROBER = "prober"


def plot_probers(ds: xr.Dataset, twin: xr.Dataset | None = None, ax: Any = None) -> np.ndarray:
    """Held-out accuracy of linear probers with its baselines, for each task.

    Baselines: naming the commonest label; the same prober on random labels (control task); the
    first of the two alone, which tells how far the answer leaks. Selectivity is accuracy less
    control. A prober of all heads has a row for each task, one of each layer a panel.

    Parameters
    ----------
    ds
        Result of `probe.value.attention_prober`, `embedding_prober` or `linguistic`.
    twin
        The same of the model with random weights.
    ax
        One Axes, or for results by layer one for each task; a new figure if None.

    Returns
    -------
    np.ndarray
        (panel,) of Axes.

    Raises
    ------
    TypeError
        If `ds` or `twin` is no Dataset.
    ValueError
        If a result lacks what is drawn, or the twin has other tasks or layers.

    Examples
    --------
    >>> tasks = {name: ("task", [value]) for name, value in zip(_NEEDED, (0.8, 0.5, 0.6))}
    >>> (ax,) = plot_probers(xr.Dataset(tasks, {"task": ["identification"]}))
    >>> ax.get_label()
    'Accuracy of linear probers. identification: prober 0.8, majority 0.5, random labels 0.6.'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    ds = read(ds, _NEEDED, ["task"], made_by=_MADE_BY)
    layered = "layer" in ds["accuracy"].dims
    others = [str(dim) for dim in ds["accuracy"].dims if dim not in ("task", "layer")]
    if others:
        refuse("ds", "have no dims but layer and task", ", ".join(others))
    twin = read_twin(twin, ds, ["accuracy"], ["task", "layer"] if layered else ["task"])
    draw = _by_layer if layered else _in_rows
    return np.array(draw(ds, twin, ax), dtype=object)


def _baselines(ds: xr.Dataset) -> dict[str, str]:
    """What the baselines that the result has are called, by variable."""
    held = {"majority": "majority", "control": "random labels"}
    if "alone" in ds and np.isfinite(ds["alone"].values).any():
        pairs = json.loads(ds.attrs.get("parameters", "{}")).get("pairs", "")
        first = "phrase" if pairs.startswith("phrase") else "region" if pairs else "first"
        held["alone"] = f"{first} alone"
    return held


def _in_rows(ds: xr.Dataset, twin: xr.Dataset | None, ax: Any) -> list[Any]:
    names = _baselines(ds)
    rows = []
    for task in ds["task"].values.tolist():
        one = ds.sel(task=task)
        scores = {_PROBER: _score(one, "accuracy")}
        if twin is not None:
            scores[TWIN] = _score(twin.sel(task=task), "accuracy")
        scores |= {called: _score(one, name) for name, called in names.items()}
        rows.append(Row(style.plain(task), scores, _words(one)))
    with style.canvas(ax, size=(8.2, 1.9 + 2.4 * HEIGHT * len(rows))) as (own,):
        colours = style.theme_of(own)
        signs = {_PROBER: Sign(colours.series[0], style.MARKERS[0])}
        signs[TWIN] = Sign(colours.series[1], style.MARKERS[1])
        marks = {"majority": ("|", True), "control": ("s", False), "alone": ("D", False)}
        for name, called in names.items():
            marker, tick = marks[name]
            signs[called] = Sign(colours.soft, marker, hollow=True, tick=tick)
        held = {name: sign for name, sign in signs.items() if _held(rows, name)}
        legend = draw_rows(own, rows, held, columns=5)
        own.set(xlim=(0, 1.02), xlabel="accuracy")
        head([own], [Heading("Linear probers on the attention of all heads", "", legend)])
        style.say(own, f"Accuracy of linear probers. {told_rows(rows)}")
    return [own]


def _held(rows: list[Row], name: str) -> bool:
    return any(name in row.scores for row in rows)


def _words(one: xr.Dataset) -> str:
    if not np.isfinite(float(one["accuracy"])):
        return "not applicable"
    if "selectivity" not in one:
        return ""
    found = _score(one, "selectivity")
    ends = f"\n[{short(found.low)}, {short(found.high)}]" if np.isfinite(found.low) else ""
    return f"selectivity {short(found.value)}{ends}"


def _score(one: xr.Dataset, name: str) -> Score:
    interval = bounds_of(one, name)
    ends = (np.nan, np.nan) if interval is None else interval.values.astype(float)
    return Score(float(one[name]), *map(float, ends))


def _by_layer(ds: xr.Dataset, twin: xr.Dataset | None, ax: Any) -> list[Any]:
    tasks, layers = ds["task"].values.tolist(), ds["layer"].values.tolist()
    columns = min(3, len(tasks)) if len(tasks) != 4 else 2
    rows = -(-len(tasks) // columns)
    size = (3.9 * columns + (1.6 if columns == 1 else 0.6), 3.2 * rows + 0.5)
    with style.canvas(ax, panels=len(tasks), columns=columns, size=size) as axes:
        drawn = []
        for own, task in zip(axes, tasks, strict=True):
            one = ds.sel(task=task)
            other = None if twin is None else twin.sel(task=task)
            curves = _curves(one, other, style.theme_of(own))
            draw_curves(own, layers, curves)
            own.set(ylim=(0, 1.03), ylabel="accuracy")
            title, note = style.plain(task).replace("_", " ").capitalize(), _best(one, layers)
            # One legend for all panels, and its room above each.
            legend = legend_of_curves(own) if own is axes[0] else drawn[0].rows
            drawn.append(Heading(title, note, legend))
            said = told_curves(layers, curves)
            style.say(own, f"{title}, accuracy of a linear prober by layer: {said} {note}")
        head(axes, drawn)
    return list(axes)


def _curves(one: xr.Dataset, twin: xr.Dataset | None, colours: style.Theme) -> list[Curve]:
    curves = [_curve(one, "accuracy", _PROBER, colours.series[0], style.MARKERS[0])]
    if twin is not None:
        curves.append(_curve(twin, "accuracy", TWIN, colours.series[1], style.MARKERS[1]))
    signs = {
        "majority": (colours.soft, ""),
        "control": (colours.series[2], "s"),
        "alone": (colours.series[3], "D"),
    }
    for name, called in _baselines(one).items():
        colour, marker = signs[name]
        curves.append(Curve(called, _values(one, name), None, colour, marker, dashed=True))
    return curves


def _curve(ds: xr.Dataset, name: str, called: str, colour: str, marker: str) -> Curve:
    interval = bounds_of(ds, name)
    ends = None if interval is None else interval.transpose("layer", "bound").values.astype(float)
    return Curve(called, _values(ds, name), ends, colour, marker)


def _values(ds: xr.Dataset, name: str) -> np.ndarray:
    """By layer, also where a baseline is one number for all of them."""
    return ds[name].broadcast_like(ds["layer"]).values.astype(float)


def _best(one: xr.Dataset, layers: list[Any]) -> str:
    """The most selective layer."""
    if "selectivity" not in one or not np.isfinite(one["selectivity"].values).any():
        return ""
    values = one["selectivity"].values.astype(float)
    best = int(np.nanargmax(values))
    return f"Most selective: layer {layers[best]}, {short(values[best])}."
