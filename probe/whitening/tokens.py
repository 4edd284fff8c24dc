"""How much of a token's state is its context: similarity within sentences, over a baseline."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, final

import numpy as np
import xarray as xr
from scipy import stats

from .._base import Probe
from .._check import integer, number, refuse, refuse_type
from .._provenance import provenance
from ._batches import Sentences, read_batch
from ._reservoir import Reservoir, keys_of

# Token states of the layers, and True where a position holds a token.
Batch = tuple[Mapping[int | str, Any], Any] | tuple[Any, Mapping[int | str, Any], Any]


class TokenSums(NamedTuple):
    """Sums over sentences s of m_s unit token vectors that add up to U_s."""

    sentences: np.ndarray  # () int64
    tokens: np.ndarray  # () int64, sum of m_s
    tokens_square: np.ndarray  # () int64, sum of m_s^2
    intra: np.ndarray  # (layer,) sum of intra-sentence similarities
    unit_sum: np.ndarray  # (layer, d) sum of U_s
    unit_square: np.ndarray  # (layer,) sum of ||U_s||^2


class TokenState(NamedTuple):
    """What `Contextuality` keeps: sums, a sample of sentences, and a checksum of all tokens."""

    layers: list[int | str]
    sums: TokenSums
    sample: Reservoir
    checksum: int


@final
class Contextuality(Probe[TokenState]):
    """`contextuality` over batches: any batching, padding and order of merging give one result.

    Memory: layers x d numbers, and layers x d for each of the `sample` sentences behind intervals.

    Parameters
    ----------
    level, sample, seed
        As in `contextuality`.

    Examples
    --------
    >>> states = {1: np.random.default_rng(0).normal(size=(6, 5, 8))}
    >>> mask = np.ones((6, 5), dtype=bool)
    >>> int(Contextuality().update((states, mask)).compute()["n_sentences"])
    6
    """

    def __init__(self, *, level: float = 0.95, sample: int = 2000, seed: int = 0) -> None:
        self.level = number("level", level)
        if not 0 < level < 1:
            refuse("level", "be in (0, 1)", level, "0.95 gives a 95 % interval.")
        self.sample = integer("sample", sample, low=2)
        self.seed = integer("seed", seed, low=0)
        self._started = time.perf_counter()

    def measure(self, batch: Batch) -> TokenState:
        """The state of one batch, (states, mask) or (index, states, mask)."""
        read: Sentences = read_batch(batch)
        counts = read.counts
        sums = TokenSums(
            np.array(len(counts)),
            np.array(counts.sum()),
            np.array(counts @ counts),
            read.intra.sum(axis=1),
            read.unit_sum.sum(axis=1),
            np.einsum("lsd,lsd->l", read.unit_sum, read.unit_sum),
        )
        rows = {
            "count": counts,
            "intra": read.intra.T,
            "unit_sum": np.moveaxis(read.unit_sum, 0, 1),
        }
        sample = Reservoir(keys_of(read.hashes, self.seed), rows).lowest(self.sample)
        return TokenState(read.layers, sums, sample, int(read.hashes.sum(dtype=np.uint64)))

    def merge(self, a: TokenState, b: TokenState) -> TokenState:
        """The state of the sentences of both.

        Raises
        ------
        ValueError
            If they differ in layers or width.
        """
        if a.layers != b.layers:
            refuse("batches", f"have layers {a.layers} as before", b.layers)
        width, other = a.sums.unit_sum.shape[1], b.sums.unit_sum.shape[1]
        if width != other:
            refuse("batches", f"have {width} features as before", other)
        sums = TokenSums._make(np.add(*pair) for pair in zip(a.sums, b.sums, strict=True))
        sample = a.sample.merge(b.sample, self.sample)
        return TokenState(a.layers, sums, sample, (a.checksum + b.checksum) % 2**64)

    def finish(self, state: TokenState) -> xr.Dataset:
        """The result: variables as in `contextuality`."""
        sums = state.sums
        if sums.sentences < 2:
            refuse("batches", "hold at least 2 sentences", int(sums.sentences))
        intra = sums.intra / sums.sentences
        # Pairs of tokens of different sentences, ordered: all pairs less those within a sentence.
        pairs = sums.tokens**2 - sums.tokens_square
        baseline = (np.einsum("ld,ld->l", sums.unit_sum, sums.unit_sum) - sums.unit_square) / pairs
        own_intra, own_baseline = self._influences(state, baseline, pairs)
        estimates = {
            "intra_sentence_similarity": (intra, own_intra),
            "token_baseline": (baseline, own_baseline),
            "adjusted_similarity": (intra - baseline, own_intra - own_baseline),
        }
        attrs = provenance(
            "whitening.contextuality",
            paper="arXiv:1909.00512",
            parameters={"level": self.level, "sample": self.sample},
            data=f"{state.checksum:016x}",
            seed=self.seed,
            started=self._started,
        )
        found = xr.Dataset(
            {
                "n_sentences": ((), int(sums.sentences), _about("number of sentences", "[2, inf)")),
                "n_tokens": ((), int(sums.tokens), _about("number of tokens", "[2, inf)")),
            },
            coords={
                "layer": ("layer", state.layers, {"long_name": "layer", "units": "1"}),
                "bound": ("bound", ["low", "high"], {"long_name": "end of interval", "units": "1"}),
            },
            attrs={**attrs, "level": self.level, "sampled_sentences": len(state.sample.keys)},
        )
        m = len(own_intra)
        for name, (value, influence) in estimates.items():
            long_name, span = _LONG[name]
            found[name] = ("layer", value, _about(long_name, span))
            error = influence.std(axis=0, ddof=1) / np.sqrt(sums.sentences)
            reach = stats.t.ppf((1 + self.level) / 2, m - 1) * error
            long_name = f"{100 * self.level:g} % interval of: {long_name}"
            ends = np.stack([value - reach, value + reach], axis=1)
            found[f"{name}_interval"] = (("layer", "bound"), ends, _about(long_name, span))
        return found

    def _influences(
        self, state: TokenState, baseline: np.ndarray, pairs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """How far each sampled sentence pulls either estimate, (sentence, layer), times n.

        The baseline is a ratio A/B of sums over pairs of sentences. Sentence s enters with
        A_s = 2 U_s'(U - U_s) and B_s = 2 m_s (M - m_s): its pull is n (A_s - A/B B_s) / B.
        """
        sums, rows = state.sums, state.sample.rows
        count, unit = rows["count"][:, None], rows["unit_sum"]
        own = np.einsum("sld,ld->sl", unit, sums.unit_sum) - np.einsum("sld,sld->sl", unit, unit)
        pull = 2 * (own - baseline * count * (sums.tokens - count)) * sums.sentences / pairs
        return rows["intra"], pull

    def pack(self, state: TokenState) -> dict[str, np.ndarray]:
        """The state as numeric arrays; the layers' labels as the bytes of their JSON."""
        sample = {f"sample_{name}": rows for name, rows in state.sample.rows.items()}
        return state.sums._asdict() | {
            **sample,
            "keys": state.sample.keys,
            "layers": np.frombuffer(json.dumps(state.layers).encode(), dtype=np.uint8),
            "checksum": np.array(state.checksum, dtype=np.uint64),
        }

    def unpack(self, arrays: dict[str, np.ndarray]) -> TokenState:
        """The state that `pack` wrote."""
        sums = TokenSums._make(np.asarray(arrays[name]) for name in TokenSums._fields)
        rows = {name: arrays[f"sample_{name}"] for name in ("count", "intra", "unit_sum")}
        layers = json.loads(arrays["layers"].tobytes().decode())
        return TokenState(layers, sums, Reservoir(arrays["keys"], rows), int(arrays["checksum"]))


