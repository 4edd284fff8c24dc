"""Does a sentence retrieve others of its topic: retrieval before and after whitening."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from .._check import integer, number, refuse
from .._provenance import data_hash, provenance
from ..statistics import permutation_p
from ._describe import BOUND, describe, gain_over_raw, label_codes, label_coord, mean_interval
from ._fitting import Transforms, chosen_layers, chosen_transforms, fit_rows, fitted_transforms
from ._layers import read_chunk
from .classification import classification_check
from .neighbours import nearest, unit_rows

__all__ = ["classification_check", "topic_retrieval"]

_WORDING = {
    "precision_at_k": ("share of the k nearest that have the query's topic", "1", "[0, 1]"),
    "precision_at_k_interval": ("bootstrap interval of precision, over queries", "1", "[0, 1]"),
    "map_at_k": ("mean average precision within the k nearest", "1", "[0, 1]"),
    "map_at_k_interval": ("bootstrap interval of mean average precision", "1", "[0, 1]"),
    "gain": ("precision less that of the raw embeddings", "1", "[-1, 1]"),
    "gain_interval": ("paired bootstrap interval of the gain, over queries", "1", "[-1, 1]"),
    "chance": ("mean precision with topics permuted over sentences", "1", "[0, 1]"),
    "chance_interval": ("interval of precision with topics permuted", "1", "[0, 1]"),
    "p_value": ("share of permutations at least as precise, one added to both", "1", "(0, 1]"),
    "n_queries": ("sentences that share their topic with another one", "1", "[1, inf)"),
    "n_fit": ("rows that the transforms were fitted on", "1", "[2, inf)"),
}


class _Retrieved(NamedTuple):
    precision: np.ndarray  # (query,)
    average: np.ndarray  # (query,) average precision
    chance: np.ndarray  # (permutation,) mean precision


def topic_retrieval(
    embeddings: Any,
    topics: Sequence[str],
    *,
    transforms: Transforms = ("raw", "centre", "whiten"),
    layers: Sequence[Any] | None = None,
    k: int = 10,
    fit_on: Any = None,
    n_boot: int = 1000,
    n_permutations: int = 199,
    level: float = 0.95,
    memory: int = 2**26,
    seed: int = 0,
) -> xr.Dataset:
    """How many of a sentence's nearest neighbours by cosine share its topic.

    Every sentence whose topic occurs again is a query; all others of the corpus are candidates.

    Parameters
    ----------
    embeddings
        (n, d), mapping layer -> (n, d), or DataArray (layer, example, feature).
    topics
        n topic names.
    transforms
        Specs of `make_transform`, or a mapping name -> unfitted scikit-learn transformer.
    layers
        Labels of the layers to measure; all if None.
    k
        Neighbours looked at.
    fit_on
        What the transforms are fitted on: these embeddings (None), another corpus' embeddings of
        the same layers, or ``(name, embeddings)``.
    n_boot, n_permutations, level, seed
        Bootstrap resamples over queries and permutations of the topics (the same ones for every
        layer and transform), probability of the intervals (percentiles), seed.
    memory
        Bytes that a block of similarities may take; no n x n matrix is made.

    Returns
    -------
    xr.Dataset
        Over ``layer, transform``: ``precision_at_k, map_at_k`` (average precision of the list cut
        at k, relative to the min(k, relevant) that could be found), each with ``_interval``;
        ``gain`` in precision over ``"raw"`` where that is among the transforms, paired, with its
        interval; ``chance`` with its interval, and the one-sided ``p_value`` of the precision
        under permuted topics (not corrected for the number of layers and transforms).

    Raises
    ------
    ValueError
        If lengths differ, no topic occurs twice, `k` is not below n, or an embedding is zero
        after a transform.

    Notes
    -----
    Precision at k cannot reach 1 for a topic of fewer than k + 1 sentences. Queries share their
    candidates, so the bootstrap over queries somewhat understates the spread between corpora.
    Cost O(n^2 d) per layer and transform.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> topics = ["a", "b"] * 20
    >>> x = rng.normal(size=(40, 5)) + 4 * np.array([[t == "a"] * 5 for t in topics]) - 2
    >>> ds = topic_retrieval(x, topics, transforms=["raw"], k=3)
    >>> float(ds.precision_at_k.item()) > 0.9 > 0.6 > float(ds.chance.item())
    True
    """
    started = time.perf_counter()
    number("level", level, low=0.0, high=1.0)
    integer("n_boot", n_boot, low=1)
    integer("n_permutations", n_permutations, low=1)
    measured = read_chunk(embeddings, min_rows=2)
    states = measured.layers
    kept = chosen_layers(layers, list(states))
    chosen = chosen_transforms(transforms)
    codes, _ = label_codes("topics", topics, len(states[kept[0]]))
    if np.bincount(codes).max() < 2:
        refuse("topics", "have a topic that occurs twice", f"{len(codes)} different topics")
    fit_name, fit_chunk = fit_rows(fit_on, measured, kept)
    queries = np.flatnonzero(np.bincount(codes)[codes] > 1)
    shape = (len(kept), len(chosen))
    precision, average = np.empty((*shape, len(queries))), np.empty((*shape, len(queries)))
    chance = np.empty((*shape, n_permutations))
    for j, layer in enumerate(kept):
        for t, (name, fitted) in enumerate(
            fitted_transforms(chosen, fit_chunk.layers[layer], layer=layer, dtype=fit_chunk.dtype)
        ):
            place = f"embeddings of layer {layer!r}, transform {name!r}"
            unit = unit_rows(np.asarray(fitted.transform(states[layer])), name=place)
            near = nearest(unit, k, memory=memory)[0]
            found = _retrieved(near, codes, n_permutations, seed)
            precision[j, t], average[j, t], chance[j, t] = found
    means = partial(mean_interval, level=level, n_boot=n_boot, seed=seed)
    tails = [(1 - level) / 2, (1 + level) / 2]
    dims = ("layer", "transform")
    value = precision.mean(-1)
    p_value = [
        [permutation_p(v, null) for v, null in zip(*line, strict=True)]
        for line in zip(value, chance, strict=True)
    ]
    found_vars: dict[str, Any] = {
        "precision_at_k": (dims, value),
        "precision_at_k_interval": ((*dims, "bound"), means(precision)),
        "map_at_k": (dims, average.mean(-1)),
        "map_at_k_interval": ((*dims, "bound"), means(average)),
        "chance": (dims, chance.mean(-1)),
        "chance_interval": (
            (*dims, "bound"),
            np.moveaxis(np.quantile(chance, tails, axis=-1), 0, -1),
        ),
        "p_value": (dims, p_value),
        "n_queries": len(queries),
        "n_fit": ("layer", [len(fit_chunk.layers[layer]) for layer in kept]),
    }
    found_vars |= gain_over_raw(precision, chosen, means)
    attrs = provenance(
        "whitening.topics",
        parameters={
            "transforms": {name: str(each) for name, each in chosen.items()},
            "k": k,
            "fit_on": fit_name,
            "n_boot": n_boot,
            "n_permutations": n_permutations,
            "level": level,
        },
        data=data_hash([*(states[layer] for layer in kept), codes]),
        seed=seed,
        started=started,
    )
    attrs |= {"fit_on": fit_name, "transductive": int(fit_on is None), "k": k}
    coords = {"layer": label_coord(kept), "transform": list(chosen), "bound": BOUND}
    return describe(xr.Dataset(found_vars, coords=coords, attrs=attrs), _WORDING)


def _retrieved(near: np.ndarray, codes: np.ndarray, n_permutations: int, seed: int) -> _Retrieved:
    k = near.shape[1]
    others = np.bincount(codes)[codes] - 1
    queries = np.flatnonzero(others)
    hit = (codes[near] == codes[:, None])[queries]
    at = np.cumsum(hit, axis=1) / np.arange(1, k + 1)
    average = (at * hit).sum(axis=1) / np.minimum(k, others[queries])
    rng = np.random.default_rng(seed)
    chance = np.empty(n_permutations)
    for p in range(n_permutations):
        mixed = rng.permutation(codes)
        # Topic sizes stay, so the number of queries does too, though not which rows they are.
        asked = np.bincount(mixed)[mixed] > 1
        chance[p] = (mixed[near] == mixed[:, None])[asked].mean()
    return _Retrieved(hit.mean(axis=1), average, chance)
