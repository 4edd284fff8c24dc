"""Small generators of faces and digits: made, trained once, then kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from .._check import integer, one_of
from .._provenance import data_hash
from .generator_conv import ConvGenerator
from .generator_losses import DEVIATION, Adversaries
from .generator_style import ImageDiscriminator, StyleGenerator
from .generator_training import Trainee, Watch, fit_generator, generator_of
from .generator_vae import ConvVae
from .kept_models import kept_path, load_trained, save_trained
from .tensor_files import weights_hash

SUBJECTS = ("faces", "digits")
FAMILIES = ("gan", "vae")
FACES = 20_000
_FORMAT = 1  # raised whenever training itself changes, so that older checkpoints are left alone
_AT_ONCE = 500
_WITNESSES = 64
_SETTLED = 6000  # images that a mixture of latents is fitted to


class Recipe(NamedTuple):
    """How long and how fast a generator learns."""

    steps: int
    batch_size: int
    learning_rate: float
    penalty: float


# Chosen so that each is done within 8 minutes of two cores.
RECIPES = {
    ("faces", "gan"): Recipe(6000, 16, 2.5e-3, 0.1),
    ("faces", "vae"): Recipe(3000, 32, 2e-3, 0.0),
    ("digits", "gan"): Recipe(3000, 32, 2e-3, 1.0),
    ("digits", "vae"): Recipe(3000, 32, 2e-3, 0.0),
}


class TrainedGenerator(NamedTuple):
    """A trained generator, its curves along ``step``, and the file that keeps both."""

    model: Any
    history: xr.Dataset
    path: Path


def generator_model(subject: str = "faces", *, family: str = "gan", seed: int = 0) -> Trainee:
    """A generator with random weights and all that it is trained with.

    Parameters
    ----------
    subject
        ``"faces"`` (32 pixels, colours) or ``"digits"`` (16 pixels, grey).
    family
        ``"gan"``: `StyleGenerator` for faces, `ConvGenerator` for digits, and a discriminator;
        ``"vae"``: `ConvVae`.
    seed
        Of the weights.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    one_of("subject", subject, SUBJECTS)
    one_of("family", family, FAMILIES)
    if family == "vae":
        if subject == "faces":
            return ConvVae(32, size=32, channels=3, width=24, seed=seed)
        return ConvVae(12, size=16, channels=1, width=24, seed=seed)
    if subject == "faces":
        return Adversaries(StyleGenerator(64, seed=seed), ImageDiscriminator(seed=seed))
    judge = ImageDiscriminator(size=16, channels=1, widths=(16, 32, 64), labels=10, seed=seed)
    return Adversaries(ConvGenerator(32, labels=10, size=16, seed=seed), judge)


def trained_generator(
    subject: str = "faces",
    *,
    family: str = "gan",
    steps: int | None = None,
    seed: int = 0,
    watch: Watch | None = None,
    folder: str | Path | None = None,
    progress: bool = True,
) -> TrainedGenerator:
    """A generator trained on rendered faces or scikit-learn's digits: once, then from the cache.

    The file is named by a hash of all that the outcome depends on: these arguments, the initial
    weights and the images. A training that was interrupted goes on where it stopped.

    Parameters
    ----------
    subject, family
        As of `generator_model`.
    steps
        Updates; None for those of RECIPES.
    seed
        Of weights, images and batches.
    watch
        ``watch(step, images)``, called with a sample sheet every 100 updates while it trains.
    folder
        Where checkpoints lie; None is ``models`` in the user's cache folder (see LOUPE_DATA).
    progress
        Whether bars are shown.

    Returns
    -------
    TrainedGenerator
        The generator in evaluation mode, its ``history`` and the ``path``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said, or the file is damaged.
    """
    trainee = generator_model(subject, family=family, seed=integer("seed", seed, low=0))
    recipe = RECIPES[subject, family]
    if steps is not None:
        recipe = recipe._replace(steps=integer("steps", steps, low=1))
    settings = {
        "subject": subject,
        "family": family,
        "seed": seed,
        "format": _FORMAT,
        **recipe._asdict(),
        "weights": weights_hash(trainee),
        "images": _witness(subject, seed),
    }
    if family == "vae":
        settings["deviation"] = DEVIATION
    path, text = kept_path(f"generator-{subject}-{family}", settings, folder)
    if not path.exists():
        running = path.with_suffix(".run.safetensors")
        images, labels = training_images(subject, seed=seed)
        started = time.perf_counter()
        history = fit_generator(
            trainee,
            images,
            labels,
            **recipe._asdict(),
            seed=seed,
            watch=watch,
            checkpoint=running,
            progress=progress,
        )
        if isinstance(trainee, ConvVae):
            trainee.settle(images[:_SETTLED].float() / 127.5 - 1, seed=seed)
        save_trained(path, generator_of(trainee), history, text, time.perf_counter() - started)
        running.unlink(missing_ok=True)
    # From the file in either case: what the first call gives is what every later one gives.
    model, history = load_trained(path, generator_of(trainee))
    return TrainedGenerator(model.requires_grad_(False), history, path)


def training_images(
    subject: str, *, n: int | None = None, seed: int = 0
) -> tuple[Tensor, Tensor | None]:
    """Images (n, c, h, w) uint8 from 0 to 255 and labels (n,) or None, that a generator learns.

    Parameters
    ----------
    subject
        ``"faces"``, of which there are FACES, or ``"digits"``.
    n
        Only the first so many; None for all.
    seed
        Of the faces.

    Raises
    ------
    TypeError, ValueError
        If there is no such subject, or `n` is no positive integer.
    """
    n = None if n is None else integer("n", n, low=1)
    one_of("subject", subject, SUBJECTS)
    if subject == "digits":
        from data.images import load_digits_images

        digits = load_digits_images(size=16)
        return _bytes(torch.tensor(digits.images[:n])), torch.tensor(digits.labels[:n])
    from data.faces import draw_faces, random_parameters

    drawn = torch.from_numpy(random_parameters(n or FACES, seed=seed)).float()
    with torch.no_grad():
        return torch.cat([_bytes(draw_faces(part)) for part in drawn.split(_AT_ONCE)]), None


def _witness(subject: str, seed: int) -> str:
    """A hash of the first images and the number of all: what stands for them in a file's name."""
    images, _ = training_images(subject, n=_WITNESSES, seed=seed)
    count = FACES if subject == "faces" else len(training_images(subject)[0])
    return data_hash([images.numpy(), np.array(count)])


def _bytes(images: Tensor) -> Tensor:
    return ((images + 1) * 127.5).round().clamp(0, 255).byte()
