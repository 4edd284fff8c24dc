"""Topology imbalance of a labelled graph (Totoro)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import scipy.sparse as sp
import xarray as xr

from .._provenance import provenance
from ._describe import described, notes_of, summary_of
from ._labelled import Labelled, read_labelled
from ._measures import conflict_of_exposure, reach_of
from ._operator import Directed, Operator, make_operator
from ._propagation import MEMORY_LIMIT, Chunk, Plan, plan, propagate
from ._reading import read_adjacency
from .ranking import check_weights

Progress = Callable[[Iterable[Any]], Iterable[Any]]


def topology_imbalance(
    edge_index: Any,
    labels: Any = None,
    train_mask: Any = None,
    *,
    alpha: float = 0.15,
    tol: float = 1e-6,
    num_nodes: int | None = None,
    edge_weight: Any = None,
    directed: Directed = "refuse",
    w_min: float = 0.5,
    w_max: float = 1.5,
    dtype: str = "float64",
    device: Any = None,
    memory_limit: int = MEMORY_LIMIT,
    progress: bool | None = None,
) -> xr.Dataset:
    """How strongly the influences of different classes meet at each node of a labelled graph.

    With A_hat = D^(-1/2) (A + I) D^(-1/2) and P = alpha (I - (1 - alpha) A_hat)^(-1), a class c
    has at node x the influence Y[x, c] = mean over its labelled i of P[i, x], and the conflict of
    a labelled node v is T_v = sum_x P[v, x] sum_(c != y_v) Y[x, c] (arXiv:2110.04099, eqs. 1-4).

    Deviations from the paper: P is never formed. Z = P P' S with S the class means is a short
    Chebyshev series in A_hat with known error; T for every node under every label follows from it.
    Weights count (the paper's A is binary); a self-loop that the graph has stays as it is, and no
    second one is added.

    Parameters
    ----------
    edge_index
        The graph: (2, edge) array or tensor, scipy.sparse matrix, networkx graph, or an object
        with ``edge_index`` (torch_geometric's Data, our Graph), whose labels, mask and weights
        are used where none are given. Undirected edges stand in both directions.
    labels
        (node,) integers from 0, -1 where unknown.
    train_mask
        (node,) bool, or positions: the nodes whose labels the model learns from.
    alpha
        Restart probability of PageRank, in (0, 1].
    tol
        Bound on the 2-norm of the error of P P' (whose norm is 1 on undirected graphs).
    num_nodes, edge_weight
        Where `edge_index` does not tell: number of nodes; (edge,) finite, not negative.
    directed
        What to do where an edge has no counterpart: refuse, ``"symmetrise"`` (count it both ways),
        or ``"exact"``: follow directions, D the out-degrees, more products.
    w_min, w_max
        Least and largest ReNode weight.
    dtype
        ``"float64"`` or ``"float32"`` (half the time and memory; rounding near 1e-6 of max T).
    device
        Torch device to compute on; None multiplies with scipy on the processor, unless
        `edge_index` is a tensor on another device.
    memory_limit
        Bytes for the working blocks, beside the graph and the result. See `estimate`.
    progress
        Show a bar over chunks of columns; None shows it on large graphs.

    Returns
    -------
    xr.Dataset
        Along ``node`` (NaN where not labelled): ``totoro`` T_v; ``conflict_share`` = 1 - Z[v, y_v]
        / sum_c Z[v, c] in [0, 1], comparable across graphs, which T is not; ``conflict_rank``;
        ``weight``. Along (node, label): ``conflict``, T of the node if it carried that label;
        ``exposure`` Z; ``influence`` Y. ``class_conflict`` (label, label_other), the mean exposure
        of the labelled nodes of one class to another. Flags by node: ``train``, ``zero_conflict``,
        ``unreached``, ``isolated``; ``component`` and ``label_of``. attrs: ``graph_totoro`` (sum of
        T), ``graph_conflict_share`` (mean), ``products``, ``error_bound`` of T, ``notes``.

    Raises
    ------
    TypeError
        If indices or labels are no whole numbers, or the graph is of no known kind.
    ValueError
        If the graph is empty, or directed while `directed` is ``"refuse"``; an index, label,
        weight, `alpha` or `tol` is out of range; or a class has no labelled node.

    Notes
    -----
    Cost O(products x edges x labels): 27 products at the defaults. T = 0 may mean peace, or that
    nobody else is reached: see ``zero_conflict``. The hypothetical T in ``conflict`` is exact, not
    an estimate, since T leaves out the node's own class, the only mean that its label would move.
    The sum of T over a graph did not predict accuracy across splits: it ranks nodes, not graphs.

    Examples
    --------
    >>> path = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> found = topology_imbalance(path, [0, 0, 0, 1], [0, 2, 3])
    >>> found.totoro.values.round(4)
    array([0.1482,    nan, 0.2672, 0.2077])
    >>> found.weight.values
    array([1.5, nan, 0.5, 1. ])
    """
    started = time.perf_counter()
    check_weights(w_min, w_max)
    adjacency = read_adjacency(edge_index, num_nodes=num_nodes, edge_weight=edge_weight)
    n_nodes = len(adjacency.indptr) - 1
    labelled = read_labelled(edge_index, labels, train_mask, n_nodes)
    operator = make_operator(
        adjacency, directed=directed, dtype=dtype, device=device_of(edge_index, device)
    )
    n_labels = len(labelled.names)
    how = plan(operator, n_labels, alpha=alpha, tol=tol, memory_limit=memory_limit)
    influence, exposure = _tables(operator, labelled, how, alpha, progress)
    tables = {
        "influence": influence,
        "exposure": exposure,
        "conflict": conflict_of_exposure(exposure),
    }
    reach = reach_of(adjacency)
    ds = described(tables, labelled, reach, w_min=w_min, w_max=w_max)
    parameters = {"alpha": alpha, "tol": tol, "directed": directed, "dtype": dtype}
    ds.attrs = provenance(
        "totoro.imbalance",
        paper="arXiv:2110.04099",
        parameters=parameters | {"w_min": w_min, "w_max": w_max},
        data=(adjacency.indptr, adjacency.indices, labelled.labels, labelled.train),
        started=started,
    )
    bound = how.bound * float(np.sum(1 / np.sqrt(labelled.counts[labelled.counts > 0])))
    ds.attrs |= {
        "graph": str(getattr(edge_index, "name", "")),
        "alpha": float(alpha),
        "tol": float(tol),
        "products": how.products,
        "error_bound": bound,
        **summary_of(ds),
    }
    ds.attrs["notes"] = notes_of(ds, symmetric=operator.symmetric, directed=directed)
    return ds


def device_of(source: Any, device: Any) -> Any:
    """The device asked for, else that of a tensor which is not on the processor, else None."""
    if device is not None:
        return device
    edges = getattr(source, "edge_index", source)
    own = getattr(edges, "device", None)
    return own if getattr(own, "type", "cpu") != "cpu" else None


def _tables(
    operator: Operator, labelled: Labelled, how: Plan, alpha: float, progress: bool | None
) -> tuple[np.ndarray, np.ndarray]:
    """Influence and exposure (node, label) of every class."""
    shape = (operator.num_nodes, len(labelled.names))
    influence = np.empty(shape, dtype=operator.dtype)
    exposure = np.empty_like(influence)
    for chunk in watched(operator, labelled.means, how, alpha=alpha, progress=progress):
        influence[:, chunk.columns] = chunk.influence
        exposure[:, chunk.columns] = chunk.exposure
    return influence, exposure


def watched(
    operator: Operator, seeds: sp.csc_array, how: Plan, *, alpha: float, progress: bool | None
) -> Iterable[Chunk]:
    """The chunks of a propagation, with a bar where it takes long."""
    chunks = propagate(operator, seeds, how, alpha=alpha)
    long = how.products * operator.nnz * (len(seeds.indptr) - 1) > 2e10
    if progress is False or (progress is None and not long):
        return chunks
    from tqdm import tqdm

    return tqdm(chunks, total=how.chunks, unit="chunk", desc="totoro", leave=False)
