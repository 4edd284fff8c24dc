"""Epochs of a graph neural network over all nodes at once, as steps of the one training loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from data.records import Split

from .._check import integer, refuse, refuse_type
from .graph_tensors import GraphData
from .node_losses import NodeLoss, node_loss, weighted_mean
from .node_scores import f1_scores
from .training import Step, train


def gnn_training(
    subject: nn.Module,
    data: GraphData,
    split: Split,
    optimizer: torch.optim.Optimizer,
    *,
    weights: np.ndarray | None = None,
    loss: str | NodeLoss = "cross_entropy",
    epochs: int = 200,
    start: int = 0,
    scheduler: Any = None,
    seed: int = 0,
) -> Iterator[Step]:
    """Full-batch epochs of a node classifier, one at each turn of the caller's loop.

    Parameters
    ----------
    subject
        ``subject(data)`` gives logits (node, label); trained in place, on the device of `data`.
    data, split
        What it reads; which nodes train, validate and test.
    optimizer, scheduler
        As of `probe.subjects.training.train`.
    weights
        (node,) a weight for each training node, such as `topology_imbalance(...).weight`; read
        at the training nodes only.
    loss
        A name of `NODE_LOSSES` or a function from logits and labels to one loss per node.
    epochs, start
        Number of the last epoch, and epochs made before.
    seed
        Of dropout; torch's global random state is left as it was.

    Yields
    ------
    Step
        After each epoch; ``metrics`` has ``valid_loss`` (plain cross entropy), and Weighted-F1
        and Macro-F1 of the validation and the test nodes, of the updated model without dropout.

    Raises
    ------
    TypeError, ValueError
        If `split` or `weights` do not suit the graph, or the loss is unknown.
    """
    labels = data.labels.cpu().numpy()
    checked_split(split, labels)
    device = data.labels.device
    rows = {name: np.flatnonzero(getattr(split, name)) for name in ("train", "valid", "test")}
    trained = torch.tensor(rows["train"], device=device)
    factor = checked_weights(weights, split)
    scale = None if factor is None else torch.tensor(factor, dtype=torch.float32, device=device)
    one = node_loss(loss)
    # Every epoch has a seed of its own: a resumed run need not know what was drawn before it.
    seeds = np.random.default_rng(integer("seed", seed, low=0)).integers(2**31, size=epochs)

    def training_loss(subject: nn.Module, epoch_seed: int) -> Tensor:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(epoch_seed)
            logits = subject(data)
        return weighted_mean(one(logits[trained], data.labels[trained]), scale)

    def measured(done: Step) -> Step:
        logits = evaluated(subject, data).cpu()
        predicted = logits.argmax(dim=1).numpy()
        valid = torch.tensor(rows["valid"])
        target = data.labels.cpu()[valid]
        metrics: dict[str, float] = {
            "valid_loss": functional.cross_entropy(logits[valid], target).item()
        }
        for part in ("valid", "test"):
            here = rows[part]
            scores = f1_scores(labels[here], predicted[here], data.n_labels)
            metrics |= {f"{part}_{name}": value for name, value in scores.items()}
        return Step(done.step, done.loss, {**done.metrics, **metrics})

    run = train(
        subject,
        (int(s) for s in seeds[start:]),
        training_loss,
        optimizer,
        steps=epochs,
        start=start,
        scheduler=scheduler,
    )
    return map(measured, run)


def evaluated(subject: nn.Module, data: GraphData) -> Tensor:
    """Logits (node, label) without dropout or gradient; the subject's mode stays as it is."""
    mode = subject.training
    try:
        subject.eval()
        with torch.no_grad():
            return subject(data)
    finally:
        subject.train(mode)


def checked_split(split: Split, labels: np.ndarray) -> Split:
    """Give a split back that can train and judge on these labels.

    Raises
    ------
    TypeError
        If it is no `Split`.
    ValueError
        If it is of another length, selects a node without label, lacks a part, or has no training
        node of a class that occurs.
    """
    if not isinstance(split, Split):
        refuse_type("split", "be a data.records.Split", split)
    if len(split.train) != len(labels):
        got = f"{len(split.train)} nodes for {len(labels)}"
        refuse("split", "be one of this graph's nodes", got)
    for name in ("train", "valid", "test"):
        part = getattr(split, name)
        if not part.any():
            refuse("split", f"have {name} nodes", "none")
        unknown = np.flatnonzero(part & (labels < 0))
        if len(unknown):
            got = f"{len(unknown)} {name} nodes without, the first is {unknown[0]}"
            refuse("split", "select nodes with a known label only", got)
    absent = np.setdiff1d(labels[labels >= 0], labels[split.train])
    if len(absent):
        got = f"none of class {', '.join(str(c) for c in absent)}"
        refuse("split", "have a training node of every class", got)
    return split


def checked_weights(weights: Any, split: Split) -> np.ndarray | None:
    """The training nodes' weights (labelled,), in node order; None stays.

    Raises
    ------
    ValueError
        If there is not one weight per node, or a training node's is NaN, infinite or negative,
        or all of them are 0.
    """
    if weights is None:
        return None
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != split.train.shape:
        hint = "Entries off the training nodes are not read; NaN may stand there."
        refuse("weights", f"have axes (node) with {len(split.train)}", f"{values.shape}", hint)
    chosen = values[split.train]
    if not np.isfinite(chosen).all():
        node = np.flatnonzero(split.train)[np.flatnonzero(~np.isfinite(chosen))[0]]
        count = np.count_nonzero(~np.isfinite(chosen))
        got = f"{count} NaN or infinite values, the first at node {node}"
        refuse("weights", "be finite at every training node", got)
    if chosen.min() < 0 or not chosen.any():
        refuse("weights", "be at least 0, and above it somewhere", f"{chosen.min()} the least")
    return chosen
