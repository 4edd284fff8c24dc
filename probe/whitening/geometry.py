"""How anisotropic embeddings are, layer by layer, in one pass over any amount of data."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple, final

import numpy as np
import xarray as xr

from .._base import Probe
from .._check import integer, number, refuse
from .._provenance import provenance
from .._rows import DTYPES
from .._threads import one_thread_if_small
from ._describe_geometry import as_dataset
from ._layer_geometry import measure_layer
from ._layers import Chunk, read_chunk, same_form, stream_chunks
from ._reservoir import Reservoir, keys_of, row_hashes
from ._sums import LayerSums

PAPERS = "arXiv:1909.00512; arXiv:2108.07344; arXiv:1803.06992; arXiv:2005.10242; arXiv:1702.01417"


class State(NamedTuple):
    """What `Anisotropy` keeps: sums by layer, a sample of the rows, and a checksum of all."""

    sums: dict[int | str, LayerSums]
    sample: Reservoir
    dtype: str
    checksum: int


@final
class Anisotropy(Probe[State]):
    """`anisotropy` over batches: any batching and any order of merging give the same result.

    Closed forms come from sums. The sampled measures take the rows with the lowest keys, a key
    being a hash of the row's values and the seed: which rows are sampled depends on neither their
    order nor the shard they came in. Memory: layers x (d^2 + sample x d) numbers.

    Parameters
    ----------
    sample, seed, rank_tol, level
        As in `anisotropy`.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(60, 4))
    >>> one, other = Anisotropy().update(rows[:25]), Anisotropy().update(rows[25:])
    >>> merged, whole = one.absorb(other).compute(), anisotropy(rows)
    >>> bool(np.isclose(merged["isoscore"], whole["isoscore"]).all())
    True
    """

    def __init__(
        self,
        *,
        sample: int = 2000,
        seed: int = 0,
        rank_tol: float | None = None,
        level: float = 0.95,
    ) -> None:
        self.sample = integer("sample", sample, low=2)
        self.seed = integer("seed", seed, low=0)
        self.rank_tol = None if rank_tol is None else number("rank_tol", rank_tol, low=0.0)
        self.level = number("level", level)
        if not 0 < level < 1:
            refuse("level", "be in (0, 1)", level, "0.95 gives a 95 % interval.")
        self._started = time.perf_counter()

    def measure(self, batch: Any) -> State:
        """The state of one batch: anything that `anisotropy` takes, but for an iterator."""
        chunk = batch if isinstance(batch, Chunk) else read_chunk(batch)
        if next(iter(chunk.layers.values())).shape[1] < 2:
            refuse("embeddings", "have at least 2 features", 1, "One number has no direction.")
        sums = {
            layer: LayerSums.of(rows, name=f"embeddings[{layer!r}]")
            for layer, rows in chunk.layers.items()
        }
        hashes = row_hashes(chunk.layers.values())
        sample = Reservoir(keys_of(hashes, self.seed), chunk.layers).lowest(self.sample)
        # Sums of hashes wrap around modulo 2**64: a checksum that knows no order.
        return State(sums, sample, chunk.dtype, int(hashes.sum(dtype=np.uint64)))

    def merge(self, a: State, b: State) -> State:
        """The state of the rows of both.

        Raises
        ------
        ValueError
            If they differ in layers, width or dtype.
        """
        first, second = (Chunk(dict(state.sample.rows), state.dtype) for state in (a, b))
        same_form(first, second, name="embeddings")
        sums = {layer: a.sums[layer].merge(b.sums[layer]) for layer in a.sums}
        sample = a.sample.merge(b.sample, self.sample)
        return State(sums, sample, a.dtype, (a.checksum + b.checksum) % 2**64)

    def finish(self, state: State) -> xr.Dataset:
        """The result: variables as in `anisotropy`."""
        n = next(iter(state.sums.values())).moments.n
        if n < 2:
            refuse("embeddings", "hold at least 2 examples", n)
        width = next(iter(state.sums.values())).moments.dim
        with one_thread_if_small(width):
            measured = {
                layer: measure_layer(
                    sums,
                    state.sample.rows[layer],
                    dtype=state.dtype,
                    rank_tol=self.rank_tol,
                    level=self.level,
                    seed=self.seed,
                )
                for layer, sums in state.sums.items()
            }
        attrs = provenance(
            "whitening.anisotropy",
            paper=PAPERS,
            parameters={"sample": self.sample, "rank_tol": self.rank_tol, "level": self.level},
            data=f"{state.checksum:016x}",
            seed=self.seed,
            started=self._started,
        )
        return as_dataset(measured, attrs, level=self.level, sampled=len(state.sample.keys))

    def pack(self, state: State) -> dict[str, np.ndarray]:
        """The state as numeric arrays; the layers' labels as the bytes of their JSON."""
        packed = [sums.pack() for sums in state.sums.values()]
        arrays = {name: np.stack([each[name] for each in packed]) for name in packed[0]}
        rows = np.stack([state.sample.rows[layer] for layer in state.sums])
        return arrays | {
            "layers": np.frombuffer(json.dumps(list(state.sums)).encode(), dtype=np.uint8),
            "keys": state.sample.keys,
            "rows": rows,
            "dtype": np.array(DTYPES.index(state.dtype)),
            "checksum": np.array(state.checksum, dtype=np.uint64),
        }

    def unpack(self, arrays: dict[str, np.ndarray]) -> State:
        """The state that `pack` wrote."""
        layers = json.loads(arrays["layers"].tobytes().decode())
        names = ("n", "mean", "M2", "unit_sum", "unit_square", "cubic", "quartic")
        sums = {
            layer: LayerSums.unpack({name: arrays[name][i] for name in names})
            for i, layer in enumerate(layers)
        }
        rows = dict(zip(layers, arrays["rows"], strict=True))
        sample = Reservoir(arrays["keys"], rows)
        return State(sums, sample, DTYPES[int(arrays["dtype"])], int(arrays["checksum"]))


