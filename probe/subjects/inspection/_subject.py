"""What a user's object is: recognised by what it can do, its parts named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import xarray as xr
from torch import Tensor, nn

from data.records import GroundedPair, LabelledImages

from ..._check import refuse, refuse_type
from ..text_encoder import TextEncoder
from ..vision_adapters import FAMILIES, VisionLanguageAdapter

TEXT, PAIRS, GRAPH = "text encoder", "vision-and-language model", "graph"
GENERATOR, ROWS, IMAGES, MODULE = "generator", "embeddings", "model of images", "module"
ACCEPTED = (
    "an nn.Module, a (model, tokenizer), (model, processor), (model, graph), (model, images) or "
    "(generator, latent shape) pair, a graph, a generator with `synthesize` and `dim`, or an array "
    "(example, feature)"
)


@dataclass(frozen=True)
class Subject:
    """One of the kinds above with its parts; a part that was not given is None."""

    kind: str
    model: nn.Module | None = None
    tool: Any = None  # tokenizer or processor
    data: Any = None  # graph, arrays, images, or the generator
    latent_shape: Any = None
    pairs: Sequence[GroundedPair] = ()
    texts: Sequence[str] = ()


def variables(subject: Subject) -> str:
    """What the parts are called in the code that is suggested, in the order they were given.

    Examples
    --------
    >>> variables(Subject(GRAPH, nn.Linear(1, 1), data=np.eye(2)))
    'model, data'
    """
    tool = "tokenizer" if subject.kind == TEXT else "processor"
    data = {GRAPH: "data", IMAGES: "images", ROWS: "embeddings", GENERATOR: "generator"}.get(
        subject.kind, "encoder" if subject.kind == TEXT else "adapter"
    )
    whole = subject.data is not None and subject.kind not in (GRAPH, IMAGES)
    names = [data] if whole or subject.model is None else ["model"]
    if not whole and subject.model is not None:
        names += [data] if subject.data is not None else []
        names += [tool] if subject.tool is not None or subject.pairs else []
        names += ["shape"] if subject.latent_shape is not None else []
    return ", ".join(
        [*names, *(["texts"] if subject.texts else ["pairs"] if subject.pairs else [])]
    )


def recognised(thing: Any) -> Subject:
    """What `thing` is.

    Raises
    ------
    TypeError
        If it is none of what is known.
    ValueError
        If it is a tuple of too many parts, or pairs without their model.

    Examples
    --------
    >>> recognised(np.zeros((3, 2))).kind
    'embeddings'
    """
    if isinstance(thing, tuple | list) and thing and not _is_numbers(thing):
        return _several(list(thing))
    if isinstance(thing, np.ndarray | Tensor | xr.DataArray):
        return Subject(ROWS, data=thing)
    if isinstance(thing, Mapping) and thing and all(map(_is_array, thing.values())):
        return Subject(ROWS, data=thing)
    if isinstance(thing, TextEncoder):
        return Subject(TEXT, thing.network, data=thing)
    if isinstance(thing, VisionLanguageAdapter):
        return Subject(PAIRS, thing.family.model, data=thing)
    if is_graph(thing):
        return Subject(GRAPH, data=thing)
    if callable(getattr(thing, "synthesize", None)) and hasattr(thing, "dim"):
        model = thing if isinstance(thing, nn.Module) else getattr(thing, "module", None)
        return Subject(GENERATOR, model if isinstance(model, nn.Module) else None, data=thing)
    if isinstance(thing, nn.Module):
        return _module(thing)
    hint = "Return the object itself, not a name or a path."
    refuse_type("thing", f"be {ACCEPTED}", thing, hint)


def is_graph(thing: Any) -> bool:
    """Whether Totoro reads it as a graph."""
    homes = {kind.__module__.partition(".")[0] for kind in type(thing).__mro__}
    return sp.issparse(thing) or "networkx" in homes or hasattr(thing, "edge_index")


def _several(parts: list[Any]) -> Subject:
    if all(isinstance(each, GroundedPair) for each in parts):
        refuse(
            "thing", "hold the model of these pairs", "pairs alone", "Give (model, tool, pairs)."
        )
    if len(parts) > 3 or not isinstance(parts[0], nn.Module):
        refuse_type("thing", f"be {ACCEPTED}", parts[0] if len(parts) <= 3 else parts)
    model, second, rest = parts[0], parts[1] if len(parts) > 1 else None, parts[2:]
    pairs = [each for each in (rest[0] if rest else []) if isinstance(each, GroundedPair)]
    texts = [each for each in (rest[0] if rest else []) if isinstance(each, str)]
    if second is None:
        alone = recognised(model)
        return replace(alone, pairs=pairs) if alone.kind == PAIRS else alone
    if is_graph(second):
        return Subject(GRAPH, model, data=second)
    if isinstance(second, int) or _is_numbers(second):
        return Subject(GENERATOR, model, latent_shape=second)
    if isinstance(second, LabelledImages | Tensor | np.ndarray):
        return Subject(IMAGES, model, data=second)
    if hasattr(second, "image_processor") or family_of(model) or pairs:
        return Subject(PAIRS, model, second, pairs=pairs)
    if hasattr(second, "convert_ids_to_tokens"):
        return Subject(TEXT, model, second, texts=texts)
    hint = "Give its tokenizer, processor, graph, images or the shape of a latent."
    refuse_type("thing[1]", "be what the model needs to run", second, hint)


def _module(model: nn.Module) -> Subject:
    from ..vision_language import VisionLanguageModel

    if family_of(model) or isinstance(model, VisionLanguageModel):
        return Subject(PAIRS, model)
    config = getattr(model, "config", None)
    reads_text = hasattr(config, "vocab_size") and hasattr(config, "num_hidden_layers")
    if reads_text and hasattr(model, "get_input_embeddings"):
        return Subject(TEXT, model)
    bases = {base.__name__ for part in model.modules() for base in type(part).__mro__}
    if "MessagePassing" in bases:
        return Subject(GRAPH, model)
    return Subject(MODULE, model)


def family_of(model: nn.Module) -> str:
    """The family that `adapt` would take the model for; empty if none."""
    body = getattr(model, "base_model", model)
    return next((base.__name__ for base in type(body).__mro__ if base.__name__ in FAMILIES), "")


def _is_numbers(thing: Any) -> bool:
    return (
        isinstance(thing, tuple | list)
        and bool(thing)
        and all(isinstance(each, int) for each in thing)
    )


def _is_array(thing: Any) -> bool:
    return isinstance(thing, np.ndarray | Tensor | xr.DataArray)
