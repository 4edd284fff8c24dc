"""Which objects a scene has, and where they lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .drawing import Stamp, stamp
from .words import COLOURS, SHAPES, SIZES, TEXTURES, Item

# Shapes that another one fits into; it is one of these too, or words would tell which is which.
_ROOMY = ("circle", "square", "triangle", "diamond")
_INSIDE_SHARE, _TOUCHING_SHARE = 0.8, 0.55  # of the scenes where one can be; of the others
_RADII = {"small": (0.075, 0.095), "big": (0.13, 0.16)}  # of the picture's size
_CONTAINER, _CONTAINED = (0.20, 0.24), (0.068, 0.08)
_TRIES = 60


class Layout(NamedTuple):
    """Objects in the order in which they are drawn, and the top left pixel of each stamp."""

    stamps: list[Stamp]
    corners: np.ndarray


def layout(rng: np.random.Generator, size: int, count: int, allowed: np.ndarray) -> Layout:
    """Objects that lie apart, but for one pair in most scenes: inside, touching, or nearly so.

    The first four objects are of two colours and two shapes, in all combinations: each has one
    other of its colour and one of its shape. Of three objects one has both. No two objects are
    alike in colour and shape.

    Parameters
    ----------
    rng
        Where chance comes from.
    size
        Height and width of the picture in pixels.
    count
        Number of objects, 3 to 6.
    allowed
        (colour, shape) bool: combinations that may be shown.
    """
    while True:  # a crowded try is thrown away as a whole
        placed = _try(rng, size, _looks(rng, count, allowed))
        if placed is not None:
            return placed


def _looks(rng: np.random.Generator, count: int, allowed: np.ndarray) -> list[Item]:
    while True:
        c = rng.permutation(len(COLOURS))[:2]
        s = rng.permutation(len(SHAPES))[:2]
        if allowed[np.ix_(c, s)].all():
            break
    # The first one has both a mate of its colour and one of its shape; the next two share nothing.
    pairs = [(c[0], s[0]), (c[0], s[1]), (c[1], s[0]), (c[1], s[1])][:count]
    left = [(int(a), int(b)) for a, b in np.argwhere(allowed) if (a, b) not in pairs]
    for k in rng.permutation(len(left))[: max(count - 4, 0)]:
        pairs.append(left[k])
    kinds = rng.integers(len(SIZES) * len(TEXTURES), size=len(pairs))
    return [
        Item(SIZES[k % 2], TEXTURES[k // 2], COLOURS[colour], SHAPES[shape])
        for k, (colour, shape) in zip(kinds.tolist(), pairs, strict=True)
    ]


def _try(rng: np.random.Generator, size: int, items: list[Item]) -> Layout | None:
    # The second and the third object share neither colour nor shape.
    a, b = (1, 2) if rng.random() < 0.5 else (2, 1)
    radii = [_between(rng, _RADII[item.size]) for item in items]
    fit = items[a].shape in _ROOMY and items[b].shape in _ROOMY
    inside = fit and rng.random() < _INSIDE_SHARE
    if inside:
        items[a], items[b] = items[a]._replace(size="big"), items[b]._replace(size="small")
        radii[a], radii[b] = _between(rng, _CONTAINER), _between(rng, _CONTAINED)
    stamps = [
        stamp(item, radius * size, rng.random(2) - 0.5, rng.random())
        for item, radius in zip(items, radii, strict=True)
    ]
    corners = np.zeros((len(items), 2), dtype=int)
    if inside:
        offset = _offset_inside(rng, stamps[a], stamps[b])
    else:
        # Two to three pixels between them look like touching to their boxes, and are not.
        offset = _offset_beside(
            rng, stamps[a], stamps[b], 0 if rng.random() < _TOUCHING_SHARE else 3
        )
    if offset is None:
        return None
    taken = np.zeros((size, size), dtype=bool)
    pair = _spot_of_two(rng, size, stamps[a], stamps[b], offset)
    if pair is None:
        return None
    corners[a], corners[b] = pair
    for i in (a, b):
        _take(taken, stamps[i], corners[i])
    for i in range(len(items)):
        if i not in (a, b):
            spot = _free_spot(rng, taken, stamps[i])
            if spot is None:
                return None
            corners[i] = spot
            _take(taken, stamps[i], spot)
    # What lies inside must be drawn over what lies around it; the others in any order.
    order = [i for i in rng.permutation(len(items)).tolist() if i != b] + [b]
    return Layout([stamps[i] for i in order], corners[order])


def _between(rng: np.random.Generator, ends: tuple[float, float]) -> float:
    return ends[0] + (ends[1] - ends[0]) * rng.random()


def _offset_inside(rng: np.random.Generator, outer: Stamp, inner: Stamp) -> np.ndarray | None:
    """Where the inner stamp's corner lies off the outer's so that two pixels of rim stay."""
    room, side = len(outer.mask), len(inner.mask)
    ring = _grown(inner.mask, 2)
    if room < side:
        return None
    for _ in range(12):
        x, y = (room - side) // 2 + rng.integers(-4, 5, size=2)
        if x < 0 or y < 0 or x + side > room or y + side > room:
            continue
        if not (ring & ~outer.mask[y : y + side, x : x + side]).any():
            return np.array([x, y])
    return None


def _offset_beside(
    rng: np.random.Generator, first: Stamp, second: Stamp, gap: int
) -> np.ndarray | None:
    """Where the second stamp's corner lies off the first's: askew, as close as can be, plus gap."""
    angle = (rng.integers(4) + 0.5) * np.pi / 2 + (rng.random() - 0.5) * 0.35
    way = np.array([np.cos(angle), np.sin(angle)])
    a, b = first.mask, second.mask
    room, side = len(a), len(b)
    field = np.zeros((room + 2 * side, room + 2 * side), dtype=bool)
    field[side : side + room, side : side + room] = a
    middle = side + (room - side) / 2
    near, far = 0, int(room / 2 + side / 2) + 2
    while far - near > 1:  # overlapping at `near`, apart at `far`
        step = (near + far) // 2
        x, y = _whole(middle + way * step)
        apart = not (field[y : y + side, x : x + side] & b).any()
        near, far = (near, step) if apart else (step, far)
    return _whole(middle + way * (far + gap)) - side


def _whole(values: np.ndarray) -> np.ndarray:
    return np.round(values).astype(int)


def _spot_of_two(
    rng: np.random.Generator, size: int, first: Stamp, second: Stamp, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    low = np.minimum(offset, 0)
    high = np.maximum(len(first.mask), offset + len(second.mask))
    free = size - (high - low)
    if free.min() < 0:
        return None
    start = (rng.random(2) * (free + 1)).astype(int) - low
    return start, start + offset


def _free_spot(rng: np.random.Generator, taken: np.ndarray, each: Stamp) -> np.ndarray | None:
    side = len(each.mask)
    for x, y in (rng.random((_TRIES, 2)) * (len(taken) - side + 1)).astype(int):
        if not (taken[y : y + side, x : x + side] & each.mask).any():
            return np.array([x, y])
    return None


def _take(taken: np.ndarray, each: Stamp, corner: np.ndarray) -> None:
    # Two pixels around an object stay free, so that it does not touch by chance.
    x, y = corner.tolist()
    side = len(each.mask)
    taken[y : y + side, x : x + side] |= _grown(each.mask, 2)


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    # A stamp has two free pixels on each side: what rolls over its edge is empty.
    for _ in range(pixels):
        mask = mask | np.roll(mask, 1, 0) | np.roll(mask, -1, 0)
        mask = mask | np.roll(mask, 1, 1) | np.roll(mask, -1, 1)
    return mask
