"""What generators are trained by: an adversary with gradient penalty, or a bound on likelihood."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .._check import integer, number, refuse
from .generator_conv import ConvGenerator
from .generator_vae import ConvVae

DEVIATION = 0.1  # of a pixel in [-1, 1] about what a decoder draws


class ImageBatch(NamedTuple):
    """Real images (n, c, h, w) with labels (n,), noise (n, dim) to make others, and its number."""

    images: Tensor
    labels: Tensor
    noise: Tensor
    number: int = 1


@final
class Adversaries(nn.Module):
    """A generator, the discriminator it is trained against, and the average of its weights.

    Parameters
    ----------
    generator, discriminator
        Trained in place.
    half_life
        Updates after which an old weight counts half in the average; fewer at the beginning.
    """

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, *, half_life: float = 200.0
    ) -> None:
        super().__init__()
        number("half_life", half_life, low=1.0)
        self.generator, self.discriminator = generator, discriminator
        self.average = deepcopy(generator).requires_grad_(False)
        self.half_life = half_life
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average towards the weights of now."""
        self.updates += 1
        keep = 0.5 ** (1 / min(self.half_life, max(1.0, 0.1 * float(self.updates))))
        mine, theirs = self.average.state_dict(), self.generator.state_dict()
        for name, tensor in mine.items():
            if tensor.is_floating_point():
                tensor.lerp_(theirs[name], 1 - keep)
            else:
                tensor.copy_(theirs[name])


def adversarial_loss(*, penalty: float = 1.0, share: float = 0.25) -> Callable[..., Any]:
    """The loss of `Adversaries`: logistic, non-saturating, with the R1 penalty.

    Discriminator: softplus(D(fake)) + softplus(-D(real)) + penalty / 2 |grad D(real)|^2; generator:
    softplus(-D(fake)). Goodfellow et al. 2014 (arXiv:1406.2661); Mescheder et al. 2018
    (arXiv:1801.04406), equation 9.

    Parameters
    ----------
    penalty
        Weight of R1 (gamma).
    share
        Part of the real images that the penalty is measured on at every update: an unbiased
        estimate at that part of its cost.

    Returns
    -------
    Callable
        ``loss(adversaries, batch)`` for `train`: the discriminator's loss, with ``real`` and
        ``fake``, the mean scores, and ``penalty``. Its gradient is the discriminator's for the
        discriminator and the generator's for the generator.
    """
    number("penalty", penalty, low=0.0)
    if not 0 < number("share", share) <= 1:
        refuse("share", "be in (0, 1]", share)

    def loss(subject: Adversaries, batch: ImageBatch) -> tuple[Tensor, dict[str, Tensor]]:
        generator, labels = subject.generator, batch.labels
        noise = batch.noise
        fakes = generator(
            generator.join(noise, labels) if isinstance(generator, ConvGenerator) else noise
        )
        seen = fakes.detach().requires_grad_()
        fake = subject.discriminator(seen, labels)
        real = subject.discriminator(batch.images, labels)

        # One pass back through the discriminator serves both. At one image the slope of its own
        # loss by the score s is sigmoid(s), that of the generator's is -sigmoid(-s), and their
        # quotient is -exp(-s).
        def for_generator(slope: Tensor) -> None:
            quotient = -torch.exp(-fake.detach().clamp(-15, 15))
            fakes.backward(slope * quotient[:, None, None, None])

        seen.register_hook(for_generator)
        few = batch.images[: max(2, round(share * len(batch.images)))].detach().requires_grad_()
        score = subject.discriminator(few, labels[: len(few)])
        (slope,) = torch.autograd.grad(score.sum(), few, create_graph=True)
        steep = slope.square().sum((1, 2, 3)).mean()
        value = functional.softplus(fake).mean() + functional.softplus(-real).mean()
        value = value + penalty / 2 * steep
        metrics = {"real": real.mean(), "fake": fake.mean(), "penalty": steep}
        return value, {name: one.detach() for name, one in metrics.items()}

    return loss


def vae_loss(*, deviation: float = DEVIATION) -> Callable[..., Any]:
    """The loss of a `ConvVae`: the negative evidence bound for pixels with normal noise.

    Kingma and Welling 2014 (arXiv:1312.6114), equation 10, with -log p(x | z) of a normal
    distribution, its constant left out.

    Parameters
    ----------
    deviation
        Standard deviation of a pixel in [-1, 1] about what the decoder draws. The smaller, the
        sharper images are repeated, and the less the latents of images fill the normal
        distribution that samples are drawn from: these then show what is no image.

    Returns
    -------
    Callable
        ``loss(vae, batch)`` for `train`: in nat per pixel and channel; ``error``, the root mean
        squared error of [-1, 1] images, and ``divergence`` from the normal distribution in nat per
        image.
    """
    if not number("deviation", deviation) > 0:
        refuse("deviation", "be above 0", deviation)

    def loss(vae: ConvVae, batch: ImageBatch) -> tuple[Tensor, dict[str, Tensor]]:
        again, mean, log_variance = vae(batch.images, batch.noise)
        squared = functional.mse_loss(again, batch.images)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        value = 0.5 * squared / deviation**2 + divergence / batch.images[0].numel()
        return value, {"error": squared.detach().sqrt(), "divergence": divergence.detach()}

    return loss


def image_batches(
    images: Tensor, labels: Tensor | None, dim: int, *, batch_size: int, seed: int
) -> Iterator[ImageBatch]:
    """Batches without end, in a new random order each time round, with standard normal noise.

    Parameters
    ----------
    images
        (n, c, h, w) float in [-1, 1], or uint8 from 0 to 255, which takes a quarter of the memory.
    labels
        (n,) or None.
    dim
        Of the noise.
    batch_size, seed
        Images in a batch; of order and noise. Equal arguments give equal batches.

    Raises
    ------
    TypeError, ValueError
        If there are fewer images than a batch holds, or not one label for each.
    """
    integer("batch_size", batch_size, low=2, high=len(images))
    if labels is not None and len(labels) != len(images):
        refuse("labels", f"be one for each of {len(images)} images", len(labels))
    names = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    return _batches(images, names, dim, batch_size, seed)


def _batches(
    images: Tensor, labels: Tensor, dim: int, batch_size: int, seed: int
) -> Iterator[ImageBatch]:
    rng = np.random.default_rng([seed, 7])
    number = 0
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order) - batch_size + 1, batch_size):
            rows = torch.from_numpy(order[start : start + batch_size])
            some = images[rows]
            some = some.float() / 127.5 - 1 if some.dtype == torch.uint8 else some
            noise = rng.standard_normal((batch_size, dim)).astype(np.float32)
            number += 1
            yield ImageBatch(some, labels[rows], torch.from_numpy(noise), number)
