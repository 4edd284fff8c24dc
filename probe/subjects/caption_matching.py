"""How well a vision-and-language model tells captions that fit from captions that do not."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from data.records import GroundedPair

from .._check import integer, one_of
from .._provenance import provenance
from ..statistics import bootstrap_interval
from .batching import digest, evaluating
from .pair_tensors import Changes, PairTensors, pair_tensors
from .resting_heads import rest_heads
from .scene_batches import mismatches
from .vision_language_model import VisionLanguageModel

MEASURES = ("accuracy", "margin")


def matching_accuracy(
    model: VisionLanguageModel,
    pairs: Sequence[GroundedPair],
    *,
    changes: Changes | None = None,
    head_mask: Tensor | None = None,
    batch_size: int = 128,
    seed: int = 0,
    progress: bool = False,
) -> xr.Dataset:
    """How often the model tells captions that fit from captions that do not.

    Parameters
    ----------
    model
        As it is; evaluated without dropout.
    pairs
        Best none that it trained on; two at least.
    changes
        Hard negatives by name, as of `pair_tensors`; captions of other images with as many regions
        (``"mismatched"``) are always there.
    head_mask
        As of the model's `forward`: what is left of each head.
    batch_size
        Pairs at a time.
    seed
        Of the mismatches and of the interval.
    progress
        Whether a bar is shown while pairs are encoded.

    Returns
    -------
    xr.Dataset
        Along ``negative``: ``accuracy`` (mean of the shares of true captions taken and of false
        ones refused; chance 0.5) and ``ranking`` (share of pairs whose true caption scores above
        the false one; chance 0.5), both with ``_interval`` (negative, bound), and ``pairs``, how
        many pairs have such a negative. ``score`` (negative, example): the log-odds of the false
        caption, NaN where there is none; ``true_score`` (example,).

    Raises
    ------
    TypeError, ValueError
        As of `pair_tensors`; or if no pair has a negative of some name.
    """
    started = time.perf_counter()
    tensors = pair_tensors(pairs, model, changes=changes, progress=progress)
    negatives = {"mismatched": _others(tensors, seed), **tensors.changed}
    true = _scores(model, tensors, None, head_mask, batch_size)
    scores, rows = [], []
    for name, (ids, mask, valid) in negatives.items():
        found = np.full(len(tensors), np.nan)
        kept = np.flatnonzero(valid.numpy())
        if not len(kept):
            raise ValueError(f"no pair has a false caption of kind {name!r}; leave that kind out.")
        found[kept] = _scores(model, tensors, (ids, mask), head_mask, batch_size, kept)
        right = _right(true[kept], found[kept])
        above = (true[kept] > found[kept]).astype(float)
        scores.append(found)
        intervals = [bootstrap_interval(values, seed=seed) for values in (right, above)]
        rows.append((intervals, len(kept)))
    bounds = np.array([[[i.low, i.high] for i in intervals] for intervals, _ in rows], float)
    values = np.array([[i.estimate for i in intervals] for intervals, _ in rows], float)
    share = {"units": "1", "chance": 0.5}
    result = xr.Dataset(
        {
            "accuracy": ("negative", values[:, 0], {"long_name": "matching accuracy", **share}),
            "accuracy_interval": (("negative", "bound"), bounds[:, 0], {"units": "1"}),
            "ranking": ("negative", values[:, 1], {"long_name": "true above false", **share}),
            "ranking_interval": (("negative", "bound"), bounds[:, 1], {"units": "1"}),
            "pairs": ("negative", [count for _, count in rows], {"units": "1"}),
            "score": (("negative", "example"), np.array(scores), {"units": "nat"}),
            "true_score": ("example", true, {"units": "nat"}),
        },
        {"negative": list(negatives), "bound": ["low", "high"]},
    )
    result.attrs = provenance(
        "subjects.matching",
        paper="arXiv:1909.11740",
        parameters={"model": model.name},
        data=digest([pair.caption for pair in pairs]),
        seed=seed,
        started=started,
    )
    return result


def matching_task(
    model: VisionLanguageModel,
    pairs: Sequence[GroundedPair],
    *,
    measure: str = "accuracy",
    batch_size: int = 128,
    seed: int = 0,
) -> Callable[[Tensor], Tensor]:
    """Matching against mismatched captions as a score of what is left of the heads.

    Every head's resting output is set to its mean over these pairs (`rest_heads`), so that a 0 in
    the mask is mean ablation. The score is what `probe.value.head_ablation` takes.

    Parameters
    ----------
    model
        Its `resting` buffers are set.
    pairs
        Best none that it trained on.
    measure
        ``"accuracy"``: for each pair the mean of taking the true caption and refusing the false
        one, 0, 0.5 or 1; ``"margin"``: the log-odds of the true caption less those of the false.
    batch_size, seed
        Pairs at a time; which captions are the false ones.

    Returns
    -------
    Callable
        From a mask (layer, head) in [0, 1] to the scores (example,) of the pairs that have a false
        caption, float64; the same in every call.

    Raises
    ------
    TypeError, ValueError
        If `measure` is unknown, or as of `pair_tensors` and `rest_heads`.
    """
    one_of("measure", measure, MEASURES)
    tensors = pair_tensors(pairs, model)
    ids, mask, valid = _others(tensors, seed)
    kept = np.flatnonzero(valid.numpy())
    device = model.words.weight.device
    parts = torch.arange(len(tensors)).split(integer("batch_size", batch_size, low=1))
    rest_heads(model, (tensors.inputs(part).to(device) for part in parts))

    def score(head_mask: Tensor) -> Tensor:
        given = head_mask.to(device)
        true = _scores(model, tensors, None, given, batch_size, kept)
        false = _scores(model, tensors, (ids, mask), given, batch_size, kept)
        if measure == "margin":
            return torch.from_numpy(true - false)
        return torch.from_numpy(_right(true, false))

    return score


def _others(pairs: PairTensors, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Captions of other images with as many regions, and which of them are other captions."""
    other = mismatches(pairs.group.numpy(), np.random.default_rng(seed))
    ids = pairs.ids[other]
    return ids, pairs.mask[other], (pairs.ids != ids).any(dim=1)


def _right(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """For each pair the mean of taking the true caption and refusing the false one."""
    return ((true > 0).astype(float) + (false <= 0)) / 2


def _scores(
    model: VisionLanguageModel,
    pairs: PairTensors,
    captions: tuple[Tensor, Tensor] | None,
    head_mask: Tensor | None,
    batch_size: int,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    chosen = torch.arange(len(pairs)) if rows is None else torch.from_numpy(rows)
    device = model.words.weight.device
    found = []
    with evaluating(model), torch.inference_mode():
        for part in chosen.split(integer("batch_size", batch_size, low=1)):
            given = None if captions is None else (captions[0][part], captions[1][part])
            inputs = pairs.inputs(part, given).to(device)
            found.append(model(inputs, head_mask=head_mask).match.cpu().numpy())
    return np.concatenate(found).astype(np.float64)
