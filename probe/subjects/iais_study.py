"""Does IAIS help? Ranking with and without it and its control, paired over seeds and scenes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import xarray as xr

from data.records import GroundedPair
from data.registry import cache_folder

from .._check import integer, one_of, refuse, refuse_type
from .._provenance import provenance
from ._iais_arms import ARMS, checked_layer
from ._iais_pool import run_all
from ._iais_runs import HELD_OUT_SEED, Run, Setting, Start, Task, checked_start, kept_weights
from ._iais_summary import BASE, in_words, summarised
from .iais_training import IaisRecipe
from .retrieval import DIRECTIONS, KS, checked_ks, recalled
from .vision_language_model import VisionLanguageModel

__all__ = ["ARMS", "IaisRecipe", "Start", "iais_model", "iais_study"]


def iais_study(
    *,
    arms: Sequence[str] = ("none", "singular", "distributed", "congruence", "shuffled"),
    seeds: int = 3,
    recipe: IaisRecipe | None = None,
    start: Start | None = None,
    n_train: int = 3000,
    n_held_out: int = 500,
    ks: Sequence[int] = KS,
    n_boot: int = 2000,
    seed: int = 0,
    folder: str | Path | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Tune one matching model of each seed to rank, with each regulariser, and compare the arms.

    Arms of one seed begin with the same pretrained weights and see the same batches, so that they
    differ in the regulariser alone.

    Parameters
    ----------
    arms
        ``"none"`` (ranking loss only; always needed) and any of ``"singular"``,
        ``"distributed"``, ``"congruence"``, and the control ``"shuffled"``, as of `tune_ranking`.
    seeds
        Trainings of each arm; a seed is one of initial weights, pretraining, scenes and batches.
    recipe
        How they are tuned; `IaisRecipe()` if None.
    start
        How the models that they begin with are made; `Start()` if None.
    n_train, n_held_out
        Scenes to tune on, others for each seed; held-out scenes, the same for all.
    ks
        Cut-offs of Recall@k.
    n_boot
        Resamples of seeds and queries.
    seed
        The first seed (the others count on); not of the held-out scenes.
    folder
        Starts and finished runs are kept there, by a hash of settings and scenes; a later call
        takes what it finds, so that an interrupted study goes on, and a larger one adds to it.
        None is ``iais`` in the user's cache folder (see LOUPE_DATA).
    workers
        Processes, each with one thread; None is one for each processor; 1 starts none. The result
        does not depend on it. A script needs ``if __name__ == "__main__":`` if it starts any.
    progress
        Whether bars are shown.

    Returns
    -------
    xr.Dataset
        By (arm, seed): ``recall`` (direction, k) with other right answers set aside and
        ``recall_strict`` where they count as wrong (see `retrieval`), ``mean_recall``, ``rank``
        (direction, query), ``accuracy`` against captions of other scenes and ``above`` (how often
        the true one scores higher), ``isd`` and its normalised ``gap`` (layer), and ``loss``,
        ``ranking``, ``iais`` (step). By arm: ``recall_mean``, ``recall_interval``,
        ``recall_difference`` from none (direction, k) with ``_interval``, ``_p``, ``_p_corrected``
        (Holm over arms) and ``_wins`` (seeds ahead of none); likewise ``mean_recall_difference``,
        ``accuracy_difference`` and ``mean_recall_over_control`` (minus the shuffled arm);
        ``isd_difference``, ``gap_difference`` and ``gap_wins`` (layer), without intervals.
        attrs: ``notes`` says what is and what is not established.

    Raises
    ------
    RuntimeError
        If a training fails, or the processes cannot start.
    TypeError, ValueError
        If an arm is unknown or ``"none"`` missing, or a number is out of range.

    Notes
    -----
    Source: arXiv:2105.13868, sections 4 and 5, on rendered scenes and small models; the control is
    ours. Intervals and p resample seeds and queries (`two_level`). With the default settings
    under 30 minutes on two processors, nearly all of it training starts, tuning and scoring.

    Examples
    --------
    >>> import tempfile
    >>> small = {"d_model": 8, "n_layers": 1, "n_heads": 2}
    >>> study = iais_study(
    ...     arms=("none", "singular"),
    ...     seeds=1,
    ...     recipe=IaisRecipe(steps=2, batch_size=4),
    ...     start=Start(parts=small, n_scenes=8, steps=1, batch_size=4),
    ...     n_train=8,
    ...     n_held_out=12,
    ...     folder=tempfile.mkdtemp(),
    ...     workers=1,
    ...     progress=False,
    ... )
    >>> study.recall.dims, study.loss.shape
    (('arm', 'seed', 'direction', 'k'), (2, 1, 2))
    """
    began = time.perf_counter()
    arms, ks = _checked_arms(arms), checked_ks(ks)
    integer("n_boot", n_boot, low=2)
    setting = _setting(recipe, start, n_train, n_held_out, folder)
    if workers is not None:
        integer("workers", workers, low=1)
    first = integer("seed", seed, low=0)
    numbers = range(first, first + integer("seeds", seeds, low=1))
    home = setting.folder(_held_out(n_held_out))
    order = product(numbers, arms)
    tasks = [Task(arm, one, home / setting.name(arm, one)) for one, arm in order]
    runs, kept = run_all(setting, tasks, workers=workers, progress=progress)
    result = _labelled(runs, arms, numbers, ks)
    result = _with_statistics(result, runs, n_boot=n_boot, seed=first)
    parameters = {"recipe": asdict(setting.recipe), "start": asdict(setting.start)}
    parameters |= {"n_train": n_train, "n_held_out": n_held_out, "n_boot": n_boot}
    result.attrs = provenance(
        "isd.study",
        paper="arXiv:2105.13868",
        parameters=parameters,
        data=home.name,
        seed=first,
        started=began,
    )
    result.attrs |= {"resumed": kept, "training_seconds": float(sum(run.seconds for run in runs))}
    result.attrs["notes"] = in_words(result)
    return result


