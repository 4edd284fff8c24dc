"""Pixels of an image file."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def read_image(path: Path) -> np.ndarray:
    """(height, width, 3) uint8: an image file of any common format, transparency on white.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it is no image, or a broken one.
    """
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        raise FileNotFoundError(f"the image {path} is missing.")
    try:
        with Image.open(path) as image:
            seen = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f"{path} must be an image file; it cannot be read ({error}).") from None
    paper = Image.new("RGBA", seen.size, "white")
    return np.array(Image.alpha_composite(paper, seen).convert("RGB"))
