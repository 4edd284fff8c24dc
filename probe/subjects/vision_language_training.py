"""Training of a small vision-and-language model on grounded pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import nn

from .._check import integer, number
from .pair_tensors import PairTensors
from .scene_batches import pair_batches
from .training import Loss, Step, fit, gradient_step, train
from .vision_language_losses import pair_loss
from .vision_language_model import VisionLanguageModel

STEPS = 2500
BATCH_SIZE = 32
LEARNING_RATE = 1e-3
HARD = 0.1
Optimizing = Callable[[nn.Module, float], torch.optim.Optimizer]


def adamw(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW with weight decay 0.01 on matrices, none on vectors."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": 0.01},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98))


def pair_training(
    model: VisionLanguageModel,
    pairs: PairTensors,
    *,
    steps: int = STEPS,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = LEARNING_RATE,
    hard: float = HARD,
    loss: Loss[VisionLanguageModel, Any] | None = None,
    optimizer: Optimizing = adamw,
    seed: int = 0,
) -> Iterator[Step]:
    """Train `model` on `pairs`, one update at each turn of the caller's loop.

    Parameters
    ----------
    model
        Trained in place.
    pairs
        From `pair_tensors(pairs, model, changes=...)`.
    steps, batch_size, learning_rate
        Updates; images in each; the optimiser's rate, after a warm-up of a twentieth of the steps
        and before a linear fall to 0.
    hard
        As of `pair_batches`.
    loss
        Of a batch; `pair_loss()` unless another takes its place.
    optimizer
        Makes the optimiser of the model's weights at that rate.
    seed
        Of what is drawn for the batches. Dropout draws from torch's global state.

    Yields
    ------
    Step
        After each update, with the objectives and ``accuracy`` among its metrics.
    """
    made, schedule = _optimizer(model, optimizer, learning_rate, steps)
    batches = pair_batches(pairs, batch_size=batch_size, hard=hard, seed=seed)
    return train(
        model,
        batches,
        loss or pair_loss(),
        made,
        steps=steps,
        scheduler=schedule,
        train_step=_clipped,
    )


def fit_pairs(
    model: VisionLanguageModel,
    pairs: PairTensors,
    *,
    steps: int = STEPS,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = LEARNING_RATE,
    hard: float = HARD,
    loss: Loss[VisionLanguageModel, Any] | None = None,
    optimizer: Optimizing = adamw,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    every: int = 100,
    progress: bool = True,
) -> xr.Dataset:
    """The whole of `pair_training` with a progress bar; with a checkpoint file it can be resumed.

    Returns
    -------
    xr.Dataset
        As of `probe.subjects.training.fit`, whose `checkpoint`, `every` and `progress` these are.
    """
    made, schedule = _optimizer(model, optimizer, learning_rate, steps)
    return fit(
        model,
        pair_batches(pairs, batch_size=batch_size, hard=hard, seed=seed),
        loss or pair_loss(),
        made,
        steps=steps,
        scheduler=schedule,
        train_step=_clipped,
        checkpoint=checkpoint,
        every=every,
        progress=progress,
    )


def _clipped(subject: Any, batch: Any, loss: Any, optimizer: Any) -> Any:
    # The first steps of a young transformer on small batches can be very long ones.
    return gradient_step(subject, batch, loss, optimizer, clip=1.0)


def _optimizer(
    model: nn.Module, optimizer: Optimizing, learning_rate: float, steps: int
) -> tuple[torch.optim.Optimizer, Any]:
    integer("steps", steps, low=1)
    made = optimizer(model, number("learning_rate", learning_rate, low=0.0))
    warm = max(1, steps // 20)

    def share(done: int) -> float:
        return min((done + 1) / warm, (steps - done) / max(1, steps - warm))

    return made, torch.optim.lr_scheduler.LambdaLR(made, share)
