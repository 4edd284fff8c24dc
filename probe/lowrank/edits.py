"""How local edits are: what changes inside and outside, linear and at a finite step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from .._check import finite, integer, refuse
from .._provenance import provenance
from ..statistics import bootstrap_interval
from ..whitening._describe import describe
from ._products import DOUBLE, ForwardModeError, chunk_size, columns
from ._reading import Generator, read_generator
from ._region import read_region
from ._stepping import REACH, steps_to
from .derivative import PAPER
from .subspaces import read_directions

BOUND = ["low", "high"]
_RATIO = "change inside over change outside"
_WORDING = {
    "inside_linear": ("root mean square change inside per unit step", "image / latent", ""),
    "outside_linear": ("root mean square change outside per unit step", "image / latent", ""),
    "ratio_linear": (f"{_RATIO}, for a small step", "1", "[0, inf)"),
    "ratio_linear_mean": (f"{_RATIO}, small step, geometric mean over latents", "1", "[0, inf)"),
    "length": ("length of the step", "latent", "[0, inf)"),
    "outside": ("root mean square change outside at that step", "image", "[0, inf)"),
    "ratio": (f"{_RATIO}, geometric mean of both signs", "1", "[0, inf)"),
    "ratio_mean": (f"{_RATIO}, geometric mean over latents", "1", "[0, inf)"),
    "reached": ("share of latents and signs where the step is possible", "1", "[0, 1]"),
    "transfer": ("linear ratio at these latents over that at the source's", "1", "[0, inf)"),
    "step": ("root mean square change inside", "image", "(0, inf)"),
}


def locality(
    synthesize: Any,
    directions: Any,
    latents: Any,
    region: Any,
    steps: Sequence[float] = (0.05, 0.1, 0.2),
    *,
    chunk: int | None = None,
    level: float = 0.95,
    n_boot: int = 1000,
    seed: int = 0,
) -> xr.Dataset:
    """Change inside a region over change outside, at latents that the directions do not come from.

    Parameters
    ----------
    synthesize, latents, region, chunk
        As in `region_gram`.
    directions
        A result of `region_directions` or `baseline_directions`, or (direction, [layer,] feature).
    steps
        Root mean square changes inside, in the images' unit. All directions are compared at equal
        change inside: each is followed, both ways, until the region has changed by that much.
    level, n_boot, seed
        Of the bootstrap over latents.

    Returns
    -------
    xarray.Dataset
        ``inside_linear, outside_linear, ratio_linear (example, direction)``; ``length, outside
        (example, direction, sign, step)``; ``ratio (example, direction, step)``; geometric means
        over latents with intervals (two latents or more): ``ratio_linear_mean (direction)``,
        ``ratio_mean (direction, step)``; ``reached (direction, step)``; and ``transfer
        (direction)`` with its interval, where `directions` knows its source latents: 1 means
        that the edit is as local here as there. NaN where no step of up to 8 times the length
        that the linear gain predicts changes the region so much.

    Raises
    ------
    TypeError, ValueError
        If the generator, a latent, the region, a direction or an option is not as said.

    Notes
    -----
    Changes below the precision of the image count as that precision, so that ratios stay finite.
    A local edit need not be a sensible one: it may leave the images that the generator knows.

    Examples
    --------
    >>> scale = torch.tensor([3.0, 0.0, 1.0, 0.0])
    >>> found = locality(
    ...     lambda z: (z * scale).reshape(-1, 1, 2, 2),
    ...     [[1.0, 0.0, 1.0, 0.0]],
    ...     torch.randn(3, 4),
    ...     [[1, 1], [0, 0]],
    ...     [0.5],
    ... )
    >>> found.ratio_mean.values.round(3)
    array([[3.]])
    """
    started = time.perf_counter()
    generator, flat, images = read_generator(synthesize, latents)
    mask = read_region(region, generator.image_shape[1:])
    vectors = _unit(directions, generator)
    targets = finite("steps", np.atleast_1d(np.asarray(steps, dtype=np.float64)))
    if targets.ndim != 1 or not targets.size or (targets <= 0).any():
        refuse("steps", "be numbers above 0", list(targets.ravel()))
    if chunk is not None:
        integer("chunk", chunk, low=1)
    size = chunk_size(generator, flat.device, chunk)
    inside = torch.as_tensor(mask, device=flat.device)
    tangents = torch.as_tensor(vectors).to(flat)
    floor = float(torch.finfo(images.dtype).eps * images.abs().max().clamp_min(1e-30))
    linear = np.stack([_linear(generator, each, tangents, inside, size) for each in flat])
    found = [
        steps_to(generator, z, tangents, gain, inside, targets, chunk=size)
        for z, (gain, _) in zip(flat, linear, strict=True)
    ]
    length, change, outside = (np.stack(each) for each in zip(*found, strict=True))
    log_linear = np.log(np.maximum(linear, floor))
    log_linear = log_linear[:, 0] - log_linear[:, 1]
    both = np.log(np.maximum(change, floor) / np.maximum(outside, floor))
    log_ratio = _mean_present(both, axis=2)
    dims, over = ("example", "direction"), ("direction", "step")
    variables: dict[str, Any] = {
        "inside_linear": (dims, linear[:, 0]),
        "outside_linear": (dims, linear[:, 1]),
        "ratio_linear": (dims, np.exp(log_linear)),
        "length": ((*dims, "sign", "step"), length),
        "outside": ((*dims, "sign", "step"), outside),
        "ratio": ((*dims, "step"), np.exp(log_ratio)),
        "reached": (over, np.isfinite(both).mean(axis=(0, 2))),
    }
    options = {"level": level, "n_boot": n_boot, "seed": seed}
    variables |= _summary("ratio_linear_mean", ("direction",), log_linear, options)
    variables |= _summary("ratio_mean", over, log_ratio, options)
    source = _source(directions, generator, flat)
    if source is not None:
        there = np.stack([_linear(generator, z, tangents, inside, size) for z in source])
        log_there = np.log(np.maximum(there, floor))
        shift = (log_there[:, 0] - log_there[:, 1]).mean(0)
        variables |= _summary("transfer", ("direction",), log_linear - shift, options)
    coords = {"sign": [1, -1], "step": targets, "bound": BOUND}
    ds = xr.Dataset(variables, coords=coords)
    ds.attrs = provenance(
        "lowrank.locality",
        paper=PAPER,
        parameters={"level": level, "n_boot": n_boot, "chunk": chunk, "reach": REACH},
        data=[flat.cpu().numpy(), vectors, mask],
        seed=seed,
        started=started,
    )
    for name in list(ds.data_vars):
        if str(name).endswith("_interval"):
            ds[name].attrs["long_name"] = f"bootstrap interval of {str(name)[:-9]}, over latents"
    return describe(ds, _WORDING)


def _unit(directions: Any, generator: Generator) -> np.ndarray:
    """(direction, dim) of unit norm."""
    vectors = read_directions("directions", directions)
    if vectors.shape[1] != generator.dim:
        refuse("directions", f"have the latents' {generator.dim} coordinates", vectors.shape[1])
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if (norms == 0).any():
        refuse("directions", "have no zero direction", f"{int((norms == 0).sum())} of them")
    return vectors / norms


def _linear(
    generator: Generator, latent: Tensor, tangents: Tensor, inside: Tensor, size: int
) -> np.ndarray:
    """(2, direction): root mean square change inside and outside per unit step."""

    def gains(mode: str) -> np.ndarray:
        found = []
        for some in columns(generator, latent, tangents, chunk=size, mode=mode):
            square = some.double().square()
            found.append(torch.stack([square[:, :, k].mean((1, 2)) for k in (inside, ~inside)]))
        return torch.cat(found, dim=1).sqrt().cpu().numpy()

    try:
        return gains("forward")
    except ForwardModeError:
        return gains(DOUBLE)


def _source(directions: Any, generator: Generator, flat: Tensor) -> Tensor | None:
    if not isinstance(directions, xr.Dataset) or "source_latents" not in directions:
        return None
    values = directions.source_latents.values.reshape(-1, generator.dim)
    return torch.as_tensor(values).to(flat)


def _mean_present(values: np.ndarray, *, axis: int) -> np.ndarray:
    """The mean of what is not NaN; NaN where nothing is."""
    present = np.isfinite(values)
    count = present.sum(axis=axis)
    total = np.where(present, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _summary(
    name: str, dims: tuple[str, ...], logs: np.ndarray, options: dict[str, Any]
) -> dict[str, Any]:
    """The geometric mean over examples (the first axis), and its interval if there are two."""
    mean = np.exp(_mean_present(logs, axis=0))
    if len(logs) < 2:
        return {name: (dims, mean)}
    ends = np.full((*mean.shape, 2), np.nan)
    for cell in np.ndindex(mean.shape):
        rows = logs[(slice(None), *cell)]
        rows = rows[np.isfinite(rows)]
        if len(rows) >= 2:
            found = bootstrap_interval(rows, method="percentile", **options)
            ends[cell] = np.exp([found.low, found.high])
    return {name: (dims, mean), f"{name}_interval": ((*dims, "bound"), ends)}
