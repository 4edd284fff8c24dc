"""Flat maps of sentences, each with the number that says how far it can be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._reading import chosen, read, short
from .spectrum import middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES = {"pca": "PCA", "umap": "UMAP"}


def plot_map(
    ds: xr.Dataset, layer: Any = None, transform: str | None = None, *, ax: Any = None
) -> np.ndarray:
    """The sample of a layer after a transform, each projection beside the other, coloured by label.

    The eight most frequent labels have a colour and a shape, the others share one. Axes have no
    unit and no ticks: only who lies near whom is to be read, as far as trustworthiness goes
    (Venna and Kaski 2001: 1 is perfect, about 0.5 is chance).

    Parameters
    ----------
    ds
        Result of `probe.whitening.whitening_effect` or `effect_of`.
    layer, transform
        Of the result; the middle layer and the first transform if None.
    ax
        One Axes for each projection; a new figure if None.

    Returns
    -------
    np.ndarray
        (projection,) of Axes.

    Raises
    ------
    ValueError
        If the result holds no maps, or the layer or transform is unknown.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {
    ...         "map": (("projection", "example", "axis"), [[[0.0, 1.0], [2.0, 3.0]]]),
    ...         "trustworthiness": ("projection", [0.9]),
    ...     },
    ...     {
    ...         "projection": ["pca"],
    ...         "label": ("example", ["a", "b"]),
    ...         "layer": 1,
    ...         "transform": "raw",
    ...     },
    ... )
    >>> (ax,) = plot_map(ds)
    >>> ax.get_title(loc="left")
    'PCA, trustworthiness 0.90'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    made_by = "probe.whitening.whitening_effect"
    dims = ["layer", "transform", "projection"]
    ds = read(ds, ["map", "trustworthiness"], dims, made_by=made_by)
    (label,) = chosen(ds, "layer", middle(ds) if layer is None else layer)
    (name,) = chosen(ds, "transform", ds["transform"].values[0] if transform is None else transform)
    one = ds.sel(layer=label, transform=name)
    projections = one["projection"].values.tolist()
    size = (4.0 * len(projections) + 1.7, 3.9)
    with style.canvas(ax, panels=len(projections), columns=len(projections), size=size) as axes:
        for own, projection in zip(axes, projections, strict=True):
            draw_map(own, one.sel(projection=projection))
        legend_of_labels(axes[-1])
        if ax is None:
            heading = f"Sentences at layer {style.plain(label)}, {style.plain(name)}"
            style.figure_of(axes[0]).suptitle(
                heading,
                x=0.042 / size[0],
                ha="left",
                fontsize=11,
                color=style.theme_of(axes[0]).ink,
            )
    return np.array(axes, dtype=object)


def scatter_groups(
    ax: Axes,
    points: np.ndarray,
    groups: Sequence[tuple[int, str, np.ndarray]],
    *,
    rest: tuple[float, float] = (10.0, 0.6),
) -> None:
    """Points (example, 2) of `grouped` groups; `rest` is size and opacity of the last, "other"."""
    colours = style.theme_of(ax)
    palette = {**dict(zip(range(8), colours.series, strict=True)), 8: colours.other}
    # Rarest last, and so on top: what is drawn first is covered most.
    for code, name, rows in sorted(groups, key=lambda group: -len(group[2])):
        size, opacity = rest if code == 8 else (18.0, 0.9)
        ax.scatter(
            *points[rows].T,
            s=size,
            marker=style.MARKERS[code],
            color=palette[code],
            edgecolor=colours.paper,
            linewidth=0.3,
            alpha=opacity,
            zorder=1 if code == 8 else 2,
            label=style.plain(name) if name else "_unlabelled",
        )


def draw_map(ax: Axes, one: xr.Dataset, *, heading: str = "") -> None:
    """One map: `map` (example, axis) and `trustworthiness` () of a slice, on a bare square."""
    colours = style.theme_of(ax)
    points = one["map"].transpose("example", "axis").values.astype(float)
    labels = one["label"].values if "label" in one.coords else np.full(len(points), "")
    groups = grouped(labels)
    scatter_groups(ax, points, groups)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.margins(0.04)
    ax.set_aspect("equal", adjustable="datalim")
    for spine in ax.spines.values():
        spine.set(visible=True, color=colours.grid)
    projection = str(one["projection"].item())
    called = _NAMES.get(projection, projection)
    trust = f"{float(one['trustworthiness']):.2f}"
    words = f"{heading}: {called}" if heading else called
    style.title(ax, f"{words}, trustworthiness {trust}")
    shown = ", ".join(f"{name} ({len(rows)})" for _, name, rows in groups if name)
    style.say(
        ax,
        f"{called} map of {len(points)} sentences at layer {one['layer'].item()}, transform "
        f"{one['transform'].item()}, trustworthiness {short(float(trust))}"
        + (f", coloured by label: {shown}." if shown else "."),
    )


def grouped(labels: np.ndarray) -> list[tuple[int, str, np.ndarray]]:
    """Code of the colour, name and rows of each group: the eight most frequent labels, then other.

    Labels that are all empty are one group without a name.

    Examples
    --------
    >>> [(code, name, rows.tolist()) for code, name, rows in grouped(np.array(["b", "a", "b"]))]
    [(0, 'b', [0, 2]), (1, 'a', [1])]
    """
    texts = np.array([str(label) for label in labels], dtype=object)
    counts = Counter(texts.tolist())
    if set(counts) <= {""}:
        return [(0, "", np.arange(len(texts)))]
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    shown = ranked[: len(style.LIGHT.series)]
    found = [
        (code, name or "no label", np.flatnonzero(texts == name)) for code, name in enumerate(shown)
    ]
    rest = np.flatnonzero(~np.isin(texts, np.array(shown, dtype=object)))
    return (
        [*found, (len(shown), f"other ({len(ranked) - len(shown)})", rest)] if len(rest) else found
    )


def legend_of_labels(ax: Axes) -> None:
    """The groups of a map, most frequent first, right of it."""
    handles, names = ax.get_legend_handles_labels()
    if not handles:
        return
    codes = {style.plain(name): code for code, name in _codes(ax)}
    order = sorted(range(len(names)), key=lambda i: codes[names[i]])
    legend = ax.legend(
        [handles[i] for i in order],
        [names[i] for i in order],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0,
        handletextpad=0.3,
        labelcolor=style.theme_of(ax).ink,
    )
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)


def _codes(ax: Axes) -> list[tuple[int, str]]:
    """Code and name of the groups drawn, by size, with other last."""
    sizes = [
        (len(np.asarray(each.get_offsets())), str(each.get_label())) for each in ax.collections
    ]
    named = sorted(sizes, key=lambda each: (each[1].startswith("other ("), -each[0], each[1]))
    return [(code, name) for code, (_, name) in enumerate(named)]
