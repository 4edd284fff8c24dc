"""Any graph that a user has, as one sparse adjacency matrix."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import scipy.sparse as sp

from .._check import integer, refuse, refuse_type

_KINDS = (
    "a (2, edge) array or tensor, a scipy.sparse matrix, a networkx graph, or an object with "
    "`edge_index` such as torch_geometric's Data"
)


def read_adjacency(
    source: Any, *, num_nodes: int | None = None, edge_weight: Any = None
) -> sp.csr_array:
    """The adjacency A (node, node), float64, as given: row = source, column = target of an edge.

    Without weights A is binary: an edge given twice counts once. With weights, repeated edges add
    up. Self-loops stay. Nodes of a networkx graph are numbered in its own order.

    Parameters
    ----------
    source
        (2, edge) integers (numpy, torch or nested lists), a square scipy.sparse matrix, a networkx
        graph, or an object with the attribute ``edge_index``.
    num_nodes
        Number of nodes; else that of the object, else one more than the largest index.
    edge_weight
        (edge,) finite, not negative; only beside an edge index.

    Raises
    ------
    TypeError
        If `source` is no graph, or its indices are no whole numbers.
    ValueError
        If there is no node or no edge, an index lies beyond `num_nodes`, or a weight is negative
        or not finite.

    Examples
    --------
    >>> read_adjacency([[0, 1], [1, 2]], num_nodes=4).shape
    (4, 4)
    """
    if sp.issparse(source) or _is_networkx(source):
        if edge_weight is not None:
            hint = "Its own weights are used."
            refuse("edge_weight", f"be None beside a {_name(source)}", "weights", hint)
        matrix = _from_networkx(source) if _is_networkx(source) else _from_scipy(source)
        if (
            num_nodes is not None
            and integer("num_nodes", num_nodes, low=1) != len(matrix.indptr) - 1
        ):
            refuse("num_nodes", f"be the {len(matrix.indptr) - 1} of the graph", num_nodes)
    else:
        if hasattr(source, "edge_index"):
            num_nodes = getattr(source, "num_nodes", None) if num_nodes is None else num_nodes
            # An object may have the attribute and hold nothing in it.
            own = getattr(source, "edge_weight", None)
            edge_weight = own if edge_weight is None else edge_weight
            source = source.edge_index
        matrix = _from_edges(source, num_nodes, edge_weight)
    if not matrix.nnz:
        hint = "Without edges no class meets another; is this the right graph?"
        refuse(
            "edge_index",
            "hold at least one edge",
            f"an empty graph of {len(matrix.indptr) - 1} nodes",
            hint,
        )
    return matrix


def _from_edges(source: Any, num_nodes: int | None, edge_weight: Any) -> sp.csr_array:
    edges = as_numpy(source)
    if edges.dtype.kind not in "iu":
        if edges.dtype == object or edges.dtype.kind in "US":
            refuse_type("edge_index", f"be {_KINDS}", source)
        refuse_type("edge_index", f"hold whole numbers, not {edges.dtype}", source)
    if edges.ndim != 2 or edges.shape[0] != 2:
        hint = "Transpose it." if edges.ndim == 2 and edges.shape[1] == 2 else ""
        refuse("edge_index", "have axes (2, edge)", f"shape {edges.shape}", hint)
    if num_nodes is None:
        num_nodes = int(edges.max()) + 1 if edges.size else 0
    if num_nodes == 0:
        refuse("edge_index", "hold at least one node", "an empty graph")
    n = integer("num_nodes", num_nodes, low=1)
    if edges.size:
        low, high = int(edges.min()), int(edges.max())
        if low < 0 or high >= n:
            wrong = low if low < 0 else high
            hint = "" if low < 0 else "Give `num_nodes` if the graph has more nodes."
            refuse("edge_index", f"hold nodes from 0 to {n - 1}", f"node {wrong}", hint)
    if edge_weight is None:
        return _binary(sp.coo_array((np.ones(edges.shape[1]), (edges[0], edges[1])), shape=(n, n)))
    weights = as_numpy(edge_weight)
    if weights.shape == (edges.shape[1], 1):
        weights = weights[:, 0]
    if weights.shape != (edges.shape[1],):
        refuse("edge_weight", f"have axes (edge) with {edges.shape[1]}", f"shape {weights.shape}")
    data = _checked_weights("edge_weight", weights)
    return _weighted(sp.coo_array((data, (edges[0], edges[1])), shape=(n, n)))


def _from_scipy(source: Any) -> sp.csr_array:
    if source.ndim != 2 or source.shape[0] != source.shape[1]:
        refuse("edge_index", "be a square matrix (node, node)", f"shape {source.shape}")
    if source.shape[0] == 0:
        refuse("edge_index", "hold at least one node", "an empty graph")
    found = sp.coo_array(source)
    data = _checked_weights("edge_index", found.data)
    return _weighted(sp.coo_array((data, found.coords), shape=found.shape))


def _from_networkx(source: Any) -> sp.csr_array:
    import networkx as nx

    if source.number_of_nodes() == 0:
        refuse("edge_index", "hold at least one node", "an empty graph")
    weighted = any("weight" in data for _, _, data in source.edges(data=True))
    found = nx.to_scipy_sparse_array(
        source, weight="weight" if weighted else cast(Any, None), dtype=np.float64, format="coo"
    )
    if not weighted:
        return _binary(found)
    data = _checked_weights("edge_index", found.data)
    return _weighted(sp.coo_array((data, found.coords), shape=found.shape))


def _binary(edges: Any) -> sp.csr_array:
    matrix = sp.csr_array(edges)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def _weighted(edges: Any) -> sp.csr_array:
    matrix = sp.csr_array(edges)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def _checked_weights(name: str, weights: np.ndarray) -> np.ndarray:
    if weights.dtype.kind not in "fbiu":
        refuse_type(name, f"hold real numbers, not {weights.dtype}", weights)
    data = weights.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(data) & (data >= 0)))
    if len(wrong):
        first = int(wrong[0])
        got = f"{data[first]} at edge {first}, {len(wrong)} such weights"
        refuse(name, "hold finite weights that are not negative", got)
    return data


def as_numpy(values: Any) -> np.ndarray:
    """An array of a tensor on any device, or of anything numpy reads."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        return np.asarray(values)
    except ValueError:  # ragged lists
        return np.empty(0, dtype=object)


def _is_networkx(source: Any) -> bool:
    # By its home, so that networkx is not imported for graphs that are none of its own.
    homes = (kind.__module__.partition(".")[0] for kind in type(source).__mro__)
    return "networkx" in homes


def _name(source: Any) -> str:
    return "networkx graph" if _is_networkx(source) else "scipy.sparse matrix"
