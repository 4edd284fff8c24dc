"""Where the nodes of a graph lie on the page: neighbours near each other, components packed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from probe._check import integer, ndim, refuse, refuse_type

# Up to this size the exact spring layout is fast; above it, UMAP's sampled forces are.
_SMALL = 100
_EPOCHS = 200  # more look the same and take longer
# Nodes of the giant component as far apart as this fill the page and still show their classes.
_MIN_DIST = 1.0
_CORE, _EDGE = 0.97, 0.85  # this share of the nodes, the nearest, fills the disc up to this radius
_ROOM = 0.6  # of a node outside the largest component, where no other lies between two
_GAP = 0.4  # between two components, in units of the room of one node


class _Component(NamedTuple):
    nodes: np.ndarray  # ascending
    pairs: np.ndarray  # (edge, 2), positions in `nodes`


def graph_layout(edge_index: Any, num_nodes: int, *, seed: int = 0) -> np.ndarray:
    """Positions of nodes in the plane, the same ones for the same graph and seed.

    The largest component is laid out by the forces of UMAP on the graph (McInnes, Healy and
    Melville 2018): 2,708 nodes take a second or two, 20,000 about ten. The others stand round
    it in rings, larger ones inside and lone nodes outermost, each with about as much room for a
    node as the largest has: with forces alone they would fly off and leave a dot in the middle.

    Parameters
    ----------
    edge_index
        (2, edge) whole numbers, each edge in one or both directions; loops are left out.
    num_nodes
        How many nodes there are, lone ones included.
    seed
        Of the forces' random samples. No other random numbers are touched by it.

    Returns
    -------
    np.ndarray
        (node, 2) float64, centred at 0; the longer side runs from -1 to 1.

    Raises
    ------
    TypeError
        If `edge_index` holds no whole numbers, or `num_nodes` or `seed` is none.
    ValueError
        If `edge_index` has other axes or names a node that is not there.

    Examples
    --------
    >>> xy = graph_layout(np.array([[0, 1], [1, 2]]), 5)
    >>> xy.shape, float(np.abs(xy).max())
    ((5, 2), 1.0)
    >>> np.array_equal(xy, graph_layout(np.array([[1, 2], [0, 1]]), 5))
    True
    """
    nodes = integer("num_nodes", num_nodes, low=1)
    integer("seed", seed, low=0)
    components = _components(pairs_of(edge_index, nodes), nodes)
    centres = _rings([len(each.nodes) for each in components])
    xy = np.zeros((nodes, 2))
    with _seeded(seed):
        for component, centre in zip(components, centres, strict=True):
            room = 1.0 if component is components[0] else _ROOM
            xy[component.nodes] = _lay_out(component, room) + centre
    low, high = xy.min(axis=0), xy.max(axis=0)
    half = float((high - low).max()) / 2
    return (xy - (low + high) / 2) / (half or 1.0)


def pairs_of(edge_index: Any, nodes: int, *, name: str = "edge_index") -> np.ndarray:
    """(edge, 2): each undirected edge once, loops left out, in an order of their own.

    Raises
    ------
    TypeError
        If `edge_index` holds no whole numbers.
    ValueError
        If it has other axes than (2, edge) or names a node that is not there.

    Examples
    --------
    >>> pairs_of(np.array([[1, 0, 2], [0, 1, 2]]), 3).tolist()
    [[0, 1]]
    """
    edges = np.asarray(edge_index)
    ndim(name, edges, ("2", "edge"))
    if len(edges) != 2:
        refuse(name, "have axes (2, edge)", f"shape {edges.shape}")
    if edges.dtype.kind not in "iu":
        refuse_type(name, "hold whole numbers", edges.dtype.type())
    if edges.size and (edges.min() < 0 or edges.max() >= nodes):
        wrong = edges.min() if edges.min() < 0 else edges.max()
        refuse(name, f"hold nodes from 0 to {nodes - 1}", f"node {wrong}")
    ends = np.sort(edges.astype(np.int64), axis=0)
    # One number for each pair sorts many times faster than rows of two.
    keys = np.unique((ends[0] * nodes + ends[1])[ends[0] != ends[1]])
    return np.stack([keys // nodes, keys % nodes], axis=1)


def _components(pairs: np.ndarray, nodes: int) -> list[_Component]:
    """The components, the largest first, then by their first node."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(nodes, nodes))
    count, code = connected_components(links, directed=False)
    members = _split(np.arange(nodes), code, count)
    edges = _split(pairs, code[pairs[:, 0]], count)
    found = [
        _Component(own, np.searchsorted(own, inside))
        for own, inside in zip(members, edges, strict=True)
    ]
    return sorted(found, key=lambda each: (-len(each.nodes), each.nodes[0]))


