"""The files of Flickr30k Entities for each image: boxes in XML, sentences with brackets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

NOT_VISUAL = "0"  # the id of phrases that name nothing in the image
_HEAD = re.compile(r"/EN#(\d+)((?:/[A-Za-z]+)+)$")


class Annotation(NamedTuple):
    """What an annotation file tells of an image.

    Attributes
    ----------
    width, height
        Of the image in pixels.
    boxes
        x0, y0, x1, y1 of each box, 0 to 1.
    names
        The ids that each box belongs to.
    regions_of
        Id to the positions of its boxes.
    scene
        Ids that name the scene as a whole, without a box.
    """

    width: int
    height: int
    boxes: list[tuple[float, float, float, float]]
    names: tuple[str, ...]
    regions_of: dict[str, list[int]]
    scene: frozenset[str]


class Bracket(NamedTuple):
    """Words `start` up to `end` of a sentence, the id of what they name and its type."""

    start: int
    end: int
    entity: str
    kind: str


class Sentence(NamedTuple):
    """A caption's words and its phrases."""

    words: tuple[str, ...]
    phrases: tuple[Bracket, ...]


def read_annotation(path: Path) -> Annotation:
    """Boxes of an image.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is not in the published format, or declares a document type: entities of one can make
        a small file fill the memory, and no file of the dataset has one.
    """
    text = _text(path)
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise ValueError(f"{path} must declare no document type or entity; it is not read.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"{path} must be XML; {error}.") from None
    size = root.find("size")
    if size is None:
        raise ValueError(f"{path} must tell the image's size; it has no <size>.")
    width, height = (_number(path, size, key) for key in ("width", "height"))
    if width < 1 or height < 1:
        raise ValueError(f"{path}: the image's size must be positive; got {width} x {height}.")
    places: dict[tuple[float, float, float, float], int] = {}
    owners: list[list[str]] = []
    regions_of: dict[str, list[int]] = {}
    scene = set()
    for thing in root.findall("object"):
        ids = [(name.text or "").strip() for name in thing.findall("name")]
        if not ids or not all(each.isdecimal() for each in ids):
            raise ValueError(f"{path}: an <object> must have ids in <name>; got {ids}.")
        box = thing.find("bndbox")
        if box is None:
            if not any(_flag(thing, key) for key in ("nobndbox", "scene")):
                raise ValueError(
                    f"{path}: object {ids[0]} must have a <bndbox>, or say <nobndbox> or <scene>."
                )
            scene.update(ids if _flag(thing, "scene") else ())
            continue
        corners = [_number(path, box, key) for key in ("xmin", "ymin", "xmax", "ymax")]
        where = _share(corners, width, height)
        if where is None:
            continue
        region = places.setdefault(where, len(places))
        if region == len(owners):
            owners.append([])
        for each in ids:
            owners[region].append(each)
            regions_of.setdefault(each, []).append(region)
    names = tuple("+".join(each) for each in owners)
    return Annotation(width, height, list(places), names, regions_of, frozenset(scene))


def _share(corners: list[int], width: int, height: int) -> tuple[float, float, float, float] | None:
    x0, y0, x1, y1 = (
        min(max(value / length, 0.0), 1.0)
        for value, length in zip(corners, (width, height) * 2, strict=True)
    )
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _flag(thing: ElementTree.Element, key: str) -> bool:
    return (thing.findtext(key) or "0").strip() == "1"


def _number(path: Path, parent: ElementTree.Element, key: str) -> int:
    text = (parent.findtext(key) or "").strip()
    if not re.fullmatch(r"-?\d+", text):
        raise ValueError(
            f"{path}: <{parent.tag}> must hold a whole number in <{key}>; got {text!r}."
        )
    return int(text)


def read_sentences(path: Path) -> list[Sentence]:
    """The sentences of an image, one a line.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is not in the published format. The message names the line.
    """
    lines = [line.strip() for line in _text(path).split("\n")]
    found = [parse_sentence(line, f"{path}, line {i + 1}") for i, line in enumerate(lines) if line]
    if not found:
        raise ValueError(f"{path} must hold at least one sentence; got none.")
    return found


def parse_sentence(line: str, where: str = "the sentence") -> Sentence:
    """Words and phrases of a line such as `[/EN#1/people A man] sits .`.

    Raises
    ------
    ValueError
        If a bracket is not closed or opened, stands in another one, is empty, or has no id and
        type.

    Examples
    --------
    >>> parse_sentence("[/EN#1/people A man] sits .")
    Sentence(words=('A', 'man', 'sits', '.'),
             phrases=(Bracket(start=0, end=2, entity='1', kind='people'),))
    """
    words: list[str] = []
    phrases: list[Bracket] = []
    opened: tuple[int, str, str] | None = None
    for token in line.split():
        word = token
        if token.startswith("["):
            head = _HEAD.fullmatch(token[1:])
            if opened is not None:
                raise ValueError(f"{where}: brackets must not stand in one another; got {token!r}.")
            if head is None:
                raise ValueError(
                    f"{where}: a bracket must open as in [/EN#1/people; got {token!r}."
                )
            opened = (len(words), head[1], head[2].split("/")[1])
            continue
        closes = opened is not None and token.endswith("]")
        if closes:
            word = token[:-1]
        if "]" in word:
            raise ValueError(f"{where}: a bracket must be opened before it closes; got {token!r}.")
        if word:
            words.append(word)
        if closes and opened is not None:
            start, entity, kind = opened
            if start == len(words):
                raise ValueError(
                    f"{where}: a bracket must hold words; that of id {entity} is empty."
                )
            kind = "notvisual" if entity == NOT_VISUAL else kind
            phrases.append(Bracket(start, len(words), entity, kind))
            opened = None
    if opened is not None:
        raise ValueError(f"{where}: a bracket must be closed; that of id {opened[1]} is not.")
    if not words:
        raise ValueError(f"{where}: a sentence must hold words; got none.")
    return Sentence(tuple(words), tuple(phrases))


def _text(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing.")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8 text; got another byte at {error.start}.") from None
