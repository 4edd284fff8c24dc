"""Graph neural networks that learn node labels, with ReNode's or any other weights."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from tqdm import tqdm

from data.records import Graph, Split

from .._check import integer, refuse
from .._provenance import data_hash, provenance
from .checkpoint import load_checkpoint, save_checkpoint
from .graph_recipe import GNN_NAMES, Optimizing, Recipe, adam, gnn_of, make_gnn
from .graph_tensors import GraphData, SparseMatrix
from .graph_training import checked_split, evaluated, gnn_training
from .node_losses import NODE_LOSSES, NodeLoss

__all__ = [
    "GNN_NAMES",
    "NODE_LOSSES",
    "GraphData",
    "Recipe",
    "SparseMatrix",
    "gnn_training",
    "make_gnn",
    "train_gnn",
]

METRICS = ("weighted_f1", "macro_f1")
_CURVES = {
    "loss": ("loss of the training nodes, before the update", "nat"),
    "valid_loss": ("cross entropy of the validation nodes", "nat"),
    "valid_weighted_f1": ("Weighted-F1 of the validation nodes", "1"),
    "valid_macro_f1": ("Macro-F1 of the validation nodes", "1"),
    "test_weighted_f1": ("Weighted-F1 of the test nodes", "1"),
    "test_macro_f1": ("Macro-F1 of the test nodes", "1"),
}


def train_gnn(
    graph: Graph | GraphData,
    split: Split,
    *,
    model: str | nn.Module = "gcn",
    weights: np.ndarray | None = None,
    loss: str | NodeLoss = "cross_entropy",
    recipe: Recipe | None = None,
    optimizer: Optimizing = adam,
    seed: int = 0,
    device: str | torch.device = "cpu",
    checkpoint: str | Path | None = None,
    every: int = 20,
    progress: bool = True,
) -> xr.Dataset:
    """Train a graph neural network, stop early, and judge it at its best validation epoch.

    Parameters
    ----------
    graph
        With features and labels; or its tensors, where many runs share them (their features and
        device are then as they are).
    split
        Nodes to train on (every class needs one), to stop by, and to judge.
    model
        A name of `make_gnn`, or a module of your own, trained in place: ``model(data)`` gives
        logits (node, label). It ends with the best epoch's weights, in evaluation mode.
    weights, loss
        As of `gnn_training`; both at once multiply.
    recipe
        Sizes, optimiser settings and when to stop; the paper's if None.
    optimizer
        From model and recipe to an optimiser.
    seed
        Of initial weights and dropout. Two runs that differ in weights only have both in common.
    device
        Where to train.
    checkpoint, every
        A safetensors file, written every `every` epochs and at the end; a run finds it goes on as
        if it had not stopped.
    progress
        Whether a progress bar is shown.

    Returns
    -------
    xr.Dataset
        Along ``step`` (epochs from 1): ``loss``, ``valid_loss`` and ``valid_``/``test_`` +
        ``weighted_f1``/``macro_f1``. At the best epoch: ``score`` (metric) of the test nodes,
        ``prediction`` (node), ``best_step``. The test curve is for looking; nothing reads it.

    Raises
    ------
    ImportError
        If the model needs torch_geometric and it is not installed.
    RuntimeError
        If the loss is not finite.
    TypeError, ValueError
        If the graph has no features, the split is of another length or lacks a class, weights are
        NaN or negative at a training node, a name is unknown, or the checkpoint is of another run.

    Examples
    --------
    >>> edges = np.array([[0, 1, 2, 3], [1, 0, 3, 2]])
    >>> graph = Graph(edges, np.array([0, 0, 1, 1]), features=np.eye(4))
    >>> split = Split(*np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=bool))
    >>> result = train_gnn(graph, split, recipe=Recipe(hidden=8, epochs=30), progress=False)
    >>> bool(result.loss[-1] < result.loss[0]), result.prediction.shape
    (True, (4,))
    """
    started = time.perf_counter()
    recipe = recipe or Recipe()
    integer("every", every, low=1)
    data = (
        graph
        if isinstance(graph, GraphData)
        else GraphData.of(graph, row_normalise=recipe.row_normalise, device=device)
    )
    checked_split(split, data.labels.cpu().numpy())
    subject = gnn_of(model, data.n_features, data.n_labels, recipe, seed).to(data.labels.device)
    chosen = optimizer(subject, recipe)
    scheduler = torch.optim.lr_scheduler.LambdaLR(chosen, recipe.rate_factor)
    path = None if checkpoint is None else Path(checkpoint)
    digest = _digest(data, split, weights)
    # By name: the address that a function's repr has is another one in the next process.
    called = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    key = f"{digest} {called} {recipe} {seed}"
    history: dict[str, list[float]] = {"loss": []}
    best = _copied(subject)
    if path is not None and path.exists():
        history, best = _resumed(path, subject, chosen, scheduler, key)
    run = gnn_training(
        subject,
        data,
        split,
        chosen,
        weights=weights,
        loss=loss,
        epochs=recipe.epochs,
        start=len(history["loss"]),
        scheduler=scheduler,
        seed=seed,
    )
    bar = tqdm(total=recipe.epochs, unit="epoch", disable=not progress, leave=False)
    with bar:
        bar.update(len(history["loss"]))
        while not recipe.ends(history):
            done = next(run)
            for name, value in {"loss": done.loss, **done.metrics}.items():
                history.setdefault(name, []).append(value)
            if recipe.best(history) == done.step:
                best = _copied(subject)
            bar.set_postfix(valid=f"{done.metrics['valid_weighted_f1']:.3f}", refresh=False)
            bar.update()
            if path is not None and (done.step % every == 0 or recipe.ends(history)):
                kept = {
                    f"history/{k}": torch.tensor(v, dtype=torch.float64) for k, v in history.items()
                }
                kept |= {f"best/{k}": v for k, v in best.items()}
                kept["key"] = torch.tensor(list(key.encode()), dtype=torch.uint8)
                save_checkpoint(
                    path, subject, chosen, step=done.step, scheduler=scheduler, extra=kept
                )
    subject.load_state_dict(best)
    subject.eval()
    attrs = provenance(
        "totoro.training",
        paper="arXiv:2110.04099",
        parameters={
            "model": model if isinstance(model, str) else type(model).__name__,
            "loss": called,
            "weighted": weights is not None,
            "split": split.name,
            **asdict(recipe),
        },
        data=digest,
        seed=seed,
        started=started,
    )
    return _result(subject, data, history, recipe, attrs)


def _result(
    subject: nn.Module,
    data: GraphData,
    history: Mapping[str, list[float]],
    recipe: Recipe,
    attrs: dict[str, Any],
) -> xr.Dataset:
    best = recipe.best(history)
    predicted = evaluated(subject, data).argmax(dim=1).cpu().numpy()
    variables = {
        name: ("step", np.asarray(history[name]), {"long_name": words, "units": units})
        for name, (words, units) in _CURVES.items()
    }
    scores = np.array([history[f"test_{name}"][best - 1] for name in METRICS])
    words = "score of the test nodes at the best epoch"
    variables["score"] = ("metric", scores, {"long_name": words, "units": "1"})
    variables["prediction"] = ("node", predicted, {"long_name": "predicted label", "units": "1"})
    coords = {"step": np.arange(1, len(history["loss"]) + 1), "metric": list(METRICS)}
    words = f"epoch of the best validation {recipe.criterion}"
    one = xr.DataArray(best, attrs={"long_name": words, "units": "1"})
    return xr.Dataset(variables, coords, attrs).assign(best_step=one)


def _digest(data: GraphData, split: Split, weights: np.ndarray | None) -> str:
    """Hash of all that a training reads."""
    arrays = [*data.arrays(), split.train, split.valid, split.test]
    return data_hash(arrays if weights is None else [*arrays, np.asarray(weights)])


def _resumed(
    path: Path, subject: nn.Module, optimizer: torch.optim.Optimizer, scheduler: Any, key: str
) -> tuple[dict[str, list[float]], dict[str, Tensor]]:
    """The history and the best weights of a checkpoint, its state put into the three parts."""
    extra = load_checkpoint(path, subject, optimizer, scheduler=scheduler).extra
    if "key" not in extra or bytes(extra["key"].tolist()).decode() != key:
        hint = "Delete the file to begin anew."
        refuse("checkpoint", "be of this graph, split, seed and recipe", repr(str(path)), hint)
    parts: dict[str, dict[str, Tensor]] = {"history": {}, "best": {}}
    for name, tensor in extra.items():
        group, _, rest = name.partition("/")
        if rest:
            parts[group][rest] = tensor
    return {name: values.tolist() for name, values in parts["history"].items()}, parts["best"]


def _copied(subject: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in subject.state_dict().items()}
