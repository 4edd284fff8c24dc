"""Blocks of columns through the series, chunk by chunk within a memory budget."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .._check import integer, number, refuse
from ._operator import Operator
from ._series import SMALLEST_TOL, Series, chebyshev, neumann_length

MEMORY_LIMIT = 1 << 30
_BLOCKS = 7  # dense (node, column) blocks alive in one chunk
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
    threads
        Chunks at work at the same time.
    bound
        On the error of an entry of P P' S times the norm of its column of S; see `Series`.
    """

    series: Series | None
    products: int
    width: int
    chunks: int
    threads: int
    bound: float


class Chunk(NamedTuple):
    """Some columns: where they belong, their influence P' S and exposure P P' S (node, column)."""

    columns: slice
    influence: np.ndarray
    exposure: np.ndarray


def plan(
    operator: Operator, n_columns: int, *, alpha: float, tol: float, memory_limit: int
) -> Plan:
    """Check the numbers and say how many products, chunks and threads a propagation takes.

    Raises
    ------
    TypeError, ValueError
        If `alpha` is outside (0, 1], `tol` outside [1e-13, 1], or `memory_limit` no room for one
        column.
    """
    check_alpha(alpha)
    number("tol", tol, low=SMALLEST_TOL, high=1.0)
    column = _BLOCKS * operator.num_nodes * operator.dtype.itemsize
    integer("memory_limit", memory_limit, low=column)
    fitting = memory_limit // column
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    # A torch device has its own parallelism; small graphs are done before a thread has started.
    threads = (
        1 if operator.device is not None or operator.nnz * n_columns < 2_000_000 else cores or 1
    )
    threads = max(1, min(threads, fitting, n_columns))
    width = max(1, min(_WIDEST, fitting // threads, -(-n_columns // threads)))
    chunks = -(-n_columns // width)
    if operator.symmetric:
        series = chebyshev(alpha, tol)
        return Plan(series, len(series.once) - 1, width, chunks, min(threads, chunks), series.bound)
    spread = float(operator.scale.max() ** 2 / operator.scale.min() ** 2)
    steps = neumann_length(alpha, tol, spread)
    return Plan(None, 2 * steps, width, chunks, min(threads, chunks), tol)


def check_alpha(alpha: float) -> float:
    """`alpha` if it is in (0, 1]."""
    if number("alpha", alpha) <= 0 or alpha > 1:
        refuse("alpha", "be in (0, 1]", alpha, "0.15 is the paper's value.")
    return float(alpha)


def propagate(
    operator: Operator, seeds: sp.csc_array, how: Plan, *, alpha: float
) -> Iterator[Chunk]:
    """Influence and exposure of the columns of `seeds` (node, column), chunk by chunk, in order."""
    slices = [slice(i, i + how.width) for i in range(0, len(seeds.indptr) - 1, how.width)]

    def work(columns: slice) -> Chunk:
        block = operator.block(seeds[:, columns])
        if how.series is not None:
            found = _chebyshev(operator, block, how.series)
        else:
            found = _neumann(operator, block, alpha, how.products // 2)
        return Chunk(columns, *(_home(each) for each in found))

    if how.threads == 1:
        yield from map(work, slices)
        return
    # scipy's products let go of the interpreter lock. Only as many chunks as threads are alive.
    with ThreadPoolExecutor(how.threads) as pool:
        running = deque(pool.submit(work, columns) for columns in slices[: how.threads])
        try:
            waiting = iter(slices[how.threads :])
            while running:
                done = running.popleft().result()
                running.extend(pool.submit(work, columns) for columns in islice(waiting, 1))
                yield done
        finally:
            for each in running:
                each.cancel()


def _chebyshev(operator: Operator, block: Any, series: Series) -> tuple[Any, Any]:
    once, twice = series.once, series.twice
    influence, exposure = block * float(once[0]), block * float(twice[0])
    if len(once) == 1:
        return influence, exposure
    previous, current = block, operator.forward @ block
    for k in range(1, len(once)):
        influence += current * float(once[k])
        exposure += current * float(twice[k])
        if k + 1 < len(once):
            # T_(k+1) = 2 x T_k - T_(k-1), in the memory that the product took.
            following = operator.forward @ current
            following *= 2
            following -= previous
            previous, current = current, following
    return influence, exposure


def _neumann(operator: Operator, block: Any, alpha: float, steps: int) -> tuple[Any, Any]:
    """P' S and P P' S with P = D^(1/2) alpha (I - b W)^(-1) D^(-1/2), W row-stochastic."""

    def walked(matrix: Any, start: Any) -> Any:
        term = start * alpha
        total = term + 0
        for _ in range(steps):
            term = matrix @ term
            term *= 1.0 - alpha
            total += term
        return total

    influence = operator.scaled(
        walked(operator.backward, operator.scaled(block, up=True)), up=False
    )
    back = walked(operator.forward, operator.scaled(influence, up=False))
    return influence, operator.scaled(back, up=True)


def _home(block: Any) -> np.ndarray:
    array = block if isinstance(block, np.ndarray) else block.cpu().numpy()
    # What is left out of the series may leave a tiny negative number where the truth is not.
    return np.maximum(array, 0, out=array)
