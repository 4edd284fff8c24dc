"""The one protocol of measures whose data may be larger than memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar, final

import numpy as np
import xarray as xr

State = TypeVar("State")


class Probe(ABC, Generic[State]):
    """A measure in three pure steps: `measure` a batch, `merge` two states, `finish` into a result.

    `merge` must be associative, so that any batching and any order of merging give the same
    result: shards are measured apart and merged, and an interrupted run goes on from its state.
    `update`, `compute`, `state_dict` and `load_state_dict` are written here once.

    Examples
    --------
    >>> class Count(Probe[int]):
    ...     def measure(self, batch):
    ...         return len(batch)
    ...
    ...     def merge(self, a, b):
    ...         return a + b
    ...
    ...     def finish(self, state):
    ...         return xr.Dataset({"count": state})
    ...
    ...     def pack(self, state):
    ...         return {"count": np.array(state)}
    ...
    ...     def unpack(self, arrays):
    ...         return int(arrays["count"])
    >>> int(Count().update("ab").update("c").compute()["count"])
    3
    """

    _state: State | None = None

    @abstractmethod
    def measure(self, batch: Any) -> State:
        """The state of one batch alone."""

    @abstractmethod
    def merge(self, a: State, b: State) -> State:
        """The state of both batches; associative."""

    @abstractmethod
    def finish(self, state: State) -> xr.Dataset:
        """The result that a state amounts to."""

    @abstractmethod
    def pack(self, state: State) -> dict[str, np.ndarray]:
        """The state as named arrays, to be saved."""

    @abstractmethod
    def unpack(self, arrays: dict[str, np.ndarray]) -> State:
        """The state that `pack` wrote."""

    @final
    def update(self, batch: Any) -> Probe[State]:
        """Take in one more batch; gives the probe back."""
        fresh = self.measure(batch)
        self._state = fresh if self._state is None else self.merge(self._state, fresh)
        return self

    @final
    def absorb(self, other: Probe[State]) -> Probe[State]:
        """Take in all that another probe of the same kind has measured."""
        if other._state is not None:
            mine = self._state
            self._state = other._state if mine is None else self.merge(mine, other._state)
        return self

    @final
    def compute(self) -> xr.Dataset:
        """The result of everything taken in so far.

        Raises
        ------
        RuntimeError
            If nothing was taken in yet.
        """
        if self._state is None:
            raise RuntimeError(f"{type(self).__name__} has measured nothing; call update() first.")
        return self.finish(self._state)

    @final
    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything taken in so far as named arrays; empty before the first batch."""
        return {} if self._state is None else self.pack(self._state)

    @final
    def load_state_dict(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from a saved `state_dict`."""
        self._state = self.unpack(arrays) if arrays else None
