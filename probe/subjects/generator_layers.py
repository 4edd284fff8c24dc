"""Layers of the small generators: weights of one scale, convolutions that a latent modulates."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

GAIN = math.sqrt(2.0)  # keeps the variance through a leaky ReLU
SLOPE = 0.2


def leaky(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2 that keeps the scale of its input."""
    return functional.leaky_relu(x, SLOPE) * GAIN


class EqualLinear(nn.Module):
    """A linear layer whose weights are standard normal and are scaled when they are used.

    Karras et al. 2018 (arXiv:1710.10196), section 4.1: all layers then learn at one speed under
    Adam. `speed` divides it (the mapping network learns at 0.01 of the others).
    """

    def __init__(
        self, in_features: int, out_features: int, *, bias: float = 0.0, speed: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / speed)
        self.bias = nn.Parameter(torch.full((out_features,), bias / speed))
        self.scale, self.speed = speed / math.sqrt(in_features), speed

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_features) to (..., out_features)."""
        return functional.linear(x, self.weight * self.scale, self.bias * self.speed)


class EqualConv(nn.Module):
    """A convolution with weights as those of `EqualLinear`; `stride` 2 halves height and width."""

    def __init__(self, in_channels: int, out_channels: int, size: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, size, size))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.scale = 1 / math.sqrt(in_channels * size * size)
        self.stride, self.padding = stride, size // 2

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, h, w) to (n, out_channels, h / stride, w / stride)."""
        weight = self.weight * self.scale
        return functional.conv2d(x, weight, self.bias, self.stride, self.padding)


class ModulatedConv(nn.Module):
    """A convolution whose input channels are scaled by a style, and its output to unit scale.

    Karras et al. 2020 (arXiv:1912.04958), equations 1 to 3, by scaling input and output in place
    of the weights: the same function, without a convolution of its own for every sample.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dim: int,
        *,
        size: int = 3,
        demodulate: bool = True,
    ) -> None:
        super().__init__()
        self.style = EqualLinear(dim, in_channels, bias=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, size, size))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.scale, self.padding = 1 / math.sqrt(in_channels * size * size), size // 2
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """(n, in_channels, h, w) and latents (n, dim) to (n, out_channels, h, w)."""
        style = self.style(w)
        weight = self.weight * self.scale
        out = functional.conv2d(x * style[:, :, None, None], weight, padding=self.padding)
        if self.demodulate:
            power = style.square() @ weight.square().sum((2, 3)).T
            out = out * torch.rsqrt(power + 1e-8)[:, :, None, None]
        return out + self.bias[:, None, None]


def twice(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, c, 2 h, 2 w), linear between pixels."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
