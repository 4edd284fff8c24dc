"""Edits of a linear generator, whose pictures are known: two blocks, a patch, and all of the image.

Coordinates of a latent: 0 and 1 the left block (1 hardly), 2 the right block, 3 the whole image.
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from probe.lowrank import baseline_directions, locality, region_directions, region_gram
from probe.lowrank.attributes import attribute_shares
from probe.lowrank.frames import EditSource

ROWS, COLUMNS = 10, 12
STEPS = (0.1, 0.2)
HOSTILE = "</script><img src=x onerror=alert(1)>"


def patterns() -> Tensor:
    """(4, 3, row, column) what each coordinate adds to the image."""
    found = torch.zeros(4, 3, ROWS, COLUMNS)
    found[0, :, 2:6, 1:5] = 0.5
    found[1, 0, 2:6, 1:3] = 0.01
    found[2, 1, 3:7, 7:11] = 0.4
    found[3] = 0.05
    found[3, :, 2:6, 1:5] = 0.6
    return found


def generate(latent: Tensor) -> Tensor:
    """Images of latents (n, 4), or of w+ (n, 2, 4), whose first layer serves the left half."""
    if latent.ndim == 2:
        latent = latent.unsqueeze(1).expand(-1, 2, -1)
    seen = patterns().to(latent)
    left, right = seen.clone(), seen.clone()
    left[..., COLUMNS // 2 :] = 0
    right[..., : COLUMNS // 2] = 0
    made = torch.einsum("nk,kchw->nchw", latent[:, 0], left)
    return made + torch.einsum("nk,kchw->nchw", latent[:, 1], right) - 0.3


def broadcast(latent: Tensor) -> Tensor:
    return latent.unsqueeze(-2).expand(*latent.shape[:-1], 2, latent.shape[-1])


def masks() -> dict[str, np.ndarray]:
    left, right = (np.zeros((ROWS, COLUMNS), bool) for _ in range(2))
    left[2:6, 1:5] = True
    right[3:7, 7:11] = True
    return {"left": left, "right": right}


def latents(n: int = 3) -> Tensor:
    drawn = np.random.default_rng(0).standard_normal((n, 4)).astype(np.float32)
    return 0.2 * torch.from_numpy(drawn)


def source(*, plus: bool = False, most: int = 4) -> EditSource:
    layers = broadcast if plus else None
    return EditSource(generate, latents(), steps=STEPS, most=most, broadcast=layers)


def edits(*, plus: bool = False, hostile: bool = False, rank: int | None = 2) -> xr.Dataset:
    regions = masks()
    if hostile:
        regions = {HOSTILE: regions["left"], "right": regions["right"]}
    ds = source(plus=plus)(regions, rank=rank)
    return ds.assign_attrs(generator=HOSTILE) if hostile else ds


def compared() -> tuple[dict[str, xr.Dataset], dict[str, xr.Dataset]]:
    """Localities by method, and what their directions came from."""
    gram = region_gram(generate, latents(1), masks()["left"])
    made = {
        "generalised": region_directions(gram, rank=1),
        "principal": baseline_directions(gram, rank=2),
        "random": baseline_directions(gram, method="random", rank=1),
    }
    found = {
        name: locality(generate, ds, latents(), masks()["left"], STEPS, n_boot=50)
        for name, ds in made.items()
    }
    return found, made


def attributed() -> dict[str, xr.Dataset]:
    _, made = compared()

    def read(images: Tensor) -> Tensor:
        halves = [images[..., :6], images[..., 6:]]
        return torch.stack([half.mean((1, 2, 3)) for half in halves], dim=1)

    names = ["left", "right"]
    return {
        name: attribute_shares(
            *(generate, read, names, ds, latents(), masks()["left"]), intended="left", n_boot=50
        )
        for name, ds in made.items()
    }
