"""The geometry of an encoder while it trains, every so many steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from data.records import Corpus

from .._check import integer
from .._provenance import provenance
from ..whitening import anisotropy, topic_retrieval
from .batching import digest
from .text_encoder import TextEncoder
from .training import Step

_RETRIEVAL = ("precision_at_k", "precision_at_k_interval", "chance", "chance_interval")


def split_corpus(corpus: Corpus, *, held_out: int, seed: int = 0) -> tuple[Corpus, Corpus]:
    """The corpus without `held_out` of its texts, drawn at random, and those.

    Raises
    ------
    TypeError, ValueError
        If `held_out` is no integer from 1 to one less than the number of texts.

    Examples
    --------
    >>> corpus = Corpus(("a", "b", "c"), ("x", "x", "y"), "tiny", {})
    >>> [len(part) for part in split_corpus(corpus, held_out=1)]
    [2, 1]
    """
    integer("held_out", held_out, low=1, high=len(corpus) - 1)
    order = np.random.default_rng(seed).permutation(len(corpus))
    # Sorted, so that both parts keep the corpus' order.
    return corpus.subset(np.sort(order[held_out:])), corpus.subset(np.sort(order[:held_out]))


def watch(
    encoder: TextEncoder,
    training: Iterator[Step],
    corpus: Corpus,
    *,
    every: int = 100,
    k: int = 10,
    seed: int = 0,
) -> xr.Dataset:
    """Run a training to its end and measure the encoder before it, every `every` steps, and after.

    Parameters
    ----------
    encoder
        What is trained.
    training
        Its steps, such as `contrastive_training` gives; nothing has been taken from it yet.
    corpus
        Texts to measure on, best none that it trains on, at least two of some topic.
    every
        Updates between two measurements.
    k
        Neighbours of the topic retrieval.
    seed
        Of the measures' samples and intervals.

    Returns
    -------
    xr.Dataset
        Along ``step`` (0 before the training): all that `anisotropy` gives by ``layer``;
        ``precision_at_k`` of topic retrieval from the raw states and its ``chance``, both with
        ``_interval`` (step, layer, bound). Along ``step_update`` (1, 2, ...): ``loss``.

    Raises
    ------
    RuntimeError
        If the training has no step, or as its loss says.
    ValueError, TypeError
        If `every` or `k` is no positive integer, or the corpus does not suit the measures.

    Notes
    -----
    Measures do not change the training: the encoder's mode and torch's random state are kept.
    """
    started = time.perf_counter()
    integer("every", every, low=1)
    found = {0: _measured(encoder, corpus, k, seed)}
    losses: list[float] = []
    step = 0
    for done in training:
        losses.append(done.loss)
        step = done.step
        if step % every == 0:
            found[step] = _measured(encoder, corpus, k, seed)
    if not losses:
        raise RuntimeError("`training` gave no step; make a new one, it can be run once only.")
    if step not in found:
        found[step] = _measured(encoder, corpus, k, seed)
    steps = xr.Variable("step", list(found), {"long_name": "updates made", "units": "1"})
    # Measures that do not depend on the model (a count) are stacked like all others.
    result = xr.concat(
        list(found.values()),
        steps,
        data_vars="all",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="override",
    )
    words = {"long_name": "loss before the update", "units": "nat"}
    result["loss"] = ("step_update", losses, words)
    parameters: dict[str, Any] = {"every": every, "k": k, "corpus": corpus.name}
    result.attrs = provenance(
        "whitening.training",
        paper="arXiv:2104.08821, arXiv:2103.15316",
        parameters=parameters,
        data=digest(corpus.texts),
        seed=seed,
        started=started,
    )
    # What the last measurement had to say about its layers.
    result.attrs |= {"model": encoder.name, "notes": found[step].attrs.get("notes", "")}
    updates = np.arange(step - len(losses) + 1, step + 1)
    return result.assign_coords(step_update=("step_update", updates))


def _measured(encoder: TextEncoder, corpus: Corpus, k: int, seed: int) -> xr.Dataset:
    states = encoder.encode(corpus.texts, progress=False)
    geometry = anisotropy(states, seed=seed)
    found = topic_retrieval(states, corpus.topics, transforms=("raw",), k=k, seed=seed)
    retrieval = found[list(_RETRIEVAL)].sel(transform="raw", drop=True)
    return xr.merge([geometry, retrieval], compat="override", combine_attrs="override")
