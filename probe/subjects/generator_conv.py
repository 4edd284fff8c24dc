"""A small conditional generator in the manner of DCGAN, for pictures of one channel."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._check import integer, refuse
from .generator_protocol import flat_latents, normal_latents
from .generator_style import checked_size


@final
class ConvGenerator(nn.Module):
    """Images by transposed convolutions from noise and a label, which together are the latent.

    A latent is the noise, standard normal, followed by one number for each label: 1 at the image's
    label, 0 elsewhere. All of it may be changed like any latent.

    Parameters
    ----------
    noise
        Dimensions of the noise.
    labels
        Number of labels; 0 for none.
    size
        Height and width in pixels: a power of two, at least 8.
    channels
        Of the images.
    width
        Channels inside at the last but one size; twice as many at each size below.
    seed
        Of the initial weights; torch's global random state is left as it was.

    Raises
    ------
    TypeError, ValueError
        If a number is not as said.

    Notes
    -----
    Radford et al. 2016 (arXiv:1511.06434): batch normalisation, ReLU, tanh at the end.

    Examples
    --------
    >>> generator = ConvGenerator(noise=4, labels=10, size=8, width=4).eval()
    >>> generator.dim, generator.synthesize(generator.sample(2, labels=[3, 7])).shape
    (14, torch.Size([2, 1, 8, 8]))
    """

    def __init__(
        self,
        noise: int = 32,
        *,
        labels: int = 10,
        size: int = 16,
        channels: int = 1,
        width: int = 32,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.noise, self.labels = integer("noise", noise, low=1), integer("labels", labels, low=0)
        self.size, self.channels = checked_size(size), integer("channels", channels, low=1)
        integer("width", width, low=1)
        doublings = size.bit_length() - 3  # from 4 pixels
        before = width * 2 ** (doublings - 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer("seed", seed))
            layers: list[nn.Module] = [
                nn.Linear(self.dim, before * 16, bias=False),
                nn.Unflatten(1, (before, 4, 4)),
                nn.BatchNorm2d(before),
                nn.ReLU(),
            ]
            for _ in range(doublings - 1):
                up = nn.ConvTranspose2d(before, before // 2, 4, 2, 1, bias=False)
                before //= 2
                layers += [up, nn.BatchNorm2d(before), nn.ReLU()]
            layers += [nn.ConvTranspose2d(before, channels, 4, 2, 1), nn.Tanh()]
            self.network = nn.Sequential(*layers)

    @property
    def dim(self) -> int:
        """Dimensions of a latent: noise and labels."""
        return self.noise + self.labels

    def synthesize(self, latent: Tensor) -> Tensor:
        """Images (n, channels, size, size) in [-1, 1] of latents (n, dim) or (dim,).

        Raises
        ------
        ValueError
            If the shape is not as said.
        """
        return self.network(flat_latents(latent, self.dim))

    def forward(self, latent: Tensor) -> Tensor:
        """As `synthesize`."""
        return self.synthesize(latent)

    def join(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Latents (n, dim) of noise (n, noise) and labels (n,)."""
        if not self.labels:
            return noise
        return torch.cat([noise, functional.one_hot(labels, self.labels).to(noise)], 1)

    def sample(self, n: int, seed: int = 0, *, labels: object = None) -> Tensor:
        """Latents (n, dim) of normal noise, with these labels or each label in turn.

        Raises
        ------
        TypeError, ValueError
            If `n` is no positive integer, or there is not one label for each.
        """
        noise = normal_latents(n, self.noise, seed)
        if labels is None:
            given = torch.arange(n) % max(1, self.labels)
        else:
            given = torch.as_tensor(labels)
            if given.shape != (n,) or given.is_floating_point():
                refuse("labels", f"hold {n} whole numbers", f"shape {tuple(given.shape)}")
            if n and not 0 <= int(given.min()) <= int(given.max()) < self.labels:
                refuse("labels", f"be from 0 to {self.labels - 1}", given.tolist()[:10])
        return self.join(noise, given.long())
