"""Short runs that are timed, on a model that is left as it was."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from ..batching import evaluating
from ._quantities import duration, several

# A run that takes longer than this many seconds is not made larger.
PATIENCE = 2.0


class Timing(NamedTuple):
    """Seconds expected for the size asked for, seconds for each further example, and the basis."""

    seconds: float
    each: float
    basis: str


def timed(run: Callable[[int], Any], *, to: int, sizes: tuple[int, int], unit: str) -> Timing:
    """The time of ``run(to)``, from runs of two small sizes: a fixed part and a part for each.

    Parameters
    ----------
    run
        Runs as many examples as it is told.
    to
        How many are asked for.
    sizes
        Two small numbers, rising. The first run is also the one that warms up.
    unit
        What one example is called in the basis.
    """
    small, large = sizes
    first = _seconds(run, small)
    if first > PATIENCE:
        if first < 5 * PATIENCE:  # what is loaded and compiled on first use is not counted
            first = _seconds(run, small)
        return Timing(
            first / small * to,
            first / small,
            f"{several(small, unit)} took {duration(first)}",
        )
    repeats = 3 if first < PATIENCE / 10 else 1
    short = min(_seconds(run, small) for _ in range(repeats))
    long = min(_seconds(run, large) for _ in range(repeats))
    basis = f"{several(small, unit)} took {duration(short)}, {large} took {duration(long)}"
    each = (long - short) / (large - small)
    if each <= 0:  # the fixed part hides the rest: an upper bound is what can be said
        return Timing(long / large * to, long / large, f"{basis}; at most")
    return Timing(max(short - each * small, 0.0) + each * to, each, basis)


def _seconds(run: Callable[[int], Any], size: int) -> float:
    _wait()
    began = time.perf_counter()
    run(size)
    _wait()
    return time.perf_counter() - began


def _wait() -> None:
    """Wait for the accelerator, which works on after a call has returned."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


@contextmanager
def left_as_it_was(models: Sequence[nn.Module]) -> Iterator[None]:
    """Modes of the models and all states of random numbers are back on any exit.

    Examples
    --------
    >>> model = nn.Dropout()
    >>> with left_as_it_was([model]):
    ...     _ = model.eval(), torch.rand(3), np.random.rand(3)
    >>> model.training
    True
    """
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with ExitStack() as stack:
        for model in models:
            stack.enter_context(evaluating(model))
        stack.enter_context(torch.random.fork_rng(devices=list(devices)))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # of the trial runs, which measure nothing
        python, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numbers)  # noqa: NPY002
