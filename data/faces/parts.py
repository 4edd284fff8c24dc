"""Shapes of a face's parts, as the share of each pixel that a part covers.

Lengths are shares of the picture's side, x to the right of the middle line, y down from the top. An
edge is smooth over `EDGE` pixels and exactly 0 or 1 beyond, so that what a part covers is exact and
derivatives by its parameters exist everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

EDGE = 1.5  # pixels from outside to inside
_TINY = 1e-12  # keeps square roots from the point where they have no slope


class Grid(NamedTuple):
    """Middles of the pixels, `x` (1, 1, size), `y` (1, size, 1), and the width of an edge."""

    x: Tensor
    y: Tensor
    edge: float


def grid(size: int, like: Tensor) -> Grid:
    """The pixels of a picture, of the type and device of `like`."""
    middles = (torch.arange(size, device=like.device, dtype=like.dtype) + 0.5) / size
    return Grid(middles.view(1, 1, -1) - 0.5, middles.view(1, -1, 1), EDGE / size)


def hair(at: Grid, p: Mapping[str, Tensor]) -> Tensor:
    """All hair, with what the face hides of it: a box with round corners to ``hair_length``."""
    top, bottom, corner = 0.04, 0.5 + 0.5 * p["hair_length"], 0.22
    middle, half = (top + bottom) / 2, (bottom - top) / 2
    across = at.x.abs() - (0.39 - corner)
    down = (at.y - middle).abs() - (half - corner)
    outside = torch.sqrt(across.clamp_min(0) ** 2 + down.clamp_min(0) ** 2 + _TINY)
    return _cover(at, outside + torch.maximum(across, down).clamp_max(0) - corner)


def skin(at: Grid, p: Mapping[str, Tensor]) -> Tensor:
    """The head, always the same, where hair does not hang over it down to ``hair_fringe``."""
    free = _cover(at, 0.165 + 0.07 * p["hair_fringe"] + 0.25 * at.x**2 - at.y)
    return _cover(at, _ellipse(at.x, at.y - 0.54, 0.31, 0.42)) * free


def brows(at: Grid, p: Mapping[str, Tensor]) -> Tensor:
    """Both brows: slanted by ``brow_angle``, lower at the nose if it is large."""
    along = at.x.abs() - 0.14
    slope = 0.7 * (p["brow_angle"] - 0.5)
    middle = 0.385 - 0.035 * p["brow_height"]
    thick = 0.012 + 0.016 * p["brow_thickness"]
    across = (at.y - middle + slope * along) / torch.sqrt(1 + slope**2)
    return _cover(at, _ellipse(along, across, 0.07, thick))


def eyes(at: Grid, p: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The whites of both eyes with all that is in them, and the irises, cut to the eyes."""
    apart = 0.125 + 0.035 * p["eye_spacing"]
    wide = 0.052 + 0.024 * p["eye_size"]
    high = wide * (0.45 + 0.45 * p["eye_openness"])
    whole = _cover(at, _ellipse(at.x.abs() - apart, at.y - 0.525, wide, high))
    # Both look the same way, so that they are no mirror images.
    side = torch.where(at.x < 0, -apart, apart) + 0.06 * (p["eye_gaze"] - 0.5)
    iris = _cover(at, _ellipse(at.x - side, at.y - 0.525, 0.036, 0.036))
    return whole, whole * iris


def nose(at: Grid, p: Mapping[str, Tensor]) -> Tensor:
    """The nose: from a fixed upper end down by ``nose_length``."""
    half = 0.038 + 0.03 * p["nose_length"]
    wide = 0.024 + 0.034 * p["nose_width"]
    return _cover(at, _ellipse(at.x, at.y - (0.59 + half), wide, half))


def mouth(at: Grid, p: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The lips with all that is between them, and the opening, cut to the lips."""
    wide = 0.075 + 0.055 * p["mouth_width"]
    middle = 0.85 - 0.035 * p["mouth_height"]
    u = at.x / wide
    # Half of the bend lifts the ends, half lowers the middle: the mouth as a whole stays in place.
    bend = 0.09 * (p["mouth_curvature"] - 0.5) * (0.5 - u**2)
    y = at.y - middle - bend
    lips = _cover(at, _ellipse(at.x, y, wide, 0.02 + 0.03 * p["mouth_openness"]))
    gap = _cover(at, _ellipse(at.x, y, 0.8 * wide, 0.003 + 0.032 * p["mouth_openness"]))
    return lips, lips * gap


def _ellipse(x: Tensor, y: Tensor, wide: Tensor | float, high: Tensor | float) -> Tensor:
    """About the distance to an ellipse, negative inside: first order at its edge."""
    u, v = x / wide, y / high
    q = torch.sqrt(u**2 + v**2 + _TINY)
    return q * (q - 1) / torch.sqrt((u / wide) ** 2 + (v / high) ** 2 + _TINY)


def _cover(at: Grid, distance: Tensor) -> Tensor:
    t = (0.5 - distance / at.edge).clamp(0, 1)
    return t * t * (3 - 2 * t)
