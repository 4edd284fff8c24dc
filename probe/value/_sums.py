"""Sums over examples, by half and bootstrap sample: all that a per-head statistic has to keep."""

from __future__ import annotations

import json
import time
import warnings
from abc import abstractmethod
from typing import Any, NamedTuple

import numpy as np

from .._base import Probe
from .._check import integer, number, refuse
from .._provenance import provenance
from ._prepared import Prepared, prepared

PAPER = "arXiv:2005.07310"
BOUND = ["low", "high"]
HALVES = ["chosen on", "reported on"]


class Sums(NamedTuple):
    """Weighted sums (half, bootstrap sample, value), plain ones (half, value), and the rest.

    Counts of examples by half, a checksum, and the form: JSON of the names and shapes of the
    values, in order, and of what every batch must share.
    """

    totals: np.ndarray
    plain: np.ndarray
    counts: np.ndarray
    checksum: int
    form: str

    def read(self) -> dict[str, np.ndarray]:
        """Each value's sums: (half, bootstrap sample, ...), of the plain ones sample 0 alone."""
        labels = self.labels()
        found = _split(self.totals, labels["shapes"])
        return found | _split(self.plain[:, None], labels["plain_shapes"])

    def labels(self) -> dict[str, Any]:
        """The form as a mapping."""
        return json.loads(self.form)


class Values(NamedTuple):
    """What the examples of a batch give, name -> (n, ...) finite.

    `drawn` is summed for each bootstrap sample, `plain` once, `labels` are plain values that every
    batch must share.
    """

    drawn: dict[str, np.ndarray]
    plain: dict[str, np.ndarray]
    labels: dict[str, Any]


