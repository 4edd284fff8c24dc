"""One training loop for every subject: a generator of steps, owned by the caller."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from tqdm import tqdm

from .._check import integer, number, refuse, refuse_type
from .._provenance import provenance
from .checkpoint import load_checkpoint, save_checkpoint, set_random_states

Subject = TypeVar("Subject", bound=nn.Module)
Batch = TypeVar("Batch")
Metrics = Mapping[str, "float | Tensor"]
Loss = Callable[[Subject, Batch], "Tensor | tuple[Tensor, Metrics]"]
TrainStep = Callable[
    [Subject, Batch, Callable[[Subject, Batch], "tuple[Tensor, Metrics]"], torch.optim.Optimizer],
    "tuple[Tensor, Metrics]",
]


@dataclass(frozen=True)
class Step:
    """One update: its number (from 1), the loss before it, and what the loss function added."""

    step: int
    loss: float
    metrics: Mapping[str, float] = field(default_factory=dict)


def gradient_step(
    subject: Subject,
    batch: Batch,
    loss: Callable[[Subject, Batch], tuple[Tensor, Metrics]],
    optimizer: torch.optim.Optimizer,
    *,
    clip: float | None = None,
) -> tuple[Tensor, Metrics]:
    """One plain update: forward, backward, gradient norm at most `clip`, optimiser.

    `functools.partial(gradient_step, clip=1.0)` is a `train_step` that clips.
    """
    optimizer.zero_grad(set_to_none=True)
    value, metrics = loss(subject, batch)
    value.backward()
    if clip is not None:
        nn.utils.clip_grad_norm_(subject.parameters(), number("clip", clip, low=0.0))
    optimizer.step()
    return value, metrics


def train(
    subject: Subject,
    batches: Iterable[Batch],
    loss: Loss[Subject, Batch],
    optimizer: torch.optim.Optimizer,
    *,
    steps: int | None = None,
    start: int = 0,
    scheduler: Any = None,
    train_step: TrainStep[Subject, Batch] = gradient_step,
) -> Iterator[Step]:
    """Updates of `subject`, one at each turn of the caller's loop.

    The caller stops, shows progress, draws or probes between two steps; nothing is called back.
    The subject is put into training mode at the start.

    Parameters
    ----------
    subject
        The module that learns.
    batches
        Whatever `loss` takes, one for each update; may be endless if `steps` is given.
    loss
        ``loss(subject, batch)``: a scalar tensor, or that and a mapping of further numbers.
    optimizer
        Over the subject's parameters.
    steps
        Number of the last update; None goes on to the end of `batches`.
    start
        Updates made before, in a run that goes on.
    scheduler
        A learning rate schedule, stepped after each update.
    train_step
        What one update is; `gradient_step` unless a variant takes its place.

    Yields
    ------
    Step
        After each update.

    Raises
    ------
    RuntimeError
        If the loss is not finite (before the weights are touched), or batches end before `steps`.
    TypeError
        If the loss is no scalar tensor.

    Examples
    --------
    >>> layer = nn.Linear(1, 1)
    >>> sgd = torch.optim.SGD(layer.parameters(), lr=0.1)
    >>> ones = torch.ones(4, 1)
    >>> squared = lambda subject, batch: (subject(batch) - 1).square().mean()
    >>> losses = [step.loss for step in train(layer, [ones] * 9, squared, sgd)]
    >>> len(losses), losses[-1] < losses[0]
    (9, True)
    """
    integer("start", start, low=0)
    if steps is not None:
        integer("steps", steps, low=start)
    return _updates(subject, batches, loss, optimizer, steps, start, scheduler, train_step)


def _updates(
    subject: Subject,
    batches: Iterable[Batch],
    loss: Loss[Subject, Batch],
    optimizer: torch.optim.Optimizer,
    steps: int | None,
    start: int,
    scheduler: Any,
    train_step: TrainStep[Subject, Batch],
) -> Iterator[Step]:
    subject.train()
    done = start

    def checked(subject: Subject, batch: Batch) -> tuple[Tensor, Metrics]:
        out = loss(subject, batch)
        value, metrics = out if isinstance(out, tuple) else (out, {})
        if not isinstance(value, Tensor) or value.ndim:
            refuse_type("loss", "give a scalar tensor", value, "Reduce it by mean() first.")
        if not math.isfinite(value.item()):
            raise RuntimeError(
                f"the loss is {value.item()} at step {done + 1}; the weights are still those of "
                f"step {done}. Lower the learning rate, or look at the batch."
            )
        return value, metrics

    for batch in islice(batches, None if steps is None else steps - start):
        value, metrics = train_step(subject, batch, checked, optimizer)
        if scheduler is not None:
            scheduler.step()
        done += 1
        yield Step(done, float(value.detach()), {k: float(v) for k, v in metrics.items()})
    if steps is not None and done < steps:
        raise RuntimeError(
            f"`batches` ended after step {done}, before the {steps} that were asked for; "
            "repeat them, for instance with itertools.cycle."
        )


def fit(
    subject: Subject,
    batches: Iterable[Batch],
    loss: Loss[Subject, Batch],
    optimizer: torch.optim.Optimizer,
    *,
    steps: int,
    scheduler: Any = None,
    train_step: TrainStep[Subject, Batch] = gradient_step,
    checkpoint: str | Path | None = None,
    every: int = 100,
    progress: bool = True,
) -> xr.Dataset:
    """Train to the end with a progress bar; with a checkpoint file, go on where a run stopped.

    Parameters
    ----------
    subject, batches, loss, optimizer, steps, scheduler, train_step
        As of `train`. To resume exactly, `batches` must give the same sequence whenever it is
        iterated: let it have a seeded generator of its own.
    checkpoint
        A safetensors file, written every `every` steps and at the end. If it is there, its state
        is loaded, the batches it has seen are skipped, and torch's random state is set to what it
        was, so that the outcome is that of an uninterrupted run.
    every
        Steps between two checkpoints.
    progress
        Whether a progress bar is shown.

    Returns
    -------
    xr.Dataset
        ``loss`` and the loss function's metrics along ``step`` (1..steps), resumed ones included.

    Raises
    ------
    RuntimeError, TypeError
        As of `train`.
    ValueError
        If the checkpoint is of another model, or of more steps than asked for.
    """
    started = time.perf_counter()
    integer("steps", steps, low=1)
    integer("every", every, low=1)
    path = None if checkpoint is None else Path(checkpoint)
    rest, history, start = iter(batches), dict[str, list[float]](), 0
    if path is not None and path.exists():
        saved = load_checkpoint(path, subject, optimizer, scheduler=scheduler)
        start = saved.step
        if start > steps:
            refuse("steps", f"be at least the {start} of the checkpoint", steps)
        history = {name: tensor.tolist() for name, tensor in saved.extra.items()}
        for _ in islice(rest, start):
            pass
        # Last, so that what the skipped batches drew does not count twice.
        set_random_states(saved.random)
    run = train(
        subject,
        rest,
        loss,
        optimizer,
        steps=steps,
        start=start,
        scheduler=scheduler,
        train_step=train_step,
    )
    with tqdm(total=steps, initial=start, unit="step", disable=not progress, leave=False) as bar:
        for done in run:
            for name, value in {"loss": done.loss, **done.metrics}.items():
                history.setdefault(name, []).append(value)
            bar.set_postfix(loss=f"{done.loss:.4f}", refresh=False)
            bar.update()
            if path is not None and (done.step % every == 0 or done.step == steps):
                extra = {k: torch.tensor(v, dtype=torch.float64) for k, v in history.items()}
                save_checkpoint(
                    path, subject, optimizer, step=done.step, scheduler=scheduler, extra=extra
                )
    return _history(history, steps, started)


def _history(history: Mapping[str, list[float]], steps: int, started: float) -> xr.Dataset:
    uneven = [name for name, values in history.items() if len(values) != steps]
    if uneven:
        raise RuntimeError(f"the loss function gave {', '.join(uneven)} at some steps only.")
    variables = {
        name: ("step", np.asarray(values), {"long_name": name, "units": "1"})
        for name, values in history.items()
    }
    attrs = provenance("subjects.training", parameters={"steps": steps}, started=started)
    return xr.Dataset(variables, {"step": np.arange(1, steps + 1)}, attrs)
