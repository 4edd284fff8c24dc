"""What every generator can do, whoever made it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from .._check import integer, refuse


@runtime_checkable
class Generator(Protocol):
    """Images from latents: what probes of generators ask for.

    A generator may also have ``broadcast(w)``, which gives w+: (dim,) to (layers, dim) and (n, dim)
    to (n, layers, dim); `synthesize` then takes (n, layers, dim) too.

    Examples
    --------
    >>> from data.faces import face_oracle
    >>> isinstance(face_oracle(), Generator)
    True
    """

    @property
    def dim(self) -> int:
        """Dimensions of a latent."""
        ...

    def synthesize(self, latent: Tensor) -> Tensor:
        """Images (n, channel, height, width) of latents (n, dim) or (dim,), differentiable."""
        ...

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Latents (n, dim) for `synthesize`, as the generator's own distribution gives them."""
        ...


def normal_latents(n: int, dim: int, seed: int) -> Tensor:
    """Standard normal (n, dim) float32, the same on every machine; those of a smaller n come first.

    Raises
    ------
    TypeError, ValueError
        If `n` is no positive integer or `seed` no integer from 0.

    Examples
    --------
    >>> bool((normal_latents(3, 2, 0)[:1] == normal_latents(1, 2, 0)).all())
    True
    """
    integer("n", n, low=1)
    drawn = np.random.default_rng(integer("seed", seed, low=0)).standard_normal((n, dim))
    return torch.from_numpy(drawn.astype(np.float32))


def flat_latents(latent: Tensor, dim: int) -> Tensor:
    """Latents (n, dim) or (dim,) as (n, dim).

    Raises
    ------
    ValueError
        If the shape is neither.
    """
    if latent.ndim not in (1, 2) or latent.shape[-1] != dim:
        refuse("latent", f"have axes (n, {dim}) or ({dim},)", f"shape {tuple(latent.shape)}")
    return latent.reshape(-1, dim)
