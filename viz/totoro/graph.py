"""A graph on the page: classes, and which labelled nodes meet conflict and so weigh less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import ndim, refuse

from .. import style
from .._headings import Heading, head
from .._reading import read, short
from .classes import MADE_BY, class_names, legend_of_classes, sign_of
from .layout import graph_layout, pairs_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SMALLEST, _LARGEST = 16.0, 90.0  # areas of labelled nodes, in square points
_THINNEST, _WIDEST = 0.0, 2.6  # widths of rings, in points
_MOST_EDGES = 150_000  # more are no picture: an even sample is drawn
_DOTS = 600  # nodes; pictures of more are images inside a vector file


def plot_graph(
    ds: xr.Dataset,
    ax: Any = None,
    *,
    graph: Any = None,
    positions: Any = None,
    alpha: float | None = None,
    per_class: int | None = None,
    seed: int | None = None,
) -> Axes:
    """The nodes by class; labelled ones as large as their weight, ringed as wide as their T.

    Parameters
    ----------
    ds
        Result of `probe.totoro.topology_imbalance`, then with `graph`; or of `conflict_map`.
    ax
        Axes to draw on; a new figure if None.
    graph
        Edges of the nodes of `ds`: (2, edge), or an object with ``edge_index``. A map has its own.
    positions
        (node, 2), any unit; those in `ds` (``position``), else `graph_layout`, if None.
    alpha, per_class, seed
        Which setting of a map: 0.15 (else the middle one) and the first ones if None. A setting
        that the map does not hold is measured.

    Raises
    ------
    TypeError
        If `ds` is no Dataset or edges are no whole numbers.
    ValueError
        If the result lacks conflict, weights or classes, edges are missing or name other nodes,
        positions are not one for each node, or the setting is not possible.

    Examples
    --------
    >>> from probe.totoro import topology_imbalance
    >>> path = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> ax = plot_graph(topology_imbalance(path, [0, 0, 0, 1], [0, 2, 3]), graph=path)
    >>> ax.get_title(loc="left")
    '4 nodes, 3 edges, 3 labelled'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    given = _edges(ds, graph)
    if isinstance(ds, xr.Dataset) and "alpha" in ds.dims:
        ds = _setting(ds, alpha, per_class, seed)
    ds = read(ds, ["totoro", "weight", "label_of"], ["node"], made_by=MADE_BY)
    if given is None:
        hint = "Give the graph that was measured: plot_graph(ds, graph=graph)."
        refuse("graph", "hold the edges, or `ds` be a result of conflict_map", "none", hint)
    count = ds.sizes["node"]
    edges = pairs_of(given, count, name="graph")
    points = _positions(ds, edges, positions)
    with style.canvas(ax, size=(8.6, 6.8)) as (own,):
        head([own], [_draw(own, ds, points, edges)])
    return own


def _edges(ds: Any, graph: Any) -> Any:
    """The edges as they were given; None where neither argument holds any."""
    found = getattr(graph, "edge_index", graph)
    if found is None and isinstance(ds, xr.Dataset) and "edge" in ds.variables:
        found = ds["edge"].transpose("end", "edge").values
    return found


