"""The runs of an IAIS study in order or side by side, each seed's start before its arms."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing

import torch
from tqdm import tqdm

from ._iais_runs import Run, Runner, Setting, Task, kept_run
from .worker_processes import how_many, one_thread, spawned


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
    processes = how_many(workers, len(rest))
    bar = tqdm(total=len(tasks), initial=kept, unit="run", disable=not progress, leave=False)
    # Closed at once, whatever happens here: processes must not wait for a collector.
    with bar, closing(_made(setting, tasks, rest, processes, progress)) as made:
        for i, run in made:
            found[i] = run
            bar.set_postfix(arm=tasks[i].arm, seed=tasks[i].seed, refresh=False)
            bar.update()
    return [found[i] for i in range(len(tasks))], kept


def _made(
    setting: Setting, tasks: Sequence[Task], rest: Sequence[int], processes: int, progress: bool
) -> Generator[tuple[int, Run], None, None]:
    if not rest:
        return
    if processes == 1:
        with one_thread():
            runner = Runner(setting, progress=progress)
            for i in rest:
                yield i, runner.run(tasks[i])
        return
    pool = spawned(processes, _begin, setting)
    try:
        # A seed's arms wait for its start, and meanwhile the others' arms are trained.
        starts = {pool.submit(_start_here, seed): seed for seed in {tasks[i].seed: 0 for i in rest}}
        runs = dict[Future[Run], int]()
        while starts or runs:
            done, _ = wait([*starts, *runs], return_when=FIRST_COMPLETED)
            for future in done:
                if future in runs:
                    yield runs.pop(future), future.result()
                    continue
                seed = starts.pop(future)
                future.result()
                runs |= {pool.submit(_run_here, tasks[i]): i for i in rest if tasks[i].seed == seed}
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a worker process ended without a word. In a script, call iais_study under "
            "`if __name__ == '__main__':`, or pass workers=1; else memory may be short. What was "
            "finished is kept."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_RUNNER: Runner | None = None


def _begin(setting: Setting) -> None:
    """First thing in a worker. Interrupts reach it: a training takes minutes."""
    global _RUNNER
    torch.set_num_threads(1)
    _RUNNER = Runner(setting)


def _runner() -> Runner:
    if _RUNNER is None:
        raise RuntimeError("this process has no setting; it was not started by run_all.")
    return _RUNNER


def _start_here(seed: int) -> None:
    _runner().start(seed)


def _run_here(task: Task) -> Run:
    return _runner().run(task)
