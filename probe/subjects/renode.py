"""Does ReNode help? Weighted and plain trainings and their controls, paired over many splits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data.records import Graph, Split
from data.splits import random_split

from .._check import integer, one_of, refuse, refuse_type
from .._provenance import provenance
from ..totoro import topology_imbalance
from ._renode_arms import ARMS, Labelled, arm_weights, degrees
from ._renode_runs import Run, Setting, Task, run_all, run_file
from ._renode_summary import in_words, summarised
from .graph import GNN_NAMES, METRICS, NODE_LOSSES, Recipe, make_gnn
from .graph_training import checked_split

__all__ = ["ARMS", "renode_study"]


def renode_study(
    graph: Graph,
    *,
    model: str = "gcn",
    loss: str = "cross_entropy",
    splits: int | Sequence[Split] = 10,
    seeds: int = 3,
    arms: Sequence[str] = ("plain", "renode", "shuffled", "reversed", "degree"),
    per_class: int = 20,
    valid_per_class: int = 30,
    recipe: Recipe | None = None,
    alpha: float = 0.15,
    w_min: float = 0.5,
    w_max: float = 1.5,
    directed: str = "refuse",
    seed: int = 0,
    device: str = "cpu",
    folder: str | Path | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Train every arm on every split from every seed, and compare the arms by split.

    Arms of one (split, seed) have the same initial weights and the same dropout, so that they
    differ in the nodes' weights alone.

    Parameters
    ----------
    graph
        With features and labels.
    model, loss
        Names as of `train_gnn`; all arms share them.
    splits
        How many random splits, or your own.
    seeds
        Trainings of each arm on each split.
    arms
        ``"plain"`` (no weights; always needed) and any of ``"renode"``; ``"shuffled"``: the same
        weights on other labelled nodes, drawn anew for each (split, seed); ``"reversed"``: most
        conflict weighs most; ``"degree"``: highest degree weighs least, as T grows with degree.
    per_class, valid_per_class
        Training and validation nodes of each class in a random split.
    recipe
        Sizes and training; the paper's if None.
    alpha, w_min, w_max, directed
        Of T and of the weights, as of `topology_imbalance`.
    seed
        Of the first random split (the others count on); not of the trainings.
    device
        Where to train; ``"cuda"`` is not exactly repeatable.
    folder
        Each finished run is kept there, by a hash of graph, split, weights and settings; a later
        call takes what it finds, so that an interrupted study goes on, and a larger one adds to it.
        None keeps nothing.
    workers
        Processes, each with one thread; None is one for each processor; 1 starts none. The result
        does not depend on it. A script needs ``if __name__ == "__main__":`` if it starts any.
    progress
        Whether a bar over the runs is shown.

    Returns
    -------
    xr.Dataset
        ``score`` (arm, split, seed, metric) of the test nodes at the best validation epoch, that
        epoch ``best_step`` and ``epochs`` made (arm, split, seed). Over splits, seeds averaged
        first: ``mean``, ``mean_interval``, ``deviation``; ``difference`` from plain with
        ``difference_interval``, ``p_value`` (sign flips) and ``p_corrected`` (Holm over arms),
        ``wins`` (splits above plain); ``renode_difference`` and so on: ReNode minus each arm.
        ``graph_totoro`` (split), and its rank ``correlation`` with the plain score, with interval
        and p. attrs: ``notes`` says what is and what is not established.

    Raises
    ------
    ImportError
        If the model needs torch_geometric and it is not installed.
    RuntimeError
        If a training fails, or the processes cannot start.
    TypeError, ValueError
        If the graph has no features, a split does not suit it, a name is unknown, ``"plain"`` is
        not among the arms, there are fewer than 2 splits, or a number is out of range.

    Notes
    -----
    Source: arXiv:2110.04099, section 5; the controls are ours. The split is the unit of every
    interval and p-value, not the single training: trainings on one split share its nodes.
    Cora, GCN, 10 splits x 3 seeds x 5 arms: under a minute on two processors.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], 12)
    >>> edges = np.array([(i, j) for i in range(24) for j in range(24) if i // 12 == j // 12]).T
    >>> graph = Graph(edges, labels, features=rng.normal(size=(24, 4)) + labels[:, None])
    >>> study = renode_study(
    ...     graph,
    ...     splits=2,
    ...     seeds=1,
    ...     arms=("plain", "renode"),
    ...     per_class=3,
    ...     valid_per_class=3,
    ...     recipe=Recipe(epochs=3),
    ...     workers=1,
    ...     progress=False,
    ... )
    >>> dict(study.score.sizes)
    {'arm': 2, 'split': 2, 'seed': 1, 'metric': 2}
    """
    started = time.perf_counter()
    recipe = recipe or Recipe()
    arms = _checked(graph, model, loss, arms, recipe)
    integer("seeds", seeds, low=1)
    if workers is not None:
        integer("workers", workers, low=1)
    parts = _splits(graph, splits, per_class, valid_per_class, seed)
    setting = Setting(graph, parts, model, loss, recipe, device)
    key = setting.key()
    home = None if folder is None else Path(folder) / key
    measure = partial(
        topology_imbalance,
        graph,
        graph.labels,
        alpha=alpha,
        directed=one_of("directed", directed, ("refuse", "symmetrise", "exact")),
        progress=False,
    )
    tasks, totals = _tasks(setting, arms, seeds, home, measure, (w_min, w_max))
    runs, kept = run_all(setting, tasks, workers=workers, progress=progress)
    result = _labelled(runs, arms, parts, seeds, totals)
    result = result.merge(summarised(result["score"], result["graph_totoro"]))
    parameters: dict[str, Any] = {"model": model, "loss": loss, "graph": graph.name}
    parameters |= {"splits": len(parts), "seeds": seeds, "alpha": alpha}
    parameters |= {"per_class": per_class, "valid_per_class": valid_per_class}
    parameters |= {"w_min": w_min, "w_max": w_max, "directed": directed, "device": device}
    parameters |= {"recipe": asdict(recipe)}
    result.attrs = provenance(
        "totoro.study",
        paper="arXiv:2110.04099",
        parameters=parameters,
        data=key,
        seed=seed,
        started=started,
    )
    result.attrs |= {"graph": graph.name, "model": model, "loss": loss, "resumed": kept}
    result.attrs["notes"] = in_words(result, len(parts))
    return result


