"""What a small model sees of an image: a vector for each region, or patches; both from pixels."""

from __future__ import annotations

import numpy as np

from ..records import GroundedPair

_SAMPLES = 3  # points along each side of a cell that are averaged


def region_features(pair: GroundedPair, *, crop: int = 8) -> np.ndarray:
    """What each region looks like and where it lies.

    Parameters
    ----------
    pair
        An image with regions, not of scenes alone.
    crop
        Cells along each side that a region's box is divided into.

    Returns
    -------
    numpy.ndarray
        (region, crop * crop * 3 + 7) float32: the mean colour of each cell, row by row, from -1
        (black) to 1 (white); then x0, y0, x1, y1, width, height and area of the box, 0 to 1.

    Raises
    ------
    ValueError
        If `crop` is below 1.

    Examples
    --------
    >>> from data.scenes import render_scenes
    >>> (pair,) = render_scenes(1, objects=(4, 4))
    >>> region_features(pair).shape
    (4, 199)
    """
    _at_least_one("crop", crop)
    boxes = pair.regions.astype(np.float32)
    n = len(boxes)
    height, width = pair.image.shape[:2]
    steps = (np.arange(crop * _SAMPLES, dtype=np.float32) + np.float32(0.5)) / (crop * _SAMPLES)
    sides = boxes[:, 2:] - boxes[:, :2]
    # Pixel k has its middle at k + 0.5: a point in [k, k + 1) shows that pixel's colour.
    x = ((boxes[:, :1] + sides[:, :1] * steps) * width).astype(int).clip(0, width - 1)
    y = ((boxes[:, 1:2] + sides[:, 1:] * steps) * height).astype(int).clip(0, height - 1)
    seen = pair.image[y[:, :, None], x[:, None, :]].astype(np.float32)
    cells = seen.reshape(n, crop, _SAMPLES, crop, _SAMPLES, 3).mean(axis=(2, 4))
    where = np.concatenate([boxes, sides, sides.prod(axis=1, keepdims=True)], axis=1)
    return np.concatenate([cells.reshape(n, -1) / np.float32(127.5) - 1, where], axis=1)


def patches(pair: GroundedPair, *, patch: int = 8) -> np.ndarray:
    """The image in squares, row by row.

    Parameters
    ----------
    pair
        An image.
    patch
        Pixels along each side of a square; height and width must be multiples of it.

    Returns
    -------
    numpy.ndarray
        (patch, 3 * patch * patch) float32 from -1 to 1: all of the red, then green, then blue, as
        a convolution's weights lie.

    Raises
    ------
    ValueError
        If the image cannot be divided so.

    Examples
    --------
    >>> from data.scenes import render_scenes
    >>> (pair,) = render_scenes(1)
    >>> patches(pair).shape
    (64, 192)
    """
    _at_least_one("patch", patch)
    height, width = pair.image.shape[:2]
    if height % patch or width % patch:
        raise ValueError(f"`patch` must divide the image, {height} x {width} pixels; got {patch}.")
    rows, columns = height // patch, width // patch
    squares = pair.image.reshape(rows, patch, columns, patch, 3).transpose(0, 2, 4, 1, 3)
    return squares.reshape(rows * columns, -1).astype(np.float32) / np.float32(127.5) - 1


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"`{name}` must be at least 1; got {value}.")
