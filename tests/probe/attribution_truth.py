"""Tasks whose attributions are known: linear scores, a product, a small convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from probe.attribution import AttributionTask

METHODS_OF_LINES = (
    "input_x_gradient",
    "integrated_gradients",
    "deep_lift",
    "feature_ablation",
    "shapley_sampling",
)


class Weighted(nn.Module):
    """sum(w x) for each of some targets: x (row, unit, feature), w (target, unit, feature)."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("ruf,tuf->rt", x, self.weight)


def linear_task(
    *, examples: int = 3, units: int = 5, features: int = 2, baseline: float = 0.0, seed: int = 0
) -> tuple[AttributionTask, Tensor]:
    """A linear task, and its exact attributions (target, example, unit) float64."""
    drawn = torch.Generator().manual_seed(seed)
    weight = torch.randn(2, units, features, generator=drawn)
    x = torch.randn(examples, units, features, generator=drawn)
    model = Weighted(weight)
    base = torch.full((1, units, features), baseline)
    task = AttributionTask(model, model, {"x": x}, {"x": base}, {"x": "token"}, ["up", "down"])
    exact = torch.einsum("euf,tuf->teu", (x - base).double(), weight.double())
    return task, exact


class Product(nn.Module):
    """x1 x2 + 2 x3 of (row, 3, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, 0] * x[:, 1] + 2 * x[:, 2]).reshape(-1, 1)


def product_task() -> AttributionTask:
    x = torch.tensor([[[3.0], [2.0], [1.0]], [[-1.0], [4.0], [0.5]]])
    model = Product()
    zero = torch.zeros(1, 3, 1)
    return AttributionTask(model, model, {"x": x}, {"x": zero}, {"x": "token"}, ["score"])


def pixel_net(seed: int = 0) -> nn.Sequential:
    """Two convolutions with ReLU and a linear layer: (row, 1, 8, 8) to 3 scores."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 3),
    )


def pixel_task(*, examples: int = 3, seed: int = 0) -> AttributionTask:
    net = pixel_net(seed)
    x = torch.rand(examples, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    zero = torch.zeros(1, 1, 8, 8)
    return AttributionTask(
        net,
        net,
        {"image": x},
        {"image": zero},
        {"image": "pixel"},
        list("abc"),
        ("0", "2"),
        patch=2,
    )


def only_attributions(**more):
    """Options that leave out what takes time."""
    return {"draws": 2, "sensitivity_draws": 0, "depths": 0, "n_boot": 2} | more
