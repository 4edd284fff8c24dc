"""Pairs of caption and image as compact tensors: what a vision-and-language model reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from data.records import GroundedPair

from .._check import one_of, refuse, refuse_type
from .alignment import patch_grid, phrase_membership
from .vision_language_model import POSITIONS, SEP, Inputs, VisionLanguageModel
from .vocabulary import CLS, UNKNOWN, Vocabulary

PATCH = 8  # pixels along a patch's side
# A change to a caption that makes it false, as words; None where the caption has nothing to change.
Changes = Mapping[str, Callable[[GroundedPair], "Sequence[str] | None"]]


def caption_ids(words: Sequence[str], vocabulary: Vocabulary, *, max_words: int) -> np.ndarray:
    """[CLS], one id for each word, [SEP]: (word + 2,) int64.

    Raises
    ------
    ValueError
        If there are more than `max_words` words: a cut caption would lose its phrases.

    Examples
    --------
    >>> from probe.subjects.vision_language_model import caption_vocabulary
    >>> caption_ids(["A", "dog"], caption_vocabulary(["a"]), max_words=8)
    array([2, 5, 1, 3])
    """
    if len(words) > max_words:
        hint = "Make the model with a larger `max_words`."
        refuse("words", f"be at most {max_words} words for this model", len(words), hint)
    pieces = [vocabulary.ids(word)[1:] for word in words]
    # A word that the vocabulary would split keeps its one place, as an unknown word.
    own = [int(piece[0]) if len(piece) == 1 else UNKNOWN for piece in pieces]
    return np.array([CLS, *own, SEP], np.int64)


def image_parts(pair: GroundedPair, positions: str) -> tuple[np.ndarray, np.ndarray]:
    """Features (position, feature) and boxes (position, 4) of an image's regions or patches.

    Raises
    ------
    ValueError
        If the pair has no region where regions are asked for.
    """
    from data.scenes import patches, region_features

    if one_of("positions", positions, POSITIONS) == "regions":
        if not len(pair.regions):
            hint = "Give it boxes, or use a model of patches."
            refuse("pairs", "have at least one region each", f"none in {pair.name!r}", hint)
        return region_features(pair), pair.regions
    height, width = pair.image.shape[:2]
    return patches(pair, patch=PATCH), patch_grid(height // PATCH, width // PATCH)


@dataclass(frozen=True, eq=False)
class PairTensors:
    """Pairs in memory, ready to be drawn from.

    Attributes
    ----------
    ids, mask
        (pair, text) int64, padded with 0; True = keep.
    features, boxes, image_mask
        (pair, position, feature) float32 (float16 for patches), (pair, position, 4) float32,
        (pair, position), True = keep.
    links
        (pair, text, position) bool: a word of a phrase and what that phrase names.
    group
        (pair,) int64: number of regions; mismatched captions come from the same group.
    changed
        By name of the change: ids and mask of the changed captions, and (pair,) bool, which pairs
        have one.
    """

    ids: Tensor
    mask: Tensor
    features: Tensor
    boxes: Tensor
    image_mask: Tensor
    links: Tensor
    group: Tensor
    changed: Mapping[str, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def inputs(self, rows: Any, captions: tuple[Tensor, Tensor] | None = None) -> Inputs:
        """The batch of some pairs' images with their own captions, or with others (ids, mask)."""
        ids, mask = (self.ids[rows], self.mask[rows]) if captions is None else captions
        longest = int(mask.sum(dim=1).max())
        places = int(self.image_mask[rows].sum(dim=1).max())
        return Inputs(
            ids[:, :longest],
            mask[:, :longest],
            self.features[rows, :places].float(),
            self.boxes[rows, :places],
            self.image_mask[rows, :places],
        )


def pair_tensors(
    pairs: Iterable[GroundedPair],
    model: VisionLanguageModel,
    *,
    changes: Changes | None = None,
    progress: bool = False,
) -> PairTensors:
    """Encode pairs as `model` reads them; images themselves are not kept.

    Parameters
    ----------
    pairs
        May be a generator.
    model
        Its vocabulary and kind of positions count, not its weights.
    changes
        By name, what makes a caption false: it gives words, or None where there is nothing to
        change.
    progress
        Whether a bar is shown.

    Raises
    ------
    TypeError
        If an entry is no `GroundedPair`.
    ValueError
        If there is no pair, a caption is too long, or a region is wanted and missing.
    """
    captions: list[np.ndarray] = []
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    links: list[np.ndarray] = []
    group: list[int] = []
    changed: dict[str, list[np.ndarray]] = {name: [] for name in changes or {}}

    def read(words: Sequence[str]) -> np.ndarray:
        return caption_ids(words, model.vocabulary, max_words=model.max_words)

    kept = np.float16 if model.positions == "patches" else np.float32
    for pair in tqdm(pairs, desc="reading pairs", unit="pair", disable=not progress, leave=False):
        if not isinstance(pair, GroundedPair):
            refuse_type("pairs", "hold GroundedPair", pair)
        captions.append(read(pair.words))
        features, boxes = image_parts(pair, model.positions)
        parts.append((np.asarray(features, kept), np.asarray(boxes, np.float32)))
        links.append(linked_words(pair, model.positions, len(boxes)))
        group.append(len(pair.regions))
        for name, change in (changes or {}).items():
            words = change(pair)
            changed[name].append(np.zeros(0, np.int64) if words is None else read(words))
    if not captions:
        refuse("pairs", "hold at least one pair", "none")
    ids, mask = _padded(captions)
    features, image_mask = _padded([feature for feature, _ in parts])
    shape = (len(captions), ids.shape[1], features.shape[1])
    linked = torch.zeros(shape, dtype=torch.bool)
    for row, one in zip(linked, links, strict=True):
        row[1 : 1 + len(one), : one.shape[1]] = torch.from_numpy(one)
    return PairTensors(
        ids,
        mask,
        features,
        _padded([box for _, box in parts])[0],
        image_mask,
        linked,
        torch.tensor(group),
        {name: _with_validity(rows) for name, rows in changed.items()},
    )


def linked_words(pair: GroundedPair, positions: str, n_positions: int) -> np.ndarray:
    """Which word belongs to a phrase that names what a position shows: (word, position) bool."""
    words = phrase_membership(pair.phrases, np.arange(len(pair.words)))
    links = np.zeros((len(pair.phrases), len(pair.regions)), bool)
    links[tuple(np.asarray(pair.links).T)] = True
    named = words.T.astype(np.int64) @ links > 0
    if positions == "regions":
        return named
    from .alignment import region_membership

    height, width = pair.image.shape[:2]
    grid = patch_grid(height // PATCH, width // PATCH)
    # A patch shows a region if at least half of it lies inside.
    shown = region_membership(grid, pair.regions, kind="patch") >= 0.5
    return (named.astype(np.int64) @ shown > 0)[:, :n_positions]


def _padded(rows: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Rows of different lengths, zeros on the right, and their mask."""
    longest = max(len(row) for row in rows)
    whole = np.zeros((len(rows), longest, *rows[0].shape[1:]), rows[0].dtype)
    mask = np.zeros((len(rows), longest), bool)
    for number, row in enumerate(rows):
        whole[number, : len(row)] = row
        mask[number, : len(row)] = True
    return torch.from_numpy(whole), torch.from_numpy(mask)


def _with_validity(rows: Sequence[np.ndarray]) -> tuple[Tensor, Tensor, Tensor]:
    ids, mask = _padded(rows)
    return ids, mask, mask.any(dim=1)
