"""The decoder of diffusers' own AutoencoderKL, built from a tiny random config."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.lowrank import jacobian, region_directions
from probe.subjects.latent_decoders import AutoencoderDecoder

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.slow  # importing diffusers takes many seconds


@pytest.fixture(scope="module")
def decoder() -> AutoencoderDecoder:
    torch.manual_seed(0)
    module = diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16),
        latent_channels=4,
        norm_num_groups=4,
        sample_size=8,
    )
    return AutoencoderDecoder(module.eval().double(), rows=4, columns=4)


def test_a_flat_latent_is_decoded_as_the_module_does(decoder: AutoencoderDecoder) -> None:
    latent = decoder.sample(2, seed=1)
    spatial = latent.reshape(2, 4, 4, 4)
    with torch.no_grad():
        wanted = decoder.module.decode(spatial).sample
        torch.testing.assert_close(decoder.synthesize(latent), wanted)
    assert decoder.dim == 64
    assert wanted.shape == (2, 3, 8, 8)


def test_its_jacobian_is_autograds_through_norms_and_attention(decoder: AutoencoderDecoder) -> None:
    latent = decoder.sample(1, seed=2)[0]
    found = jacobian(decoder.synthesize, latent).jacobian.values
    full = torch.autograd.functional.jacobian(lambda z: decoder.synthesize(z)[0], latent)
    np.testing.assert_allclose(
        found.reshape(-1, 64), full.reshape(-1, 64).numpy(), rtol=1e-5, atol=1e-8
    )


def test_directions_of_a_region_change_it_more_than_the_rest(decoder: AutoencoderDecoder) -> None:
    region = np.zeros((8, 8), bool)
    region[:3, :3] = True
    found = region_directions(decoder.synthesize, decoder.sample(1, seed=3)[0], region)
    assert np.isfinite(found.directions.values).all()
    first = found.isel(direction=0)
    inside, outside = float(first.gain_inside), float(first.gain_outside)
    assert inside > outside
