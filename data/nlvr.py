"""NLVR: sentences that people wrote about boxes with coloured shapes, of which all is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import registry
from ._image_file import read_image
from ._nlvr_format import (
    COUNT,
    PITCH,
    SIDE,
    WIDTH,
    Row,
    Thing,
    drawn,
    masks_of,
    noun_phrases,
    read_rows,
    words_of,
)
from .records import GroundedPair, Phrase, Relation
from .scenes.facts import only_relation, relation_table
from .scenes.words import RELATIONS, Item


def load_nlvr(
    folder: str | Path | None = None,
    *,
    pictures: str = "any",
    limit: int | None = None,
    progress: bool = True,
) -> list[GroundedPair]:
    """NLVR's development set: 989 sentences, each with a picture of three grey boxes.

    Parameters
    ----------
    folder
        Holds `dev.json`, and the pictures `dev-<identifier>-0.png` in `images` or in its numbered
        folders. None for `nlvr` in the cache folder, where `dev.json` is downloaded on first use.
    pictures
        "files": only examples whose picture lies there; "drawn": all, drawn as their description
        tells; "any": all, drawn where the file is missing.
    limit
        Only the first so many. None for all.
    progress
        Show a bar while downloading.

    Returns
    -------
    list of GroundedPair
        The first three regions are the grey boxes, then come the items. Phrases are found by their
        words: a word for an item, a shape or a box with the words of number, colour, size and shape
        before it. They are linked to every item that has the colour, size and shape told, "box"
        and "tower" to the grey boxes that are not empty, and words of place ("the edge") to none. A
        number or "no" does not narrow the link, as nobody has told which ones are meant.
        `relations` are those of `data.scenes` between items in one box. `attrs` holds `label` (1:
        the sentence is true of the picture), `identifier`, `directory` and where it comes from.

    Raises
    ------
    FileNotFoundError
        If the folder given has no `dev.json`.
    ConnectionError
        If that file is not in the cache folder and cannot be downloaded.
    ValueError
        If an option is out of range, a file is not what it should be, or no example is left.

    Notes
    -----
    Suhr et al. 2017 (aclanthology.org/P17-2034), CC BY 4.0. Small, medium and big are sizes of 10,
    20 and 30 pixels. See `link_coverage` for how much of the sentences the phrases reach.
    """
    if pictures not in ("any", "files", "drawn"):
        raise ValueError(f"`pictures` must be one of 'any', 'files', 'drawn'; got {pictures!r}.")
    if limit is not None and limit < 1:
        raise ValueError(f"`limit` must be at least 1; got {limit}.")
    path = _file(folder, progress)
    pairs: list[GroundedPair] = []
    for row in read_rows(path):
        file = None if pictures == "drawn" else _picture(path.parent / "images", row)
        if file is None and pictures == "files":
            continue
        pairs.append(_pair(row, drawn(row.things) if file is None else _seen(file), file))
        if len(pairs) == limit:
            break
    if not pairs:
        raise ValueError(
            f"{path} must hold an example with a picture in {path.parent / 'images'}; got none. "
            "Use pictures='drawn'."
        )
    return pairs


def link_coverage(pairs: Sequence[GroundedPair]) -> dict[str, float]:
    """How much of the sentences their links reach.

    Parameters
    ----------
    pairs
        Pairs of any source.

    Returns
    -------
    dict
        `sentences`: share of pairs with a linked phrase; `phrases`: share of all phrases that are
        linked; `words`: share of words in a linked phrase; all 0 to 1. `links_per_phrase`: mean
        number of regions of a linked phrase.

    Raises
    ------
    ValueError
        If there is no pair.

    Examples
    --------
    >>> from data import render_scenes
    >>> link_coverage(render_scenes(5))["sentences"]
    1.0
    """
    if not len(pairs):
        raise ValueError("`pairs` must hold at least one pair; got none.")
    linked = [{int(phrase) for phrase in pair.links[:, 0]} for pair in pairs]
    phrases = sum(len(pair.phrases) for pair in pairs)
    reached = sum(len(each) for each in linked)
    words = sum(
        pair.phrases[i].end - pair.phrases[i].start
        for pair, each in zip(pairs, linked, strict=True)
        for i in each
    )
    return {
        "sentences": sum(map(bool, linked)) / len(pairs),
        "phrases": reached / max(phrases, 1),
        "words": words / sum(len(pair.words) for pair in pairs),
        "links_per_phrase": sum(len(pair.links) for pair in pairs) / max(reached, 1),
    }


def _file(folder: str | Path | None, progress: bool) -> Path:
    if folder is None:
        return registry.fetch("nlvr-dev", progress=progress)
    path = Path(folder) / "dev.json"
    if not path.is_file():
        raise FileNotFoundError(f"`folder` must hold dev.json; {path} is missing.")
    return path


def _picture(images: Path, row: Row) -> Path | None:
    for path in (images / row.picture, images / row.directory / row.picture):
        if path.is_file():
            return path
    return None


def _seen(path: Path) -> np.ndarray:
    image = read_image(path)
    if image.shape != (SIDE, WIDTH, 3):
        height, width = image.shape[:2]
        raise ValueError(f"{path} must have {WIDTH} x {SIDE} pixels; got {width} x {height}.")
    return image


def _pair(row: Row, image: np.ndarray, file: Path | None) -> GroundedPair:
    words = words_of(row.sentence)
    phrases = noun_phrases(words)
    full = sorted({thing.box for thing in row.things})
    links: list[tuple[int, int]] = []
    for i, phrase in enumerate(phrases):
        if phrase.kind == "container":
            links += [(i, box) for box in full]
        elif phrase.kind not in ("place", "property"):
            named = [k for k, thing in enumerate(row.things) if phrase.fits(thing)]
            links += [(i, COUNT + k) for k in named]
    boxes = [(k * PITCH / WIDTH, 0.0, (k * PITCH + SIDE) / WIDTH, 1.0) for k in range(COUNT)]
    return GroundedPair(
        image=image,
        words=words,
        regions=[*boxes, *(_box(thing) for thing in row.things)],
        phrases=tuple(Phrase(p.start, p.end, p.kind) for p in phrases),
        links=links,
        relations=_relations(row.things),
        region_names=(*["grey box"] * COUNT, *(str(thing) for thing in row.things)),
        name=f"nlvr-{row.identifier}",
        attrs={
            "label": int(row.label),
            "identifier": row.identifier,
            "directory": row.directory,
            "picture": "drawn" if file is None else "file",
            "source": "NLVR, Suhr et al. 2017",
            "licence": "CC BY 4.0",
        },
    )


def _box(thing: Thing) -> tuple[float, float, float, float]:
    # Some items reach a pixel over the border of their box in the description.
    left = thing.box * PITCH
    right, below = min(thing.x + thing.side, SIDE), min(thing.y + thing.side, SIDE)
    return ((left + thing.x) / WIDTH, thing.y / SIDE, (left + right) / WIDTH, below / SIDE)


def _relations(things: Sequence[Thing]) -> tuple[Relation, ...]:
    found: list[Relation] = []
    masks = masks_of(things)
    for box in range(COUNT):
        here = [i for i, thing in enumerate(things) if thing.box == box]
        if len(here) < 2:
            continue
        parts = [things[i] for i in here]
        corners = np.array([(t.x, t.y, t.x + t.side, t.y + t.side) for t in parts]) / SIDE
        table = only_relation(
            relation_table(corners, masks[here], [Item(*thing[:4]) for thing in parts])
        )
        for name in (*RELATIONS, "none"):
            found += [
                Relation(COUNT + here[s], COUNT + here[o], name)
                for s, o in np.argwhere(table[name]).tolist()
            ]
    return tuple(found)
