"""Frozen record of what a vision-and-language model attended to, for a batch of examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

TEXT, IMAGE, PADDING = 0, 1, -1  # `modality` of a position
BLOCKS = ("text", "image")


@dataclass(frozen=True, eq=False)
class Attended:
    """Attentions and states of a batch over one joint sequence, and what its positions stand for.

    Every vision-and-language model is adapted to this: streams of a two-stream model lie side by
    side in the joint square. Arrays are torch tensors on one device, or numpy arrays.

    Attributes
    ----------
    attentions
        (example, layer, head, query, key) float. Rows as the model gave them: what a model
        attends to within one block sums to 1 over that block only. Zero at padding.
    present
        (layer, 2, 2) bool: whether a layer has the block of queries (text, image) by keys (text,
        image). What is absent is not applicable, and not zero.
    hidden_states
        (example, layer + 1, position, feature) float; NaN where a stream has no such state; or
        None.
    modality
        (example, position) int8: 0 text, 1 image, -1 padding.
    special
        (example, position) bool: marks that stand for no word and no part of the image ([CLS],
        [SEP], a prompt's template).
    boxes
        (example, position, 4) float: x0, y0, x1, y1 in [0, 1] of an image position's patch or
        region; NaN elsewhere.
    pool
        (example,) int64: position of [CLS] or what stands in for it; -1 where there is none.
    phrases
        (example, phrase, position) bool: which text positions a phrase covers.
    phrase_kind
        (example, phrase) int16: position in `kinds`; -1 at padding.
    regions
        (example, region, position) float in [0, 1]: how much of an image position belongs to a
        region (share of the patch's area; 1 or 0 for detector regions, by IoU of at least 0.5).
    region_boxes
        (example, region, 4) float: the annotated boxes; NaN at padding.
    links
        (example, phrase, region) bool: which phrase names which region.
    relation
        (example, region, region) int16: position in `relation_names`; -1 where not annotated.
    tokens
        For each example the text of each position.
    kinds, relation_names
        Names of phrase kinds and relations.
    derived
        Blocks that are products of others ("text->image"), not attentions of the model's own.
    name
        What the model is called in results.
    attrs
        Labels of each example by name, such as `{"sentence_length": (example,) array}`.

    Raises
    ------
    ValueError
        If shapes disagree.

    Examples
    --------
    Two examples of a model of one layer and two heads, two words and one region each:

    >>> batch = Attended(
    ...     attentions=np.full((2, 1, 2, 3, 3), 1 / 3),
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=np.tile([0, 0, 1], (2, 1)),
    ...     special=np.zeros((2, 3), bool),
    ...     boxes=np.full((2, 3, 4), np.nan),
    ...     pool=np.zeros(2, int),
    ... )
    >>> len(batch)
    2
    """

    attentions: Any
    present: Any
    modality: Any
    special: Any
    boxes: Any
    pool: Any
    hidden_states: Any = None
    phrases: Any = None
    phrase_kind: Any = None
    regions: Any = None
    region_boxes: Any = None
    links: Any = None
    relation: Any = None
    tokens: tuple[tuple[str, ...], ...] = ()
    kinds: tuple[str, ...] = ()
    relation_names: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    name: str = "model"
    attrs: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.attentions.shape) != 5:
            raise ValueError(
                "`attentions` must have axes (example, layer, head, query, key); got shape "
                f"{tuple(self.attentions.shape)}."
            )
        n, layers, _, queries, keys = self.attentions.shape
        if queries != keys:
            raise ValueError(
                f"`attentions` must be square over positions; got {queries} queries, {keys} keys."
            )
        phrases = self.phrases.shape[1] if self.phrases is not None else 0
        regions = self.regions.shape[1] if self.regions is not None else 0
        wanted: dict[str, tuple[int, ...]] = {
            "present": (layers, 2, 2),
            "modality": (n, keys),
            "special": (n, keys),
            "boxes": (n, keys, 4),
            "pool": (n,),
            "phrases": (n, phrases, keys),
            "phrase_kind": (n, phrases),
            "regions": (n, regions, keys),
            "region_boxes": (n, regions, 4),
            "links": (n, phrases, regions),
            "relation": (n, regions, regions),
        }
        for key, shape in wanted.items():
            value = getattr(self, key)
            if value is not None and tuple(value.shape) != shape:
                raise ValueError(
                    f"`{key}` must have shape {shape} beside these attentions; "
                    f"got {tuple(value.shape)}."
                )
        hidden = self.hidden_states
        if hidden is not None and tuple(hidden.shape[:3]) != (n, layers + 1, keys):
            raise ValueError(
                f"`hidden_states` must have axes ({n}, {layers + 1}, {keys}, feature); "
                f"got shape {tuple(hidden.shape)}."
            )
        if self.tokens and [len(row) for row in self.tokens] != [keys] * n:
            raise ValueError(f"`tokens` must hold {keys} texts for each of {n} examples.")
        object.__setattr__(self, "attrs", dict(self.attrs))

    def __len__(self) -> int:
        return int(self.attentions.shape[0])

    def __repr__(self) -> str:
        n, layers, heads, positions, _ = self.attentions.shape
        return (
            f"Attended({self.name!r}, {n} examples, {layers} layers x {heads} heads, "
            f"{positions} positions)"
        )

    @property
    def text(self) -> Any:
        """(example, position) bool: words and their pieces, no special marks."""
        return (self.modality == TEXT) & ~self.special

    @property
    def image(self) -> Any:
        """(example, position) bool: patches or regions, no special marks."""
        return (self.modality == IMAGE) & ~self.special
