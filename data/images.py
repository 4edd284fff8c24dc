"""Small pictures with labels: handwritten digits, which come along, and clothes, by download."""

from __future__ import annotations

import numpy as np

from . import registry
from ._idx import FASHION_LABELS, read_fashion
from .records import LabelledImages

_SIDE = 8  # of scikit-learn's digits
_DARKEST = 16  # their pixels are whole numbers from 0 to 16
_PARTS = {"train": "train", "test": "t10k"}


def load_digits_images(*, size: int = 16) -> LabelledImages:
    """Scikit-learn's 1,797 handwritten digits, bright on dark; nothing is downloaded.

    Parameters
    ----------
    size
        16 or 32 pixels: the 8 x 8 pictures are enlarged, linear between the middles of pixels.

    Returns
    -------
    LabelledImages
        (1797, 1, size, size) in [-1, 1], -1 for paper and 1 for ink, and 10 labels.

    Raises
    ------
    ValueError
        If it is another size.

    Examples
    --------
    >>> load_digits_images()
    LabelledImages('digits', 1797 images, 16 x 16 pixels, 10 labels)
    """
    if size not in (16, 32):
        raise ValueError(f"`size` must be one of 16, 32; got {size!r}.")
    from sklearn.datasets import load_digits

    pixels, labels = (np.asarray(part) for part in load_digits(return_X_y=True))
    weights = _enlarging(size)
    ink = weights @ (pixels.reshape(-1, _SIDE, _SIDE) / _DARKEST) @ weights.T
    return LabelledImages(
        (2 * ink - 1)[:, None],
        labels,
        tuple("0123456789"),
        name="digits",
        attrs={
            "source": "sklearn.datasets.load_digits",
            "licence": "CC BY 4.0",
            "citation": "Alpaydin and Kaynak 1998, Optical recognition of handwritten digits, UCI",
        },
    )


def load_fashion_mnist(part: str = "train", *, progress: bool = True) -> LabelledImages:
    """Pictures of clothes, downloaded on first use (31 MB).

    Parameters
    ----------
    part
        "train" (60,000 pictures) or "test" (10,000).
    progress
        Show a bar while downloading.

    Returns
    -------
    LabelledImages
        (n, 1, 28, 28) in [-1, 1], -1 for the dark background, and 10 labels.

    Raises
    ------
    ValueError
        If there is no such part, or the file is not what it should be.
    ConnectionError
        If the file is not in the cache folder and cannot be downloaded.

    Notes
    -----
    The four files may lie in the folder `fashion-mnist` of the cache folder: they are then used in
    place of a download. Their hashes are known. Xiao et al. 2017 (arXiv:1708.07747).
    """
    if part not in _PARTS:
        listed = ", ".join(map(repr, _PARTS))
        raise ValueError(f"`part` must be one of {listed}; got {part!r}.")
    source = registry.SOURCES["fashion-mnist"]
    arrays = read_fashion(registry.fetch("fashion-mnist", progress=progress))
    pixels = arrays[f"{_PARTS[part]}-images-idx3-ubyte"]
    return LabelledImages(
        (pixels.astype(np.float32) / 127.5 - 1)[:, None],
        arrays[f"{_PARTS[part]}-labels-idx1-ubyte"],
        FASHION_LABELS,
        name=f"fashion-mnist, {part}",
        attrs={"source": source.url, "licence": source.licence, "citation": source.citation},
    )


def _enlarging(size: int) -> np.ndarray:
    """(size, 8): how much of each pixel of a row the pixels of the larger row take."""
    middles = (np.arange(size) + 0.5) * _SIDE / size - 0.5
    # Beyond the outermost middles a row goes on as it is there.
    distance = np.abs(np.clip(middles, 0, _SIDE - 1)[:, None] - np.arange(_SIDE))
    return np.clip(1 - distance, 0, None)
