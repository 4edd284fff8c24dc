"""Rows of NLVR's file, pictures drawn from them, and phrases read from their sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._source import Part, Source

SIDE, PITCH, COUNT = 100, 150, 3  # pixels of a box, from one box to the next, boxes in a picture
WIDTH = PITCH * (COUNT - 1) + SIDE

_COMMIT = "56f4bc8758d75fbadd7e08c973433a19b0c12490"
_COLOURS = {"yellow": "yellow", "black": "black", "#0099ff": "blue"}
_RGB = {"yellow": (255, 255, 0), "black": (0, 0, 0), "blue": (0, 153, 255)}
_SIZES = {10: "small", 20: "medium", 30: "big"}
_SHAPES = ("circle", "square", "triangle")
_KEYS = ("sentence", "label", "identifier", "directory", "structured_rep")

_ADJECTIVES = {
    **{colour: ("colour", colour) for colour in _RGB},
    **{"small": ("size", "small"), "medium": ("size", "medium")},
    **{"big": ("size", "big"), "large": ("size", "big")},
    **{shape: ("shape", shape) for shape in _SHAPES},
    **{"grey": ("", "grey"), "gray": ("", "grey")},  # only boxes are
}
# Misspellings that the sentences have more than once.
_SPELLED = {
    **{"squere": "square", "squeres": "squares", "cirlce": "circle", "cirlces": "circles"},
    **{"blcck": "block", "blccks": "blocks"},
}
_NOUNS = {
    **{shape: shape for shape in _SHAPES},
    **dict.fromkeys(("block", "item", "object", "shape"), "item"),
    **dict.fromkeys(("box", "tower"), "container"),
    **dict.fromkeys(("wall", "edge", "corner", "base", "side", "top", "bottom", "roof"), "place"),
    **dict.fromkeys(("color", "colour", "height", "size"), "property"),
}
KINDS = (*_SHAPES, "item", "container", "place", "property")
_BEFORE = frozenset(("a", "an", "the", "all", "each", "every", "any", "no", "some", "its"))
_NUMBER = re.compile("[1-9]|one|two|three|four|five|six|seven")


class Thing(NamedTuple):
    """One item of a picture: its look, its box (0, 1 or 2) and its place in pixels of that box."""

    size: str
    texture: str
    colour: str
    shape: str
    box: int
    x: int
    y: int
    side: int

    def __str__(self) -> str:
        return f"{self.size} {self.colour} {self.shape}"


class Row(NamedTuple):
    """One example of the file."""

    sentence: str
    label: bool
    identifier: str
    directory: str
    things: tuple[Thing, ...]

    @property
    def picture(self) -> str:
        """Name of the file of its picture, with the boxes in the order of the row."""
        return f"dev-{self.identifier}-0.png"


class NounPhrase(NamedTuple):
    """Words `start` up to `end`, one of KINDS, and the attributes that its items must have."""

    start: int
    end: int
    kind: str
    wanted: tuple[tuple[str, str], ...]

    def fits(self, thing: Thing) -> bool:
        """Whether it names such a thing."""
        return all(getattr(thing, key) == value for key, value in self.wanted)


def nlvr_sources() -> list[Source]:
    """NLVR's development set."""
    return [
        Source(
            name="nlvr-dev",
            filename="nlvr/dev.json",
            sha256="0d312c3d7309393c0e36d286c70b884fb276819699e9f8f2bcea2854ad46537b",
            size=813215,
            parts=(
                Part(
                    f"https://raw.githubusercontent.com/lil-lab/nlvr/{_COMMIT}/nlvr/dev/dev.json",
                    "dev",
                ),
            ),
            convert=lambda files: files[0][1],
            licence="CC BY 4.0",
            citation=(
                "Suhr et al. 2017, A corpus of natural language for visual reasoning, ACL, "
                "aclanthology.org/P17-2034"
            ),
        )
    ]


