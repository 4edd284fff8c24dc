"""Schematic faces as a record: pictures with all that is known of them."""

from __future__ import annotations

import numpy as np
import torch

from ..records import Faces
from .drawing import draw_faces, face_regions
from .parameters import FACE_PARAMETERS, FACE_REGIONS, check_size, random_parameters

_AT_ONCE = 256  # pictures: what is drawn at once stays within a processor's cache


def render_faces(n: int, *, seed: int = 0, size: int = 32) -> Faces:
    """Faces with random parameters, and which pixels show which part.

    Parameters
    ----------
    n
        How many, at least 1. Face `i` depends on `seed` and `i` alone.
    seed
        Which faces, not negative.
    size
        Height and width in pixels, at least 32.

    Returns
    -------
    Faces
        Pictures (n, 3, size, size) in [-1, 1] of parameters that are independent and uniform.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a number is too small.

    Notes
    -----
    20,000 faces take about 5 s of one core at 32 pixels, half a minute at 64, and 0.4 GB (1.6 GB)
    of memory; `draw_faces` draws any number bit by bit.

    Examples
    --------
    >>> render_faces(2, seed=1)
    Faces('faces-1', 2 faces, 32 x 32 pixels)
    """
    check_size(size)
    drawn = random_parameters(n, seed=seed).astype(np.float32)
    images = np.empty((n, 3, size, size), np.float32)
    regions = {name: np.empty((n, size, size), bool) for name in FACE_REGIONS}
    with torch.no_grad():
        for start in range(0, n, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            some = torch.from_numpy(drawn[part])
            images[part] = draw_faces(some, size).numpy()
            for name, mask in face_regions(some, size).items():
                regions[name][part] = mask.numpy()
    return Faces(
        images,
        drawn,
        tuple(FACE_PARAMETERS),
        regions,
        name=f"faces-{seed}",
        attrs={"seed": int(seed), "size": int(size)},
    )
