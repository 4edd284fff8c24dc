"""Pictures along directions, at steps of equal change inside a region."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from ._products import chunk_size
from ._reading import Generator
from ._stepping import steps_to

_NOTHING = 1e-6  # of the largest gain that any direction has
_PIXELS = ("channel", "row", "column")


class Show(NamedTuple):
    """What is made: rising changes inside, that of the other images, black and white, layers."""

    steps: np.ndarray
    transfer: float
    span: tuple[float, float]
    layers: int
    chunk: int | None


def pictures_of(
    generator: Generator,
    flat: Tensor,
    images: Tensor,
    mask: np.ndarray,
    found: xr.Dataset,
    show: Show,
) -> xr.Dataset:
    """Frames of each direction of `found`, from the farthest step back to the farthest forth."""
    vectors = found.directions.values.reshape(found.sizes["direction"], -1)
    tangents = torch.as_tensor(vectors).to(flat)
    size = chunk_size(generator, flat.device, show.chunk)
    inside = torch.as_tensor(mask, device=flat.device)
    # A direction that changes nothing but rounding would be followed out of all bounds.
    gains = np.where(found.kept_effect.values < _NOTHING, 0.0, found.gain_inside.values)
    ahead = steps_to(generator, flat[0], tangents, gains, inside, show.steps, chunk=size)
    nothing = np.zeros((len(vectors), 1))
    length = np.concatenate([-ahead.length[:, 1, ::-1], nothing, ahead.length[:, 0]], axis=1)
    outside = np.concatenate([ahead.outside[:, 1, ::-1], nothing, ahead.outside[:, 0]], axis=1)
    made = _moved(generator, flat[0], tangents, length, size)
    change = (made - images[0]).double().square().mean(2).sqrt().cpu().numpy()
    change = np.where(np.isfinite(length)[..., None, None], change, np.nan)
    variables = {
        "vector": (("edit", "layer", "feature"), _layered(vectors, found, show.layers)),
        "frames": (("edit", "step", *_PIXELS), as_bytes(made, show.span)),
        "change": (("edit", "step", *_PIXELS[1:]), change.astype(np.float32)),
        "outside": (("edit", "step"), outside),
        "length": (("edit", "step"), length),
        "kept_effect": ("edit", found.kept_effect.values),
        "near_empty": ("edit", found.near_empty.values),
        "ratio_linear": ("edit", found.ratio.values),
    }
    shown = np.empty((len(vectors), len(flat) - 1, 2, *generator.image_shape), np.uint8)
    beyond = np.empty(shown.shape[:3])
    target = np.array([show.transfer])
    for i, latent in enumerate(flat[1:]):
        one = steps_to(generator, latent, tangents, gains, inside, target, chunk=size)
        both = np.stack([-one.length[:, 1, 0], one.length[:, 0, 0]], axis=1)
        shown[:, i] = as_bytes(_moved(generator, latent, tangents, both, size), show.span)
        beyond[:, i] = one.outside[:, ::-1, 0]
    variables["transfer_frames"] = (("edit", "other", "way", *_PIXELS), shown)
    variables["transfer_outside"] = (("edit", "other", "way"), beyond)
    return xr.Dataset(variables, {"step": np.r_[-show.steps[::-1], 0.0, show.steps]})


def as_bytes(images: Tensor, span: tuple[float, float]) -> np.ndarray:
    """Images as uint8, the ends of `span` black and white."""
    low, high = span
    shown = (images.double() - low) / (high - low)
    return (shown.clamp(0, 1) * 255).round().byte().cpu().numpy()


@torch.no_grad()
def _moved(
    generator: Generator, latent: Tensor, tangents: Tensor, length: np.ndarray, size: int
) -> Tensor:
    """Images (direction, step, ...) at lengths (direction, step); as it is where NaN."""
    far = torch.as_tensor(np.nan_to_num(length)).to(latent)
    moved = (latent + far[..., None] * tangents[:, None]).flatten(0, 1)
    made = torch.cat([generator.images(some) for some in moved.split(size)])
    return made.unflatten(0, length.shape)


def _layered(vectors: np.ndarray, found: xr.Dataset, layers: int) -> np.ndarray:
    """(direction, layer, feature): one vector for all layers stands in each of them."""
    own = vectors.reshape(len(vectors), -1, found.sizes["feature"])
    return own if own.shape[1] == layers else own.repeat(layers, axis=1)
