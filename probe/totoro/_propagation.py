"""Blocks of columns through the series, chunk by chunk within a memory budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from .._check import integer, number, refuse
from ._operator import Operator
from ._recurrence import chebyshev_sums, directed_sums, home, parts_of, workers
from ._series import SMALLEST_TOL, Series, chebyshev, neumann_length

MEMORY_LIMIT = 1 << 29
BLOCKS = 5  # dense (node, column) blocks alive in one chunk
_WIDEST = 64  # columns; wider blocks fall out of the cache and gain nothing


class Plan(NamedTuple):
    """How a propagation will be done.

    Attributes
    ----------
    series
        Coefficients (None for directed graphs).
    products
        Sparse products for each chunk.
    width, chunks
        Columns in a chunk, and how many chunks.
    bound
        On the error of an entry of P P' S over the norm of its column of S; see `Series`.
    """

    series: Series | None
    products: int
    width: int
    chunks: int
    bound: float


class Chunk(NamedTuple):
    """Some columns: where they belong, their influence P' S and exposure P P' S (node, column)."""

    columns: slice
    influence: np.ndarray
    exposure: np.ndarray


def plan(
    operator: Operator, n_columns: int, *, alpha: float, tol: float, memory_limit: int
) -> Plan:
    """Check the numbers and say how many products and chunks a propagation takes.

    Raises
    ------
    TypeError, ValueError
        If `alpha` is outside (0, 1], `tol` outside [1e-13, 1], or `memory_limit` no room for one
        column.
    """
    check_alpha(alpha)
    number("tol", tol, low=SMALLEST_TOL, high=1.0)
    column = BLOCKS * operator.num_nodes * operator.dtype.itemsize
    integer("memory_limit", memory_limit, low=column)
    chunks = -(-n_columns // min(_WIDEST, memory_limit // column))
    width = -(-n_columns // chunks)  # chunks of like size
    chunks = -(-n_columns // width)
    if operator.symmetric:
        series = chebyshev(alpha, tol)
        return Plan(series, len(series.once) - 1, width, chunks, series.bound)
    spread = float(operator.scale.max() ** 2 / operator.scale.min() ** 2)
    return Plan(None, 2 * neumann_length(alpha, tol, spread), width, chunks, tol)


def check_alpha(alpha: float) -> float:
    """`alpha` if it is in (0, 1]."""
    if number("alpha", alpha) <= 0 or alpha > 1:
        refuse("alpha", "be in (0, 1]", alpha, "0.15 is the paper's value.")
    return float(alpha)


def propagate(
    operator: Operator, seeds: sp.csc_array, how: Plan, *, alpha: float
) -> Iterator[Chunk]:
    """Influence and exposure of the columns of `seeds` (node, column), chunk by chunk, in order."""
    n_columns = len(seeds.indptr) - 1
    with workers(len(parts_of(operator.forward, how.width))) as each:
        for start in range(0, n_columns, how.width):
            columns = slice(start, min(start + how.width, n_columns))
            block = operator.block(seeds[:, columns])
            if how.series is not None:
                found = chebyshev_sums(operator, block, how.series, each)
            else:
                found = directed_sums(operator, block, alpha, how.products // 2, each)
            yield Chunk(columns, *(home(table) for table in found))
