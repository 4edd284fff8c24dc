"""Many trainings on one graph, in parallel processes, each kept in a file as soon as it is done."""

from __future__ import annotations

import json
import signal
from collections.abc import Generator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from data.records import Graph, Split

from .._provenance import data_hash
from .graph import GraphData, Recipe, train_gnn
from .tensor_files import write_atomic
from .worker_processes import how_many, one_thread, spawned

# Part of the key of every kept run: raise it when the same settings come to mean another training.
PROTOCOL = 1


@dataclass(frozen=True, eq=False)
class Setting:
    """What all runs of a study share."""

    graph: Graph
    splits: tuple[Split, ...]
    model: str
    loss: str
    recipe: Recipe
    device: str

    def key(self) -> str:
        """Hash of the graph and of how it is trained; neither splits nor arms are part of it."""
        how = {"model": self.model, "loss": self.loss, "device": self.device}
        how |= {"protocol": PROTOCOL, "torch": torch.__version__, **asdict(self.recipe)}
        data = GraphData.of(self.graph, row_normalise=self.recipe.row_normalise)
        text = json.dumps(how, sort_keys=True).encode()
        return data_hash([*data.arrays(), np.frombuffer(text, dtype=np.uint8)])


class Task(NamedTuple):
    """One training: number of the split, seed of initial weights and dropout, node weights."""

    arm: str
    split: int
    seed: int
    weights: np.ndarray | None
    path: Path | None


class Run(NamedTuple):
    """What a training gave: test scores at the best epoch, that epoch, and epochs made."""

    weighted_f1: float
    macro_f1: float
    best_step: int
    epochs: int


def run_file(folder: Path, arm: str, split: Split, seed: int, weights: np.ndarray | None) -> Path:
    """Where a run is kept; its name is a hash of all that tells it from others of the setting."""
    arrays = [split.train, split.valid, split.test, np.array([seed])]
    if weights is not None:
        # Rounded: T from another version of the same computation is the same weight.
        arrays.append(weights[split.train].round(9))
    return folder / f"{arm}-{data_hash(arrays)}.json"


class Runner:
    """Trains one task after the other on tensors that are made once."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        how = setting.recipe.row_normalise
        self.data = GraphData.of(setting.graph, row_normalise=how, device=setting.device)

    def run(self, task: Task) -> Run:
        """Train, keep, give; the task's path is written once the run is whole."""
        try:
            result = train_gnn(
                self.data,
                self.setting.splits[task.split],
                model=self.setting.model,
                loss=self.setting.loss,
                weights=task.weights,
                recipe=self.setting.recipe,
                seed=task.seed,
                progress=False,
            )
        except RuntimeError as error:
            raise RuntimeError(f"arm {task.arm!r} on split {task.split}: {error}") from error
        weighted, macro = (float(value) for value in result["score"].values)
        run = Run(weighted, macro, int(result["best_step"]), result.sizes["step"])
        if task.path is not None:
            write_atomic(task.path, json.dumps(run._asdict()).encode())
        return run


def kept_run(path: Path | None) -> Run | None:
    """The run in a file; None if there is none, or the file is of something else."""
    if path is None or not path.is_file():
        return None
    try:
        return Run(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return None


def run_all(
    setting: Setting, tasks: Sequence[Task], *, workers: int | None, progress: bool
) -> tuple[list[Run], int]:
    """The run of every task, in order, and how many of them were already there.

    Raises
    ------
    RuntimeError
        If a training fails, or the processes cannot start.
    """
    found = {i: run for i, task in enumerate(tasks) if (run := kept_run(task.path)) is not None}
    rest = [i for i in range(len(tasks)) if i not in found]
    kept = len(found)
    processes = how_many(workers, len(rest), setting.device)
    bar = tqdm(total=len(tasks), initial=kept, unit="run", disable=not progress, leave=False)
    # Closed at once, whatever happens here: processes must not wait for a collector.
    with bar, closing(_made(setting, tasks, rest, processes)) as made:
        for i, run in made:
            found[i] = run
            bar.set_postfix(arm=tasks[i].arm, weighted_f1=f"{run.weighted_f1:.3f}", refresh=False)
            bar.update()
    return [found[i] for i in range(len(tasks))], kept


def _made(
    setting: Setting, tasks: Sequence[Task], rest: Sequence[int], processes: int
) -> Generator[tuple[int, Run], None, None]:
    if not rest:
        return
    if processes == 1:
        with one_thread():
            runner = Runner(setting)
            for i in rest:
                yield i, runner.run(tasks[i])
        return
    pool = spawned(processes, _begin, setting)
    try:
        futures = {pool.submit(_run_here, tasks[i]): i for i in rest}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a worker process ended without a word. In a script, call renode_study under "
            "`if __name__ == '__main__':`, or pass workers=1; else memory may be short. What was "
            "finished is kept if a folder was given."
        ) from error
    finally:
        # What runs is let finish (a run takes seconds) and kept; what waits is dropped.
        pool.shutdown(wait=True, cancel_futures=True)


_RUNNER: Runner | None = None


def _begin(setting: Setting) -> None:
    """First thing in a worker: the graph once, one thread, and interrupts left to the parent."""
    global _RUNNER
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    _RUNNER = Runner(setting)


def _run_here(task: Task) -> Run:
    if _RUNNER is None:
        raise RuntimeError("this process has no graph; it was not started by run_all.")
    return _RUNNER.run(task)
