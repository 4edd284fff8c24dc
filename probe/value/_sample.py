"""A fixed number of rows drawn from a stream, for measures that must fit a model to rows."""

from __future__ import annotations

import json
import time
from abc import abstractmethod
from typing import Any, NamedTuple

import numpy as np

from .._base import Probe
from .._check import integer, number, refuse
from .._provenance import provenance
from ..whitening._reservoir import Reservoir, keys_of
from ._prepared import Prepared, prepared
from ._sums import PAPER, same_form


class Sample(NamedTuple):
    """Rows of the lowest keys, how many rows and examples there were, a checksum, and the form."""

    kept: Reservoir
    n_rows: int
    n_examples: int
    checksum: int
    form: str

    def labels(self) -> dict[str, Any]:
        """The form as a mapping."""
        return json.loads(self.form)


class SampleProbe(Probe[Sample]):
    """A measure of at most `sample` rows, drawn alike however the stream is cut or merged.

    Which rows are kept is told by a hash of the example they are of; memory is that of `sample`
    rows.

    Parameters
    ----------
    sample
        Rows to keep.
    n_boot, level, seed
        Bootstrap samples over examples, coverage of the intervals, and the seed of the sample, of
        the halves (fitted on one, reported on the other) and of the bootstrap.
    """

    def __init__(
        self, *, sample: int = 2000, n_boot: int = 200, level: float = 0.95, seed: int = 0
    ) -> None:
        self.sample = integer("sample", sample, low=10)
        self.n_boot = integer("n_boot", n_boot, low=20)
        self.level = number("level", level)
        if not 0 < level < 1:
            refuse("level", "be in (0, 1)", level, "0.95 gives a 95 % interval.")
        self.seed = integer("seed", seed, low=0)
        self._started = time.perf_counter()

    @abstractmethod
    def rows(self, batch: Prepared) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, Any]]:
        """A key for each row (m,), what each row holds, and labels that batches must share."""

    def measure(self, batch: Any) -> Sample:
        """The state of one batch alone: an `Attended`."""
        ready = prepared(batch)
        keys, rows, labels = self.rows(ready)
        kept = Reservoir(keys_of(keys, self.seed), rows).lowest(self.sample)
        form = json.dumps({**ready.form(), **labels})
        return Sample(kept, len(keys), ready.n, int(ready.keys.sum(dtype=np.uint64)), form)

    def merge(self, a: Sample, b: Sample) -> Sample:
        """The state of the examples of both.

        Raises
        ------
        ValueError
            If they differ in layers, heads, blocks, labels or the model's name.
        """
        same_form(a.form, b.form)
        return Sample(
            a.kept.merge(b.kept, self.sample),
            a.n_rows + b.n_rows,
            a.n_examples + b.n_examples,
            (a.checksum + b.checksum) % 2**64,
            a.form,
        )

    def pack(self, state: Sample) -> dict[str, np.ndarray]:
        """The state as numeric arrays."""
        return {f"row_{name}": rows for name, rows in state.kept.rows.items()} | {
            "keys": state.kept.keys,
            "counts": np.array([state.n_rows, state.n_examples]),
            "checksum": np.array(state.checksum, dtype=np.uint64),
            "form": np.frombuffer(state.form.encode(), dtype=np.uint8),
        }

    def unpack(self, arrays: dict[str, np.ndarray]) -> Sample:
        """The state that `pack` wrote."""
        rows = {k.removeprefix("row_"): v for k, v in arrays.items() if k.startswith("row_")}
        form = np.asarray(arrays["form"]).tobytes().decode()
        n_rows, n_examples = (int(each) for each in arrays["counts"])
        kept = Reservoir(arrays["keys"], rows)
        return Sample(kept, n_rows, n_examples, int(arrays["checksum"]), form)

    def provenance(self, name: str, state: Sample, **parameters: Any) -> dict[str, Any]:
        """The attrs of a result: `provenance`, the model's name, and how many rows were drawn."""
        labels = state.labels()
        attrs = provenance(
            f"value.{name}",
            paper=f"{PAPER}; arXiv:1909.03368",
            parameters={
                "sample": self.sample,
                "n_boot": self.n_boot,
                "level": self.level,
                **parameters,
            },
            data=f"{state.checksum:016x}",
            seed=self.seed,
            started=self._started,
        )
        return attrs | {
            "model": labels["model"],
            "derived": ", ".join(labels["derived"]),
            "n_rows": state.n_rows,
            "n_sampled": len(state.kept.keys),
        }
