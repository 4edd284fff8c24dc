"""Reads the parameters of a schematic face off its picture: which attribute did an edit change?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from data.faces import FACE_PARAMETERS, draw_faces, random_parameters

from .._check import finite, integer, refuse
from .._provenance import data_hash, provenance
from .generator_style import checked_size
from .kept_models import kept_path
from .tensor_files import load_tensors, save_tensors, weights_hash
from .training import fit

STEPS = 3000
BATCH_SIZE = 32
_FACES = 20_000
_HELD_OUT_SEED = 3_000_017  # training faces have small seeds
_FORMAT = 1  # raised whenever training itself changes, so that older files are left alone


@final
class FaceRegressor(nn.Module):
    """Parameters of faces from pictures, by a small convolutional network.

    Parameters
    ----------
    size
        Height and width of a picture in pixels: a power of two, at least 8.
    width
        Channels inside at half of the size; twice as many at each size below, up to four times.
    seed
        Of the initial weights; torch's global random state is left as it was.

    Raises
    ------
    TypeError, ValueError
        If a number is not as said.

    Examples
    --------
    >>> FaceRegressor(32, width=4)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 20])
    """

    def __init__(self, size: int = 32, *, width: int = 24, seed: int = 0) -> None:
        super().__init__()
        self.size = checked_size(size)
        widths = [integer("width", width, low=1) * 2 ** min(i, 2) for i in range(size.bit_length())]
        widths = widths[: size.bit_length() - 3]  # down to 4 pixels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer("seed", seed))
            layers: list[nn.Module] = []
            for before, after in zip([3, *widths], widths, strict=False):
                layers += [nn.Conv2d(before, after, 4, 2, 1), nn.SiLU()]
            # Where something is matters here: nothing is pooled.
            layers += [nn.Flatten(), nn.Linear(widths[-1] * 16, 192), nn.SiLU()]
            self.network = nn.Sequential(*layers, nn.Linear(192, len(FACE_PARAMETERS)))

    @property
    def names(self) -> tuple[str, ...]:
        """What each output is called."""
        return tuple(FACE_PARAMETERS)

    def forward(self, images: Tensor) -> Tensor:
        """Parameters (n, parameter), about [0, 1], of images (n, 3, size, size) in [-1, 1].

        Raises
        ------
        ValueError
            If the shape is not as said.
        """
        if images.ndim != 4 or images.shape[1:] != (3, self.size, self.size):
            axes = f"have axes (n, 3, {self.size}, {self.size})"
            refuse("images", axes, f"shape {tuple(images.shape)}")
        return self.network(images) + 0.5


class TrainedRegressor(NamedTuple):
    """A trained regressor, R2 of each parameter on faces it has not seen, and its file."""

    model: FaceRegressor
    scores: xr.Dataset
    path: Path


def trained_face_regressor(
    size: int = 32,
    *,
    steps: int = STEPS,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool = True,
) -> TrainedRegressor:
    """A regressor trained on rendered faces, some blurred and noisy: once, then from the cache.

    Parameters
    ----------
    size
        Of the pictures, in pixels.
    steps
        Updates.
    seed
        Of weights, faces and batches.
    folder
        Where the file lies; None is ``models`` in the user's cache folder (see LOUPE_DATA).
    progress
        Whether a bar is shown.

    Returns
    -------
    TrainedRegressor
        The model in evaluation mode and `regressor_scores` of it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said, or the file is damaged.
    """
    model = FaceRegressor(size, seed=integer("seed", seed, low=0))
    drawn = torch.from_numpy(random_parameters(_FACES, seed=seed)).float()
    with torch.no_grad():
        witness = draw_faces(drawn[:64], size).numpy()
    settings = {
        "format": _FORMAT,
        "size": size,
        "steps": integer("steps", steps, low=1),
        "batch_size": BATCH_SIZE,
        "seed": seed,
        "weights": weights_hash(model),
        "images": data_hash([witness]),
    }
    path, text = kept_path("face-regressor", settings, folder)
    if not path.exists():
        running = path.with_suffix(".run.safetensors")
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
        fit(
            model,
            _batches(drawn, size, seed),
            _squared_error,
            optimizer,
            steps=steps,
            scheduler=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps),
            checkpoint=running,
            progress=progress,
        )
        save_tensors(path, model.state_dict(), {"settings": text})
        running.unlink(missing_ok=True)
    tensors, _ = load_tensors(path)
    model.load_state_dict(tensors)
    model.eval().requires_grad_(False)
    return TrainedRegressor(model, regressor_scores(model), path)


@torch.no_grad()
def regressor_scores(model: FaceRegressor, *, n: int = 1000) -> xr.Dataset:
    """How well a regressor reads faces that it has not seen.

    Parameters
    ----------
    model
        The regressor.
    n
        Faces to read.

    Returns
    -------
    xr.Dataset
        ``r2 (parameter)``: 1 less the mean squared error over the variance; 1 is perfect, 0 no
        better than the mean. ``attribute (parameter)``: the region it belongs to.

    Raises
    ------
    TypeError, ValueError
        If `n` is no integer of at least 2.
    """
    integer("n", n, low=2)
    true = random_parameters(n, seed=_HELD_OUT_SEED)
    found = read_parameters(model, draw_faces(torch.from_numpy(true).float(), model.size))
    r2 = 1 - ((found - true) ** 2).mean(0) / true.var(0)
    words = {"long_name": "R2 on faces not seen", "units": "1"}
    return xr.Dataset(
        {
            "r2": ("parameter", r2, words),
            "attribute": ("parameter", list(FACE_PARAMETERS.values())),
        },
        {"parameter": list(FACE_PARAMETERS)},
        provenance("subjects.face_regressor", parameters={"n": n}, seed=_HELD_OUT_SEED),
    )


@torch.no_grad()
def read_parameters(model: FaceRegressor, images: Tensor) -> np.ndarray:
    """The parameters (n, parameter) float64 of images (n, 3, size, size), within [0, 1].

    Raises
    ------
    ValueError
        If an image is of another size or not finite.
    """
    finite("images", images.numpy())
    parts = [model(part) for part in images.float().split(500)]
    return torch.cat(parts).double().clamp(0, 1).numpy()


def _squared_error(
    model: FaceRegressor, batch: tuple[Tensor, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    images, true = batch
    error = functional.mse_loss(model(images), true)
    return error, {"r2": 1 - error.detach() * 12}  # 1 / 12 is the variance of what is uniform


def _batches(drawn: Tensor, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Faces and parameters without end; half of a batch is less sharp, and all of it is noisy.

    A trained generator's pictures are so, and a regressor that knows sharp ones only would read
    their flaws as attributes.
    """
    with torch.no_grad():
        faces = torch.cat([draw_faces(part, size).half() for part in drawn.split(500)])
    rng = np.random.default_rng([seed, 11])
    while True:
        order = rng.permutation(len(faces))
        for start in range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE):
            rows = torch.from_numpy(order[start : start + BATCH_SIZE])
            some = faces[rows].float()
            half = BATCH_SIZE // 2
            padded = functional.pad(some[:half], (1, 1, 1, 1), mode="replicate")
            share = torch.from_numpy(rng.random((half, 1, 1, 1)).astype(np.float32))
            soft = share * functional.avg_pool2d(padded, 3, 1) + (1 - share) * some[:half]
            noise = 0.03 * rng.standard_normal(tuple(some.shape)).astype(np.float32)
            yield torch.cat([soft, some[half:]]) + torch.from_numpy(noise), drawn[rows]