def anisotropy(
    embeddings: Any,
    *,
    sample: int = 2000,
    seed: int = 0,
    rank_tol: float | None = None,
    level: float = 0.95,
) -> xr.Dataset:
    """The geometry of embeddings, layer by layer: how far from filling space evenly they are.

    Parameters
    ----------
    embeddings
        (example, feature) array or tensor, at least 2 x 2; a mapping layer -> such an array; a
        DataArray (layer, example, feature); or an iterable of chunks, each one of these with the
        same layers. Floating-point, finite, no zero row.
    sample
        Rows that the sampled measures take (all, where there are no more).
    seed
        Of the sample and of the sampled intervals.
    rank_tol
        A direction is null when its variance is at most this times the largest; None asks for more
        than the rounding of the rows' dtype can have put there (`probe.whitening.spectrum`).
    level
        Coverage of the intervals.

    Returns
    -------
    xarray.Dataset
        By ``layer``, from all rows and exact: ``n_samples``; ``mean_norm_ratio``, ||mean|| over the
        root mean square norm, in [0, 1]; ``average_cosine`` over all pairs and its
        ``cosine_contribution`` (layer, feature), which sums to it; ``eigenvalues`` (layer,
        component), descending, and ``explained_share``; ``effective_rank``;
        ``participation_ratio``; ``isoscore``, that of the sample, and ``isoscore_corrected``, that
        of the distribution (finite-sample bias removed, see `corrected_isoscore`);
        ``numerical_rank``; ``null_dimensions``.
        From the sample: ``twonn_dimension``, ``uniformity``, ``hubness_skew`` (k = 10),
        ``partition_isotropy`` (see `probe.whitening.sampled`). These and ``average_cosine`` have an
        ``x_interval`` (layer, bound). No interval is a bootstrap: a row drawn twice is its own
        neighbour. A measure that a layer does not admit is NaN, and ``attrs["notes"]`` says why.
        O(n d^2) time.

    Raises
    ------
    TypeError
        If `embeddings` has none of these forms.
    ValueError
        If there are fewer than 2 examples or features, a row is zero, a value is not finite, or
        layers, dtype or width change on the way.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(500, 8)) + 3.0
    >>> found = anisotropy({"raw": rows, "centred": rows - rows.mean(axis=0)})
    >>> found["average_cosine"].sel(layer="raw").item() > 0.8
    True
    >>> round(abs(found["average_cosine"].sel(layer="centred").item()), 2)
    0.0
    """
    probe = Anisotropy(sample=sample, seed=seed, rank_tol=rank_tol, level=level)
    for chunk in stream_chunks(embeddings):
        probe.update(chunk)
    return probe.compute()
