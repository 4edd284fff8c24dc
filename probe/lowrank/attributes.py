"""Which attribute an edit lands in, as a reader of attributes sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from .._check import integer, number, one_of, refuse
from .._provenance import provenance
from ..whitening._describe import BOUND, describe, mean_interval
from ._products import chunk_size
from ._reading import read_generator
from ._region import read_region
from ._stepping import steps_to
from .derivative import PAPER
from .edits import _linear, _unit

_WORDING = {
    "share": ("share of the square change of attributes", "1", "[0, 1]"),
    "share_mean": ("share of the square change of attributes, mean over latents", "1", "[0, 1]"),
    "share_mean_interval": ("bootstrap interval of the mean share, over latents", "1", "[0, 1]"),
    "intended_mean": ("share in the intended attribute, mean over directions", "1", "[0, 1]"),
    "intended_mean_interval": ("bootstrap interval of that mean, over latents", "1", "[0, 1]"),
    "reached": ("share of latents and ways where the step is possible", "1", "[0, 1]"),
}


def attribute_shares(
    synthesize: Any,
    read: Callable[[Tensor], Any],
    attributes: Sequence[str],
    directions: Any,
    latents: Any,
    region: Any,
    *,
    intended: str,
    step: float = 0.2,
    chunk: int | None = None,
    level: float = 0.95,
    n_boot: int = 1000,
    seed: int = 0,
) -> xr.Dataset:
    """How the change that edits make is shared among attributes that a reader sees.

    Parameters
    ----------
    synthesize, directions, latents, region, chunk
        As in `locality`.
    read
        Images (n, channel, row, column) to parameters (n, parameter) on one scale, such as a
        regressor of a face's parameters or a known truth.
    attributes
        (parameter,) the attribute that each parameter belongs to.
    intended
        The attribute that the region stands for.
    step
        Root mean square change inside the region that all directions are compared at.
    level, n_boot, seed
        Of the bootstrap over latents.

    Returns
    -------
    xarray.Dataset
        ``share (example, direction, attribute)``: square change of an attribute's parameters over
        that of all, both ways together, NaN where the region cannot be changed by so much;
        ``share_mean (direction, attribute)`` over latents; ``intended_mean`` over directions too;
        intervals of both (two latents or more); ``reached (direction)``. attrs: ``intended``.

    Raises
    ------
    TypeError, ValueError
        If the generator, a latent, the region, a direction or an option is not as said, or `read`
        gives other numbers than one for each parameter.

    Notes
    -----
    A reader's own errors count as change: compare with the same reader's shares for baselines.

    Examples
    --------
    >>> found = attribute_shares(
    ...     lambda z: z.reshape(-1, 1, 2, 2),
    ...     lambda images: images.flatten(1),
    ...     ["top", "top", "bottom", "bottom"],
    ...     [[3.0, 0.0, 4.0, 0.0]],
    ...     torch.zeros(2, 4),
    ...     [[1, 1], [0, 0]],
    ...     intended="top",
    ... )
    >>> found.share_mean.sel(attribute="top").values.round(3)
    array([0.36])
    """
    started = time.perf_counter()
    generator, flat, _ = read_generator(synthesize, latents)
    mask = read_region(region, generator.image_shape[1:])
    groups = list(dict.fromkeys(map(str, attributes)))
    one_of("intended", intended, groups)
    if number("step", step) <= 0:
        refuse("step", "be above 0", step)
    if chunk is not None:
        integer("chunk", chunk, low=1)
    vectors = _unit(directions, generator)
    tangents = torch.as_tensor(vectors).to(flat)
    size = chunk_size(generator, flat.device, chunk)
    inside = torch.as_tensor(mask, device=flat.device)
    member = np.array([[str(each) == group for group in groups] for each in attributes], float)
    square = np.empty((len(flat), len(vectors), 2, len(groups)))
    for row, latent in zip(square, flat, strict=True):
        gain = _linear(generator, latent, tangents, inside, size)[0]
        target = np.array([step])
        far = steps_to(generator, latent, tangents, gain, inside, target, chunk=size).length[..., 0]
        moves = torch.as_tensor(np.nan_to_num(far) * [1.0, -1.0]).to(latent)
        moved = (latent + moves[..., None] * tangents[:, None]).flatten(0, 1)
        with torch.no_grad():
            images = torch.cat([generator.images(s) for s in (latent[None], *moved.split(size))])
            found = _numbers(read(images), len(images), len(member))
        change = (found[1:] - found[0]).reshape(*far.shape, -1) ** 2 @ member
        row[:] = np.where(np.isfinite(far)[..., None], change, np.nan)
    both = square.sum(2)
    with np.errstate(invalid="ignore"):
        share = both / both.sum(-1, keepdims=True)
    options = {"level": level, "n_boot": n_boot, "seed": seed}
    over = ("direction", "attribute")
    variables: dict[str, Any] = {
        "share": (("example", *over), share),
        "reached": ("direction", np.isfinite(square).all(-1).mean((0, 2))),
    }
    variables |= _means("share_mean", over, share, options)
    mean = _mean(share[..., groups.index(intended)], axis=1)
    variables |= _means("intended_mean", (), mean, options)
    ds = xr.Dataset(variables, {"attribute": groups, "bound": BOUND})
    ds.attrs = provenance(
        "lowrank.attributes",
        paper=PAPER,
        parameters={"step": step, "level": level, "n_boot": n_boot, "chunk": chunk},
        data=[flat.cpu().numpy(), vectors, mask],
        seed=seed,
        started=started,
    ) | {"intended": intended, "step": float(step)}
    return describe(ds, _WORDING)


def _numbers(found: Any, n: int, parameters: int) -> np.ndarray:
    values = found.detach().cpu().numpy() if isinstance(found, Tensor) else np.asarray(found)
    if values.shape != (n, parameters) or not np.isfinite(values).all():
        refuse("read", f"give finite numbers ({n}, {parameters})", f"shape {values.shape}")
    return values.astype(np.float64)


def _mean(values: np.ndarray, *, axis: int = 0) -> np.ndarray:
    """The mean of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis)
    return np.where(known.any(axis), total / np.maximum(known.sum(axis), 1), np.nan)


def _means(
    name: str, dims: tuple[str, ...], rows: np.ndarray, options: dict[str, Any]
) -> dict[str, Any]:
    """The mean over examples (the first axis), with its interval over those that are known."""
    mean = _mean(rows)
    found: dict[str, Any] = {name: (dims, mean)}
    if len(rows) < 2:
        return found
    ends = np.full((*mean.shape, 2), np.nan)
    for cell in np.ndindex(mean.shape):
        known = rows[(slice(None), *cell)]
        known = known[np.isfinite(known)]
        if len(known) >= 2:
            ends[cell] = mean_interval(known, **options)
    return found | {f"{name}_interval": ((*dims, "bound"), ends)}
