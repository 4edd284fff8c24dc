"""Semantic textual similarity before and after whitening, layer by layer (arXiv:2103.15316)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import xarray as xr

from data.records import Corpus, SentencePairs

from .._check import finite, integer, number, refuse, refuse_type
from .._provenance import data_hash, provenance
from ._describe import BOUND, describe, label_coord
from ._fitting import Transforms, chosen_layers, chosen_transforms, fitted_transforms
from ._layers import Chunk, read_chunk
from ._ranks import bootstrap_by_group, by_group
from .neighbours import unit_rows

PROTOCOLS = ("all", "wmean")

Encode: TypeAlias = Callable[[list[str]], Any]
FitOn: TypeAlias = str | tuple[str, Sequence[str]] | Mapping[str, Sequence[str]]

_WORDING = {
    "spearman": ("Spearman correlation of cosine and human score", "1", "[-1, 1]"),
    "spearman_interval": ("bootstrap interval of the correlation, over pairs", "1", "[-1, 1]"),
    "gain": ("correlation less that of the raw embeddings", "1", "[-2, 2]"),
    "gain_interval": ("paired bootstrap interval of the gain, over pairs", "1", "[-2, 2]"),
    "n_pairs": ("sentence pairs evaluated", "1", "[3, inf)"),
    "n_fit": ("sentences fitted on, repeats counted", "1", "[2, inf)"),
    "fit_overlap": ("share of the evaluated sentences that were fitted on", "1", "[0, 1]"),
}


class _FitSet(NamedTuple):
    name: str
    texts: tuple[str, ...] | None  # None: the evaluated sentences themselves


def sts_evaluation(
    pairs: SentencePairs | Sequence[SentencePairs],
    encode: Encode,
    *,
    transforms: Transforms,
    layers: Sequence[Any] | None = None,
    fit_on: FitOn | SentencePairs | Corpus,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How well cosines follow human similarity scores, per data set, layer and transform.

    Each distinct sentence is encoded once. A transform is fitted per layer on the sentences of
    `fit_on`, repeats counted, so that a set of pairs counts as both its columns one below the
    other: the recipe of Su et al. (2021), and the one that reproduces published numbers.

    Parameters
    ----------
    pairs
        One or several sets of scored pairs.
    encode
        Gives the states of n sentences: a DataArray (layer, example, feature), a mapping layer ->
        (n, d), or one array (n, d). Called once.
    transforms
        Specs of `make_transform`, or a mapping name -> unfitted scikit-learn transformer.
    layers
        Labels of the layers to evaluate; all that `encode` gives if None.
    fit_on
        What whitening is fitted on: ``"target"`` (each set's own sentences, without their
        scores: transductive), ``(name, texts)``, ``{name: texts}``, or a loaded set or corpus.
    n_boot, level, seed
        Bootstrap resamples of the pairs (drawn within each subset; the same for every layer and
        transform), probability of the intervals (percentiles), seed.

    Returns
    -------
    xr.Dataset
        Over ``dataset, layer, transform, protocol``: ``spearman`` and ``spearman_interval``; and,
        where ``"raw"`` is among the transforms, ``gain`` over it and ``gain_interval``, paired.
        Over ``dataset``: ``n_pairs, n_fit, fit_overlap``. Protocols, by which published tables
        differ: ``all`` correlates all pairs of a set at once, ``wmean`` is the mean of its
        subsets' own correlations weighted by their sizes. attrs ``fit_on`` and ``transductive``
        (1 if all sentences of some set were fitted on).

    Raises
    ------
    ValueError
        If a set or subset has under 3 pairs or scores that are constant or not finite; if names
        repeat; if `fit_on` is unclear; if a transform's `k` exceeds a layer's rank; if a
        sentence's transformed embedding is zero, or all cosines are equal.
    TypeError
        If `pairs` holds something else than `SentencePairs`.

    Notes
    -----
    Cost O(n d^2) for a fit and O(n_boot n) for an interval, per layer and transform. The
    intervals hold for the sampling of pairs, not of fit sets or models.

    References
    ----------
    Su et al., 2021, arXiv:2103.15316, sections 3 and 4 (covariance here with n - 1).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> words = [f"w{i}" for i in range(40)]
    >>> states = dict(zip(words, rng.normal(size=(40, 4)) + 3, strict=True))
    >>> pairs = SentencePairs(
    ...     sentence1=tuple(words[:20]),
    ...     sentence2=tuple(words[20:]),
    ...     score=np.arange(20.0),
    ...     subset=("toy",) * 20,
    ...     name="toy",
    ...     attrs={},
    ... )
    >>> ds = sts_evaluation(
    ...     pairs,
    ...     lambda texts: np.stack([states[t] for t in texts]),
    ...     transforms=["raw", "whiten"],
    ...     fit_on="target",
    ... )
    >>> dict(ds.spearman.sizes)
    {'dataset': 1, 'layer': 1, 'transform': 2, 'protocol': 2}
    """
    started = time.perf_counter()
    integer("n_boot", n_boot, low=1)
    number("level", level, low=0.0, high=1.0)
    named = _sets(pairs)
    sets = list(named.values())
    chosen = chosen_transforms(transforms)
    fit = _fit_set(fit_on)
    where, (states, dtype) = _encoded(sets, fit, encode)
    kept = chosen_layers(layers, list(states))
    tail = (len(sets), len(kept), len(chosen), len(PROTOCOLS))
    score, gain = np.empty(tail), np.empty(tail)
    score_interval, gain_interval = np.empty((*tail, 2)), np.empty((*tail, 2))
    raw = list(chosen).index("raw") if "raw" in chosen else None
    for s, each in enumerate(sets):
        groups = np.unique(each.subset, return_inverse=True)[1]
        first = np.array([where[text] for text in each.sentence1])
        second = np.array([where[text] for text in each.sentence2])
        fitted_on = np.array([where[text] for text in _fit_texts(fit, each)])
        for j, layer in enumerate(kept):
            rows = states[layer]
            cosines = np.empty((len(chosen), len(each)))
            for t, (name, fitted) in enumerate(
                fitted_transforms(chosen, rows[fitted_on], layer=layer, dtype=dtype)
            ):
                place = f"{each.name}, layer {layer!r}, transform {name!r}"
                cosines[t] = _cosines(fitted, rows, first, second, place)
                score[s, j, t] = by_group(cosines[t], each.score, groups)
            drawn = bootstrap_by_group(cosines, each.score, groups, n_boot=n_boot, seed=seed)
            score_interval[s, j] = _interval(drawn, level)
            if raw is not None:
                gain[s, j] = score[s, j] - score[s, j, raw]
                gain_interval[s, j] = _interval(drawn - drawn[[raw]], level)
    dims = ("dataset", "layer", "transform", "protocol")
    found: dict[str, Any] = {
        "spearman": (dims, score),
        "spearman_interval": ((*dims, "bound"), score_interval),
    }
    if raw is not None:
        found |= {"gain": (dims, gain), "gain_interval": ((*dims, "bound"), gain_interval)}
    overlap = [_overlap(fit, each) for each in sets]
    found |= {
        "n_pairs": ("dataset", [len(each) for each in sets]),
        "n_fit": ("dataset", [len(_fit_texts(fit, each)) for each in sets]),
        "fit_overlap": ("dataset", overlap),
    }
    attrs = provenance(
        "whitening.sts",
        paper="arXiv:2103.15316",
        parameters={
            "transforms": {name: str(each) for name, each in chosen.items()},
            "fit_on": fit.name,
            "n_boot": n_boot,
            "level": level,
        },
        data=data_hash([*(states[layer] for layer in kept), *(each.score for each in sets)]),
        seed=seed,
        started=started,
    )
    attrs |= {"fit_on": fit.name, "transductive": int(fit.texts is None or max(overlap) == 1.0)}
    coords = {
        "dataset": list(named),
        "layer": label_coord(kept),
        "transform": list(chosen),
        "protocol": list(PROTOCOLS),
        "bound": BOUND,
    }
    return describe(xr.Dataset(found, coords=coords, attrs=attrs), _WORDING)


