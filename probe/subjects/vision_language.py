"""Small vision-and-language models on rendered scenes: made, trained once, then kept."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from data.records import GroundedPair

from .._check import integer, one_of
from .._provenance import data_hash
from .caption_matching import matching_accuracy, matching_task
from .dual_stream import DualStream
from .kept_models import kept_path, load_trained, save_trained
from .pair_tensors import Changes, image_parts, pair_tensors
from .resting_heads import rest_heads
from .single_stream import SingleStream
from .tensor_files import weights_hash
from .vision_language_attended import attended
from .vision_language_losses import link_alignment, pair_loss, transport_alignment
from .vision_language_model import VisionLanguageModel, caption_vocabulary
from .vision_language_training import (
    BATCH_SIZE,
    HARD,
    LEARNING_RATE,
    STEPS,
    fit_pairs,
    pair_training,
)
from .watching_heads import watch_heads

__all__ = [
    "KINDS",
    "DualStream",
    "SingleStream",
    "Trained",
    "VisionLanguageModel",
    "attended",
    "caption_vocabulary",
    "link_alignment",
    "matching_accuracy",
    "matching_task",
    "pair_loss",
    "pair_tensors",
    "pair_training",
    "rest_heads",
    "scene_changes",
    "scene_model",
    "trained",
    "transport_alignment",
    "untrained_twin",
    "watch_heads",
]

KINDS = ("single", "dual")
SCENES = 10_000
# Pairs whose pixels and words stand for the renderer in a checkpoint's hash.
_WITNESSES = 16
_FORMAT = 1  # raised whenever training itself changes, so that older checkpoints are left alone


class Trained(NamedTuple):
    """A trained model, its curves along ``step``, and the file that keeps both."""

    model: VisionLanguageModel
    history: xr.Dataset
    path: Path


def scene_model(
    kind: str = "single",
    *,
    positions: str = "regions",
    parts: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> VisionLanguageModel:
    """A model of rendered scenes with random weights.

    Parameters
    ----------
    kind
        ``"single"`` (`SingleStream`) or ``"dual"`` (`DualStream`).
    positions
        ``"regions"`` or ``"patches"``.
    parts
        Sizes and parts of that class, such as ``{"d_model": 64}``.
    seed
        Of the weights.

    Raises
    ------
    ValueError
        If the kind is unknown, or as the class says.
    """
    from data.scenes import SCENE_WORDS, render_scenes

    makers: Mapping[str, Any] = {"single": SingleStream, "dual": DualStream}
    one_of("kind", kind, KINDS)
    features, _ = image_parts(next(iter(render_scenes(1, seed=0))), positions)
    vocabulary = caption_vocabulary(SCENE_WORDS)
    return makers[kind](
        vocabulary, features.shape[1], positions=positions, seed=seed, **(parts or {})
    )


def scene_changes() -> Changes:
    """The changes that make a scene's caption false: `relation` and `attribute`."""
    from data.scenes import attribute_swapped, relation_flipped

    def words_after(change: Callable[[GroundedPair], GroundedPair], pair: GroundedPair) -> Any:
        try:
            return change(pair).words
        except ValueError:  # it has nothing that can be changed so
            return None

    return {
        "relation": partial(words_after, relation_flipped),
        "attribute": partial(words_after, attribute_swapped),
    }


def untrained_twin(model: VisionLanguageModel, seed: int = 0) -> VisionLanguageModel:
    """The same architecture with random weights of that seed, to compare a trained model with.

    Examples
    --------
    >>> words = caption_vocabulary(["red"])
    >>> model = SingleStream(words, 3, d_model=8, n_heads=2, n_layers=1, seed=0)
    >>> untrained_twin(model, 1).n_layers, untrained_twin(model, 1) is model
    (1, False)
    """
    return model.twin(integer("seed", seed)).eval()


def trained(
    kind: str = "single",
    *,
    positions: str = "regions",
    parts: Mapping[str, Any] | None = None,
    n_scenes: int = SCENES,
    steps: int = STEPS,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = LEARNING_RATE,
    hard: float = HARD,
    alignment: str = "transport",
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool = True,
) -> Trained:
    """A model trained on rendered scenes: once, then loaded from the cache.

    The file is named by a hash of all that the outcome depends on: these arguments, the initial
    weights, and what the renderer draws. A training that was interrupted goes on where it stopped.

    Parameters
    ----------
    kind, positions, parts
        As of `scene_model`.
    n_scenes
        Scenes to train on, of seed `seed`; measure on scenes of other seeds.
    steps, batch_size, learning_rate, hard
        As of `pair_training`.
    alignment
        ``"transport"`` (no links are shown), ``"links"`` (supervised) or ``"none"``.
    seed
        Of weights, scenes and batches.
    folder
        Where checkpoints lie; None is ``models`` in the user's cache folder (see LOUPE_DATA).
    progress
        Whether bars are shown.

    Returns
    -------
    Trained
        The model in evaluation mode, its ``history`` and the ``path``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said, or the file is damaged.
    """
    from data.scenes import render_scenes

    one_of("alignment", alignment, ("transport", "links", "none"))
    integer("n_scenes", n_scenes, low=batch_size)
    model = scene_model(kind, positions=positions, parts=parts, seed=seed)
    settings = {
        "kind": kind,
        "positions": positions,
        "n_scenes": n_scenes,
        "steps": integer("steps", steps, low=1),
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "hard": hard,
        "alignment": alignment,
        "seed": seed,
        "format": _FORMAT,
        "recipe": model.recipe,
        "weights": weights_hash(model),
        "renderer": _witness(seed, positions),
    }
    path, text = kept_path(f"{kind}-{positions}", settings, folder)
    if not path.exists():
        tensors = pair_tensors(
            render_scenes(n_scenes, seed=seed), model, changes=scene_changes(), progress=progress
        )
        align = link_alignment if alignment == "links" else transport_alignment
        running = path.with_suffix(".run.safetensors")
        started = time.perf_counter()
        history = fit_pairs(
            model,
            tensors,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            hard=hard,
            loss=pair_loss(alignment=0.0 if alignment == "none" else 0.1, align=align),
            seed=seed,
            checkpoint=running,
            progress=progress,
        )
        save_trained(path, model, history, text, time.perf_counter() - started)
        running.unlink(missing_ok=True)
    # From the file in either case: what the first call gives is what every later one gives.
    return Trained(*load_trained(path, model), path)


def _witness(seed: int, positions: str) -> str:
    from data.scenes import render_scenes

    pairs = list(render_scenes(_WITNESSES, seed=seed))
    arrays = [part for pair in pairs for part in (pair.image, *image_parts(pair, positions))]
    changed = [change(pair) for pair in pairs for change in scene_changes().values()]
    words = json.dumps([[pair.words for pair in pairs], [list(words or ()) for words in changed]])
    return data_hash(arrays) + hashlib.sha256(words.encode()).hexdigest()[:16]