def read_rows(path: Path) -> Iterator[Row]:
    """The examples of a file, one JSON object a line.

    Raises
    ------
    ValueError
        If the file is not in that format. The message names the line.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8 text; got another byte at {error.start}.") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _row(line, f"{path}, line {number}")


def _row(line: str, where: str) -> Row:
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: must be one JSON object; {error}.") from None
    if not isinstance(row, dict) or not all(key in row for key in _KEYS):
        raise ValueError(f"{where}: must be an object with the keys {', '.join(_KEYS)}.")
    if row["label"] not in ("true", "false"):
        raise ValueError(f"{where}: label must be 'true' or 'false'; got {row['label']!r}.")
    boxes = row["structured_rep"]
    if not isinstance(boxes, list) or len(boxes) != COUNT:
        raise ValueError(f"{where}: structured_rep must hold {COUNT} boxes.")
    things = tuple(_thing(item, k, where) for k, box in enumerate(boxes) for item in box)
    if not str(row["sentence"]).strip():
        raise ValueError(f"{where}: sentence must not be blank.")
    label = row["label"] == "true"
    return Row(row["sentence"], label, str(row["identifier"]), str(row["directory"]), things)


def _thing(item: Any, box: int, where: str) -> Thing:
    try:
        colour, size = _COLOURS[str(item["color"]).lower()], _SIZES[int(item["size"])]
        shape, x, y = str(item["type"]), int(item["x_loc"]), int(item["y_loc"])
        side = int(item["size"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: {item!r} is no item of NLVR ({error!r}).") from None
    if shape not in _SHAPES or not (0 <= x < SIDE and 0 <= y < SIDE):
        raise ValueError(f"{where}: {item!r} is no item of NLVR.")
    return Thing(size, "plain", colour, shape, box, x, y, side)


def masks_of(things: Sequence[Thing]) -> np.ndarray:
    """(thing, 100, 100) bool: the pixels of each thing in its own box."""
    at = np.arange(SIDE) + 0.5
    masks = np.zeros((len(things), SIDE, SIDE), dtype=bool)
    for mask, thing in zip(masks, things, strict=True):
        u = ((at - thing.x) / thing.side)[None, :]
        v = ((at - thing.y) / thing.side)[:, None]
        if thing.shape == "circle":
            mask[:] = (u - 0.5) ** 2 + (v - 0.5) ** 2 < 0.25
        elif thing.shape == "triangle":
            mask[:] = (np.abs(u - 0.5) < v / 2) & (v < 1)
        else:
            mask[:] = (u > 0) & (u < 1) & (v > 0) & (v < 1)
    return masks


def drawn(things: Sequence[Thing]) -> np.ndarray:
    """(100, 400, 3) uint8: the picture that a row describes, without smooth edges."""
    image = np.full((SIDE, WIDTH, 3), 128, dtype=np.uint8)
    for k in range(COUNT):
        image[:, k * PITCH : k * PITCH + SIDE] = 211
    for thing, mask in zip(things, masks_of(things), strict=True):
        left = thing.box * PITCH
        image[:, left : left + SIDE][mask] = _RGB[thing.colour]
    return image


def words_of(sentence: str) -> tuple[str, ...]:
    """Words and punctuation marks of a sentence.

    Examples
    --------
    >>> words_of("There's a box, with 2 items.")
    ('There', "'s", 'a', 'box', ',', 'with', '2', 'items', '.')
    """
    return tuple(re.findall(r"'\w+|\w+|[^\w\s]", sentence))


def noun_phrases(words: Sequence[str]) -> list[NounPhrase]:
    """Phrases that end in a word for a shape, an item, a box, a place or a property.

    Examples
    --------
    >>> [phrase] = noun_phrases("There are two small black blocks".split())
    >>> phrase.start, phrase.end, phrase.wanted
    (2, 6, (('size', 'small'), ('colour', 'black')))
    """
    known = [_SPELLED.get(word.lower(), word.lower()) for word in words]
    found: list[NounPhrase] = []
    free = 0  # the first word that no phrase has
    for i, word in enumerate(known):
        kind = _kind(word)
        if not kind:
            continue
        wanted = [("shape", kind)] if kind in _SHAPES else []
        start = i
        while start > free and known[start - 1] in _ADJECTIVES:
            start -= 1
            wanted.append(_ADJECTIVES[known[start]])
        while start > free and (known[start - 1] in _BEFORE or _NUMBER.fullmatch(known[start - 1])):
            start -= 1
        # "Square blocks": the first noun is a word about the second.
        if i + 1 < len(known) and word in _SHAPES and _kind(known[i + 1]) == "item":
            continue
        if ("", "grey") in wanted:
            kind, wanted = "container", []
        found.append(NounPhrase(start, i + 1, kind, tuple(reversed(wanted))))
        free = i + 1
    return found


def _kind(word: str) -> str:
    for stem in (word, word.removesuffix("s"), word.removesuffix("es")):
        if stem in _NOUNS:
            return _NOUNS[stem]
    return ""
