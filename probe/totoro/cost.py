"""What a run will take, before it is begun."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .._check import integer
from ._operator import Directed, make_operator
from ._propagation import BLOCKS, MEMORY_LIMIT, plan, propagate
from ._reading import read_adjacency
from .imbalance import device_of


class Estimate(NamedTuple):
    """What `topology_imbalance` will take.

    Attributes
    ----------
    products
        Sparse products with each chunk of columns.
    chunks
        Chunks of columns.
    seconds
        Wall time of all products, from a short run that was timed; reading the graph comes on top.
    bytes
        Peak of the graph, the working blocks and the result together.

    Examples
    --------
    >>> Estimate(products=27, chunks=1, seconds=0.1, bytes=2_000_000).products
    27
    """

    products: int
    chunks: int
    seconds: float
    bytes: int


def estimate(
    edge_index: Any,
    *,
    n_labels: int,
    alpha: float = 0.15,
    tol: float = 1e-6,
    num_nodes: int | None = None,
    edge_weight: Any = None,
    directed: Directed = "refuse",
    dtype: str = "float64",
    device: Any = None,
    memory_limit: int = MEMORY_LIMIT,
) -> Estimate:
    """Time and memory of `topology_imbalance` on this graph, from a short run that is timed here.

    Parameters
    ----------
    edge_index, num_nodes, edge_weight, alpha, tol, directed, dtype, device, memory_limit
        As of `topology_imbalance`.
    n_labels
        Number of classes.

    Returns
    -------
    Estimate
        ``products, chunks, seconds, bytes``.

    Raises
    ------
    TypeError, ValueError
        As `topology_imbalance` does, or if `n_labels` is below 2.

    Examples
    --------
    >>> found = estimate(np.array([[0, 1], [1, 0]]), n_labels=2)
    >>> found.products, found.chunks
    (27, 1)
    """
    integer("n_labels", n_labels, low=2)
    adjacency = read_adjacency(edge_index, num_nodes=num_nodes, edge_weight=edge_weight)
    operator = make_operator(
        adjacency, directed=directed, dtype=dtype, device=device_of(edge_index, device)
    )
    how = plan(operator, n_labels, alpha=alpha, tol=tol, memory_limit=memory_limit)
    # A short run of one chunk, through the very code that will do the long one.
    short = plan(operator, how.width, alpha=alpha, tol=0.3, memory_limit=memory_limit)
    seeds = _some_columns(operator.num_nodes, how.width)
    began = time.perf_counter()
    for _ in propagate(operator, seeds, short, alpha=alpha):
        pass
    each = (time.perf_counter() - began) / max(short.products, 1)
    n, size = operator.num_nodes, operator.dtype.itemsize
    matrices = (1 if operator.symmetric else 2) * operator.nnz * (size + 8) + adjacency.nnz * 16
    # Influence, exposure, conflict; and ten columns by node.
    result = 3 * n * n_labels * size + 10 * n * 8
    working = BLOCKS * how.width * n * size
    seconds = each * how.products * how.chunks
    return Estimate(how.products, how.chunks, seconds, matrices + working + result)


def _some_columns(n: int, width: int) -> sp.csc_array:
    rows = np.arange(width) % n
    return sp.csc_array((np.ones(width), (rows, np.arange(width))), shape=(n, width))
