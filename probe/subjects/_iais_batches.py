"""Batches to learn ranking from: anchors whose partners are each other's candidates."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._check import integer
from ._iais_truth import Truth
from .pair_tensors import PairTensors

# Batches that are sorted by length together, as in `scene_batches`.
_BUCKET = 8


class RankingBatch(NamedTuple):
    """What one update learns from; the same in every arm.

    step: from 1; anchor: ``"vision"`` or ``"language"``; rows (anchor,): numbers of the pairs; true
    (caption, image) bool: which captions are true of which images; order (anchor, position): an
    order of each image's positions, drawn uniformly.
    """

    step: int
    anchor: str
    rows: Tensor
    true: Tensor
    order: Tensor


def ranking_batches(
    pairs: PairTensors, truth: Truth, *, batch_size: int = 16, seed: int = 0
) -> Iterator[RankingBatch]:
    """Endless batches, image-anchored and text-anchored in turn; each round gives every pair once.

    Captions of a batch have similar lengths; a rest smaller than a batch is left out.

    Raises
    ------
    TypeError, ValueError
        If there are fewer pairs than one batch.
    """
    integer("batch_size", batch_size, low=2, high=len(pairs))
    return _batches(pairs, truth, batch_size, np.random.default_rng(seed))


def _batches(
    pairs: PairTensors, truth: Truth, batch_size: int, rng: np.random.Generator
) -> Iterator[RankingBatch]:
    steps, lengths = count(1), pairs.mask.sum(dim=1).numpy()
    while True:
        cut: list[np.ndarray] = []
        order = rng.permutation(len(pairs))
        for start in range(0, len(order), batch_size * _BUCKET):
            near = order[start : start + batch_size * _BUCKET]
            near = near[np.argsort(lengths[near], kind="stable")]
            whole = len(near) // batch_size * batch_size
            cut += list(near[:whole].reshape(-1, batch_size))
        for chosen in rng.permutation(len(cut)):
            rows, step = cut[chosen], next(steps)
            keep = pairs.image_mask[torch.from_numpy(rows)].numpy()
            keep = keep[:, : keep.sum(axis=1).max()]
            # Kept positions come first, so ranks of random numbers among them are an order.
            drawn = np.where(keep, rng.random(keep.shape), 1.0 + np.arange(keep.shape[1]))
            yield RankingBatch(
                step,
                "vision" if step % 2 else "language",
                torch.from_numpy(rows),
                torch.from_numpy(truth.of(rows.tolist(), rows.tolist())),
                torch.from_numpy(drawn.argsort(axis=1)),
            )
