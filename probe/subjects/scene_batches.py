"""Batches to learn from pairs: captions that fit and that do not, hidden words, hidden regions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._check import integer, number, refuse
from .pair_tensors import PairTensors
from .vision_language_model import MASK, Inputs

_MARKS = 5  # ids below this are no words
# Batches that are sorted by length together: wide enough to mix, narrow enough to pad little.
_BUCKET = 8
# Share of the third kind of rows in which words are hidden; regions are in the others.
_WORDS = 0.75


class PairBatch(NamedTuple):
    """What one update learns from.

    inputs: the rows, first those of matching, then those with something hidden; fits (row,) bool of
    the matching rows, whether the caption is the image's; words (row, text) int64, the hidden words
    (-1 elsewhere) of the other rows; hidden (row, position) bool and features (row, position,
    feature), the hidden regions of them; links (row, text, position) bool of all rows, False where
    the caption does not fit.
    """

    inputs: Inputs
    fits: Tensor
    words: Tensor
    hidden: Tensor
    features: Tensor
    links: Tensor


def mismatches(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each pair another one of the same group (any other where it is alone), drawn uniformly.

    Raises
    ------
    ValueError
        If there is only one pair.

    Examples
    --------
    >>> mismatches(np.array([3, 4, 3]), np.random.default_rng(0))[[0, 2]]
    array([2, 0])
    """
    if len(group) < 2:
        refuse("pairs", "be at least two, so that one has another's caption", len(group))
    found = np.empty(len(group), np.int64)
    for value in np.unique(group):
        members = np.flatnonzero(group == value)
        if len(members) == 1:
            others = np.delete(np.arange(len(group)), members[0])
            found[members] = rng.choice(others)
            continue
        # A step of 1..n-1 around the circle of members is uniform over all but oneself.
        steps = rng.integers(1, len(members), size=len(members))
        found[members] = members[(np.arange(len(members)) + steps) % len(members)]
    return found


def pair_batches(
    pairs: PairTensors,
    *,
    batch_size: int = 32,
    hard: float = 0.1,
    hide: float = 0.25,
    seed: int = 0,
) -> Iterator[PairBatch]:
    """Endless batches; each round gives every pair once (a rest smaller than a batch is left out).

    Captions of a batch have similar lengths, so that little is computed for padding.
    Each of `batch_size` images comes with its own caption, with one that does not fit it, and once
    more with its own caption of which either words or regions are hidden, never both.

    Parameters
    ----------
    pairs
        Two at least.
    batch_size
        Images in a batch, two at least.
    hard
        Probability that a caption that does not fit is a changed one (relation, attribute), where
        the pair has one; else it is that of another image of the batch, one with as many regions if
        there is one.
    hide
        Probability that a word or region of the third kind of rows is hidden.
    seed
        Of everything that is drawn here.

    Raises
    ------
    TypeError, ValueError
        If there are fewer pairs than one batch, or a share is not in [0, 1].
    """
    integer("batch_size", batch_size, low=2, high=len(pairs))
    number("hard", hard, low=0.0, high=1.0)
    number("hide", hide, low=0.0, high=1.0)
    return _rounds(pairs, batch_size, hard, hide, np.random.default_rng(seed))


def _rounds(
    pairs: PairTensors, batch_size: int, hard: float, hide: float, rng: np.random.Generator
) -> Iterator[PairBatch]:
    group, lengths = pairs.group.numpy(), pairs.mask.sum(dim=1).numpy()
    while True:
        order = rng.permutation(len(pairs))
        cut: list[np.ndarray] = []
        for start in range(0, len(order), batch_size * _BUCKET):
            near = order[start : start + batch_size * _BUCKET]
            near = near[np.argsort(lengths[near], kind="stable")]
            whole = len(near) // batch_size * batch_size
            cut += list(near[:whole].reshape(-1, batch_size))
        for number_ in rng.permutation(len(cut)):
            rows = cut[number_]
            yield _batch(pairs, rows, rows[mismatches(group[rows], rng)], hard, hide, rng)


def _batch(
    pairs: PairTensors,
    rows: np.ndarray,
    other: np.ndarray,
    hard: float,
    hide: float,
    rng: np.random.Generator,
) -> PairBatch:
    n = len(rows)
    own = torch.from_numpy(rows)
    wrong_ids, wrong_mask = pairs.ids[other], pairs.mask[other]
    names = list(pairs.changed)
    if names:
        chosen = np.where(rng.random(n) < hard, rng.integers(len(names), size=n), -1)
        for number_, name in enumerate(names):
            ids, mask, valid = pairs.changed[name]
            take = torch.from_numpy(chosen == number_) & valid[own]
            wrong_ids = _put(wrong_ids, ids[own], take)
            wrong_mask = _put(wrong_mask, mask[own], take)
    right_ids, right_mask = pairs.ids[own], pairs.mask[own]
    width = max(right_ids.shape[1], wrong_ids.shape[1])
    ids = torch.cat([_wide(x, width) for x in (right_ids, wrong_ids, right_ids)])
    mask = torch.cat([_wide(x, width) for x in (right_mask, wrong_mask, right_mask)])
    inputs = pairs.inputs(own.repeat(3), (ids, mask))
    text, places = inputs.ids.shape[1], inputs.features.shape[1]

    # Never both in one row: what is hidden of a caption can be read off the image, and vice versa.
    # That rows go by length does not choose them: within a batch lengths differ by little.
    words_here = torch.arange(n) < math.ceil(n * _WORDS)
    drawn = torch.from_numpy(rng.random((n, text)) < hide)
    gone = drawn & words_here[:, None] & (inputs.ids[2 * n :] >= _MARKS)
    words = torch.where(gone, inputs.ids[2 * n :], -1)
    drawn = torch.from_numpy(rng.random((n, places)) < hide)
    hidden = drawn & ~words_here[:, None] & inputs.image_mask[2 * n :]
    features = inputs.features[2 * n :].clone()
    inputs.ids[2 * n :] = inputs.ids[2 * n :].masked_fill(gone, MASK)
    inputs.features[2 * n :] = features.masked_fill(hidden[:, :, None], 0.0)
    links = _wide(pairs.links[own], text)[:, :text, :places]
    links = torch.cat([links, torch.zeros_like(links), links])
    # Another image may have the very same caption: then it fits.
    same = (inputs.ids[:n] == inputs.ids[n : 2 * n]).all(dim=1)
    fits = torch.cat([torch.ones_like(same), same])
    return PairBatch(inputs, fits, words, hidden, features, links)


def _wide(rows: Tensor, width: int) -> Tensor:
    """Rows with zeros on the right, up to `width` columns."""
    missing = width - rows.shape[1]
    if missing <= 0:
        return rows
    return torch.cat([rows, rows.new_zeros(len(rows), missing, *rows.shape[2:])], dim=1)


def _put(into: Tensor, new: Tensor, take: Tensor) -> Tensor:
    """`into` with the rows of `new` where `take` says so."""
    width = max(into.shape[1], new.shape[1])
    return torch.where(take[:, None], _wide(new, width), _wide(into, width))
