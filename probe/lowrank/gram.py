"""How much each latent direction changes a region, and how much the rest: two Gram matrices."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import xarray as xr

from .._check import integer, number, one_of, refuse, refuse_type
from .._provenance import provenance
from ..whitening._describe import describe
from ._products import chunk_size
from ._reading import read_generator
from ._region import read_region
from ._tiles import own_product, split_sum
from .derivative import AXES, METHODS, PAPER

# A float32 Jacobian of 128 x 128 x 3 values and d = 512 just fits.
MEMORY = 2.0**27
PAIR = ("coordinate", "coordinate_other")
_WORDING = {
    "inside": ("mean square change of the region's values", "(image / latent)^2", ""),
    "outside": ("mean square change of the other values", "(image / latent)^2", ""),
    "n_inside": ("values in the region", "1", "[1, inf)"),
    "n_outside": ("values outside the region", "1", "[1, inf)"),
    "region": ("whether a pixel lies in the region", "1", "{0, 1}"),
    "latents": ("the latents averaged over", "latent", ""),
    "image": ("the images at the latents", "image", ""),
}


def region_gram(
    source: Any,
    latents: Any = None,
    region: Any = None,
    *,
    total: xr.Dataset | None = None,
    chunk: int | None = None,
    method: str = "auto",
    memory: float = MEMORY,
) -> xr.Dataset:
    """Gram matrices of a region's Jacobian and of the rest's, averaged over latents.

    M = J'J / rows (arXiv:2106.04488, section 3.1): v'Mv is the mean square change of the values
    for a small unit step along v.

    Parameters
    ----------
    source
        A generator, as in `jacobian`; or a result of `jacobian` of the whole image, from which the
        Gram of any region takes milliseconds.
    latents
        (n, d), (n, layers, d) or (d,) for one; None with a Jacobian. A single w+ latent is
        (1, layers, d).
    region
        (row, column) mask, neither empty nor whole; the same for all latents.
    total
        An earlier result for the same Jacobian and another region; then only this region's values
        are multiplied.
    chunk, method
        As in `jacobian`.
    memory
        Bytes that columns of the Jacobian may take. Beyond about 128 pixels with d = 512 they are
        held in p blocks, which costs (p + 1)/2 times the products.

    Returns
    -------
    xarray.Dataset
        ``inside, outside (coordinate, coordinate_other)`` float64, coordinates of w+ running over
        layers, then features, named by ``layer`` and ``feature``; ``n_inside, n_outside``;
        ``region (row, column)``; ``latents (example, [layer,] feature)``; ``image (example,
        channel, row, column)``. attrs: ``mode`` and ``mode_reason``.

    Raises
    ------
    TypeError, ValueError
        If the generator, a latent, the region or an option is not as said.
    RuntimeError
        If forward mode was asked for and does not know an operation.

    Notes
    -----
    Products are summed in float64. The average of few latents favours directions that fit those
    latents: hold some out (`locality`).

    Examples
    --------
    >>> import torch
    >>> weight = torch.eye(4)
    >>> found = region_gram(
    ...     lambda z: (z @ weight).reshape(-1, 1, 2, 2), torch.zeros(4), [[1, 0], [0, 0]]
    ... )
    >>> found.inside.values.diagonal().tolist(), int(found.n_outside)
    ([1.0, 0.0, 0.0, 0.0], 3)
    """
    started = time.perf_counter()
    one_of("method", method, METHODS)
    number("memory", memory, low=1)
    if chunk is not None:
        integer("chunk", chunk, low=1)
    if isinstance(source, xr.Dataset):
        if latents is not None:
            refuse("latents", "be None with a Jacobian", "latents")
        found = _from_jacobian(source, region, total)
    else:
        if total is not None:
            refuse("total", "be None with a generator", "a Dataset")
        if latents is None:
            refuse("latents", "be given with a generator", None)
        found = _from_generator(source, latents, region, chunk, method, memory)
    found.attrs = (
        provenance(
            "lowrank.region_gram",
            paper=PAPER,
            parameters={"chunk": chunk, "method": method, "memory": memory},
            data=[found.latents.values, found.image.values, found.region.values],
            started=started,
        )
        | found.attrs
    )
    return describe(found, _WORDING)


def _from_generator(
    source: Any, latents: Any, region: Any, chunk: int | None, method: str, memory: float
) -> xr.Dataset:
    generator, flat, images = read_generator(source, latents)
    mask = read_region(region, generator.image_shape[1:])
    sums = np.zeros((2, generator.dim, generator.dim))
    modes = {}
    size = chunk_size(generator, flat.device, chunk)
    for latent in flat:
        *split, plan = split_sum(generator, latent, mask, chunk=size, method=method, memory=memory)
        sums += split
        modes = {"mode": plan.mode, "mode_reason": plan.reason}
    found = _dataset(
        sums[0] / len(flat),
        sums[1] / len(flat),
        mask,
        generator.image_shape[0],
        flat.reshape(len(flat), *generator.latent_shape).cpu().numpy(),
        images.cpu().numpy(),
    )
    return found.assign_attrs(modes)


def _from_jacobian(source: xr.Dataset, region: Any, total: xr.Dataset | None) -> xr.Dataset:
    if (
        source.attrs.get("probe") != "lowrank.jacobian"
        or "row" not in source.get("jacobian", source).dims
    ):
        hint = "Call jacobian() without a region."
        refuse("source", "be a generator or the Jacobian of the whole image", "a Dataset", hint)
    values = source.jacobian.values
    mask = read_region(region, values.shape[1:3])
    channels = len(values)
    latent = source.latent.values
    flat = values.reshape(*values.shape[:3], latent.size)
    if total is None:
        inside = own_product(flat[:, mask].reshape(-1, latent.size))
        outside = own_product(flat[:, ~mask].reshape(-1, latent.size))
    else:
        whole = _total(total, latent)
        small = mask if mask.sum() <= (~mask).sum() else ~mask
        one = own_product(flat[:, small].reshape(-1, latent.size))
        inside, outside = (one, whole - one) if small is mask else (whole - one, one)
    found = _dataset(inside, outside, mask, channels, latent[None], source.image.values[None])
    return found.assign_attrs({key: source.attrs[key] for key in ("mode", "mode_reason")})


def _total(total: xr.Dataset, latent: np.ndarray) -> np.ndarray:
    """J'J over the whole image, from an earlier result."""
    if not isinstance(total, xr.Dataset):
        refuse_type("total", "be a result of region_gram", total)
    if total.attrs.get("probe") != "lowrank.region_gram" or not (
        total.latents.shape == (1, *latent.shape) and np.array_equal(total.latents[0], latent)
    ):
        refuse("total", "be region_gram's result at the same latent", "another Dataset")
    return (total.inside * total.n_inside + total.outside * total.n_outside).values


def _dataset(
    inside: np.ndarray,
    outside: np.ndarray,
    mask: np.ndarray,
    channels: int,
    latents: np.ndarray,
    images: np.ndarray,
) -> xr.Dataset:
    n_inside = int(mask.sum()) * channels
    n_outside = mask.size * channels - n_inside
    place = np.indices(latents.shape[1:]).reshape(latents.ndim - 1, -1)
    named = ("layer", "feature")[-len(place) :]
    return xr.Dataset(
        {
            "inside": (PAIR, inside / n_inside),
            "outside": (PAIR, outside / n_outside),
            "n_inside": n_inside,
            "n_outside": n_outside,
            "region": (("row", "column"), mask),
            "latents": (("example", *named), latents),
            "image": (("example", *AXES), images),
        },
        # One axis of all coordinates for the linear algebra; where each comes from beside it.
        coords={
            f"coordinate_{name}": ("coordinate", each)
            for name, each in zip(named, place, strict=True)
        },
    )
