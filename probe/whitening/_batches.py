"""Batches of token states as numbers by sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .._check import finite, ndim, refuse, refuse_type
from .._rows import is_tensor, kind_of
from ._layers import native_array, uniform_labels
from ._reservoir import mixed, row_hashes

_FORM = "be (states, mask) or (index, states, mask)"


class Sentences(NamedTuple):
    """What a batch of b sentences amounts to, by layer and sentence."""

    layers: list[int | str]
    counts: np.ndarray  # (b,) int64 tokens of each sentence
    intra: np.ndarray  # (layer, b) mean cosine of its tokens with their mean vector
    unit_sum: np.ndarray  # (layer, b, d) sum of its unit tokens
    hashes: np.ndarray  # (b,) uint64 of its tokens in order, whatever the padding


def read_batch(batch: Any) -> Sentences:
    """Check one batch and reduce it to its sentences.

    Parameters
    ----------
    batch
        ``(states, mask)`` or ``(index, states, mask)``; states a mapping layer -> (batch, seq, d),
        mask (batch, seq) of booleans, or of 0 and 1.

    Returns
    -------
    Sentences
        In float64; padding enters nothing.

    Raises
    ------
    TypeError, ValueError
        As `probe.whitening.tokens.contextuality`.
    """
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        refuse_type("batches", f"hold tuples: each must {_FORM}", batch)
    states, mask = batch[-2:]
    if not isinstance(states, Mapping) or not states:
        refuse_type("states", "be a mapping from layer to (batch, seq, d_model)", states)
    keep = _mask(mask)
    tokens: list[np.ndarray] = []
    for label, each in states.items():
        name = f"states[{label!r}]"
        kind_of(name, each)
        ndim(name, each, ("batch", "seq", "d_model"))
        if tuple(each.shape[:2]) != keep.shape:
            refuse(name, f"have (batch, seq) {keep.shape} as `mask` has", tuple(each.shape[:2]))
        tokens.append(finite(name, native_array(each)[keep]))
    widths = {rows.shape[1] for rows in tokens}
    if len(widths) > 1:
        refuse("states", "have one d_model for all layers", sorted(widths))
    counts = keep.sum(axis=1)
    reduced = [
        _sentences(rows.astype(np.float64), counts, f"states[{label!r}]")
        for label, rows in zip(states, tokens, strict=True)
    ]
    intra, unit_sum = (np.stack(parts) for parts in zip(*reduced, strict=True))
    labels = uniform_labels(list(states), "states")
    return Sentences(labels, counts, intra, unit_sum, _hashes(tokens, counts))


def _mask(mask: Any) -> np.ndarray:
    array = mask.detach().cpu().numpy() if is_tensor(mask) else np.asarray(mask)
    ndim("mask", array, ("batch", "seq"))
    if not np.isin(array, (0, 1)).all():
        refuse("mask", "hold booleans, or 0 and 1", f"values up to {array.max()}")
    keep = array.astype(bool)
    empty = np.flatnonzero(~keep.any(axis=1))
    if len(empty):
        refuse("mask", "keep a token of every sentence", f"none of sentence {int(empty[0])}")
    return keep


def _sentences(rows: np.ndarray, counts: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Intra-sentence similarity (b,) and sum of unit tokens (b, d), from tokens in a row."""
    starts = np.cumsum(counts) - counts
    unit = _unit(rows, name, "token vector")
    mean = _unit(np.add.reduceat(rows, starts, axis=0), name, "sentence mean")
    unit_sum = np.add.reduceat(unit, starts, axis=0)
    # The mean cosine of unit tokens with one vector is that vector times their sum.
    return np.einsum("sd,sd->s", unit_sum, mean) / counts, unit_sum


def _unit(rows: np.ndarray, name: str, what: str) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    zero = int(np.count_nonzero(norms == 0))
    if zero:
        refuse(name, f"hold no zero {what}, since its cosines are undefined", f"{zero} of them")
    return rows / norms


def _hashes(tokens: list[np.ndarray], counts: np.ndarray) -> np.ndarray:
    starts = np.cumsum(counts) - counts
    place = (np.arange(counts.sum()) - np.repeat(starts, counts)).astype(np.uint64)
    # Whole-number sums wrap and are exact in any order, so padding and batching cannot matter.
    return np.add.reduceat(mixed(row_hashes(tokens) ^ mixed(place)), starts)
