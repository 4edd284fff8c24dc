"""How much two sets of directions span the same space."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from .._check import finite, refuse
from .._provenance import provenance
from ..whitening._describe import describe

_WORDING = {
    "angle": ("principal angle between the two spaces", "rad", "[0, pi/2]"),
    "cosine": ("its cosine", "1", "[0, 1]"),
    "overlap": ("mean squared cosine", "1", "[0, 1]"),
    "chance": ("mean squared cosine of random spaces of these dimensions", "1", "[0, 1]"),
}


def principal_angles(a: Any, b: Any) -> xr.Dataset:
    """Principal angles between the spaces that two sets of directions span.

    Parameters
    ----------
    a, b
        A Dataset with ``directions``, or an array (direction, coordinate) or (direction, layer,
        feature). Neither orthogonal nor of unit norm; dependent directions count once.

    Returns
    -------
    xarray.Dataset
        Over ``component``, as many as the smaller space has dimensions: ``angle`` ascending,
        ``cosine``. ``overlap``, the mean squared cosine: 1 if one space holds the other; ``chance``
        its mean for random spaces, the larger number of dimensions over d.

    Raises
    ------
    ValueError
        If the two have different latent coordinates, or one spans nothing.

    Examples
    --------
    >>> found = principal_angles([[1.0, 0.0, 0.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    >>> float(found.overlap.round(6)), float(found.chance.round(6))
    (0.5, 0.666667)
    """
    first, second = _basis("a", a), _basis("b", b)
    if first.shape[0] != second.shape[0]:
        refuse("b", f"have {first.shape[0]} latent coordinates, as `a`", second.shape[0])
    cosine = np.linalg.svd(first.T @ second, compute_uv=False).clip(0, 1)
    # The arc cosine of nearly 1 is rounding alone; small angles come from the sine.
    small, large = sorted((first, second), key=lambda basis: basis.shape[1])
    sine = np.linalg.svd(small - large @ (large.T @ small), compute_uv=False)[::-1].clip(0, 1)
    angle = np.where(cosine**2 > 0.5, np.arcsin(sine), np.arccos(cosine))
    ds = xr.Dataset(
        {
            "angle": ("component", angle),
            "cosine": ("component", cosine),
            "overlap": float(np.mean(cosine**2)),
            "chance": large.shape[1] / len(large),
        },
        attrs=provenance("lowrank.principal_angles", data=[first, second]),
    )
    return describe(ds, _WORDING)


def read_directions(name: str, directions: Any) -> np.ndarray:
    """Directions as (direction, coordinate) float64.

    Raises
    ------
    ValueError
        If they are not finite, or have no coordinates.
    """
    given = directions
    if isinstance(given, xr.Dataset):
        if "directions" not in given:
            refuse(name, "have a variable `directions`", f"one with {list(given.data_vars)}")
        given = given["directions"].values
    if isinstance(given, torch.Tensor):
        given = given.detach().cpu().numpy()
    values = np.asarray(given, dtype=np.float64)
    if values.ndim not in (2, 3) or not values.size:
        wanted = "have axes (direction, coordinate) or (direction, layer, feature)"
        refuse(name, wanted, f"shape {values.shape}")
    return finite(name, values.reshape(len(values), -1))


def _basis(name: str, directions: Any) -> np.ndarray:
    """Orthonormal columns (coordinate, rank)."""
    values = read_directions(name, directions)
    left, size, _ = np.linalg.svd(values.T, full_matrices=False)
    if size[0] == 0:
        refuse(name, "span at least one direction", "zeros alone")
    return left[:, size > 1e-10 * size[0]]