class HeadProbe(Probe[Sums]):
    """A statistic that is a ratio of sums over examples, with a bootstrap over examples.

    Each example gives values of fixed shapes; they are summed once for each bootstrap sample
    (Poisson weights drawn from the example's own key) and each half. Memory: 2 x (n_boot + 1) x
    values, whatever the number of examples; any batching and any order of merging give the same.

    Parameters
    ----------
    n_boot
        Bootstrap samples.
    level
        Coverage of the intervals (percentiles); a head is called at 1 - level.
    seed
        Of the bootstrap and of the halves.
    """

    def __init__(self, *, n_boot: int = 200, level: float = 0.95, seed: int = 0) -> None:
        self.n_boot = integer("n_boot", n_boot, low=20)
        self.level = number("level", level)
        if not 0 < level < 1:
            refuse("level", "be in (0, 1)", level, "0.95 gives a 95 % interval.")
        self.seed = integer("seed", seed, low=0)
        self._started = time.perf_counter()

    @abstractmethod
    def values(self, batch: Prepared) -> Values:
        """Values of each example, and labels that batches must share."""

    def measure(self, batch: Any) -> Sums:
        """The state of one batch alone: an `Attended`."""
        ready = prepared(batch)
        values = self.values(ready)
        half, weights = ready.weights(self.n_boot, self.seed)
        rows, shapes = _beside(values.drawn, ready.n)
        others, plain_shapes = _beside(values.plain, ready.n)
        totals = np.empty((2, len(weights), rows.shape[1]))
        plain = np.empty((2, others.shape[1]))
        for h in (0, 1):
            np.matmul(weights[:, half == h], rows[half == h], out=totals[h])
            np.sum(others[half == h], axis=0, out=plain[h])
        shape = {"shapes": shapes, "plain_shapes": plain_shapes}
        form = json.dumps(shape | ready.form() | values.labels)
        checksum = int(ready.keys.sum(dtype=np.uint64))
        return Sums(totals, plain, np.bincount(half, minlength=2), checksum, form)

    def merge(self, a: Sums, b: Sums) -> Sums:
        """The state of the examples of both.

        Raises
        ------
        ValueError
            If they differ in layers, heads, blocks, kinds or the model's name.
        """
        same_form(a.form, b.form)
        checksum = (a.checksum + b.checksum) % 2**64
        totals, plain = a.totals + b.totals, a.plain + b.plain
        return Sums(totals, plain, a.counts + b.counts, checksum, a.form)

    def pack(self, state: Sums) -> dict[str, np.ndarray]:
        """The state as numeric arrays."""
        return {
            "totals": state.totals,
            "plain": state.plain,
            "counts": state.counts,
            "checksum": np.array(state.checksum, dtype=np.uint64),
            "form": np.frombuffer(state.form.encode(), dtype=np.uint8),
        }

    def unpack(self, arrays: dict[str, np.ndarray]) -> Sums:
        """The state that `pack` wrote."""
        form = np.asarray(arrays["form"]).tobytes().decode()
        sums = (arrays["totals"], arrays["plain"], arrays["counts"])
        return Sums(*sums, int(arrays["checksum"]), form)

    def ratio(self, above: np.ndarray, below: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ratio of two sums (bootstrap sample, ...): estimate (...) and interval (..., 2).

        NaN where nothing was counted.
        """
        with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a series without any count
            drawn = np.where(below > 0, above / below, np.nan)
            tail = (1 - self.level) / 2
            bounds = np.nanquantile(drawn[1:], [tail, 1 - tail], axis=0)
        # Percentiles of few samples may miss an estimate by a rounding error alone.
        low, high = np.minimum(bounds[0], drawn[0]), np.maximum(bounds[1], drawn[0])
        return drawn[0], np.stack([low, high], axis=-1)

    def mean(self, above: np.ndarray, below: np.ndarray) -> np.ndarray:
        """Ratio of two sums (bootstrap sample, ...) over the sample itself, without interval."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(below[0] > 0, above[0] / below[0], np.nan)

    def provenance(self, name: str, state: Sums, **parameters: Any) -> dict[str, Any]:
        """The attrs of a result: `provenance`, the model's name and what is derived in it.

        Raises
        ------
        ValueError
            If there are fewer than 2 examples: there is no interval.
        """
        n, labels = int(state.counts.sum()), state.labels()
        if n < 2:
            refuse("stream", "hold at least 2 examples", n)
        attrs = provenance(
            f"value.{name}",
            paper=PAPER,
            parameters={"n_boot": self.n_boot, "level": self.level, **parameters},
            data=f"{state.checksum:016x}",
            seed=self.seed,
            started=self._started,
        )
        return attrs | {"model": labels["model"], "derived": ", ".join(labels["derived"])}


def _beside(values: dict[str, np.ndarray], n: int) -> tuple[np.ndarray, dict[str, list[int]]]:
    """Values side by side (n, value), and the shape of each."""
    shapes = {name: list(each.shape[1:]) for name, each in values.items()}
    rows = [each.reshape(n, -1) for each in values.values()] or [np.empty((n, 0))]
    return np.concatenate(rows, axis=1, dtype=np.float64), shapes


def _split(sums: np.ndarray, shapes: dict[str, list[int]]) -> dict[str, np.ndarray]:
    found, start = {}, 0
    for name, shape in shapes.items():
        stop = start + int(np.prod(shape, dtype=int))
        found[name] = sums[..., start:stop].reshape(*sums.shape[:2], *shape)
        start = stop
    return found


def same_form(a: str, b: str) -> None:
    """Check that two batches are of one model and one way of annotating.

    Raises
    ------
    ValueError
        Naming the first thing in which they differ.
    """
    if a == b:
        return
    first, second = json.loads(a), json.loads(b)
    for name in first:
        if first[name] != second.get(name):
            refuse(
                "stream",
                f"keep one `{name}` over its batches",
                f"{first[name]}, then {second.get(name)}",
            )


def head_coords(labels: dict[str, Any]) -> dict[str, Any]:
    """Coordinates of layers and heads."""
    return {"layer": np.arange(labels["layers"]), "head": np.arange(labels["heads"])}