def iais_model(
    arm: str,
    *,
    recipe: IaisRecipe | None = None,
    start: Start | None = None,
    n_train: int = 3000,
    n_held_out: int = 500,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool = True,
) -> VisionLanguageModel:
    """The model that an arm of a study of these settings ended with, trained if it is not kept.

    Parameters
    ----------
    arm
        One of ARMS.
    recipe, start, n_train, n_held_out, seed, folder, progress
        As of `iais_study`, whose runs are found again.

    Raises
    ------
    RuntimeError, TypeError, ValueError
        As of `iais_study`.
    """
    one_of("arm", arm, ARMS)
    setting = _setting(recipe, start, n_train, n_held_out, folder)
    path = setting.folder(_held_out(n_held_out)) / setting.name(arm, integer("seed", seed, low=0))
    run_all(setting, [Task(arm, seed, path)], workers=1, progress=progress)
    return kept_weights(path, setting.start.untrained(seed))


def _checked_arms(arms: Sequence[str]) -> tuple[str, ...]:
    if isinstance(arms, str):
        refuse_type("arms", "be a sequence of names", arms)
    for arm in arms:
        one_of("arms", arm, ARMS)
    if BASE not in arms or len(set(arms)) < len(arms):
        refuse("arms", f"hold {BASE!r} and no name twice", repr(tuple(arms)))
    return tuple(arms)


def _setting(
    recipe: IaisRecipe | None,
    start: Start | None,
    n_train: int,
    n_held_out: int,
    folder: str | Path | None,
) -> Setting:
    if recipe is not None and not isinstance(recipe, IaisRecipe):
        refuse_type("recipe", "be an IaisRecipe", recipe)
    recipe, start = recipe or IaisRecipe(), checked_start(start)
    integer("n_train", n_train, low=recipe.batch_size)
    integer("n_held_out", n_held_out, low=2)
    # Refused here rather than in a worker, after minutes of pretraining.
    checked_layer(start.untrained(0), recipe.layer)
    home = cache_folder() / "iais" if folder is None else Path(folder)
    return Setting(start, recipe, n_train, n_held_out, home)


def _held_out(n: int) -> list[GroundedPair]:
    from data.scenes import render_scenes

    return render_scenes(n, seed=HELD_OUT_SEED)


