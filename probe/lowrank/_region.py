"""A region of the image as a mask of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .._check import refuse


def read_region(region: Any, size: tuple[int, int], *, rest: bool = True) -> np.ndarray:
    """`region` as booleans (row, column).

    Parameters
    ----------
    region
        (row, column) booleans, or numbers of which those above 0.5 count; array or tensor.
    size
        Rows and columns of the images.
    rest
        Whether something must be left outside.

    Raises
    ------
    ValueError
        If it has another size, is empty, or leaves nothing outside where `rest`.

    Examples
    --------
    >>> read_region([[1, 0], [0, 0]], (2, 2)).sum()
    np.int64(1)
    """
    given = region.detach().cpu().numpy() if isinstance(region, torch.Tensor) else region
    mask = np.asarray(given)
    if mask.shape != tuple(size):
        hint = "Draw it at the size of the images."
        refuse("region", f"have the images' {size[0]} rows and {size[1]} columns", mask.shape, hint)
    mask = mask if mask.dtype == bool else mask > 0.5
    if not mask.any():
        refuse("region", "hold at least one pixel", "none")
    if rest and mask.all():
        hint = "With nothing outside, every direction is as local as any other."
        refuse("region", "leave pixels outside", "the whole image", hint)
    return mask