def _setting(
    ds: xr.Dataset, alpha: float | None, per_class: int | None, seed: int | None
) -> xr.Dataset:
    from probe.totoro import setting_of

    dims = ["alpha", "per_class", "seed"]
    read(ds, ["exposure", "train"], dims, made_by="probe.totoro.conflict_map")
    held = [ds[dim].values for dim in dims]
    usual = 0.15 if 0.15 in held[0] else held[0][len(held[0]) // 2]
    found = setting_of(
        ds,
        alpha=float(usual if alpha is None else alpha),
        per_class=int(held[1][0]) if per_class is None else per_class,
        seed=int(held[2][0]) if seed is None else seed,
    )
    names = {"position"} & set(ds.variables)
    return found.assign({name: ds[name] for name in names})


def _positions(ds: xr.Dataset, edges: np.ndarray, given: Any) -> np.ndarray:
    count = ds.sizes["node"]
    if given is None and "position" in ds:
        given = ds["position"].transpose("node", "axis").values
    if given is None:
        return graph_layout(edges.T, count)
    points = np.asarray(given, dtype=float)
    ndim("positions", points, ("node", "2"))
    if points.shape != (count, 2):
        refuse("positions", f"have shape ({count}, 2)", f"shape {points.shape}")
    return points


def _draw(ax: Axes, ds: xr.Dataset, points: np.ndarray, edges: np.ndarray) -> Heading:
    from matplotlib.collections import LineCollection

    colours = style.theme_of(ax)
    names, label = class_names(ds), ds["label_of"].values
    totoro, weight = ds["totoro"].values.astype(float), ds["weight"].values.astype(float)
    labelled = np.isfinite(totoro)
    many = len(points) > _DOTS
    drawn = edges
    if len(edges) > _MOST_EDGES:
        drawn = edges[np.linspace(0, len(edges) - 1, _MOST_EDGES).astype(int)]
    ax.add_collection(
        LineCollection(
            list(points[drawn]),
            color=colours.other,
            linewidth=float(np.clip(30 / np.sqrt(len(drawn) + 1), 0.15, 0.8)),
            alpha=0.45 if len(drawn) < 20_000 else 0.2,
            zorder=1,
            rasterized=many,
        )
    )
    codes = sorted(set(label.tolist()), key=lambda code: (code < 0, code))
    small = float(np.clip(16_000 / len(points), 1.5, 12.0))
    for code in codes:
        sign = sign_of(code, colours)
        rows = np.flatnonzero((label == code) & ~labelled)
        ax.scatter(
            *points[rows].T,
            s=small * sign.even,
            marker=sign.marker,
            color=sign.colour,
            linewidth=0,
            alpha=0.7,
            zorder=2,
            rasterized=many,
        )
    _draw_labelled(ax, points, label, totoro, weight)
    legend_of_classes(ax, codes, names)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.03 * (float((high - low).max()) or 1.0)
    ax.set(xlim=(low[0] - room, high[0] + room), ylim=(low[1] - room, high[1] + room))
    ax.set_aspect("equal", anchor="W")
    for spine in ax.spines.values():
        spine.set_visible(False)
    return _words(ax, ds, len(edges), labelled)


def _draw_labelled(
    ax: Axes, points: np.ndarray, label: np.ndarray, totoro: np.ndarray, weight: np.ndarray
) -> None:
    """Labelled nodes: shapes by class, then all rings in one collection on top."""
    colours = style.theme_of(ax)
    labelled = np.flatnonzero(np.isfinite(totoro))
    if not len(labelled):
        return
    area = _between(weight, weight[labelled], _SMALLEST, _LARGEST)
    for code in np.unique(label[labelled]):
        sign = sign_of(int(code), colours)
        rows = labelled[label[labelled] == code]
        ax.scatter(
            *points[rows].T,
            s=area[rows] * sign.even,
            marker=sign.marker,
            color=sign.colour,
            edgecolor=colours.paper,
            linewidth=0.8,
            zorder=3,
        )
    # The ring stands off the node, so that neither covers the other's size.
    ax.scatter(
        *points[labelled].T,
        s=(np.sqrt(area[labelled]) + 5) ** 2,
        facecolor="none",
        edgecolor=colours.ink,
        linewidth=_widths(totoro[labelled]),
        zorder=4,
        label="T",
    )


def _widths(values: np.ndarray) -> np.ndarray:
    """Widths of rings, from none at T = 0: the widest is that of the largest T."""
    top = float(values.max())
    return _THINNEST + (_WIDEST - _THINNEST) * values / top if top > 0 else np.zeros(len(values))


def _between(values: np.ndarray, known: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values on a scale from `low` at the smallest of `known` to `high` at the largest."""
    first, last = float(known.min()), float(known.max())
    share = (values - first) / (last - first) if last > first else np.full(len(values), 0.5)
    return low + (high - low) * share


def _words(ax: Axes, ds: xr.Dataset, n_edges: int, labelled: np.ndarray) -> Heading:
    count, some = ds.sizes["node"], int(labelled.sum())
    title = f"{count:,} nodes, {n_edges:,} edges, {some:,} labelled"
    name = style.plain(ds.attrs.get("graph", ""))
    title = f"{name}: {title}" if name else title
    if not some:
        style.say(ax, f"{title}.")
        return Heading(title)
    weight, totoro = ds["weight"].values[labelled], ds["totoro"].values[labelled]
    size = f"Size: ReNode weight, {short(weight.min())} to {short(weight.max())}."
    ring = f"Ring: conflict T, width from 0 to {short(totoro.max())}."
    far = f"{int(ds['unreached'].values.sum()):,}" if "unreached" in ds else ""
    words = f"{far} nodes are in no component with a labelled one." if far else ""
    counts = np.bincount(ds["label_of"].values[ds["label_of"].values >= 0])
    listed = ", ".join(
        f"{each} {n}" for each, n in list(zip(class_names(ds), counts, strict=False))[:16]
    )
    style.say(ax, f"{title}. {size} {ring} {words} Nodes by class: {listed}.")
    return Heading(title, f"{size} {ring}")
