"""Frozen record of an image with a caption whose phrases are linked to regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Phrase(NamedTuple):
    """Words `start` up to, not including, `end` of a caption, and what kind of thing they name.

    Examples
    --------
    >>> words = ("a", "red", "circle", "sits")
    >>> phrase = Phrase(0, 3, "shape")
    >>> words[phrase.start : phrase.end]
    ('a', 'red', 'circle')
    """

    start: int
    end: int
    kind: str


class Relation(NamedTuple):
    """An ordered pair of regions and the name of what holds between them ("none" if nothing).

    Examples
    --------
    >>> Relation(0, 1, "left of").label
    'left of'
    """

    subject: int
    object: int
    label: str


@dataclass(frozen=True, eq=False)
class GroundedPair:
    """An image, a caption, and which phrase names which region.

    Attributes
    ----------
    image
        (height, width, 3) uint8, read-only.
    words
        The caption, word by word; punctuation marks are words of their own.
    regions
        (region, 4) float32: boxes x0, y0, x1, y1 in [0, 1], origin at the top left.
    phrases
        Spans of words, each linked to no, one or several regions.
    links
        (link, 2) int64: phrase and region.
    relations
        Ordered pairs of regions with a label.
    region_names
        What each region shows, for people; empty strings if not known.
    masks
        (region, height, width) bool, which pixels are the region's own; or None.
    name
        What the pair is called in results.
    attrs
        Where it comes from, and labels of the whole pair, as text or numbers.

    Raises
    ------
    TypeError
        If words are no strings or arrays hold no numbers.
    ValueError
        If there is no word, a box is empty or leaves [0, 1], a span or an index does not exist, or
        shapes disagree.

    Examples
    --------
    >>> pair = GroundedPair(
    ...     image=np.zeros((8, 8, 3), np.uint8),
    ...     words=("a", "red", "square"),
    ...     regions=[[0.1, 0.1, 0.5, 0.5]],
    ...     phrases=(Phrase(0, 3, "square"),),
    ...     links=[[0, 0]],
    ... )
    >>> pair.caption, pair.regions_of(0)
    ('a red square', (0,))
    """

    image: np.ndarray
    words: tuple[str, ...]
    regions: Any
    phrases: tuple[Phrase, ...] = ()
    links: Any = ()
    relations: tuple[Relation, ...] = ()
    region_names: tuple[str, ...] = ()
    masks: np.ndarray | None = None
    name: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        image = _frozen(np.array(self.image))
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                "`image` must have axes (height, width, 3) and dtype uint8; got "
                f"{image.dtype} of shape {image.shape}."
            )
        words = _words(self.words)
        regions = _boxes(self.regions)
        links = np.array(self.links, dtype=np.int64).reshape(-1, 2)
        phrases = tuple(Phrase(*phrase) for phrase in self.phrases)
        for i, (start, end, _) in enumerate(phrases):
            if not 0 <= start < end <= len(words):
                raise ValueError(
                    f"`phrases` must be spans within {len(words)} words; got {start} to {end} "
                    f"at {i}."
                )
        _below("links[:, 0]", links[:, 0], len(phrases), "phrase")
        _below("links[:, 1]", links[:, 1], len(regions), "region")
        relations = tuple(Relation(*relation) for relation in self.relations)
        ends = np.array([relation[:2] for relation in relations], dtype=np.int64).reshape(-1, 2)
        _below("relations", ends.ravel(), len(regions), "region")
        names = tuple(self.region_names) or ("",) * len(regions)
        if len(names) != len(regions):
            raise ValueError(
                f"`region_names` must name each of {len(regions)} regions; got {len(names)}."
            )
        if self.masks is not None:
            masks = np.array(self.masks)
            wanted = (len(regions), *image.shape[:2])
            if masks.dtype != bool or masks.shape != wanted:
                raise ValueError(
                    f"`masks` must hold booleans of shape {wanted}; got {masks.dtype} of shape "
                    f"{masks.shape}."
                )
            object.__setattr__(self, "masks", _frozen(masks))
        for key, value in (
            ("image", image),
            ("words", words),
            ("regions", _frozen(regions)),
            ("phrases", phrases),
            ("links", _frozen(links)),
            ("relations", relations),
            ("region_names", names),
            ("attrs", dict(self.attrs)),
        ):
            object.__setattr__(self, key, value)

    def __repr__(self) -> str:
        return (
            f"GroundedPair({self.name!r}, {self.caption!r}, {len(self.regions)} regions, "
            f"{len(self.links)} links)"
        )

    @property
    def caption(self) -> str:
        """The words with a space between each two."""
        return " ".join(self.words)

    def regions_of(self, phrase: int) -> tuple[int, ...]:
        """The regions that a phrase is linked to, ascending."""
        return tuple(sorted(int(r) for p, r in self.links if p == phrase))


def _words(words: Sequence[str]) -> tuple[str, ...]:
    if isinstance(words, str):
        raise TypeError("`words` must be a sequence of words; got one string. Use words.split().")
    found = tuple(words)
    if not found:
        raise ValueError("`words` must hold at least one word; got none.")
    for i, word in enumerate(found):
        if not isinstance(word, str):
            raise TypeError(f"`words` must hold strings; got {type(word).__name__} at {i}.")
        if not word.strip():
            raise ValueError(f"`words` must hold no blank word; got {word!r} at {i}.")
    return found


def _boxes(values: Any) -> np.ndarray:
    boxes = np.array(values, dtype=np.float32).reshape(-1, 4) if len(values) else np.zeros((0, 4))
    boxes = boxes.astype(np.float32)
    inside = np.isfinite(boxes).all(axis=1) & (boxes >= 0).all(axis=1) & (boxes <= 1).all(axis=1)
    wrong = np.flatnonzero(~(inside & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)))
    if len(wrong):
        raise ValueError(
            "`regions` must be boxes x0 < x1, y0 < y1 in [0, 1]; got "
            f"{[round(float(v), 4) for v in boxes[wrong[0]]]} at {wrong[0]}."
        )
    return boxes


def _below(name: str, values: np.ndarray, count: int, what: str) -> None:
    wrong = values[(values < 0) | (values >= count)]
    if len(wrong):
        raise ValueError(f"`{name}` must be one of {count} {what}s; got {what} {wrong[0]}.")


def _frozen(array: Any) -> Any:
    array.flags.writeable = False
    return array
