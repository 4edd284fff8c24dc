"""One graph under a grid of settings, with all that it takes to compute any other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
import xarray as xr

from data.splits import random_split

from .._check import integer, refuse, same_length
from .._provenance import provenance
from ._labelled import Labelled, labels_of, read_labelled
from ._measures import conflict_of_exposure, reach_of
from ._operator import Directed, Operator, make_operator
from ._propagation import MEMORY_LIMIT, check_alpha, plan, propagate
from ._reading import read_adjacency
from .ranking import conflict_ranks

NAME = "totoro.map"


def conflict_map(
    graph: Any,
    labels: Any = None,
    *,
    alphas: Sequence[float] = (0.05, 0.1, 0.15, 0.25, 0.5),
    per_class: Sequence[int] = (5, 20),
    seeds: Sequence[int] = (0, 1, 2),
    tol: float = 1e-6,
    edge_weight: Any = None,
    directed: Directed = "refuse",
    text: Sequence[str] | None = None,
) -> xr.Dataset:
    """A labelled graph under a grid of settings: what `.viz.explore()` walks through.

    Parameters
    ----------
    graph, labels, tol, edge_weight, directed
        As in `topology_imbalance`.
    alphas, per_class, seeds
        The grid: restart probabilities, labelled nodes of each class, seeds of
        `data.random_split`.
    text
        What each node is (a title, a name), shown with it.

    Returns
    -------
    xr.Dataset
        Dims alpha, per_class, seed, node, label, edge, end. ``exposure`` (float32), ``totoro``,
        ``conflict_rank`` and ``train`` of each setting; ``edge`` with ``edge_weight``,
        ``label_of``, ``degree``, ``component``, ``text`` of the graph. `setting_of` gives one
        setting, in the grid or not.

    Raises
    ------
    TypeError, ValueError
        As `topology_imbalance` does, or if an axis of the grid is empty or has repeats, or a class
        has too few nodes for `per_class`.

    Examples
    --------
    >>> ring = np.arange(12)
    >>> edges = np.stack([np.r_[ring, (ring + 1) % 12], np.r_[(ring + 1) % 12, ring]])
    >>> found = conflict_map(edges, ring // 6, per_class=(2, 3), alphas=(0.15, 0.5), seeds=(0,))
    >>> found.exposure.sizes["alpha"], found.exposure.dims[-2:]
    (2, ('node', 'label'))
    """
    started = time.perf_counter()
    alphas = tuple(check_alpha(alpha) for alpha in _axis("alphas", alphas))
    per_class = tuple(integer("per_class", n, low=1) for n in _axis("per_class", per_class))
    seeds = tuple(integer("seeds", s, low=0) for s in _axis("seeds", seeds))
    adjacency = read_adjacency(graph, edge_weight=edge_weight)
    n_nodes = int(adjacency.indptr.size) - 1
    everyone = np.flatnonzero(labels_of(graph, labels, n_nodes) >= 0)
    known = read_labelled(graph, labels, everyone, n_nodes)
    operator = make_operator(adjacency, directed=directed)
    base = _graph_variables(adjacency, operator, known, text)
    train = np.zeros((len(per_class), len(seeds), n_nodes), dtype=bool)
    for i, n in enumerate(per_class):
        for j, seed in enumerate(seeds):
            train[i, j] = random_split(
                known.labels, per_class=n, valid_per_class=0, seed=seed
            ).train
    settings = train.reshape(-1, n_nodes)
    columns = sp.csc_array(sp.hstack([known._replace(train=mask).means for mask in settings]))
    exposure = np.empty((len(alphas), len(settings), n_nodes, len(known.names)), dtype=np.float32)
    for a, alpha in enumerate(alphas):
        how = plan(
            operator, len(columns.indptr) - 1, alpha=alpha, tol=tol, memory_limit=MEMORY_LIMIT
        )
        table = np.hstack([c.exposure for c in propagate(operator, columns, how, alpha=alpha)])
        exposure[a] = table.reshape(n_nodes, len(settings), -1).transpose(1, 0, 2)
    totoro = np.full(exposure.shape[:-1], np.nan)
    ranks = np.full(exposure.shape[:-1], np.nan)
    for s, mask in enumerate(settings):
        for a in range(len(alphas)):
            found = conflict_of_exposure(exposure[a, s])[mask, known.labels[mask]]
            totoro[a, s, mask], ranks[a, s, mask] = found, conflict_ranks(found)
    grid = ("alpha", "per_class", "seed", "node")
    shape = (len(alphas), len(per_class), len(seeds), n_nodes)
    ds = base.assign(
        train=(grid[1:], train, {"long_name": "labelled for training", "units": "1"}),
        exposure=((*grid, "label"), exposure.reshape(*shape, -1), _EXPOSURE),
        totoro=(grid, totoro.reshape(shape), {"long_name": "conflict T", "units": "probability"}),
        conflict_rank=(grid, ranks.reshape(shape), {"long_name": "place of T", "units": "1"}),
    ).assign_coords(alpha=list(alphas), per_class=list(per_class), seed=list(seeds))
    hashed = (ds.edge.values, ds.edge_weight.values, known.labels)
    ds.attrs = provenance(
        NAME,
        paper="arXiv:2110.04099",
        parameters={"alphas": alphas, "per_class": per_class, "seeds": seeds, "tol": tol},
        data=hashed,
        started=started,
    )
    ds.attrs |= {
        "graph": str(getattr(graph, "name", "")),
        "directed": int(not operator.symmetric),
        "tol": float(tol),
    }
    return ds


_EXPOSURE = {"long_name": "influence of a class met by the node, Z", "units": "probability"}


def _graph_variables(
    adjacency: sp.csr_array, operator: Operator, known: Labelled, text: Sequence[str] | None
) -> xr.Dataset:
    """What a view draws of the graph itself: each undirected edge once."""
    edges = sp.coo_array(adjacency)
    if operator.symmetric:
        # By request, edges were counted in both directions.
        edges = sp.coo_array(sp.triu(adjacency.maximum(adjacency.T)))
    pairs = np.stack([edges.coords[0], edges.coords[1]], axis=1).astype(np.int32)
    proper = pairs[pairs[:, 0] != pairs[:, 1]]
    degree = np.bincount(proper.ravel(), minlength=len(known.labels))
    names = np.array(known.names)
    component = reach_of(adjacency).component
    found: dict[str, Any] = {
        "edge": (("edge", "end"), pairs, {"long_name": "nodes that an edge joins", "units": "1"}),
        "edge_weight": ("edge", edges.data, {"long_name": "weight of the edge", "units": "1"}),
        "label_of": ("node", known.labels, {"long_name": "label, -1 unknown", "units": "1"}),
        "degree": ("node", degree, {"long_name": "neighbours", "units": "1"}),
        "component": ("node", component, {"long_name": "connected component", "units": "1"}),
    }
    if text is not None:
        same_length(text=text, labels=known.labels)
        found["text"] = (
            "node",
            np.array([str(each) for each in text]),
            {"long_name": "what it is"},
        )
    coords = {"label": np.arange(len(names)), "label_name": ("label", names)}
    return xr.Dataset(found, coords)


def _axis(name: str, values: Sequence[Any]) -> tuple[Any, ...]:
    axis = tuple(values)
    if not axis or len(set(axis)) < len(axis):
        refuse(name, "hold at least one value, each once", f"{axis}")
    return axis
