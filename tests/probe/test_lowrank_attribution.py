"""Attribution of a region against closed forms: a linear generator, and completeness."""

import numpy as np
import pytest
import torch
from torch import Tensor

from probe.lowrank.attribution import region_attribution

REGION = [[1, 1], [0, 0]]


def curved(latent: Tensor) -> Tensor:
    weight = torch.tensor([[1.0, 2.0, 0.0, 1.0], [0.5, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 3.0]])
    return torch.tanh(latent @ weight.to(latent)).reshape(-1, 1, 2, 2)


def test_a_linear_generator_has_a_closed_form() -> None:
    torch.manual_seed(0)
    weight = torch.randn(3, 4, dtype=torch.float64)
    latent, start = torch.randn(2, 3, dtype=torch.float64)
    found = region_attribution(
        lambda z: (z @ weight).reshape(-1, 1, 2, 2), latent, REGION, baseline=start
    )
    inside = weight[:, :2]
    moved = latent - start
    # The integral of 2/n (J'J m t) dt over [0, 1], times the way m.
    expected = moved * (inside @ inside.T @ moved) / 2
    np.testing.assert_allclose(found.attribution, expected, rtol=1e-7)  # captum's points
    np.testing.assert_allclose(found.energy, inside.square().mean(1))
    np.testing.assert_allclose(found.difference, (moved @ inside).square().mean())
    np.testing.assert_allclose(found.energy_share.sum(), 1)
    np.testing.assert_allclose(np.abs(found.attribution_share).sum(), 1)


def test_attributions_add_up_better_with_more_steps() -> None:
    latent = torch.tensor([1.0, -0.5, 0.3], dtype=torch.float64)
    few, many = (region_attribution(curved, latent, REGION, steps=s) for s in (4, 64))
    assert abs(float(many.residual)) < 1e-6
    assert abs(float(many.residual)) < abs(float(few.residual))
    total = float(many.difference) * (1 - float(many.residual))
    assert float(many.attribution.sum()) == pytest.approx(total)


def test_layers_are_kept_apart() -> None:
    def layered(latent: Tensor) -> Tensor:
        return curved(latent[:, 0])  # the second layer does nothing

    latent = torch.tensor([[1.0, -0.5, 0.3], [2.0, 2.0, 2.0]], dtype=torch.float64)
    found = region_attribution(layered, latent, REGION)
    assert found.energy.dims == ("layer", "feature")
    assert not found.energy[1].any()
    assert not found.attribution[1].any()
    one = region_attribution(curved, latent[0], REGION)
    np.testing.assert_allclose(found.attribution[0], one.attribution)


def test_what_cannot_be_is_refused() -> None:
    latent = torch.tensor([1.0, -0.5, 0.3])
    with pytest.raises(ValueError, match=r"`steps` must be at least 2; got 1"):
        region_attribution(curved, latent, REGION, steps=1)
    with pytest.raises(ValueError, match=r"`baseline` must be finite and of the latent's shape"):
        region_attribution(curved, latent, REGION, baseline=torch.zeros(2))
    with pytest.raises(ValueError, match=r"`baseline` must give the region another look; got the"):
        region_attribution(curved, latent, REGION, baseline=latent)
