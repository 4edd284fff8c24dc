"""Strangers' modules as generators, and the ones that are refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from probe.subjects.generator import Generator, adapt_generator


class Decoded(NamedTuple):
    """What some libraries give in place of a tensor."""

    sample: Tensor


class Decoder(nn.Module):
    """A spatial latent to an image in a wrapper, with an option."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(4, 3, 4, 2, 1)

    def forward(self, latent: Tensor, gain: float = 1.0) -> Decoded:
        return Decoded(gain * self.up(latent))


class Noisy(nn.Module):
    """Adds noise of its own at every call."""

    def forward(self, latent: Tensor) -> Tensor:
        image = latent.view(-1, 1, 2, 2)
        return image + torch.randn_like(image)


class Fails(nn.Module):
    """Gives whatever it was made with."""

    def __init__(self, gives: Any) -> None:
        super().__init__()
        self.gives = gives

    def forward(self, latent: Tensor) -> Any:
        return self.gives


def dcgan() -> nn.Sequential:
    """Batch norm, dropout and a latent with three axes."""
    return nn.Sequential(
        nn.ConvTranspose2d(5, 4, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Conv2d(4, 1, 1)
    )


def test_a_module_is_put_into_evaluation_mode_and_its_latent_flattened() -> None:
    module = dcgan()
    generator = adapt_generator(module, (5, 1, 1))
    assert isinstance(generator, Generator)
    assert not module.training
    assert generator.dim == 5
    latents = generator.sample(3)
    images = generator.synthesize(latents)
    torch.testing.assert_close(images, module(latents.view(3, 5, 1, 1)))
    torch.testing.assert_close(generator.synthesize(latents[2]), images[2:])
    assert repr(generator) == "AdaptedGenerator('Sequential', latent (5, 1, 1))"


def test_what_is_no_tensor_is_taken_out_and_options_are_passed() -> None:
    module = Decoder()
    generator = adapt_generator(
        module, (4, 2, 2), image_of=lambda out: out.sample, options={"gain": 2.0}, name="decoder"
    )
    latents = generator.sample(2)
    assert generator.dim == 16
    assert generator.name == "decoder"
    wanted = 2 * module.up(latents.view(2, 4, 2, 2))
    torch.testing.assert_close(generator.synthesize(latents), wanted)
    with pytest.raises(
        TypeError, match=r"must give a tensor of images; got Decoded\. Give `image_of`"
    ):
        adapt_generator(module, (4, 2, 2))


def test_noise_is_the_same_at_each_call_and_what_is_drawn_after_is_not_touched() -> None:
    generator = adapt_generator(Noisy(), 4, noise_seed=3)
    latent = generator.sample(1)
    torch.manual_seed(1)
    first = generator.synthesize(latent)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after)
    assert torch.equal(generator.synthesize(latent), first)
    with pytest.raises(ValueError, match=r"must give the same images .* Give `noise_seed`"):
        adapt_generator(Noisy(), 4)


def test_a_module_of_double_precision_gets_such_latents() -> None:
    generator = adapt_generator(dcgan().double(), (5, 1, 1))
    assert generator.sample(1).dtype == torch.float64


def test_latents_of_an_own_distribution() -> None:
    generator = adapt_generator(
        dcgan(), (5, 1, 1), draw=lambda n, seed: torch.full((n, 5, 1, 1), float(seed))
    )
    assert torch.equal(generator.sample(2, 7), torch.full((2, 5), 7.0))
    with pytest.raises(ValueError, match=r"`draw` must give \(2, 5\) numbers"):
        adapt_generator(dcgan(), (5, 1, 1), draw=lambda n, seed: torch.zeros(n, 4))


def test_derivatives_pass_through() -> None:
    generator = adapt_generator(dcgan().double(), (5, 1, 1))
    latent = generator.sample(1)[0]
    forward = torch.func.jacfwd(lambda z: generator.synthesize(z).flatten())(latent)
    reverse = torch.func.jacrev(lambda z: generator.synthesize(z).flatten())(latent)
    torch.testing.assert_close(forward, reverse)
    assert forward.abs().sum() > 0


def test_training_mode_is_refused_when_it_comes_back() -> None:
    module = dcgan()
    generator = adapt_generator(module, (5, 1, 1))
    latent = generator.sample(1)
    module[1].train()
    with pytest.raises(RuntimeError, match="evaluation mode; batch normalisation at '1' is in"):
        generator.synthesize(latent)
    module.eval()
    module[3].train()
    with pytest.raises(RuntimeError, match="Dropout at '3' is in training mode"):
        generator.synthesize(latent)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: adapt_generator(len, 4), TypeError, "`module` must be a torch.nn.Module; got"),  # type: ignore[arg-type]
        (lambda: adapt_generator(dcgan(), ()), ValueError, "`latent_shape` must be at least 1"),
        (lambda: adapt_generator(dcgan(), (5, 0)), ValueError, "`latent_shape` must be at least 1"),
        (lambda: adapt_generator(Noisy(), 4, noise_seed=-1), ValueError, "`noise_seed` must be at"),
        (
            lambda: adapt_generator(
                nn.Sequential(
                    nn.Unflatten(1, (1, 2, 2)), nn.BatchNorm2d(1, track_running_stats=False)
                ),
                4,
            ),
            ValueError,
            "running statistics in every batch norm; got none in '1'",
        ),
        (
            lambda: adapt_generator(Fails(torch.zeros(2, 3)), 4),
            ValueError,
            r"give images \(2, channel, height, width\); got shape \(2, 3\)",
        ),
        (
            lambda: adapt_generator(Fails(torch.full((2, 1, 1, 2), torch.nan)), 4),
            ValueError,
            "give finite images; got 4 NaN or infinite values",
        ),
        (
            lambda: adapt_generator(Noisy(), 4, noise_seed=0).synthesize(torch.zeros(2, 2, 4)),
            ValueError,
            r"`latent` must have axes \(n, 4\) or \(4,\); got shape \(2, 2, 4\)",
        ),
    ],
)
def test_what_is_no_generator_is_refused(call, error, text: str) -> None:
    with pytest.raises(error, match=text):
        call()
