"""A small convolutional variational autoencoder; its decoder is the second family of generators."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from .._check import integer, refuse
from .generator_protocol import flat_latents, normal_latents
from .generator_style import checked_size

_PARTS = 20  # of the mixture that samples are drawn from


@final
class ConvVae(nn.Module):
    """Encoder and decoder of images; as a generator it is the decoder.

    Parameters
    ----------
    dim
        Dimensions of a latent.
    size
        Height and width in pixels: a power of two, at least 8.
    channels
        Of the images.
    width
        Channels inside at half of the size; twice as many at each size below, up to four times.
    seed
        Of the initial weights; torch's global random state is left as it was.

    Raises
    ------
    TypeError, ValueError
        If a number is not as said.

    Notes
    -----
    Kingma and Welling 2014 (arXiv:1312.6114). No layer looks at other images of a batch.

    Examples
    --------
    >>> vae = ConvVae(dim=4, size=8, channels=1, width=4)
    >>> mean, log_variance = vae.encode(torch.zeros(2, 1, 8, 8))
    >>> mean.shape, vae.synthesize(mean).shape
    (torch.Size([2, 4]), torch.Size([2, 1, 8, 8]))
    """

    shares: Tensor
    centres: Tensor
    factors: Tensor

    def __init__(
        self,
        dim: int = 64,
        *,
        size: int = 32,
        channels: int = 3,
        width: int = 24,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._dim = integer("dim", dim, low=1)
        self.size, self.channels = checked_size(size), integer("channels", channels, low=1)
        integer("width", width, low=1)
        doublings = size.bit_length() - 3  # from 4 pixels
        widths = [width * 2 ** min(i, 2) for i in range(doublings)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer("seed", seed))
            down: list[nn.Module] = []
            for before, after in zip([channels, *widths], widths, strict=False):
                down += [nn.Conv2d(before, after, 4, 2, 1), nn.SiLU()]
            self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(widths[-1] * 16, 2 * dim))
            up: list[nn.Module] = [
                nn.Linear(dim, widths[-1] * 16),
                nn.SiLU(),
                nn.Unflatten(1, (widths[-1], 4, 4)),
            ]
            for before, after in zip(widths[::-1], widths[-2::-1], strict=False):
                up += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.SiLU()]
            up += [nn.ConvTranspose2d(widths[0], channels, 4, 2, 1)]
            self.decoder = nn.Sequential(*up)
        # The mixture that samples are drawn from: at first the standard normal distribution.
        self.register_buffer("shares", torch.full((_PARTS,), 1 / _PARTS))
        self.register_buffer("centres", torch.zeros(_PARTS, dim))
        self.register_buffer("factors", torch.eye(dim).repeat(_PARTS, 1, 1))

    @property
    def dim(self) -> int:
        """Dimensions of a latent."""
        return self._dim

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of each image's latent, (n, dim) each."""
        mean, log_variance = self.encoder(images).chunk(2, 1)
        return mean, log_variance.clamp(-12, 6)

    def synthesize(self, latent: Tensor) -> Tensor:
        """Images (n, channels, size, size), about [-1, 1], of latents (n, dim) or (dim,).

        Raises
        ------
        ValueError
            If the shape is not as said.
        """
        return self.decoder(flat_latents(latent, self.dim))

    def forward(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images again, mean and log variance of their latents, by standard normal noise."""
        mean, log_variance = self.encode(images)
        return (
            self.synthesize(mean + noise * torch.exp(log_variance / 2)),
            mean,
            log_variance,
        )

    @torch.no_grad()
    def settle(self, images: Tensor, *, seed: int = 0) -> None:
        """Draw samples where the latents of images lie from now on: call it once after training.

        The latents of images never fill the normal distribution quite, and between them nothing
        is an image. A mixture of normal distributions is fitted to them in its place: Ghosh et al.
        2020 (arXiv:1903.12436), section 4.

        Parameters
        ----------
        images
            (n, c, h, w) float in [-1, 1]; some thousands.
        seed
            Of the fit.

        Raises
        ------
        ValueError
            If there are fewer images than parts of the mixture.
        """
        from sklearn.mixture import GaussianMixture

        if len(images) < 2 * _PARTS:
            refuse("images", f"hold at least {2 * _PARTS} images", len(images))
        parts = [self.encode(part) for part in images.split(500)]
        mean, log_variance = (torch.cat(both) for both in zip(*parts, strict=True))
        noise = normal_latents(len(mean), self.dim, seed)
        latents = mean + noise * torch.exp(log_variance / 2)
        mixture: Any = GaussianMixture(
            _PARTS, reg_covar=1e-4, max_iter=200, tol=1e-2, random_state=seed
        )
        mixture.fit(latents.double().numpy())
        lower = np.linalg.cholesky(mixture.covariances_)
        found = {"shares": mixture.weights_, "centres": mixture.means_, "factors": lower}
        for name, array in found.items():
            getattr(self, name).copy_(torch.from_numpy(array))

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Latents (n, dim): standard normal, or such as images have after `settle`."""
        noise = normal_latents(n, self.dim, seed).to(self.centres)
        drawn = torch.from_numpy(np.random.default_rng([seed, 1]).random(n))
        ends = self.shares.double().cumsum(0)
        which = torch.searchsorted(ends, drawn * ends[-1], right=True).clamp_max(_PARTS - 1)
        return self.centres[which] + torch.einsum("nij,nj->ni", self.factors[which], noise)
