"""Rows evaluated at once: from the memory that one takes, fewer when memory runs out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

import torch

from .._check import integer, refuse

Found = TypeVar("Found")
BatchSize = int | Literal["auto"]
# More rows at once are no faster on a processor, and an accelerator is full by then.
MOST = 1024


def saved_bytes(
    forward: Callable[..., Any], given: tuple[torch.Tensor, ...], weights: Iterable[torch.Tensor]
) -> int:
    """Bytes that one pass of `given` keeps for its backward pass, each storage once; weights not.

    Examples
    --------
    >>> saved_bytes(lambda x: x.exp().exp(), (torch.zeros(8, requires_grad=True),), [])
    64
    """
    free = {weight.untyped_storage().data_ptr() for weight in weights}
    seen: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in free:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        held = forward(*given)
    del held
    return sum(seen.values())


def batch_size(wanted: BatchSize, bytes_per_row: int, budget: int) -> int:
    """The given size, or the rows that fit into `budget` bytes, from 1 to 1,024.

    Raises
    ------
    TypeError, ValueError
        If it is neither "auto" nor a positive integer, or the budget is no positive integer.

    Examples
    --------
    >>> batch_size("auto", 2**20, 2**26), batch_size(7, 2**20, 2**26)
    (64, 7)
    """
    integer("memory_budget", budget, low=1)
    if isinstance(wanted, str):
        if wanted != "auto":
            refuse("internal_batch_size", "be 'auto' or a positive integer", repr(wanted))
        return max(1, min(budget // max(bytes_per_row, 1), MOST))
    return integer("internal_batch_size", wanted, low=1)


def halving(run: Callable[[int], Found], size: int, *, may_halve: bool) -> tuple[Found, int]:
    """``run(size)``, and with half the size each time that memory runs out; and the size it took.

    Raises
    ------
    RuntimeError
        If one row alone is too much, or the size may not be halved.
    """
    while True:
        try:
            return run(size), size
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            if size == 1 or not may_halve:
                raise RuntimeError(
                    f"Memory ran out with {size} rows at once. Give fewer samples or steps, a "
                    "smaller internal_batch_size, or shorter inputs."
                ) from error
        size //= 2
        warnings.warn(f"Memory ran out; going on with {size} rows at once.", stacklevel=2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return "not enough memory" in str(error) or "can't allocate memory" in str(error)
