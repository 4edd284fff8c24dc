"""The Jacobian of a generator's image, or of one region of it, by the cheaper of two ways."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from .._check import integer, one_of, refuse
from .._provenance import provenance
from ..whitening._describe import describe
from ._products import DOUBLE, ForwardModeError, chunk_size, columns, rows
from ._reading import Generator, read_generator
from ._region import read_region

PAPER = "arXiv:2106.04488"
AXES = ("channel", "row", "column")
METHODS = ("auto", "forward", "reverse", DOUBLE)
# A forward product takes about as long as this many reverse ones (measured on transposed
# convolutions, 64 to 256 pixels).
_FORWARD_COST = 2
_WORDING = {
    "jacobian": ("change of an image value per unit of a latent coordinate", "image / latent", ""),
    "image": ("the image at the latent", "image", ""),
    "latent": ("the latent", "latent", ""),
}


class Plan(NamedTuple):
    """How a Jacobian is taken, and why."""

    mode: str
    reason: str


def jacobian(
    synthesize: Any,
    latent: Any,
    *,
    region: Any = None,
    chunk: int | None = None,
    method: str = "auto",
) -> xr.Dataset:
    """Jacobian of a generator's image at one latent, whole or of one region.

    J = d G(z) / d z (arXiv:2106.04488, section 3.1; there one backward pass for each pixel).

    Parameters
    ----------
    synthesize
        Latents (n, d), or (n, layers, d) for w+, to images (n, channel, row, column); a callable
        or an object with a method of that name. In eval mode, with fixed noise.
    latent
        (d,) or (layers, d): array or tensor. A module's latents take the type of its weights.
    region
        (row, column) mask of pixels; None for the whole image.
    chunk
        Products taken at once; None for what fits a processor's cache.
    method
        ``"forward"``: d products J e_k. ``"reverse"``: one pass for each value of the region.
        ``"double_reverse"``: forward products from two reverse passes, for operations without
        forward mode. ``"auto"``: reverse for regions of at most twice d values, else forward (a
        forward product costs about two reverse ones), else the fallback.

    Returns
    -------
    xarray.Dataset
        ``jacobian (channel, row, column, [layer,] feature)`` of the whole image, or (value,
        [layer,] feature) of a region with the coordinates ``value_channel, value_row,
        value_column``, in the generator's precision; ``image (channel, row, column)``; ``latent``.
        attrs: ``mode`` and ``mode_reason``.

    Raises
    ------
    TypeError, ValueError
        If the generator, the latent, the region or an option is not as said.
    RuntimeError
        If forward mode was asked for and does not know an operation; names the fallback.

    Notes
    -----
    Exact to rounding. Memory is that of the result: 100 MB for 128 x 128 x 3 values and d = 512;
    `region_gram` holds less. Attention runs with the plain kernel, as the fused have no forward
    mode.

    Examples
    --------
    >>> weight = torch.arange(8.0).reshape(4, 2)
    >>> found = jacobian(lambda z: (z @ weight.T).reshape(-1, 1, 2, 2), torch.zeros(2))
    >>> found.jacobian.sel(channel=0, row=1, column=0).values
    array([4., 5.], dtype=float32)
    """
    started = time.perf_counter()
    one_of("method", method, METHODS)
    if chunk is not None:
        integer("chunk", chunk, low=1)
    generator, flat, images = read_generator(synthesize, latent, one=True)
    mask = None
    if region is not None:
        mask = read_region(region, generator.image_shape[1:], rest=False)
    index = np.arange(generator.values)
    if mask is not None:
        index = np.flatnonzero(np.broadcast_to(mask, generator.image_shape))
    found, plan = dense(generator, flat[0], index, chunk=chunk, method=method)
    latent_dims = ("layer", "feature")[-len(generator.latent_shape) :]
    values = found.cpu().numpy()
    if mask is None:
        shape, dims = generator.image_shape, AXES
        coords: dict[str, Any] = {}
    else:
        shape, dims = (len(index),), ("value",)
        places = zip(AXES, np.unravel_index(index, generator.image_shape), strict=True)
        coords = {f"value_{name}": ("value", each) for name, each in places}
    image = images[0].cpu().numpy()
    at = flat[0].reshape(generator.latent_shape).cpu().numpy()
    ds = xr.Dataset(
        {
            "jacobian": ((*dims, *latent_dims), values.reshape(*shape, *generator.latent_shape)),
            "image": (AXES, image),
            "latent": (latent_dims, at),
        },
        coords=coords,
        attrs=provenance(
            "lowrank.jacobian",
            paper=PAPER,
            parameters={"chunk": chunk, "method": method},
            data=[at, image, index],
            started=started,
        )
        | {"mode": plan.mode, "mode_reason": plan.reason},
    )
    return describe(ds, _WORDING)


def dense(
    generator: Generator, latent: Tensor, index: np.ndarray, *, chunk: int | None, method: str
) -> tuple[Tensor, Plan]:
    """The Jacobian (value, dim) of the image values `index`, and how it was taken.

    Raises
    ------
    RuntimeError
        If forward mode was asked for and is not possible.
    ValueError
        If the Jacobian is not finite.
    """
    plan = plan_for(generator, latent, len(index), method=method)
    size = chunk_size(generator, latent.device, chunk)
    where = torch.as_tensor(index, device=latent.device)
    if plan.mode == "reverse":
        pieces = list(rows(generator, latent, where, chunk=size))
        found = torch.cat(pieces)
    else:
        found = latent.new_empty(len(index), generator.dim)
        eye = torch.eye(generator.dim, dtype=latent.dtype, device=latent.device)
        start = 0
        for some in columns(generator, latent, eye, chunk=size, mode=plan.mode):
            found[:, start : start + len(some)] = some.flatten(1)[:, where].T
            start += len(some)
    require_finite(found)
    return found, plan


def plan_for(generator: Generator, latent: Tensor, n_values: int, *, method: str) -> Plan:
    """The way that `method` means for so many image values."""
    if method != "auto":
        return Plan(method, "asked for")
    dim = generator.dim
    if n_values <= _FORWARD_COST * dim:
        return Plan("reverse", f"{n_values} values are at most {_FORWARD_COST} x {dim} coordinates")
    few = torch.zeros(1, dim, dtype=latent.dtype, device=latent.device)
    try:
        next(columns(generator, latent, few, chunk=1))
    except ForwardModeError as error:
        why = str(error).split(" Take method=")[0]
        try:
            next(columns(generator, latent, few, chunk=1, mode=DOUBLE))
        except RuntimeError:
            return Plan("reverse", f"neither forward mode nor two reverse passes work. {why}")
        return Plan(DOUBLE, f"fallback. {why}")
    return Plan("forward", f"{n_values} values are more than {_FORWARD_COST} x {dim} coordinates")


def require_finite(values: Tensor) -> None:
    """Raise unless a Jacobian is finite."""
    if not torch.isfinite(values).all():
        bad = int((~torch.isfinite(values)).sum())
        hint = "A square root at zero or a division may lie in the generator; move the latent."
        refuse("synthesize", "have a finite Jacobian", f"{bad} NaN or infinite entries", hint)
