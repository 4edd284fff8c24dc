"""Small generators of every kind of operation, and Jacobians by autograd's own function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

D = 6


class Modulated(nn.Module):
    """A convolution whose weights the latent scales, with a grouped convolution, as StyleGAN2."""

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, 4, 4, 4))
        self.weight = nn.Parameter(torch.randn(3, 4, 3, 3))
        self.style = nn.Linear(D, 4)

    def forward(self, latent: Tensor) -> Tensor:
        n = len(latent)
        weight = self.weight[None] * self.style(latent)[:, None, :, None, None]
        weight = weight * weight.square().sum((2, 3, 4), keepdim=True).add(1e-8).rsqrt()
        grid = self.constant.expand(n, -1, -1, -1).reshape(1, n * 4, 4, 4)
        out = functional.conv2d(grid, weight.reshape(n * 3, 4, 3, 3), padding=1, groups=n)
        return functional.leaky_relu(out.reshape(n, 3, 4, 4), 0.2)


class Attending(nn.Module):
    """Attention between latent tokens by the fused kernel's front end."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(D, 3 * 16 * 8)
        self.out = nn.Linear(8, 2)

    def forward(self, latent: Tensor) -> Tensor:
        query, key, value = self.inner(latent).view(-1, 3, 1, 16, 8).unbind(1)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed[:, 0]).mT.unflatten(2, (4, 4))


def generators() -> dict[str, nn.Module]:
    """Five generators (n, 6) -> images, in float64 and eval mode."""
    torch.manual_seed(0)
    transposed = nn.Sequential(
        nn.Unflatten(1, (D, 1, 1)),
        nn.ConvTranspose2d(D, 8, 4),
        nn.Tanh(),
        nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1),
    )
    normed = nn.Sequential(
        nn.Linear(D, 48), nn.Unflatten(1, (3, 4, 4)), nn.BatchNorm2d(3), nn.GELU()
    )
    norm = normed[2]
    assert isinstance(norm, nn.BatchNorm2d)
    nn.init.normal_(norm.weight)
    norm.running_mean = torch.randn(3)
    norm.running_var = torch.rand(3) + 0.5
    interpolated = nn.Sequential(
        nn.Linear(D, 32),
        nn.Unflatten(1, (2, 4, 4)),
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        nn.Conv2d(2, 3, 3, padding=1),
        nn.SiLU(),
    )
    found = {
        "conv_transpose": transposed,
        "batch_norm": normed,
        "modulated": Modulated(),
        "interpolation": interpolated,
        "attention": Attending(),
    }
    return {name: net.double().eval() for name, net in found.items()}


def reference(net: Callable[[Tensor], Tensor], latent: Tensor) -> np.ndarray:
    """(channel, row, column, latent axes) by torch.autograd.functional.jacobian."""
    found = torch.autograd.functional.jacobian(lambda z: net(z[None])[0], latent)
    assert isinstance(found, Tensor)
    return found.detach().numpy()


def linear(matrix: np.ndarray, shape: tuple[int, int, int]) -> Callable[[Tensor], Tensor]:
    """The generator whose Jacobian is `matrix` (value, d) everywhere."""
    weight = torch.from_numpy(matrix)
    return lambda z: (z.double() @ weight.T).unflatten(1, shape)


class OldStyle(torch.autograd.Function):
    """A square with the older kind of autograd function, which has no forward mode."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


class OnceOnly(torch.autograd.Function):
    """The same, whose backward pass cannot be differentiated."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


def planted(d: int, rank: int, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A symmetric matrix of low rank and a symmetric sparse one, (d, d) each."""
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((d, rank))
    sparse = np.zeros((d, d))
    where = np.triu(rng.random((d, d)) < share / 2)
    sparse[where] = rng.standard_normal(where.sum())
    return factor @ factor.T / d, sparse + sparse.T
