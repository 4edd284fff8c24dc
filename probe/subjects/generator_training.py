"""Training of the small generators, with pictures of what they draw while they learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from .._check import integer, number, refuse_type
from .generator_losses import Adversaries, ImageBatch, adversarial_loss, image_batches, vae_loss
from .generator_vae import ConvVae
from .training import Step, fit, gradient_step, train

Trainee = Adversaries | ConvVae
Watch = Callable[[int, Tensor], object]
SHOWN = 32  # pictures of a sample sheet


def generator_of(trainee: Trainee) -> Any:
    """What is looked at: the average of an adversary's weights, or the autoencoder itself."""
    if isinstance(trainee, Adversaries):
        return trainee.average
    if isinstance(trainee, ConvVae):
        return trainee
    refuse_type("trainee", "be Adversaries or a ConvVae", trainee)


@torch.no_grad()
def sample_sheet(trainee: Trainee, n: int = SHOWN, *, seed: int = 0) -> Tensor:
    """Images (n, c, h, w) of the same latents at every call, whatever the training has drawn.

    Parameters
    ----------
    trainee
        In training or not: its mode and torch's random state are left as they were.
    n, seed
        As of the generator's `sample`.

    Raises
    ------
    TypeError, ValueError
        If `trainee` is of another kind, or as `sample` says.

    Examples
    --------
    >>> sample_sheet(ConvVae(dim=4, size=8, width=4), 3).shape
    torch.Size([3, 3, 8, 8])
    """
    generator = generator_of(trainee)
    before = generator.training
    generator.eval()
    try:
        return generator.synthesize(generator.sample(n, seed))
    finally:
        generator.train(before)


def generator_training(
    trainee: Trainee,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    steps: int,
    batch_size: int = 16,
    learning_rate: float = 2e-3,
    penalty: float = 1.0,
    seed: int = 0,
) -> Iterator[Step]:
    """Train a generator, one update at each turn of the caller's loop.

    The caller may look at it between two updates: `sample_sheet(trainee)` draws the same latents
    each time.

    Parameters
    ----------
    trainee
        `Adversaries` or a `ConvVae`, trained in place.
    images, labels
        As of `image_batches`.
    steps, batch_size, learning_rate
        Updates; images in each; Adam's rate, constant but for a linear fall to a twentieth over
        the last quarter.
    penalty
        Weight of R1; only for `Adversaries`.
    seed
        Of the order of images and of all noise.

    Yields
    ------
    Step
        After each update, with the metrics of `adversarial_loss` or `vae_loss`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    Examples
    --------
    >>> images = torch.zeros(8, 1, 8, 8)
    >>> vae = ConvVae(dim=4, size=8, channels=1, width=4)
    >>> [step.step for step in generator_training(vae, images, steps=2, batch_size=4)]
    [1, 2]
    """
    batches, loss, optimizer, schedule = _parts(
        trainee, images, labels, steps, batch_size, learning_rate, penalty, seed
    )
    return train(
        trainee,
        batches,
        loss,
        optimizer,
        steps=steps,
        scheduler=schedule,
        train_step=_watched(None, 1),
    )


def fit_generator(
    trainee: Trainee,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    steps: int,
    batch_size: int = 16,
    learning_rate: float = 2e-3,
    penalty: float = 1.0,
    seed: int = 0,
    watch: Watch | None = None,
    checkpoint: str | Path | None = None,
    every: int = 100,
    progress: bool = True,
) -> xr.Dataset:
    """The whole of `generator_training` with a progress bar; with a checkpoint it can be resumed.

    Parameters
    ----------
    trainee, images, labels, steps, batch_size, learning_rate, penalty, seed
        As of `generator_training`.
    watch
        ``watch(step, images)``, called every `every` updates with a `sample_sheet`.
    checkpoint, every, progress
        As of `probe.subjects.training.fit`.

    Returns
    -------
    xr.Dataset
        As of `fit`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.
    """
    integer("every", every, low=1)
    batches, loss, optimizer, schedule = _parts(
        trainee, images, labels, steps, batch_size, learning_rate, penalty, seed
    )
    return fit(
        trainee,
        batches,
        loss,
        optimizer,
        steps=steps,
        scheduler=schedule,
        train_step=_watched(watch, every),
        checkpoint=checkpoint,
        every=every,
        progress=progress,
    )


def _watched(watch: Watch | None, every: int) -> Any:
    def step(trainee: Any, batch: ImageBatch, loss: Any, optimizer: Any) -> Any:
        done = gradient_step(trainee, batch, loss, optimizer)
        if isinstance(trainee, Adversaries):
            trainee.follow()
        if watch is not None and batch.number % every == 0:
            watch(batch.number, sample_sheet(trainee))
        return done

    return step


def _parts(
    trainee: Trainee,
    images: Tensor,
    labels: Tensor | None,
    steps: int,
    batch_size: int,
    learning_rate: float,
    penalty: float,
    seed: int,
) -> tuple[Iterator[ImageBatch], Any, torch.optim.Optimizer, Any]:
    integer("steps", steps, low=1)
    number("learning_rate", learning_rate, low=0.0)
    generator = generator_of(trainee)
    # A conditional generator's latent is its noise and the label.
    dim = getattr(generator, "noise", generator.dim)
    batches = image_batches(images, labels, dim, batch_size=batch_size, seed=seed)
    adversarial = isinstance(trainee, Adversaries)
    learned: list[nn.Parameter] = [p for p in trainee.parameters() if p.requires_grad]
    # Momentum makes two adversaries turn around each other.
    betas = (0.0, 0.99) if adversarial else (0.9, 0.99)
    optimizer = torch.optim.Adam(learned, lr=learning_rate, betas=betas)

    def share(done: int) -> float:
        return float(np.interp(done / steps, (0.75, 1.0), (1.0, 0.05)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    return (
        batches,
        adversarial_loss(penalty=penalty) if adversarial else vae_loss(),
        optimizer,
        schedule,
    )
