"""Who an example is, wherever it comes in a stream: its key, its half, its bootstrap weights."""

from __future__ import annotations

import hashlib
import math
from itertools import compress
from typing import Any

import numpy as np

from data.records import Attended

from .._check import refuse
from ..whitening._reservoir import keys_of, mixed

# Salts keep draws that serve different ends independent of each other.
HALF, WEIGHT = 0x48414C46, 0x57454947
# P(weight <= k) of a Poisson(1) weight.
_CUMULATED = np.cumsum([math.exp(-1) / math.factorial(k) for k in range(12)])


def example_keys(batch: Attended) -> np.ndarray:
    """(n,) uint64: a hash of what each example is, not of what the model made of it.

    Of ``attrs["example"]`` where the batch has it, else of the texts of its tokens, its annotated
    boxes and its links. So a trained model and its random-weights twin are resampled alike, and
    neither padding nor the last bits of a batched product change a draw.

    Raises
    ------
    ValueError
        If a batch has nothing to tell its examples apart by.

    Notes
    -----
    Examples with the same key are drawn together, as one cluster.
    """
    if "example" in batch.attrs:
        return np.array([_hash(str(name).encode()) for name in batch.attrs["example"]], np.uint64)
    boxes = None if batch.region_boxes is None else as_numpy(batch.region_boxes, np.float32)
    if boxes is None and not batch.tokens:
        refuse(
            "batch",
            "tell its examples apart",
            "neither tokens nor region boxes",
            "Give attrs={'example': one name for each}.",
        )
    text = as_numpy(batch.modality) == 0
    links = np.zeros((0, 3), int) if batch.links is None else np.argwhere(as_numpy(batch.links))
    linked = np.split(links[:, 1:], np.searchsorted(links[:, 0], np.arange(1, len(batch))))
    whole = np.zeros((len(batch), 0)) if boxes is None else np.asarray(np.isfinite(boxes).all(2))
    keys = np.empty(len(batch), dtype=np.uint64)
    for i in range(len(batch)):
        parts = [linked[i].astype(np.int32).tobytes()]
        if batch.tokens:
            parts.append("\0".join(compress(batch.tokens[i], text[i])).encode())
        if boxes is not None:
            parts.append(boxes[i][whole[i]].tobytes())
        keys[i] = _hash(b"\1".join(parts))
    return keys


def half_of(keys: np.ndarray, seed: int) -> np.ndarray:
    """(n,) 0 or 1: which half of the examples one belongs to; heads are chosen on half 0."""
    return (keys_of(keys ^ np.uint64(HALF), seed) >> np.uint64(63)).astype(np.int64)


def poisson_weights(keys: np.ndarray, n_boot: int, seed: int) -> np.ndarray:
    """(n_boot + 1, n) float64: how often each example is in each bootstrap sample.

    Row 0 is all ones, the sample itself. The rest are Poisson(1), drawn for each example from its
    key (the streaming bootstrap of Chamandy et al. 2012): resampling n of n draws an example a
    nearly Poisson(1) number of times, and independent draws need neither n nor the other examples.
    """
    salts = mixed(np.arange(n_boot, dtype=np.uint64) ^ mixed(np.array([seed ^ WEIGHT], np.uint64)))
    uniform = (mixed(keys[None, :] ^ salts[:, None]) >> np.uint64(11)) * 2.0**-53
    drawn = np.searchsorted(_CUMULATED, uniform, side="right").astype(np.float64)
    return np.concatenate([np.ones((1, len(keys))), drawn])


def as_numpy(value: Any, dtype: Any = None) -> np.ndarray:
    """A torch tensor of any device, or an array, as numpy."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value, dtype=dtype)


def _hash(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