def _checked(
    graph: Graph, model: str, loss: str, arms: Sequence[str], recipe: Recipe
) -> tuple[str, ...]:
    if not isinstance(graph, Graph):
        refuse_type("graph", "be a data.records.Graph", graph)
    if graph.features is None:
        refuse("graph", "have features to learn from", f"{graph!r} without", "")
    one_of("model", model, GNN_NAMES)
    one_of("loss", loss, NODE_LOSSES)
    # Refused here rather than in a worker: a missing extra, sizes that do not go together.
    make_gnn(model, 1, 2, hidden=recipe.hidden, n_layers=recipe.n_layers)
    if isinstance(arms, str):
        refuse_type("arms", "be a sequence of names", arms)
    for arm in arms:
        one_of("arms", arm, ARMS)
    if "plain" not in arms or len(set(arms)) < len(arms):
        refuse("arms", "hold 'plain' and no name twice", repr(tuple(arms)))
    return tuple(arms)


def _splits(
    graph: Graph, splits: int | Sequence[Split], per_class: int, valid_per_class: int, seed: int
) -> tuple[Split, ...]:
    if isinstance(splits, Sequence):
        if len(splits) < 2:
            hint = "The split is the unit of every interval."
            refuse("splits", "hold at least 2 splits", len(splits), hint)
        return tuple(checked_split(split, graph.labels) for split in splits)
    first = integer("seed", seed, low=0)
    sizes = {"per_class": per_class, "valid_per_class": valid_per_class}
    numbers = range(first, first + integer("splits", splits, low=2))
    drawn = (random_split(graph.labels, **sizes, seed=number) for number in numbers)
    return tuple(checked_split(split, graph.labels) for split in drawn)


def _tasks(
    setting: Setting,
    arms: Sequence[str],
    seeds: int,
    home: Path | None,
    measure: Callable[[np.ndarray], xr.Dataset],
    bounds: tuple[float, float],
) -> tuple[list[Task], list[float]]:
    """Every training of the study, arms last, and the sum of T of each split."""
    tasks, totals = list[Task](), list[float]()
    degree = degrees(setting.graph)
    for i, split in enumerate(setting.splits):
        conflict = measure(split.train)["totoro"].values[split.train]
        totals.append(float(conflict.sum()))
        nodes = Labelled(conflict, degree[split.train], *bounds)
        for number, arm in product(range(seeds), arms):
            # Of the split and the seed, not of the arm: that is what makes the arms paired.
            drawn = np.random.SeedSequence([i, number])
            training = int(drawn.generate_state(1)[0])
            weights = arm_weights(arm, nodes, split.train, np.random.default_rng(drawn))
            path = None if home is None else run_file(home, arm, split, training, weights)
            tasks.append(Task(arm, i, training, weights, path))
    return tasks, totals


def _labelled(
    runs: Sequence[Run],
    arms: Sequence[str],
    splits: Sequence[Split],
    seeds: int,
    totals: Sequence[float],
) -> xr.Dataset:
    # Tasks are in the order (split, seed, arm).
    table = np.array(runs, dtype=float).reshape(len(splits), seeds, len(arms), -1)
    table = np.moveaxis(table, 2, 0)
    by_run = ("arm", "split", "seed")
    words = {"score": "score of the test nodes at the best validation epoch"}
    words |= {"best_step": "epoch of the best validation", "epochs": "epochs made"}
    return xr.Dataset(
        {
            "score": ((*by_run, "metric"), table[..., :2], {"units": "1", "range": "0 to 1"}),
            "best_step": (by_run, table[..., 2].astype(int), {"units": "1"}),
            "epochs": (by_run, table[..., 3].astype(int), {"units": "1"}),
            "graph_totoro": ("split", list(totals), {"long_name": "sum of T", "units": "1"}),
            "split_name": ("split", [split.name for split in splits]),
        },
        {
            "arm": list(arms),
            "split": np.arange(len(splits)),
            "seed": np.arange(seeds),
            "metric": list(METRICS),
        },
    ).map(lambda one: one.assign_attrs(long_name=words[one.name]) if one.name in words else one)
