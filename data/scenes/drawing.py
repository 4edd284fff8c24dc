"""Shapes as signed distances, and a scene's picture made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .words import Item

_RGB = {
    "red": (0.85, 0.16, 0.16),
    "green": (0.16, 0.62, 0.24),
    "blue": (0.15, 0.36, 0.86),
    "yellow": (0.95, 0.82, 0.12),
    "purple": (0.55, 0.20, 0.70),
    "orange": (0.96, 0.52, 0.10),
}
# So that all shapes of one radius cover about the same area.
_REACH = {
    "circle": 1.0,
    "square": 0.88,
    "triangle": 1.36,
    "diamond": 1.25,
    "star": 1.38,
    "cross": 1.14,
}
Grid = np.ndarray


class Stamp(NamedTuple):
    """One object drawn in the middle of a small square of its own.

    Attributes
    ----------
    item
        What it is.
    cover
        (side, side) float32: how much of a pixel it covers, 0 to 1.
    paint
        (side, side, 3) float32: its colour there, 0 to 1.
    mask
        (side, side) bool: pixels whose centre it covers.
    """

    item: Item
    cover: np.ndarray
    paint: np.ndarray
    mask: np.ndarray


def stamp(item: Item, radius: float, shift: Sequence[float] | np.ndarray, phase: float) -> Stamp:
    """An object drawn by its signed distance; edges are smooth, `mask` is exact.

    Parameters
    ----------
    item
        What to draw.
    radius
        Size in pixels: that of a circle of about the same area.
    shift
        Where its centre lies off the square's centre, x and y, in pixels.
    phase
        Where its stripes or dots begin, 0 to 1.
    """
    reach = radius * _REACH[item.shape]
    half = int(np.ceil(reach)) + 2
    at = np.arange(-half, half, dtype=np.float32) + np.float32(0.5)
    x, y = (at - np.float32(shift[0]))[None, :], (at - np.float32(shift[1]))[:, None]
    distance = _DISTANCE[item.shape](x, y, np.float32(reach))
    light = _texture(item.texture, x, y, phase, radius)
    rim = np.clip(distance + 1.6, 0, 1) * np.float32(0.45)  # a dark edge, as wide as a pixel
    colour = np.array(_RGB[item.colour], dtype=np.float32)
    # Light above 1 goes towards white, below it towards black: a stripe stays of its colour.
    lit = np.where(light > 1, 1 - (1 - colour) * (2 - light), colour * light)
    return Stamp(item, np.clip(0.5 - distance, 0, 1), lit * (1 - rim)[..., None], distance < 0)


def _texture(texture: str, x: Grid, y: Grid, phase: float, radius: float) -> Grid:
    period = np.float32(max(4.0, 0.42 * radius))
    if texture == "plain":
        return np.ones((y.size, x.size, 1), dtype=np.float32)
    if texture == "striped":
        wave = np.sin((x + y) * np.float32(np.pi * 2 / (period * np.sqrt(2))) + phase * 2 * np.pi)
        return np.where(wave > 0, np.float32(1), np.float32(0.42))[..., None]
    u = (x / period + np.float32(phase)) % 1 - 0.5
    v = (y / period + np.float32(phase)) % 1 - 0.5
    return np.where(u * u + v * v < 0.08, np.float32(1.8), np.float32(1))[..., None]


def paint(stamps: Sequence[Stamp], corners: np.ndarray, background: np.ndarray) -> np.ndarray:
    """(size, size, 3) uint8: a background with objects on it, each over those before it.

    Parameters
    ----------
    stamps
        The objects.
    corners
        (object, 2) int: x and y of the top left pixel of each stamp.
    background
        (size, size, 3) float32 in [0, 1]; it is drawn on.
    """
    for (x, y), each in zip(corners.tolist(), stamps, strict=True):
        side = len(each.mask)
        area = background[y : y + side, x : x + side]
        area += each.cover[..., None] * (each.paint - area)
    return np.round(background * 255).clip(0, 255).astype(np.uint8)


def own_pixels(stamps: Sequence[Stamp], corners: np.ndarray, size: int) -> np.ndarray:
    """(object, size, size) bool: the pixels of each object that nothing drawn later covers."""
    masks = np.zeros((len(stamps), size, size), dtype=bool)
    for i, ((x, y), each) in enumerate(zip(corners.tolist(), stamps, strict=True)):
        side = len(each.mask)
        masks[:i, y : y + side, x : x + side] &= ~each.mask
        masks[i, y : y + side, x : x + side] = each.mask
    return masks


def tight_boxes(masks: np.ndarray) -> np.ndarray:
    """(object, 4) float32: x0, y0, x1, y1 in [0, 1] that just hold each mask's pixels.

    Examples
    --------
    >>> mask = np.zeros((1, 4, 4), bool)
    >>> mask[0, 1, 2] = True
    >>> tight_boxes(mask).tolist()
    [[0.5, 0.25, 0.75, 0.5]]
    """
    columns, rows = (np.logical_or.reduce(masks, axis=axis) for axis in (1, 2))
    size = masks.shape[1]
    edges = [
        columns.argmax(axis=1),
        rows.argmax(axis=1),
        size - columns[:, ::-1].argmax(axis=1),
        size - rows[:, ::-1].argmax(axis=1),
    ]
    return (np.stack(edges, axis=1) / size).astype(np.float32)


def _circle(x: Grid, y: Grid, r: np.float32) -> Grid:
    return np.sqrt(x * x + y * y) - r


def _square(x: Grid, y: Grid, r: np.float32) -> Grid:
    return np.maximum(np.abs(x), np.abs(y)) - r


def _diamond(x: Grid, y: Grid, r: np.float32) -> Grid:
    return (np.abs(x) + np.abs(y) - r) * np.float32(np.sqrt(0.5))


def _triangle(x: Grid, y: Grid, r: np.float32) -> Grid:
    # Corner up; `r` is the distance of a corner from the middle, r / 2 that of a side.
    slope = np.abs(x) * np.float32(np.sqrt(0.75)) - y * np.float32(0.5)
    return np.maximum(slope, y) - r / 2


def _cross(x: Grid, y: Grid, r: np.float32) -> Grid:
    x, y, arm = np.abs(x), np.abs(y), r * np.float32(0.36)
    return np.minimum(np.maximum(x - r, y - arm), np.maximum(x - arm, y - r))


def _star(x: Grid, y: Grid, r: np.float32) -> Grid:
    # Folded into one half of one of five points, whose edge is then one straight line.
    turn = np.float32(np.pi / 5)
    angle = np.abs((np.arctan2(x, -y) + turn) % (2 * turn) - turn)
    length = np.sqrt(x * x + y * y)
    inner = r * np.float32(0.48)
    tip, notch = (r, np.float32(0)), (inner * np.cos(turn), inner * np.sin(turn))
    along, across = notch[0] - tip[0], notch[1] - tip[1]
    norm = np.float32(np.hypot(along, across))
    u, v = length * np.cos(angle) - tip[0], length * np.sin(angle)
    return (v * -along + u * across) / norm


_DISTANCE: dict[str, Callable[[Grid, Grid, np.float32], Grid]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "diamond": _diamond,
    "star": _star,
    "cross": _cross,
}
