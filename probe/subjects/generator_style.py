"""A small generator in the manner of StyleGAN2, and the discriminator it is trained against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from .._check import integer, refuse
from .generator_layers import EqualConv, EqualLinear, ModulatedConv, leaky, twice
from .generator_protocol import normal_latents

_COARSEST = 4


@final
class StyleGenerator(nn.Module):
    """Images from a latent w by modulated convolutions; w from a normal z by a mapping network.

    Parameters
    ----------
    dim
        Dimensions of z and of w.
    size
        Height and width in pixels: a power of two, at least 8.
    channels
        Of the images.
    widths
        Channels inside at 4 x 4 pixels, 8 x 8 and so on; one for each.
    mapping
        Layers of the mapping network.
    seed
        Of the initial weights; torch's global random state is left as it was.

    Raises
    ------
    TypeError, ValueError
        If a number is not as said.

    Notes
    -----
    Karras et al. 2020 (arXiv:1912.04958) without noise inputs: equal latents give equal images.
    One row of w+ for each modulated convolution, and the last one for the step to colours.

    Examples
    --------
    >>> generator = StyleGenerator(dim=8, size=8, widths=(8, 4))
    >>> w = generator.sample(2)
    >>> generator.synthesize(w).shape, generator.broadcast(w).shape
    (torch.Size([2, 3, 8, 8]), torch.Size([2, 4, 8]))
    """

    def __init__(
        self,
        dim: int = 64,
        *,
        size: int = 32,
        channels: int = 3,
        widths: Sequence[int] = (64, 48, 24, 16),
        mapping: int = 3,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._dim = integer("dim", dim, low=1)
        self.size, self.channels = checked_size(size), integer("channels", channels, low=1)
        steps = size.bit_length() - _COARSEST.bit_length() + 1
        if len(widths) != steps:
            refuse("widths", f"hold {steps} numbers for {size} pixels", tuple(widths))
        integer("mapping", mapping, low=1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer("seed", seed))
            layers = [EqualLinear(dim, dim, speed=0.01) for _ in range(mapping)]
            self.mapping = nn.ModuleList(layers)
            self.start = nn.Parameter(torch.randn(1, widths[0], _COARSEST, _COARSEST))
            convs, before = [ModulatedConv(widths[0], widths[0], dim)], widths[0]
            for width in widths[1:]:
                convs += [ModulatedConv(before, width, dim), ModulatedConv(width, width, dim)]
                before = width
            self.convs = nn.ModuleList(convs)
            self.colours = ModulatedConv(before, channels, dim, size=1, demodulate=False)

    @property
    def dim(self) -> int:
        """Dimensions of w."""
        return self._dim

    @property
    def layers(self) -> int:
        """Rows of w+."""
        return len(self.convs) + 1

    def map(self, z: Tensor) -> Tensor:
        """Latents w (n, dim) of normal z (n, dim)."""
        w = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            w = leaky(layer(w))
        return w

    def broadcast(self, w: Tensor) -> Tensor:
        """w+ of a latent: (dim,) to (layers, dim), (n, dim) to (n, layers, dim), rows all equal."""
        return w.unsqueeze(-2).expand(*w.shape[:-1], self.layers, w.shape[-1])

    def synthesize(self, latent: Tensor) -> Tensor:
        """Images (n, channels, size, size), about [-1, 1], of latents.

        Parameters
        ----------
        latent
            w as (n, dim) or (dim,), or w+ as (n, layers, dim).

        Raises
        ------
        ValueError
            If its shape is not as said.
        """
        fits = latent.ndim in (1, 2, 3) and latent.shape[-1] == self.dim
        if not fits or (latent.ndim == 3 and latent.shape[1] != self.layers):
            axes = f"axes ({self.dim},), (n, {self.dim}) or (n, {self.layers}, {self.dim})"
            refuse("latent", f"have {axes}", f"shape {tuple(latent.shape)}")
        plus = latent if latent.ndim == 3 else self.broadcast(latent.reshape(-1, self.dim))
        x = self.start.expand(len(plus), -1, -1, -1)
        for i, conv in enumerate(self.convs):
            # The first convolution at a new size is every odd one.
            x = leaky(conv(twice(x) if i % 2 else x, plus[:, i]))
        return self.colours(x, plus[:, -1])

    def forward(self, z: Tensor) -> Tensor:
        """Images of normal z (n, dim), by way of w."""
        return self.synthesize(self.map(z))

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Latents w (n, dim) as the mapping network gives them."""
        return self.map(normal_latents(n, self.dim, seed).to(self.start))


@final
class ImageDiscriminator(nn.Module):
    """How real an image looks: convolutions that halve it to 4 x 4 pixels, and two linear layers.

    The score of an image does not depend on the others of its batch.

    Parameters
    ----------
    size, channels
        Of the images.
    widths
        Channels inside from the finest size to 4 x 4 pixels; one for each.
    labels
        Number of labels that an image may have; with 0 it has none. With labels, the score adds
        the inner product with what the label stands for: Miyato and Koyama 2018 (arXiv:1802.05637).
    seed
        Of the initial weights.

    Raises
    ------
    TypeError, ValueError
        If a number is not as said.

    Examples
    --------
    >>> ImageDiscriminator(size=8, channels=1, widths=(4, 8))(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2])
    """

    def __init__(
        self,
        *,
        size: int = 32,
        channels: int = 3,
        widths: Sequence[int] = (16, 32, 64, 64),
        labels: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        steps = checked_size(size).bit_length() - _COARSEST.bit_length() + 1
        if len(widths) != steps:
            refuse("widths", f"hold {steps} numbers for {size} pixels", tuple(widths))
        integer("labels", labels, low=0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer("seed", seed) + 1)
            self.first = EqualConv(channels, widths[0], 1)
            blocks, before = [EqualConv(widths[0], widths[0])], widths[0]
            for width in widths[1:]:
                blocks.append(EqualConv(before, width, stride=2))
                before = width
            self.blocks = nn.ModuleList(blocks)
            self.last = EqualConv(before, before)
            self.inner = EqualLinear(before * _COARSEST**2, before)
            self.score = EqualLinear(before, 1)
            self.named = nn.Embedding(labels, before) if labels else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores (n,) of images (n, channels, size, size) with labels (n,); higher is more real."""
        x = leaky(self.first(images))
        for block in self.blocks:
            x = leaky(block(x))
        x = leaky(self.inner(leaky(self.last(x)).flatten(1)))
        score = self.score(x)[:, 0]
        if self.named is None or labels is None:
            return score
        return score + (self.named(labels) * x).sum(1) / x.shape[1] ** 0.5


def checked_size(size: int) -> int:
    """`size` if it is a power of two of at least 8."""
    integer("size", size, low=8)
    if size & (size - 1):
        refuse("size", "be a power of two", size)
    return size
