"""The trainings of an IAIS study, each kept in a file as soon as it is done."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from data.records import GroundedPair

from .._check import refuse_type
from .._provenance import data_hash
from ._iais_arms import ARMS
from ._iais_truth import Truth
from .caption_matching import matching_accuracy
from .iais_training import IaisRecipe, ranking_batches, tuned
from .pair_tensors import PairTensors, pair_tensors
from .retrieval import match_scores, retrieval_ranks
from .tensor_files import load_tensors, save_tensors, weights_hash
from .vision_language import scene_model, trained
from .vision_language_attended import attended
from .vision_language_model import VisionLanguageModel

# Part of the key of every kept run: raise it when the same settings come to mean another training.
PROTOCOL = 1
# Scenes of these seeds are held out, and tuned on (and on); starts learn from seeds 0, 1, 2 and on.
HELD_OUT_SEED, TUNING_SEED = 2_000_003, 1_000_003


@dataclass(frozen=True)
class Start:
    """How the models that all arms of an IAIS study start from are trained to match.

    Attributes
    ----------
    kind, parts
        Of model and its sizes, as of `scene_model`; another kind needs parts of its own, such as
        ``Start(kind="dual", parts={"d_model": 64})``.
    n_scenes, steps, batch_size, learning_rate, hard
        As of `vision_language.trained`.
    """

    kind: str = "single"
    parts: Mapping[str, Any] = field(default_factory=lambda: {"d_model": 64, "n_layers": 3})
    n_scenes: int = 6000
    steps: int = 1500
    batch_size: int = 32
    learning_rate: float = 2e-3
    hard: float = 0.0

    def model(self, seed: int, folder: Path, *, progress: bool) -> VisionLanguageModel:
        """The trained model of a seed, from its file if there is one."""
        return trained(**asdict(self), seed=seed, folder=folder, progress=progress).model

    def untrained(self, seed: int) -> VisionLanguageModel:
        """The same before training."""
        return scene_model(self.kind, parts=self.parts, seed=seed)


@dataclass(frozen=True)
class Setting:
    """What all runs of a study share."""

    start: Start
    recipe: IaisRecipe
    n_train: int
    n_held_out: int
    home: Path

    @property
    def starts(self) -> Path:
        """Where the models lie that the arms start from."""
        return self.home / "starts"

    def folder(self, pairs: Sequence[GroundedPair]) -> Path:
        """Where runs are kept: the name is a hash of all that decides them but arm and seed."""
        model = self.start.untrained(0)
        how = {"protocol": PROTOCOL, "torch": torch.__version__, "start": asdict(self.start)}
        how |= {"recipe": self._of_all(), "n_train": self.n_train, "initial": weights_hash(model)}
        how |= {"captions": [pair.caption for pair in pairs], "model": model.recipe}
        # Held-out pixels stand for the renderer.
        text = json.dumps(how, sort_keys=True, default=str).encode()
        pixels = [part for pair in pairs for part in (pair.image, pair.regions)]
        return self.home / data_hash([*pixels, np.frombuffer(text, dtype=np.uint8)])

    def name(self, arm: str, seed: int) -> str:
        """Of a run's file; weights of a regulariser decide only the arms that have one."""
        if ARMS[arm].kind is None:
            return f"{arm}-{seed}.safetensors"
        given = asdict(self.recipe)
        text = json.dumps([ARMS[arm], *(given[name] for name in _OF_ARM)])
        return f"{arm}-{seed}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.safetensors"

    def _of_all(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self.recipe).items() if name not in _OF_ARM}


_OF_ARM = ("strength", "anchor", "layer")


class Task(NamedTuple):
    """One training, and the file that keeps it."""

    arm: str
    seed: int
    path: Path


class Run(NamedTuple):
    """What a training gave.

    rank, rank_strict (direction, query); right (query,), 0, 0.5 or 1, NaN without a false caption;
    above (query,), 0 or 1; isd, gap (layer,); loss, ranking, iais (step,); seconds ().
    """

    rank: np.ndarray
    rank_strict: np.ndarray
    right: np.ndarray
    above: np.ndarray
    isd: np.ndarray
    gap: np.ndarray
    loss: np.ndarray
    ranking: np.ndarray
    iais: np.ndarray
    seconds: np.ndarray


