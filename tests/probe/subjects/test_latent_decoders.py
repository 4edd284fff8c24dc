"""Decoders of other libraries as generators: shapes, gradients, and what they refuse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from probe.lowrank import jacobian, region_directions
from probe.subjects.generator_protocol import Generator
from probe.subjects.latent_decoders import AutoencoderDecoder, LayeredDecoder


class Decoded(NamedTuple):
    sample: Tensor


class StandIn(nn.Module):
    """The interface of diffusers' AutoencoderKL: config, decode, switches, attention inside."""

    def __init__(self, channels: int = 2) -> None:
        super().__init__()
        self.config = SimpleNamespace(latent_channels=channels, scaling_factor=0.18215)
        self.use_tiling = self.use_slicing = False
        self.post_quant_conv = nn.Conv2d(channels, channels, 1)
        self.norm = nn.GroupNorm(2, 4)
        self.wide = nn.Conv2d(channels, 4, 3, padding=1)
        self.narrow = nn.Conv2d(4, 3, 3, padding=1)

    def decode(self, z: Tensor, return_dict: bool = True):
        hidden = self.norm(self.wide(self.post_quant_conv(z)))
        tokens = hidden.flatten(2).mT[:, None]
        mixed = nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)
        hidden = hidden + mixed[:, 0].mT.unflatten(2, hidden.shape[2:])
        out = self.narrow(nn.functional.interpolate(nn.functional.silu(hidden), scale_factor=2.0))
        return Decoded(out) if return_dict else (out,)


def stand_in() -> StandIn:
    torch.manual_seed(0)
    return StandIn().double().eval()


def synthesis() -> nn.Module:
    """A network of three layers' latents, each of which draws one row of the picture."""
    torch.manual_seed(0)

    class Synthesis(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = nn.ModuleList(nn.Linear(2, 4) for _ in range(3))

        def forward(self, ws: Tensor) -> Tensor:
            drawn = [row(ws[:, i]) for i, row in enumerate(self.rows)]
            return torch.stack(drawn, dim=1)[:, None]

    return Synthesis().double().eval()


def test_an_autoencoders_decoder() -> None:
    vae = stand_in()
    decoder = AutoencoderDecoder(vae, rows=2, columns=3)
    assert isinstance(decoder, Generator)
    assert decoder.dim == 12
    latents = decoder.sample(2, seed=1)
    assert latents.dtype == torch.float64
    torch.testing.assert_close(
        decoder.synthesize(latents), vae.decode(latents.reshape(2, 2, 2, 3)).sample
    )
    truth = torch.autograd.functional.jacobian(lambda z: decoder.synthesize(z)[0], latents[0])
    found = jacobian(decoder, latents[0], method="forward")
    np.testing.assert_allclose(found.jacobian, truth, rtol=1e-9, atol=1e-12)
    mask = np.zeros((4, 6), bool)
    mask[:2, :2] = True
    assert region_directions(decoder, latents, mask, rank=1).directions.shape == (1, 12)


def test_single_precision_latents_take_the_adapters_type() -> None:
    decoder = AutoencoderDecoder(stand_in(), rows=2, columns=2)
    assert jacobian(decoder, np.zeros(8, np.float32)).jacobian.dtype == np.float64


def test_layers_that_are_not_chosen_keep_the_base() -> None:
    net = synthesis()
    base = torch.arange(6.0, dtype=torch.float64).reshape(3, 2)
    decoder = LayeredDecoder(net, base, chosen=[2, 0])
    torch.testing.assert_close(decoder.start, base[[2, 0]])
    torch.testing.assert_close(decoder.synthesize(decoder.start), net(base[None]))
    found = jacobian(decoder, decoder.start, method="forward")
    assert found.jacobian.dims == ("channel", "row", "column", "layer", "feature")
    moved = abs(found.jacobian).sum(("channel", "column", "feature")).values > 0
    # Row 2 of the picture answers to the first chosen layer, row 0 to the second, row 1 to none.
    assert moved.tolist() == [[False, True], [False, False], [True, False]]
    mask = np.zeros((3, 4), bool)
    mask[2] = True
    edit = region_directions(decoder, decoder.start[None], mask, rank=2)
    assert edit.directions.shape == (2, 2, 2)
    np.testing.assert_allclose(edit.directions.sel(layer=1), 0, atol=1e-9)


def test_one_latent_for_all_layers() -> None:
    decoder = LayeredDecoder(synthesis(), torch.zeros(2), layers=3)
    w = torch.ones(4, 2, dtype=torch.float64)
    assert decoder.broadcast(w).shape == (4, 3, 2)
    assert decoder.broadcast(w[0]).shape == (3, 2)
    assert decoder.sample(5).shape == (5, 3, 2)
    torch.testing.assert_close(
        decoder.synthesize(decoder.broadcast(w)), decoder.module(w[:, None].expand(-1, 3, -1))
    )


def tiled() -> StandIn:
    vae = stand_in()
    vae.use_tiling = True
    return vae


@pytest.mark.parametrize(
    ("make", "error", "wording"),
    [
        (
            lambda: LayeredDecoder("net", torch.zeros(3, 2)),  # type: ignore[arg-type]
            TypeError,
            "`module` must be a torch module; got str",
        ),
        (
            lambda: AutoencoderDecoder(nn.Linear(2, 2).eval(), rows=2, columns=2),
            TypeError,
            "`module` must have a method `decode`, as diffusers' AutoencoderKL; got Linear",
        ),
        (
            lambda: AutoencoderDecoder(tiled(), rows=2, columns=2),
            ValueError,
            "`module` must decode in one piece; got tiling or slicing. Call disable_tiling",
        ),
        (
            lambda: AutoencoderDecoder(stand_in().train(), rows=2, columns=2),
            ValueError,
            "`module` must be in eval mode",
        ),
        (
            lambda: AutoencoderDecoder(stand_in(), rows=0, columns=2),
            ValueError,
            "`rows` must be at least 1",
        ),
        (lambda: LayeredDecoder(synthesis(), torch.zeros(2)), ValueError, "`layers` must be given"),
        (
            lambda: LayeredDecoder(synthesis(), torch.zeros(3, 2, 1)),
            ValueError,
            r"`base` must be floating-point \(layers, d\) or \(d,\)",
        ),
        (
            lambda: LayeredDecoder(synthesis(), torch.zeros(3, 2), chosen=[]),
            ValueError,
            "`chosen` must name at least one layer, none twice",
        ),
        (
            lambda: LayeredDecoder(synthesis(), torch.zeros(3, 2), chosen=[3]),
            ValueError,
            "`chosen` must be between 0 and 2",
        ),
        (
            lambda: LayeredDecoder(synthesis(), torch.zeros(3, 2)).synthesize(torch.zeros(1, 2, 2)),
            ValueError,
            r"`latent` must have axes \(n, 3 layers, 2\)",
        ),
        (
            lambda: AutoencoderDecoder(stand_in(), rows=1, columns=1).synthesize(torch.zeros(1, 3)),
            ValueError,
            r"`latent` must have axes \(n, 2\) or \(2,\); got shape \(1, 3\)",
        ),
    ],
)
def test_what_is_refused(make, error, wording) -> None:
    with pytest.raises(error, match=wording):
        make()


def test_a_config_without_channels_is_refused() -> None:
    vae = stand_in()
    vae.config = SimpleNamespace()
    with pytest.raises(TypeError, match=r"`module` must have config.latent_channels"):
        AutoencoderDecoder(vae, rows=2, columns=2)