def _sets(pairs: SentencePairs | Sequence[SentencePairs]) -> dict[str, SentencePairs]:
    sets = [pairs] if isinstance(pairs, SentencePairs) else list(pairs)
    for each in sets:
        if not isinstance(each, SentencePairs):
            refuse_type("pairs", "be SentencePairs or a sequence of them", each)
        score = finite(f"score of {each.name}", np.asarray(each.score))
        for subset in dict.fromkeys(each.subset):
            own = score[np.array(each.subset) == subset]
            if len(own) < 3 or np.ptp(own) == 0:
                refuse(
                    f"subset {subset!r} of {each.name}",
                    "have at least 3 pairs whose scores vary",
                    f"{len(own)} pairs with scores {sorted(set(own.tolist()))[:3]}",
                )
    names = [each.name for each in sets]
    if len(set(names)) < len(names):
        # Two splits of one data set share its name.
        names = [_split_name(each) for each in sets]
    if not sets or len(set(names)) < len(names):
        refuse("pairs", "be one or several sets of different names", names)
    return dict(zip(names, sets, strict=True))


def _split_name(pairs: SentencePairs) -> str:
    split = pairs.attrs.get("split")
    return f"{pairs.name}-{split}" if split else pairs.name


def _fit_set(fit_on: Any) -> _FitSet:
    if isinstance(fit_on, SentencePairs):
        return _FitSet(_split_name(fit_on), (*fit_on.sentence1, *fit_on.sentence2))
    if isinstance(fit_on, Corpus):
        return _FitSet(fit_on.name, tuple(fit_on.texts))
    if isinstance(fit_on, str) and fit_on == "target":
        return _FitSet("target", None)
    items = list(fit_on.items()) if isinstance(fit_on, Mapping) else [fit_on]
    if len(items) == 1 and isinstance(items[0], tuple) and len(items[0]) == 2:
        name, texts = items[0]
        if isinstance(name, str) and not isinstance(texts, str) and len(texts) >= 2:
            return _FitSet(name, tuple(texts))
    refuse(
        "fit_on",
        "be 'target', (name, texts), one {name: texts}, SentencePairs or a Corpus",
        f"{fit_on!r:.60}",
        "For several fit sets call once for each, and join the results with xarray.concat.",
    )