class Runner:
    """Makes one run after the other; what they share is made once."""

    def __init__(self, setting: Setting, *, progress: bool = False) -> None:
        self.setting, self.progress = setting, progress
        self._tuning: tuple[int, PairTensors, Truth] | None = None

    @cached_property
    def pairs(self) -> list[GroundedPair]:
        """The held-out scenes, of all seeds."""
        from data.scenes import render_scenes

        return render_scenes(self.setting.n_held_out, seed=HELD_OUT_SEED)

    @cached_property
    def true(self) -> np.ndarray:
        """(caption, image) bool of the held-out scenes."""
        return Truth(self.pairs).of(range(len(self.pairs)), range(len(self.pairs)))

    def start(self, seed: int) -> VisionLanguageModel:
        """The model that the arms of a seed start from, made if it is not there."""
        return self.setting.start.model(seed, self.setting.starts, progress=self.progress)

    def run(self, task: Task) -> Run:
        """Tune, measure, keep, give; the task's file is written once the run is whole."""
        began = time.perf_counter()
        model = self.start(task.seed)
        recipe = self.setting.recipe
        tensors, truth = self._scenes(task.seed, model)
        batches = ranking_batches(tensors, truth, batch_size=recipe.batch_size, seed=task.seed)
        given = {"recipe": recipe, "progress": self.progress}
        try:
            history = tuned(model, tensors, batches, arm=ARMS[task.arm], **given)
        except RuntimeError as error:
            raise RuntimeError(f"arm {task.arm!r} of seed {task.seed}: {error}") from error
        model.eval()
        curves = {name: history[name].values for name in ("loss", "ranking", "iais")}
        found = measured(model, self.pairs, self.true, self.progress)
        run = Run(**found, **curves, seconds=np.array(time.perf_counter() - began))
        keep_run(task.path, run, model)
        return run

    def _scenes(self, seed: int, model: VisionLanguageModel) -> tuple[PairTensors, Truth]:
        """What the arms of a seed learn from: other scenes than the start's."""
        from data.scenes import render_scenes

        if self._tuning is None or self._tuning[0] != seed:
            pairs = render_scenes(self.setting.n_train, seed=TUNING_SEED + seed)
            self._tuning = seed, pair_tensors(pairs, model), Truth(pairs)
        return self._tuning[1:]


def measured(
    model: VisionLanguageModel, pairs: Sequence[GroundedPair], true: np.ndarray, progress: bool
) -> dict[str, np.ndarray]:
    """The fields of a `Run` that its model decides."""
    from ..isd import isd

    scores = match_scores(model, pairs, progress=progress)
    matching = matching_accuracy(model, pairs).isel(negative=0)
    own, false = matching.true_score.values, matching.score.values
    right = np.where(np.isnan(false), np.nan, ((own > 0).astype(float) + (false <= 0)) / 2)
    above = np.where(np.isnan(false), np.nan, own > false)
    # Only its two means are kept here: the fewest resamples that it takes.
    relations = isd(
        attended(model, pairs, hidden_states=False), n_permutations=0, n_boot=20, sample=2
    )
    return {
        "rank": retrieval_ranks(scores, true),
        "rank_strict": retrieval_ranks(scores),
        "right": right,
        "above": above,
        "isd": relations["isd"].values,
        "gap": relations["gap"].values,
    }


def keep_run(path: Path, run: Run, model: VisionLanguageModel) -> None:
    """Write a run and the weights that it ended with, atomically."""
    tensors = {f"run/{name}": torch.from_numpy(part) for name, part in run._asdict().items()}
    tensors |= {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    save_tensors(path, tensors, {"recipe": model.recipe})


def kept_run(path: Path) -> Run | None:
    """The run in a file; None if there is none, or the file is of something else."""
    if not path.is_file():
        return None
    try:
        tensors, _ = load_tensors(path)
        return Run(**{name: tensors[f"run/{name}"].numpy() for name in Run._fields})
    except (ValueError, KeyError):
        return None


def kept_weights(path: Path, model: VisionLanguageModel) -> VisionLanguageModel:
    """`model` with the weights of a kept run."""
    tensors, _ = load_tensors(path)
    own = {k.removeprefix("model/"): t for k, t in tensors.items() if k.startswith("model/")}
    model.load_state_dict(own)
    return model.eval()


def checked_start(start: Start | None) -> Start:
    """The start, the study's own if None."""
    if start is not None and not isinstance(start, Start):
        refuse_type("start", "be a Start", start)
    return start or Start()
