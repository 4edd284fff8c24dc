"""Attended batches whose attention is planted, and the pairs they are of, for tests of views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from data.records import Attended, GroundedPair, Phrase
from probe.value.examples import attention_examples

GRID = 6  # patches a side
PLANTED = (1, 2)  # layer and head that look from each phrase at its region
MASS = 0.8  # that the planted head puts there
COLOURS = {"red": (214, 39, 40), "blue": (31, 119, 180), "green": (44, 160, 44)}
SCENES = (
    (("red", "square", (1, 1)), ("blue", "box", (4, 3))),
    (("green", "tile", (0, 4)), ("red", "box", (3, 0)), ("blue", "square", (4, 4))),
    (("blue", "tile", (2, 2)), ("green", "square", (4, 0))),
)


def pair_of(scene: tuple[Any, ...], size: int = 48) -> GroundedPair:
    """Squares of two patches a side, each named by a phrase; a last region that no phrase names."""
    image = np.full((size, size, 3), 235, np.uint8)
    words: list[str] = []
    phrases, regions, names = [], [], []
    unit = size // GRID
    for colour, shape, (r, c) in scene:
        image[r * unit : (r + 2) * unit, c * unit : (c + 2) * unit] = COLOURS[colour]
        words += ["beside"] if words else []
        phrases.append(Phrase(len(words), len(words) + 3, shape))
        words += ["a", colour, shape]
        regions.append([c / GRID, r / GRID, (c + 2) / GRID, (r + 2) / GRID])
        names.append(f"{colour} {shape}")
    return GroundedPair(
        image=image,
        words=tuple(words),
        regions=[*regions, [0, 5 / GRID, 1, 1]],
        phrases=tuple(phrases),
        links=[[i, i] for i in range(len(phrases))],
        region_names=(*names, "floor"),
        name=f"scene {len(scene)}",
    )


def pairs_of(n: int = 3) -> list[GroundedPair]:
    return [pair_of(SCENES[i % len(SCENES)]) for i in range(n)]


def grid_boxes(side: int) -> np.ndarray:
    row, column = np.divmod(np.arange(side * side), side)
    return np.stack([column, row, column + 1, row + 1], axis=1) / side


def attended(
    pairs: list[GroundedPair], *, layers: int = 3, heads: int = 4, seed: int = 0
) -> Attended:
    """One batch: [CLS] words [SEP] padding, then patches; layer 0 has no blocks across sides."""
    rng = np.random.default_rng(seed)
    n, texts, patches = len(pairs), max(len(p.words) for p in pairs) + 2, GRID * GRID
    size = texts + patches
    modality = np.full((n, size), -1, np.int8)
    modality[:, texts:] = 1
    special = np.zeros((n, size), bool)
    boxes = np.full((n, size, 4), np.nan, np.float32)
    boxes[:, texts:] = grid_boxes(GRID)
    most = max(len(p.phrases) for p in pairs)
    phrases = np.zeros((n, most, size), bool)
    kinds = np.full((n, most), -1, np.int16)
    regions = np.zeros((n, most + 1, size), np.float32)
    region_boxes = np.full((n, most + 1, 4), np.nan, np.float32)
    links = np.zeros((n, most, most + 1), bool)
    tokens = []
    for i, pair in enumerate(pairs):
        end = len(pair.words) + 1
        modality[i, : end + 1] = 0
        special[i, [0, end]] = True
        tokens.append(("[CLS]", *pair.words, "[SEP]", *[""] * (size - end - 1)))
        for p, phrase in enumerate(pair.phrases):
            phrases[i, p, 1 + phrase.start : 1 + phrase.end] = True
            kinds[i, p] = p
        region_boxes[i, : len(pair.regions)] = pair.regions
        links[i, pair.links[:, 0], pair.links[:, 1]] = True
        middle = (boxes[i, texts:, :2] + boxes[i, texts:, 2:]) / 2
        for r, (x0, y0, x1, y1) in enumerate(pair.regions):
            inside = (middle > [x0, y0]).all(axis=1) & (middle < [x1, y1]).all(axis=1)
            regions[i, r, texts:] = inside
    present = np.ones((layers, 2, 2), bool)
    present[0, 0, 1] = present[0, 1, 0] = False
    real = modality >= 0
    able = np.where(
        np.arange(layers)[:, None, None, None] > 0,
        np.ones((n, size, size), bool),
        modality[:, :, None] == modality[:, None, :],
    )
    able &= real[None, :, :, None] & real[None, :, None, :]
    weights = rng.gamma(0.3, size=(n, layers, heads, size, size)) + 1e-6
    weights *= able.swapaxes(0, 1)[:, :, None]
    for i in range(n):
        for p in range(len(pairs[i].phrases)):
            target = regions[i, p] * np.linspace(1, 1.2, size)
            for q in np.flatnonzero(phrases[i, p]):
                row = weights[(i, *PLANTED)][q]
                row /= row.sum()
                row *= 1 - MASS
                row += MASS * target / target.sum()
    weights /= np.maximum(weights.sum(axis=-1, keepdims=True), 1e-12)
    return Attended(
        attentions=weights.astype(np.float32),
        present=present,
        modality=modality,
        special=special,
        boxes=boxes,
        pool=np.zeros(n, np.int64),
        phrases=phrases,
        phrase_kind=kinds,
        regions=regions,
        region_boxes=region_boxes,
        links=links,
        tokens=tuple(tokens),
        kinds=("first", "second", "third"),
        name="planted",
    )


def batches(n: int = 3, size: int = 2, **options: Any) -> Iterator[Attended]:
    pairs = pairs_of(n)
    for start in range(0, n, size):
        yield attended(pairs[start : start + size], seed=start, **options)


def planted_scores(layers: int = 3, heads: int = 4) -> xr.Dataset:
    """A statistic by direction that is highest at the planted head, one not known in layer 0."""
    rng = np.random.default_rng(5)
    hit = rng.uniform(0.1, 0.4, size=(layers, heads, 2))
    hit[PLANTED] = (0.92, 0.33)
    hit[0] = np.nan
    ways = ["text->image", "image->text"]
    return xr.Dataset(
        {
            "hit": (("layer", "head", "direction"), hit),
            "selected": (("layer", "head", "direction"), hit > 0.9),
            "importance": (("head", "layer"), rng.uniform(size=(heads, layers))),
            "by_kind": (("layer", "head", "kind"), rng.uniform(size=(layers, heads, 2))),
        },
        coords={"direction": ways},
    )


def planted_examples(n: int = 3, *, scores: bool = True) -> xr.Dataset:
    found = planted_scores() if scores else None
    return attention_examples(batches(n), pairs_of(n), scores=found)


def boxed_examples() -> xr.Dataset:
    """One example of a model of detector boxes, which overlap: a large one, and five inside it."""
    found = planted_examples(1, scores=False)
    kept = [*range(9), 9, 16, 17, 22, 30, 39]
    found = found.isel(position=kept, query=kept, key=kept)
    token = found.token.values.astype("U12")
    token[0, [3, 9]] = ["##square", "wall"]
    boxes = found.boxes.values.copy()
    boxes[0, 9] = [0.05, 0.05, 0.95, 0.95]
    boxes[0, 10:, :2] = np.maximum(boxes[0, 10:, :2] - 0.05, 0)
    return found.assign(token=(("example", "position"), token), boxes=(found.boxes.dims, boxes))


def large_examples(
    n: int = 1, *, positions: int = 512, layers: int = 12, heads: int = 12
) -> xr.Dataset:
    """One large example as a big model has it: 64 words, the rest patches, peaked attention."""
    rng = np.random.default_rng(0)
    side = int(np.sqrt(positions - 64))
    words = positions - side * side
    attention = rng.standard_gamma(
        0.1, size=(n, layers, heads, positions, positions), dtype=np.float32
    )
    attention /= attention.sum(axis=-1, keepdims=True)
    boxes = np.full((n, positions, 4), np.nan, np.float32)
    boxes[:, words:] = grid_boxes(side)
    at = ("example", "position")
    return xr.Dataset(
        {
            "attention": (("example", "layer", "head", "query", "key"), attention),
            "present": (("layer", "side", "side_other"), np.ones((layers, 2, 2), bool)),
            "token": (at, [[f"w{j}" for j in range(words)] + [""] * (positions - words)] * n),
            "modality": (at, np.tile(np.arange(positions) >= words, (n, 1)).astype(np.int8)),
            "special": (at, np.tile(np.arange(positions) == 0, (n, 1))),
            "boxes": ((*at, "corner"), boxes),
            "in_phrase": (("example", "phrase", "position"), np.zeros((n, 0, positions), bool)),
            "phrase_kind": (("example", "phrase"), np.zeros((n, 0), "U1")),
            "in_region": (
                ("example", "region", "position"),
                np.zeros((n, 0, positions), np.float32),
            ),
            "region_box": (("example", "region", "corner"), np.zeros((n, 0, 4), np.float32)),
            "region_name": (("example", "region"), np.zeros((n, 0), "U1")),
            "link": (("example", "phrase", "region"), np.zeros((n, 0, 0), bool)),
            "caption": ("example", ["a long caption"] * n),
            "image": (
                ("example", "y", "x", "channel"),
                rng.integers(256, size=(n, 480, 640, 3), dtype=np.uint8),
            ),
            "image_size": (("example", "axis"), [[480, 640]] * n),
        },
        attrs={"probe": "value.examples", "model": "large"},
    )
