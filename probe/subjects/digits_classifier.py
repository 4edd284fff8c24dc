"""A convolutional network that reads handwritten digits, trained in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from data.images import load_digits_images

from .._check import integer, refuse
from .._provenance import data_hash
from .kept_models import kept_path
from .tensor_files import load_tensors, save_tensors, weights_hash
from .training import fit

STEPS = 300
BATCH_SIZE = 64
_TEST = 360  # pictures that no training sees
_FORMAT = 1  # raised whenever training itself changes, so that older files are left alone


@final
class DigitsClassifier(nn.Module):
    """Ten log-odds from pictures of digits: two convolutions, then a linear layer over places.

    Every step is a module of its own, so that each can be asked for as a layer.

    Parameters
    ----------
    width
        Channels of the first convolution; the second has twice as many.
    seed
        Of the initial weights; torch's global random state is left as it was.

    Examples
    --------
    >>> DigitsClassifier(width=4)(torch.zeros(2, 1, 16, 16)).shape
    torch.Size([2, 10])
    """

    def __init__(self, *, width: int = 12, seed: int = 0) -> None:
        super().__init__()
        integer("width", width, low=1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer("seed", seed, low=0))
            self.first = nn.Conv2d(1, width, 3, stride=2, padding=1)
            self.first_relu = nn.ReLU()
            self.second = nn.Conv2d(width, 2 * width, 3, padding=1)
            self.second_relu = nn.ReLU()
            self.flatten = nn.Flatten()
            self.last = nn.Linear(2 * width * 64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Log-odds (n, 10) of images (n, 1, 16, 16) in [-1, 1].

        Raises
        ------
        ValueError
            If the shape is not as said.
        """
        if images.ndim != 4 or tuple(images.shape[1:]) != (1, 16, 16):
            refuse("images", "have shape (n, 1, 16, 16)", tuple(images.shape))
        states = self.first_relu(self.first(images))
        return self.last(self.flatten(self.second_relu(self.second(states))))


class TrainedDigits(NamedTuple):
    """The model, held-out pictures (n, 1, 16, 16) with labels (n,), and the share read rightly."""

    model: DigitsClassifier
    images: Tensor
    labels: np.ndarray
    accuracy: float
    path: Path


def trained_digits(
    *,
    steps: int = STEPS,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool = True,
) -> TrainedDigits:
    """A classifier of scikit-learn's digits, trained once and then read from the cache.

    Parameters
    ----------
    steps
        Updates, of 64 pictures each.
    seed
        Of weights, batches and of which pictures are held out.
    folder
        Where the file lies; None is ``models`` in the user's cache folder (see LOUPE_DATA).
    progress
        Whether a bar is shown.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said, or the file is damaged.
    """
    integer("steps", steps, low=1)
    model = DigitsClassifier(seed=seed)
    digits = load_digits_images()
    images = torch.tensor(digits.images, dtype=torch.float32)
    labels = np.asarray(digits.labels)
    order = np.random.default_rng([seed, 5]).permutation(len(images))
    test, rest = order[:_TEST], order[_TEST:]
    settings = {
        "format": _FORMAT,
        "steps": steps,
        "batch_size": BATCH_SIZE,
        "seed": seed,
        "weights": weights_hash(model),
        "images": data_hash([images.numpy()]),
    }
    path, text = kept_path("digits-classifier", settings, folder)
    if not path.exists():
        fit(
            model,
            _batches(images[rest], torch.from_numpy(labels[rest]), seed),
            _cross_entropy,
            torch.optim.AdamW(model.parameters(), lr=3e-3),
            steps=steps,
            progress=progress,
        )
        save_tensors(path, model.state_dict(), {"settings": text})
    tensors, _ = load_tensors(path)
    model.load_state_dict(tensors)
    model.eval()
    with torch.no_grad():
        right = model(images[test]).argmax(1).numpy() == labels[test]
    return TrainedDigits(model, images[test], labels[test], float(right.mean()), path)


def _cross_entropy(model: DigitsClassifier, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.cross_entropy(model(batch[0]), batch[1])


def _batches(images: Tensor, labels: Tensor, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    rng = np.random.default_rng([seed, 3])
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE):
            rows = torch.from_numpy(order[start : start + BATCH_SIZE])
            yield images[rows], labels[rows]
