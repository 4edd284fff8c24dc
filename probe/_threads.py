"""How many threads linear algebra may take, where more than one would only wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

# Below this width one product takes less time than waking a second thread and waiting for it.
SMALL = 1024


@contextmanager
def one_thread_if_small(width: int) -> Iterator[None]:
    """Keep BLAS to one thread inside the block if its matrices have at most `SMALL` columns.

    Threads of BLAS wait by spinning. With many small products and any other busy process, a
    thread spins for as long as its partner is off the processor: 98 settings of
    `whitening_effect` on two cores took 112 s beside one other process, and 7 s on one thread.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with one_thread_if_small(384):
    ...     {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    {1}
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1 if width <= SMALL else None, user_api="blas"):
        yield