def contextuality(
    batches: Iterable[Batch], *, level: float = 0.95, sample: int = 2000, seed: int = 0
) -> xr.Dataset:
    """Similarity of the tokens of a sentence, over that of tokens at random (arXiv:1909.00512).

    Parameters
    ----------
    batches
        Each ``(states, mask)``, or ``(index, states, mask)`` as an encoder streams them: states a
        mapping from layer to (batch, seq, d_model) array or tensor, mask (batch, seq), True where a
        token is. What the mask keeps counts, special tokens included: mask them to leave them out.
    level
        Coverage of the intervals.
    sample
        Sentences whose spread the intervals are taken from (all, where there are no more).
    seed
        Of that sample.

    Returns
    -------
    xarray.Dataset
        ``n_sentences``, ``n_tokens`` and by ``layer``: ``intra_sentence_similarity``, the mean over
        sentences of the mean cosine of a sentence's tokens with their mean vector;
        ``token_baseline``, the average cosine of tokens of different sentences, over all such pairs
        in closed form, (||sum U_s||^2 - sum ||U_s||^2) / (M^2 - sum m_s^2) with U_s the sum of
        the m_s unit tokens of sentence s (the paper samples pairs); ``adjusted_similarity``, their
        difference. Each has an ``x_interval`` (layer, bound) over sentences, from the
        first-order influence of a sentence. A sentence of one token counts with similarity 1.

    Raises
    ------
    TypeError
        If a batch is no such tuple, or states are not floating-point.
    ValueError
        If there are fewer than 2 sentences, one has no token, a token's or a sentence's vector is
        zero or not finite, shapes disagree, or layers change on the way.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> states = {0: rng.normal(size=(40, 6, 16)) + 2 * rng.normal(size=(40, 1, 16))}
    >>> found = contextuality([(states, np.ones((40, 6), dtype=bool))])
    >>> found["adjusted_similarity"].item() > 0.5
    True
    """
    probe = Contextuality(level=level, sample=sample, seed=seed)
    if isinstance(batches, Mapping) or not isinstance(batches, Iterable):
        refuse_type("batches", "be an iterable of (states, mask)", batches)
    empty = True
    for batch in batches:
        probe.update(batch)
        empty = False
    if empty:
        refuse("batches", "hold at least one batch", "none", "Is the iterator used up already?")
    return probe.compute()


_LONG = {
    "intra_sentence_similarity": ("mean cosine of tokens with their sentence's mean", "[-1, 1]"),
    "token_baseline": ("average cosine of tokens of different sentences", "[-1, 1]"),
    "adjusted_similarity": ("intra-sentence similarity less the token baseline", "[-2, 2]"),
}


def _about(long_name: str, span: str) -> dict[str, str]:
    return {"long_name": long_name, "units": "1", "range": span}
