"""A graph in which nodes and edges are as large and as coloured as they matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probe._check import refuse

from .. import style
from ..value.scale import Scale
from .reading import Cell, Part, explained_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NODES = 160  # that matter, strongest first; a page could not tell more apart
_NAMED = 8  # nodes with their label written


def draw_network(ax: Axes, cell: Cell, parts: list[Part], scales: list[Scale]) -> None:
    """The nodes that matter and the explained one, with the edges between them."""
    from matplotlib.collections import LineCollection

    colours = style.theme_of(ax)
    by_kind = {part.kind: (part, scale) for part, scale in zip(parts, scales, strict=True)}
    points, ends = positions_of(cell), ends_of(cell)
    nodes = by_kind["node"][0].values if "node" in by_kind else None
    edges = by_kind["edge"][0].values if "edge" in by_kind else None
    chosen = explained_in(cell.result)
    shown = shown_nodes(nodes, edges, ends, chosen, len(points))
    held = np.zeros(len(points), bool)
    held[shown] = True
    inner = np.flatnonzero(held[ends].all(axis=1))
    width, tone = np.full(len(inner), 0.6), np.array([colours.other] * len(inner), dtype=object)
    if edges is not None:
        share = np.nan_to_num(edges[inner]) / float(by_kind["edge"][1].norm.vmax or 1.0)
        width = 0.5 + 4.5 * np.abs(share)
        shade = by_kind["edge"][1].shade(edges[inner])
        tone = np.array([*map(tuple, shade), None], dtype=object)[:-1]
    order = np.argsort(width, kind="stable")
    below = LineCollection(list(points[ends[inner[order]]]), color=colours.edge, zorder=1)
    below.set_linewidth((width[order] + 0.8).tolist())
    below.set_alpha(0.5)
    ax.add_collection(below)
    lines = LineCollection(list(points[ends[inner[order]]]), zorder=1.5)
    lines.set(linewidth=width[order].tolist(), color=tone[order].tolist(), gid="edges")
    ax.add_collection(lines)
    share = np.zeros(len(shown))
    face: Any = colours.other
    if nodes is not None:
        share = np.nan_to_num(nodes[shown]) / float(by_kind["node"][1].norm.vmax or 1.0)
        face = by_kind["node"][1].shade(np.nan_to_num(nodes[shown]))
    dots = ax.scatter(
        *points[shown].T,
        s=14 + 170 * np.abs(share),
        c=face,
        edgecolor=colours.edge,
        linewidth=0.6,
        zorder=3,
    )
    dots.set_gid("nodes")
    if chosen is not None:
        mark = {"facecolor": "none", "edgecolor": colours.series[2], "linewidth": 2.2}
        ax.scatter(*points[[chosen]].T, s=330, zorder=2.5, **mark)
    _name(ax, cell, points, shown[np.argsort(-np.abs(share), kind="stable")][:_NAMED], chosen)
    ax.margins(0.08)
    ax.autoscale_view()


def _name(ax: Axes, cell: Cell, points: np.ndarray, nodes: np.ndarray, chosen: int | None) -> None:
    labels = cell.result["label"].values.astype(str) if "label" in cell.result else None
    if labels is None:
        return
    for node in nodes:
        ax.annotate(
            style.plain(labels[node]),
            (float(points[node, 0]), float(points[node, 1])),
            xytext=(0, 9 if node == chosen else 7),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=style.theme_of(ax).ink,
            zorder=4,
        )


def positions_of(cell: Cell) -> np.ndarray:
    """(node, 2) places on the page.

    Raises
    ------
    ValueError
        If the result does not say where nodes lie or which edges there are.
    """
    for name in ("x", "y", "edge_source", "edge_target"):
        if name not in cell.result:
            refuse("ds", f"hold {name}, to draw a graph", ", ".join(map(str, cell.result)))
    return np.stack([cell.result[name].values.astype(float) for name in ("x", "y")], axis=1)


def ends_of(cell: Cell) -> np.ndarray:
    """(edge, 2) the nodes that each edge joins."""
    names = ("edge_source", "edge_target")
    return np.stack([cell.result[name].values.astype(np.int64) for name in names], axis=1)


def shown_nodes(
    nodes: np.ndarray | None,
    edges: np.ndarray | None,
    ends: np.ndarray,
    chosen: int | None,
    count: int,
) -> np.ndarray:
    """The nodes that matter, by their own attribution or that of an edge, at most `MOST_NODES`.

    Examples
    --------
    >>> shown_nodes(np.array([0.0, 2.0, 0.0, 1.0]), None, np.zeros((0, 2), int), 0, 4).tolist()
    [0, 1, 3]
    """
    weight = np.zeros(count)
    if nodes is not None:
        known = np.abs(np.nan_to_num(nodes))
        weight += known / (known.max() or 1.0)
    if edges is not None:
        known = np.abs(np.nan_to_num(edges))
        np.maximum.at(weight, ends.ravel(), np.repeat(known / (known.max() or 1.0), 2))
    order = np.argsort(-weight, kind="stable")[:MOST_NODES]
    kept = set(order[weight[order] > 0].tolist()) | ({chosen} if chosen is not None else set())
    return np.array(sorted(kept), dtype=int)
