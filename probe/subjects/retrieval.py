"""Finding the image of a caption, and the caption of an image, by a model that scores each pair."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from tqdm import tqdm

from data.records import GroundedPair

from .._check import finite, integer, refuse
from .._provenance import provenance
from ..statistics import bootstrap_interval
from ._iais_truth import Truth
from .batching import digest, evaluating
from .pair_tensors import PairTensors, pair_tensors
from .vision_language_model import VisionLanguageModel

DIRECTIONS = ("image->text", "text->image")
KS = (1, 5, 10)


def match_scores(
    model: VisionLanguageModel,
    pairs: Sequence[GroundedPair] | PairTensors,
    *,
    batch_size: int = 128,
    progress: bool = False,
) -> np.ndarray:
    """The model's log-odds that a caption is an image's, for every caption with every image.

    Parameters
    ----------
    model
        A cross-encoder: it reads both together, so that n pairs take n^2 forward passes.
    pairs
        Pairs, or what `pair_tensors` made of them.
    batch_size
        Combinations at a time. Captions of like length and images of like size share a batch, so
        that little is computed for padding; never are all combinations in memory.
    progress
        Whether a bar over the combinations is shown.

    Returns
    -------
    np.ndarray
        (caption, image) float32, nat.

    Raises
    ------
    RuntimeError
        If a score is not finite.
    TypeError, ValueError
        As of `pair_tensors`.
    """
    integer("batch_size", batch_size, low=1)
    tensors = pairs if isinstance(pairs, PairTensors) else pair_tensors(pairs, model)
    n = len(tensors)
    captions = torch.argsort(tensors.mask.sum(dim=1), stable=True)
    images = torch.argsort(tensors.image_mask.sum(dim=1), stable=True)
    # Blocks of about 1 caption to 8 images: encoded images are copied, captions looked up.
    wide = min(n, batch_size, max(1, int((8 * batch_size) ** 0.5)))
    tall = max(1, batch_size // wide)
    device = model.words.weight.device
    found = np.full((n, n), np.nan, np.float32)
    bar = tqdm(total=n * n, unit="pair", desc="retrieval", disable=not progress, leave=False)
    with bar, evaluating(model), torch.inference_mode():
        for some in captions.split(tall):
            for shown in images.split(wide):
                said = some.repeat_interleave(len(shown))
                given = tensors.ids[said], tensors.mask[said]
                inputs = tensors.inputs(shown.repeat(len(some)), given).to(device)
                scores = model(inputs).match.float().cpu().numpy()
                found[some.numpy()[:, None], shown.numpy()] = scores.reshape(len(some), -1)
                bar.update(scores.size)
    if not np.isfinite(found).all():
        raise RuntimeError("a matching score is not finite; look at the model's training.")
    return found


def retrieval_ranks(scores: np.ndarray, true: np.ndarray | None = None) -> np.ndarray:
    """At which rank each query finds its own partner: 1 + those above + half of those level.

    Parameters
    ----------
    scores
        (caption, image), larger where they fit better; entry (i, i) is of a pair.
    true
        (caption, image) bool: which captions are true of which images. Other right answers are
        set aside: they are neither what is looked for nor in its way. None: only own pairs are.

    Returns
    -------
    np.ndarray
        (direction, query) float64, directions as in DIRECTIONS. Ties count by their mean rank, so
        that a model that scores everything alike finds nothing.

    Raises
    ------
    ValueError
        If the scores are no finite square, or `true` has another shape.

    Examples
    --------
    >>> retrieval_ranks(np.array([[0.9, 0.1], [0.9, 0.2]]))
    array([[1.5, 1. ],
           [1. , 2. ]])
    """
    scores = finite("scores", np.asarray(scores))
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
        refuse("scores", "have axes (caption, image) of one length", f"shape {scores.shape}")
    rivals = ~np.eye(len(scores), dtype=bool)
    if true is not None:
        if np.shape(true) != scores.shape:
            refuse("true", f"have shape {scores.shape} as the scores", f"shape {np.shape(true)}")
        rivals &= ~np.asarray(true, dtype=bool)
    own = scores.diagonal()
    ranks = []
    # An image's query runs down a column of captions, a caption's along a row of images.
    for axis, level in ((0, own[None, :]), (1, own[:, None])):
        above = ((scores > level) & rivals).sum(axis=axis)
        ranks.append(1 + above + ((scores == level) & rivals).sum(axis=axis) / 2)
    return np.array(ranks, dtype=np.float64)


def retrieval(
    model: VisionLanguageModel,
    pairs: Sequence[GroundedPair],
    *,
    ks: Sequence[int] = KS,
    true: np.ndarray | None = None,
    batch_size: int = 128,
    level: float = 0.95,
    n_boot: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> xr.Dataset:
    """How often a caption's image, and an image's caption, is among the k best of all.

    Parameters
    ----------
    model
        As it is; evaluated without dropout.
    pairs
        Best none that it trained on; two at least. Each is a query in both directions, and all of
        them are the candidates.
    ks
        Cut-offs of Recall@k, ascending.
    true
        (caption, image) bool, which captions are true of which images; None works it out: exactly
        for rendered scenes, by equal words for others.
    batch_size, progress
        As of `match_scores`.
    level, n_boot, seed
        Of the bootstrap over queries.

    Returns
    -------
    xr.Dataset
        ``recall`` (direction, k) with ``recall_interval`` (direction, k, bound): the share of
        queries whose own partner has a rank of at most k, other right answers set aside;
        ``recall_strict``: the same where other right answers count as wrong, as is usual. ``rank``
        and ``rank_strict`` (direction, query), ``median_rank`` (direction), ``other_true``
        (direction, query): how many other candidates are right too.

    Raises
    ------
    RuntimeError, TypeError, ValueError
        As of `match_scores`; if there are fewer than two pairs, or a cut-off is out of range.

    Notes
    -----
    The candidates are held fixed: intervals are about other queries among these candidates, and
    recall falls as candidates are added. Cost: n^2 forward passes.

    Examples
    --------
    >>> from data.scenes import render_scenes
    >>> from probe.subjects.vision_language import scene_model
    >>> model = scene_model(parts={"d_model": 8, "n_layers": 1})
    >>> found = retrieval(model, render_scenes(4, seed=1), ks=(1, 4), n_boot=20)
    >>> found.recall.sel(k=4).values.tolist()
    [1.0, 1.0]
    """
    started = time.perf_counter()
    if len(pairs) < 2:
        refuse("pairs", "be at least two, so that there is something to choose from", len(pairs))
    ks = checked_ks(ks)
    if true is None:
        true = Truth(pairs).of(range(len(pairs)), range(len(pairs)))
    scores = match_scores(model, pairs, batch_size=batch_size, progress=progress)
    ranks, strict = retrieval_ranks(scores, true), retrieval_ranks(scores)
    hits, plain = (recalled(found, ks).mean(axis=1) for found in (ranks, strict))
    interval = np.empty((2, len(ks), 2))
    for i, k in np.ndindex(2, len(ks)):
        one = bootstrap_interval(
            (ranks[i] <= ks[k]).astype(float),
            method="percentile",
            level=level,
            n_boot=n_boot,
            seed=seed,
        )
        interval[i, k] = one.low, one.high
    other = np.array([true.sum(axis=0), true.sum(axis=1)]) - 1
    result = xr.Dataset(
        {
            "recall": (("direction", "k"), hits, {"long_name": "Recall@k", "units": "1"}),
            "recall_interval": (("direction", "k", "bound"), interval, {"units": "1"}),
            "recall_strict": (("direction", "k"), plain, {"units": "1"}),
            "rank": (("direction", "query"), ranks, {"long_name": "rank", "units": "1"}),
            "rank_strict": (("direction", "query"), strict, {"units": "1"}),
            "median_rank": ("direction", np.median(ranks, axis=1), {"units": "1"}),
            "other_true": (("direction", "query"), other, {"units": "1"}),
        },
        {"direction": list(DIRECTIONS), "k": list(ks), "bound": ["low", "high"]},
    )
    result.attrs = provenance(
        "isd.retrieval",
        paper="arXiv:2105.13868",
        parameters={"model": model.name, "level": level, "n_boot": n_boot},
        data=digest([pair.caption for pair in pairs]),
        seed=seed,
        started=started,
    )
    return result


def recalled(ranks: np.ndarray, ks: Sequence[int]) -> np.ndarray:
    """(direction, query, k) 0 or 1 of ranks (direction, query): whether it is among the k best."""
    return (ranks[..., None] <= np.asarray(ks)).astype(np.float64)


def checked_ks(ks: Sequence[int]) -> tuple[int, ...]:
    """The cut-offs, whole numbers of at least 1 in ascending order."""
    found = tuple(integer("ks", k, low=1) for k in ks)
    if not found or list(found) != sorted(set(found)):
        refuse("ks", "be cut-offs in ascending order", repr(tuple(ks)))
    return found