def _split(rows: np.ndarray, code: np.ndarray, count: int) -> list[np.ndarray]:
    """Rows of each of `count` groups, in their order."""
    cuts = np.cumsum(np.bincount(code, minlength=count))[:-1]
    return np.split(rows[np.argsort(code, kind="stable")], cuts)


def _lay_out(component: _Component, room: float) -> np.ndarray:
    """(node, 2) about the middle, with so much room for each node."""
    count = len(component.nodes)
    if count == 1:
        return np.zeros((1, 2))
    import igraph

    graph = igraph.Graph(n=count, edges=component.pairs.tolist())
    if count > _SMALL:
        forces = graph.layout_umap(min_dist=_MIN_DIST, epochs=_EPOCHS)
        return _radius(count, room) * _drawn_in(np.asarray(forces.coords))
    xy = np.asarray(graph.layout_kamada_kawai().coords)
    xy -= (xy.min(axis=0) + xy.max(axis=0)) / 2
    # Less than its room, so that a ring of components does not read as one.
    return xy * (0.9 * _radius(count, room) / np.hypot(*xy.T).max())


def _drawn_in(xy: np.ndarray) -> np.ndarray:
    """A cloud within the disc of radius 1: its core scaled, the few far nodes drawn towards it.

    Directions and the order of distances stay; else a few stray nodes would set the scale.
    """
    xy = xy - np.median(xy, axis=0)
    distance = np.hypot(*xy.T)
    core = float(np.quantile(distance, _CORE))
    scaled = distance / core
    beyond = 1 - np.exp(-np.maximum(scaled - 1, 0) / (1 - _EDGE))
    reach = _EDGE * np.minimum(scaled, 1) + (1 - _EDGE) * beyond
    return xy * np.divide(reach, distance, out=np.zeros_like(reach), where=distance > 0)[:, None]


def _radius(count: int, room: float = 1.0) -> float:
    """Of a disc with so much room for each of so many nodes."""
    return float(np.sqrt(count * room / np.pi))


def _rings(counts: list[int]) -> np.ndarray:
    """(component, 2) centres: the first in the middle, the others in rings round it."""
    centres = np.zeros((len(counts), 2))
    outer, start = _radius(counts[0]) + _GAP, 1
    while start < len(counts):
        # The first of a ring is its largest, since components come by size.
        radii = [_radius(count, _ROOM) for count in counts[start:]]
        middle = outer + radii[0]
        angles = [2 * np.arcsin(min((radius + _GAP / 2) / middle, 1.0)) for radius in radii]
        stop = start + max(int(np.searchsorted(np.cumsum(angles), 2 * np.pi, side="right")), 1)
        own = np.array(angles[: stop - start])
        # What is left of the circle goes between them, so that a ring closes.
        step = own + max(2 * np.pi - own.sum(), 0) / len(own)
        at = np.cumsum(step) - step / 2
        centres[start:stop] = middle * np.stack([np.cos(at), np.sin(at)], axis=1)
        outer, start = middle + radii[0] + _GAP, stop
    return centres


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Random numbers of igraph from a generator of our own, then from `random`, as by default."""
    import igraph

    igraph.set_random_number_generator(random.Random(seed))
    try:
        yield
    finally:
        igraph.set_random_number_generator(random)
