"""How many processes share the trainings of a study, and one thread for each of them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

# More processes than this wait for memory, not for processors.
MOST_WORKERS = 16


def how_many(workers: int | None, tasks: int, device: str = "cpu") -> int:
    """Processes for so many tasks: as many as asked for, else one for each processor.

    Examples
    --------
    >>> how_many(4, tasks=2), how_many(None, tasks=9, device="cuda")
    (2, 1)
    """
    if workers is not None:
        return min(workers, tasks)
    if device != "cpu":
        return 1
    mine = getattr(os, "sched_getaffinity", None)  # not on every system
    processors = len(mine(0)) if mine else os.cpu_count() or 1
    return min(processors, MOST_WORKERS, tasks)


def spawned(processes: int, begin: Callable[[Any], None], setting: Any) -> ProcessPoolExecutor:
    """Processes that start afresh, each with `begin(setting)`."""
    return ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=begin,
        initargs=(setting,),
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch's for a while: sums in another order would give other numbers."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)