def _labelled(
    runs: Sequence[Run], arms: Sequence[str], seeds: range, ks: tuple[int, ...]
) -> xr.Dataset:
    # Tasks are in the order (seed, arm).
    def table(name: str) -> np.ndarray:
        parts = np.array([getattr(run, name) for run in runs])
        return np.moveaxis(parts.reshape(len(seeds), len(arms), *parts.shape[1:]), 1, 0)

    by_run = ("arm", "seed")
    found = xr.Dataset(coords={"arm": list(arms), "seed": list(seeds)})
    found = found.assign_coords(direction=list(DIRECTIONS), k=list(ks))
    for name, ranks in (("recall", "rank"), ("recall_strict", "rank_strict")):
        found[name] = ((*by_run, "direction", "k"), recalled(table(ranks), ks).mean(axis=3))
    found["mean_recall"] = found["recall"].mean(("direction", "k"))
    found["rank"] = ((*by_run, "direction", "query"), table("rank"))
    found["accuracy"] = (by_run, np.nanmean(table("right"), axis=2))
    found["above"] = (by_run, np.nanmean(table("above"), axis=2))
    for name in ("isd", "gap"):
        found[name] = ((*by_run, "layer"), table(name))
    for name in ("loss", "ranking", "iais"):
        found[name] = ((*by_run, "step"), table(name))
    return found.assign_coords(
        layer=np.arange(found.sizes["layer"]), step=np.arange(1, found.sizes["step"] + 1)
    )


def _with_statistics(
    found: xr.Dataset, runs: Sequence[Run], *, n_boot: int, seed: int
) -> xr.Dataset:
    """The same with means over seeds, differences from none, and what they are worth."""
    shape = (found.sizes["seed"], found.sizes["arm"], -1)
    right = np.array([run.right for run in runs])
    right = right[:, np.isfinite(right).all(axis=0)].reshape(shape)
    dims = ("seed", "arm", "query")
    hits = xr.DataArray(
        recalled(found["rank"].values, found.k.values),
        {"arm": found.arm, "k": found.k, "direction": found.direction},
        ("arm", "seed", "direction", "query", "k"),
    )
    judged = xr.DataArray(right, {"arm": found.arm}, dims)
    found = found.merge(summarised(hits, judged, n_boot=n_boot, seed=seed))
    found["recall_mean"] = found["recall"].mean("seed")
    for name in ("isd", "gap"):
        gain = found[name] - found[name].sel(arm=BASE, drop=True)
        found[f"{name}_difference"] = gain.mean("seed")
        found[f"{name}_wins"] = (gain > 0).sum("seed").astype(float).where(found.arm != BASE)
    for name, variable in found.data_vars.items():
        words = next((w for ending, w in _WORDS.items() if str(name).endswith(ending)), str(name))
        variable.attrs = {"long_name": words, "units": "nat" if name == "isd" else "1"}
    return found


# By the end of a name, the first that fits.
_WORDS = {
    "mean_recall_over_control": "mean recall minus the shuffled arm's",
    "gap_difference": "normalised gap minus that of none, mean over seeds",
    "isd_difference": "ISD minus that of none, mean over seeds",
    "_difference_interval": "95 % interval of the difference, seeds and queries resampled",
    "_control_interval": "95 % interval of the difference, seeds and queries resampled",
    "_interval": "95 % interval, seeds and queries resampled",
    "_p_corrected": "two-sided p after Holm over arms",
    "_p": "two-sided p, seeds and queries resampled",
    "_wins": "seeds above none",
    "_difference": "arm minus none, mean over seeds",
    "recall_mean": "Recall@k, mean over seeds",
    "recall_strict": "Recall@k, other right answers counted as wrong",
    "mean_recall": "mean recall over directions and k",
    "recall": "Recall@k",
    "rank": "rank of the query's own partner",
    "accuracy": "matching accuracy",
    "above": "true caption above a false one",
    "isd": "intra-modal self-attention distance",
    "gap": "normalised gap",
    "loss": "total loss",
    "ranking": "ranking loss",
    "iais": "IAIS before its weight",
}
