"""One look at a user's own object: what it is, which probes apply, what is missing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from ..._check import integer
from ..._provenance import provenance
from ._attention import attention_of
from ._generators import generator_findings
from ._graphs import graph_findings
from ._images_and_text import pair_findings
from ._measuring import left_as_it_was
from ._others import image_findings, module_findings, row_findings
from ._subject import (
    GENERATOR,
    GRAPH,
    IMAGES,
    MODULE,
    PAIRS,
    ROWS,
    TEXT,
    Subject,
    recognised,
    variables,
)
from ._texts import text_findings
from ._verdict import PROBES, Verdict, completed

_FINDINGS: dict[str, Callable[..., tuple[dict[str, Verdict], dict[str, Any]]]] = {
    TEXT: text_findings,
    PAIRS: pair_findings,
    GRAPH: graph_findings,
    GENERATOR: generator_findings,
    ROWS: row_findings,
    IMAGES: image_findings,
    MODULE: module_findings,
}
_WORDING = {
    "applies": ("whether the probe applies: yes, not yet or no", "1"),
    "missing": ("what has to be added", "1"),
    "next_step": ("the code to write", "1"),
    "seconds": ("expected time", "s"),
    "bytes": ("expected memory beside the weights", "B"),
    "basis": ("what the two rest on", "1"),
}


def inspect_model(
    thing: Any, *, examples: int = 1000, name: str = "", measure: bool = True
) -> xr.Dataset:
    """What a user's own object is, which probes apply, what is missing, and what they will take.

    Parameters
    ----------
    thing
        An nn.Module; a pair (model, tokenizer), (model, processor), (model, graph), (model,
        images) or (generator, shape of a latent), with texts or pairs of image and caption as a
        third; a graph (PyTorch Geometric, networkx, scipy.sparse, `data.Graph`); a generator with
        ``synthesize`` and ``dim``; an encoder or adapter of `probe.subjects`; or embeddings
        (example, feature), also by layer.
    examples
        For how many examples time and memory are estimated. A graph is taken whole, a generator
        for one image.
    name
        What the object is called; its class if empty.
    measure
        Run the model on a few examples. False: nothing is run, and no time is known.

    Returns
    -------
    xarray.Dataset
        Over ``probe`` (whitening, value, isd, totoro, lowrank, attribution): ``applies`` ("yes",
        "not yet" or "no"), ``missing``, ``next_step`` (code), ``seconds`` and ``bytes`` (beside
        the weights; NaN where not known) and their ``basis``. attrs: ``kind``, ``class``,
        ``variables`` (its parts' names in the code), ``parameters_held``, ``bytes_held``,
        ``dtype``, ``device``, ``examples``; as JSON ``facts`` (layers, heads, ...), ``attention``
        (path -> kind that `capture` can see) and ``attention_unseen`` (path -> class).

    Raises
    ------
    TypeError
        If `thing` is nothing that a probe reads, or `examples` no integer.
    ValueError
        If `examples` is below 1, or a tuple has parts that do not go together.

    Notes
    -----
    Times are those of short runs on this machine, extrapolated; the basis says which. A model that
    fails is no error: the verdict says what it said. Modes, weights, gradients, device and the
    states of random numbers are as they were afterwards, and nothing is downloaded.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(50, 4))
    >>> found = inspect_model(rows, examples=100)
    >>> found.applies.sel(probe=["whitening", "totoro"]).values.tolist()
    ['yes', 'no']
    >>> found.attrs["kind"]
    'embeddings'
    """
    started = time.perf_counter()
    integer("examples", examples, low=1)
    subject = recognised(thing)
    models = [] if subject.model is None else [subject.model]
    with left_as_it_was(models):
        found, facts = _FINDINGS[subject.kind](subject, examples, measure=measure)
    verdicts = completed(found)
    ds = xr.Dataset(
        {
            field: ("probe", _column([getattr(verdicts[p], field) for p in PROBES]))
            for field in Verdict._fields
        },
        {"probe": list(PROBES)},
    )
    for variable, (words, units) in _WORDING.items():
        ds[variable].attrs |= {"long_name": words, "units": units}
    ds.attrs = provenance(
        "subjects.inspection",
        parameters={"examples": examples, "measure": measure},
        started=started,
    ) | _attrs(subject, thing, facts, examples, name)
    return ds


def _column(values: list[Any]) -> np.ndarray:
    if isinstance(values[0], str):
        return np.array(values, dtype=object)
    return np.array(values, dtype=np.float64)


def _attrs(
    subject: Subject, thing: Any, facts: dict[str, Any], examples: int, name: str
) -> dict[str, Any]:
    """What the object is, in strings and numbers."""
    model = subject.model
    shown = model if model is not None else subject.data if subject.data is not None else thing
    seen: dict[str, str] = {}
    unseen: dict[str, str] = {}
    if model is not None:
        attention = attention_of(model)
        seen, unseen = attention.seen, attention.unseen
        if attention.hidden:
            facts = facts | {"capture": attention.hidden}
    return {
        "name": name or type(shown).__name__,
        "kind": subject.kind,
        "class": type(shown).__name__,
        "variables": variables(subject),
        "examples": examples,
        **_weights(model),
        "facts": json.dumps(facts),
        "attention": json.dumps(seen),
        "attention_unseen": json.dumps(unseen),
    }


def _weights(model: nn.Module | None) -> dict[str, Any]:
    parameters = [] if model is None else list(model.parameters())
    held = [*parameters, *(model.buffers() if model is not None else ())]
    return {
        "parameters_held": sum(_count(p) for p in parameters),
        "bytes_held": sum(_count(p) * p.element_size() for p in held),
        "dtype": ", ".join(sorted({str(p.dtype).removeprefix("torch.") for p in parameters})),
        "device": ", ".join(sorted({str(p.device) for p in parameters})),
    }


def _count(tensor: torch.Tensor) -> int:
    # A lazy module's parameter has no shape before the first call.
    return 0 if nn.parameter.is_lazy(tensor) else tensor.numel()
