"""Many splits of one graph at once: which draw of labelled nodes is easy, which is hard."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import scipy.sparse as sp
import xarray as xr

from data.splits import random_split

from .._check import integer
from .._provenance import provenance
from ._labelled import labels_of
from ._measures import reach_of, zero_conflict
from ._operator import Directed, make_operator
from ._propagation import MEMORY_LIMIT, plan
from ._reading import read_adjacency
from .imbalance import device_of, watched


def scan_splits(
    graph: Any,
    labels: Any = None,
    *,
    splits: int = 1000,
    per_class: int = 20,
    valid_per_class: int = 30,
    seed: int = 0,
    alpha: float = 0.15,
    tol: float = 1e-4,
    edge_weight: Any = None,
    directed: Directed = "refuse",
    device: Any = None,
    memory_limit: int = MEMORY_LIMIT,
    progress: bool | None = None,
) -> xr.Dataset:
    """Topology imbalance of many random splits of a graph (arXiv:2110.04099, eq. 4, summed).

    Parameters
    ----------
    graph, labels, edge_weight, directed, device
        As in `topology_imbalance`.
    splits
        How many.
    per_class, valid_per_class
        Labelled and validation nodes of each class, as `data.random_split` draws them.
    seed
        Of the first split; split i has the seed `seed` + i.
    alpha, tol, memory_limit, progress
        As in `topology_imbalance`; a scan compares splits, so that a wider `tol` does.

    Returns
    -------
    xr.Dataset
        By ``split``: ``graph_totoro``, ``mean_conflict_share``, ``zero_conflict`` (how many
        labelled nodes meet no other class) and ``split_seed``, which `data.random_split` makes the
        split from again. By (split, position): ``train_node`` and its ``totoro``. attrs:
        ``easiest``, ``median``, ``hardest``, the splits with the least, the middle and the largest
        sum.

    Raises
    ------
    TypeError, ValueError
        As `topology_imbalance` does, or if a class has too few nodes for the split.

    Notes
    -----
    A sum of T says how much conflict a split has, not how well a model will do on it.

    Examples
    --------
    >>> from data.records import Graph
    >>> ring = np.arange(12)
    >>> edges = np.stack([np.r_[ring, (ring + 1) % 12], np.r_[(ring + 1) % 12, ring]])
    >>> graph = Graph(edges, ring // 6)
    >>> found = scan_splits(graph, splits=5, per_class=2, valid_per_class=1)
    >>> float(found.graph_totoro[found.attrs["easiest"]] - found.graph_totoro.min())
    0.0
    """
    started = time.perf_counter()
    integer("splits", splits, low=1)
    adjacency = read_adjacency(graph, edge_weight=edge_weight)
    n_nodes = int(adjacency.indptr.size) - 1
    known = labels_of(graph, labels, n_nodes)
    n_labels = int(known.max()) + 1
    nodes = np.stack(
        [
            np.flatnonzero(
                random_split(
                    known, per_class=per_class, valid_per_class=valid_per_class, seed=seed + i
                ).train
            )
            for i in range(splits)
        ]
    )
    own = known[nodes]
    operator = make_operator(adjacency, directed=directed, device=device_of(graph, device))
    seeds, split_of, label_of = _columns(nodes, own, n_nodes, n_labels)
    how = plan(operator, len(label_of), alpha=alpha, tol=tol, memory_limit=memory_limit)
    conflict, mine = np.zeros(nodes.shape), np.zeros(nodes.shape)
    for chunk in watched(operator, seeds, how, alpha=alpha, progress=progress):
        for j in range(chunk.exposure.shape[1]):
            split, label = split_of[chunk.columns][j], label_of[chunk.columns][j]
            seen = chunk.exposure[nodes[split], j]
            other = own[split] != label
            conflict[split] += np.where(other, seen, 0.0)
            mine[split] += np.where(other, 0.0, seen)
    component = reach_of(adjacency).component
    alone = [
        int(zero_conflict(component, n, o, n_labels).sum()) for n, o in zip(nodes, own, strict=True)
    ]
    totals = conflict.sum(axis=1)
    order = np.argsort(totals, kind="stable")
    ds = xr.Dataset(
        {
            "graph_totoro": ("split", totals, _words("sum of T over the labelled nodes")),
            "mean_conflict_share": (
                "split",
                (conflict / (conflict + mine)).mean(axis=1),
                _words("mean share of other classes in the exposure", "[0, 1]"),
            ),
            "zero_conflict": ("split", alone, _words("labelled nodes that meet no other class")),
            "split_seed": ("split", np.arange(seed, seed + splits), _words("seed of the split")),
            "train_node": (("split", "position"), nodes, _words("labelled node")),
            "totoro": (("split", "position"), conflict, _words("conflict T", ">= 0")),
        },
        {"split": np.arange(splits)},
    )
    ds.attrs = provenance(
        "totoro.splits",
        paper="arXiv:2110.04099",
        parameters={
            "splits": splits,
            "per_class": per_class,
            "valid_per_class": valid_per_class,
            "alpha": alpha,
            "tol": tol,
            "directed": directed,
        },
        data=(adjacency.indptr, adjacency.indices, known),
        seed=seed,
        started=started,
    )
    ds.attrs |= {
        "graph": str(getattr(graph, "name", "")),
        "easiest": int(order[0]),
        "median": int(order[(splits - 1) // 2]),
        "hardest": int(order[-1]),
        "products": how.products,
        "per_class": per_class,
        "valid_per_class": valid_per_class,
    }
    return ds


def _columns(
    nodes: np.ndarray, own: np.ndarray, n_nodes: int, n_labels: int
) -> tuple[sp.csc_array, np.ndarray, np.ndarray]:
    """Class means of every split side by side, and the split and label of each column."""
    splits = len(nodes)
    at = (np.arange(splits)[:, None] * n_labels + own).ravel()
    counts = np.bincount(at, minlength=splits * n_labels)
    seeds = sp.csc_array(
        (1.0 / counts[at], (nodes.ravel(), at)), shape=(n_nodes, splits * n_labels)
    )
    return seeds, np.repeat(np.arange(splits), n_labels), np.tile(np.arange(n_labels), splits)


def _words(long_name: str, span: str = "") -> dict[str, str]:
    return {"long_name": long_name, "units": "1"} | ({"range": span} if span else {})
