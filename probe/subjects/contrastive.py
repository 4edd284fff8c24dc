"""Contrastive training of a small encoder: two readings of a text pick each other (SimCSE)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .._check import integer, number, refuse
from .batching import checked_texts, pad_ids
from .pooling import masked_mean
from .small_encoder import SmallEncoder
from .training import Step, fit, train
from .vocabulary import PAD, Vocabulary

STEPS = 600
# Batches that are sorted by length together: wide enough to mix, narrow enough to pad little.
_BUCKET = 16


class PairBatch(NamedTuple):
    """Ids (batch, seq), mask (batch, seq) and the seed of what is dropped from the two readings."""

    ids: Tensor
    mask: Tensor
    seed: int


def contrastive_loss(a: Tensor, b: Tensor, *, temperature: float = 0.05) -> Tensor:
    """InfoNCE: how badly each row of `a` picks its own row of `b` among all of them, by cosine.

        l_i = -log( exp(cos(a_i, b_i) / t) / sum_j exp(cos(a_i, b_j) / t) ),   loss = mean_i l_i

    Parameters
    ----------
    a, b
        (batch, d_model): two readings of the same texts, in the same order.
    temperature
        t, above 0; 0.05 is the paper's.

    Returns
    -------
    Tensor
        Scalar in nats, at least 0; log(batch) where `a` says nothing about `b`.

    Raises
    ------
    ValueError
        If the shapes differ, there are fewer than two texts, or the temperature is not above 0.

    Notes
    -----
    Source: arXiv:2104.08821, eq. 1 (with h, h+ for `a`, `b` and tau for the temperature).

    Examples
    --------
    >>> rows = torch.eye(4)
    >>> bool(contrastive_loss(rows, rows) < contrastive_loss(rows, rows.roll(1, 0)))
    True
    """
    if a.shape != b.shape or a.ndim != 2 or len(a) < 2:
        refuse(
            "a and b",
            "both be (batch, d_model) with at least two texts",
            f"shapes {tuple(a.shape)} and {tuple(b.shape)}",
        )
    if number("temperature", temperature) <= 0:
        refuse("temperature", "be above 0", temperature)
    cosines = functional.normalize(a, dim=1) @ functional.normalize(b, dim=1).T
    return functional.cross_entropy(cosines / temperature, torch.arange(len(a), device=a.device))


def pair_loss(
    encoder: SmallEncoder,
    batch: PairBatch,
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = contrastive_loss,
) -> Tensor:
    """`loss` between two readings of each text, which differ in what dropout leaves of them.

    The readings are the mean-pooled states of the last layer. Dropout is drawn from the batch's
    seed; torch's global random state is left as it was.
    """
    device = batch.ids.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(batch.seed)
        # Both readings in one pass: rows draw their own dropout, and one large pass is faster.
        states, mask = encoder(batch.ids.repeat(2, 1), batch.mask.repeat(2, 1))
    first, second = masked_mean(states[-1], mask).chunk(2)
    return loss(first, second)


def pair_batches(
    encoder: SmallEncoder, texts: Sequence[str], *, batch_size: int = 64, seed: int = 0
) -> Iterator[PairBatch]:
    """Endless batches of texts of similar length; every text once in each round.

    Texts beyond the encoder's `max_length` are read up to there. At the end of a round fewer than
    `batch_size` texts may be left out of it.

    Raises
    ------
    TypeError, ValueError
        If texts or the batch size are not as said, or there are fewer texts than one batch.
    """
    ids = encoder.tokenise(checked_texts(texts)).ids
    integer("batch_size", batch_size, low=2, high=len(ids))
    return _rounds(encoder, ids, batch_size, np.random.default_rng(seed))


def _rounds(
    encoder: SmallEncoder, ids: Sequence[np.ndarray], batch_size: int, rng: np.random.Generator
) -> Iterator[PairBatch]:
    lengths = np.array([len(row) for row in ids])
    while True:
        order = rng.permutation(len(ids))
        cut: list[np.ndarray] = []
        for start in range(0, len(order), batch_size * _BUCKET):
            near = order[start : start + batch_size * _BUCKET]
            near = near[np.argsort(lengths[near], kind="stable")]
            whole = len(near) // batch_size * batch_size
            cut += list(near[:whole].reshape(-1, batch_size))
        for number_ in rng.permutation(len(cut)):
            rows = [ids[i] for i in cut[number_]]
            padded = pad_ids(rows, pad=PAD, device=encoder.words.weight.device)
            yield PairBatch(*padded, seed=int(rng.integers(2**31)))


def contrastive_training(
    encoder: SmallEncoder,
    texts: Sequence[str],
    *,
    steps: int = STEPS,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    loss: Callable[[Tensor, Tensor], Tensor] = contrastive_loss,
    seed: int = 0,
) -> Iterator[Step]:
    """Train `encoder` on `texts`, one update at each turn of the caller's loop.

    Parameters
    ----------
    encoder
        Trained in place. Its `dropout` and `word_dropout` make the two readings of a text differ.
    texts
        What it reads; no labels.
    steps, batch_size, learning_rate
        Updates; texts in each; AdamW's rate, after a warm-up of a tenth of the steps and before a
        linear fall to 0.
    loss
        Of two readings (batch, d_model) each; `contrastive_loss` unless another takes its place.
    seed
        Of the order of the texts and of dropout. What the caller draws between two steps does not
        matter.

    Yields
    ------
    Step
        After each update.

    Notes
    -----
    Deviation from arXiv:2104.08821, which tunes a pretrained model with dropout of features alone:
    a model that begins at random solves that task from the words themselves within some dozen
    steps and learns nothing about their meaning. With words dropped as well, it has to know which
    words go together.

    Examples
    --------
    >>> texts = ["one two three", "four five six", "one two", "five six"]
    >>> encoder = SmallEncoder(Vocabulary.from_texts(texts), d_model=8, n_heads=2, n_layers=1)
    >>> [step.step for step in contrastive_training(encoder, texts, steps=3, batch_size=2)]
    [1, 2, 3]
    """
    integer("steps", steps, low=1)
    batches = pair_batches(encoder, texts, batch_size=batch_size, seed=seed)
    optimizer, schedule = _optimizer(encoder, learning_rate, steps)
    one = partial(pair_loss, loss=loss)
    return train(encoder, batches, one, optimizer, steps=steps, scheduler=schedule)


def train_small_encoder(
    texts: Sequence[str],
    *,
    steps: int = STEPS,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    word_dropout: float = 0.6,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: bool = True,
) -> SmallEncoder:
    """A `SmallEncoder` of default size, its vocabulary made from `texts`, trained on them.

    Parameters
    ----------
    texts, steps, batch_size, learning_rate, seed
        As of `contrastive_training`; `seed` is also that of the initial weights.
    word_dropout
        As of `SmallEncoder`.
    checkpoint, progress
        As of `probe.subjects.training.fit`.

    Returns
    -------
    SmallEncoder
        In evaluation mode.
    """
    integer("steps", steps, low=1)
    vocabulary = Vocabulary.from_texts(checked_texts(texts))
    encoder = SmallEncoder(vocabulary, word_dropout=word_dropout, seed=seed)
    batches = pair_batches(encoder, texts, batch_size=batch_size, seed=seed)
    optimizer, schedule = _optimizer(encoder, learning_rate, steps)
    fit(
        encoder,
        batches,
        pair_loss,
        optimizer,
        steps=steps,
        scheduler=schedule,
        checkpoint=checkpoint,
        progress=progress,
    )
    return encoder.eval()


def _optimizer(encoder: SmallEncoder, learning_rate: float, steps: int) -> tuple[Any, Any]:
    number("learning_rate", learning_rate, low=0.0)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=learning_rate)
    warm = max(1, steps // 10)

    def share(done: int) -> float:
        return min((done + 1) / warm, (steps - done) / max(1, steps - warm))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)