def _fit_texts(fit: _FitSet, each: SentencePairs) -> tuple[str, ...]:
    return (*each.sentence1, *each.sentence2) if fit.texts is None else fit.texts


def _overlap(fit: _FitSet, each: SentencePairs) -> float:
    known = set(_fit_texts(fit, each))
    return float(np.mean([text in known for text in each.sentences]))


def _encoded(
    sets: list[SentencePairs], fit: _FitSet, encode: Encode
) -> tuple[dict[str, int], Chunk]:
    """Row of each distinct sentence, and the states of those rows for each layer."""
    texts = dict.fromkeys(text for each in sets for text in each.sentences)
    texts |= dict.fromkeys(fit.texts or ())
    chunk = read_chunk(encode(list(texts)), name="encode(texts)", min_rows=2)
    for layer, rows in chunk.layers.items():
        if len(rows) != len(texts):
            refuse(f"encode's layer {layer!r}", f"have {len(texts)} rows", len(rows))
    return {text: row for row, text in enumerate(texts)}, chunk


def _cosines(
    fitted: Any, rows: np.ndarray, first: np.ndarray, second: np.ndarray, place: str
) -> np.ndarray:
    used, inverse = np.unique(np.concatenate([first, second]), return_inverse=True)
    moved = np.asarray(fitted.transform(rows[used]), dtype=np.float64)
    unit = unit_rows(moved, name=f"embeddings of {place}")[inverse]
    cosines = np.einsum("nd,nd->n", unit[: len(first)], unit[len(first) :])
    if np.ptp(cosines) == 0:
        refuse(f"cosines of {place}", "vary", f"{len(cosines)} times {cosines[0]:.4g}")
    return cosines


def _interval(drawn: np.ndarray, level: float) -> np.ndarray:
    """Percentiles over the last axis, (..., bound); resamples without an order are left out."""
    ends = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return np.moveaxis(ends, 0, -1)
