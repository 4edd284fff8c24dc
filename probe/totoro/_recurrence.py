"""The recurrences behind the series, a run of rows at a time and on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from ._operator import Operator
from ._series import Series

# Multiplications in one task: enough to outweigh its start, few enough for its rows to be cached.
_TASK = 4_000_000


class Part(NamedTuple):
    """Some rows of a matrix, without a copy of its entries."""

    rows: slice
    matrix: Any


Each = Callable[[Callable[[Part], None], list[Part]], None]


def parts_of(matrix: Any, width: int) -> list[Part]:
    """A scipy CSR matrix in runs of rows for blocks `width` wide; a torch matrix in one."""
    if not sp.issparse(matrix):
        return [Part(slice(None), matrix)]
    n = len(matrix.indptr) - 1
    step = max(1, -(-n * _TASK // max(matrix.nnz * width, 1)))
    found = []
    for start in range(0, n, step):
        ends = matrix.indptr[start : start + step + 1]
        entries = slice(ends[0], ends[-1])
        piece = (matrix.data[entries], matrix.indices[entries], ends - ends[0])
        shape = (len(ends) - 1, n)
        found.append(Part(slice(start, start + shape[0]), sp.csr_array(piece, shape=shape)))
    return found


@contextmanager
def workers(most: int) -> Iterator[Each]:
    """A way to do one thing for every part, on up to `most` cores; scipy's products run beside."""
    have = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = min(have or 1, most)
    if count == 1:

        def alone(work: Callable[[Part], None], parts: list[Part]) -> None:
            for part in parts:
                work(part)

        yield alone
        return
    with ThreadPoolExecutor(count) as pool:

        def together(work: Callable[[Part], None], parts: list[Part]) -> None:
            for _ in pool.map(work, parts):
                pass

        yield together


def chebyshev_sums(operator: Operator, block: Any, series: Series, each: Each) -> tuple[Any, Any]:
    """sum_k once_k T_k(A_hat) block and sum_k twice_k T_k(A_hat) block; `block` is overwritten."""
    parts = parts_of(operator.forward, block.shape[1])
    influence, exposure = block * float(series.once[0]), block * float(series.twice[0])
    last, spare = block, None
    for k in range(1, len(series.once)):
        once, twice = float(series.once[k]), float(series.twice[k])
        target = block * 0 if spare is None else spare

        def step(
            part: Part,
            first: bool = spare is None,
            source: Any = last,
            target: Any = target,
            once: float = once,
            twice: float = twice,
        ) -> None:
            # T_k = 2 x T_(k-1) - T_(k-2), and T_1 = x T_0. The rows of T_k take the place of
            # those of T_(k-2), which no other row needs.
            fresh = part.matrix @ source
            if not first:
                fresh *= 2
                fresh -= target[part.rows]
            target[part.rows] = fresh
            influence[part.rows] += fresh * once
            exposure[part.rows] += fresh * twice

        each(step, parts)
        last, spare = target, last
    return influence, exposure


def walk_sum(matrix: Any, block: Any, alpha: float, steps: int, each: Each) -> Any:
    """Alpha sum_(k <= steps) ((1 - alpha) matrix)^k block; `block` is overwritten."""
    parts = parts_of(matrix, block.shape[1])
    last = block
    last *= alpha
    total, target = last + 0, last * 0
    for _ in range(steps):

        def step(part: Part, source: Any = last, target: Any = target) -> None:
            fresh = part.matrix @ source
            fresh *= 1.0 - alpha
            target[part.rows] = fresh
            total[part.rows] += fresh

        each(step, parts)
        last, target = target, last
    return total


def directed_sums(
    operator: Operator, block: Any, alpha: float, steps: int, each: Each
) -> tuple[Any, Any]:
    """P' block and P P' block, with P = D^(1/2) alpha (I - (1 - alpha) W)^(-1) D^(-1/2)."""
    up = operator.scaled(block, up=True)
    back = walk_sum(operator.backward, up, alpha, steps, each)
    influence = operator.scaled(back, up=False)
    out = walk_sum(operator.forward, operator.scaled(influence, up=False), alpha, steps, each)
    return influence, operator.scaled(out, up=True)


def home(block: Any) -> np.ndarray:
    """A block as a numpy array; what the series leaves out may have left a tiny negative number."""
    array = block if isinstance(block, np.ndarray) else block.cpu().numpy()
    return np.maximum(array, 0, out=array)
