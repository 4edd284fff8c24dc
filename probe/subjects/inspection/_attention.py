"""Which modules of a model are attention, and whether a capture can see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn

from ..attention_kinds import attention_kind, is_attention
from ..attention_visibility import hooks_seen
from ..capture import capture
from ._verdict import first_sentence

_CALLED = re.compile(r"attention|attn", re.IGNORECASE)


class Attention(NamedTuple):
    """Paths of attention of known kinds with the kind's name, those of unknown kinds, what hides.

    Attributes
    ----------
    seen
        Path -> kind of attention.
    unseen
        Path -> class, of modules that are called attention and are of no known kind.
    hidden
        Why nothing can be captured (compiled, scripted); empty if nothing hides.
    """

    seen: dict[str, str]
    unseen: dict[str, str]
    hidden: str


def attention_of(model: nn.Module) -> Attention:
    """Attention found by walking `named_modules`.

    Examples
    --------
    >>> attention_of(nn.TransformerEncoderLayer(8, 2, batch_first=True)).seen
    {'self_attn': 'nn.MultiheadAttention'}
    """
    seen, named = {}, {}
    for path, module in model.named_modules():
        kind = attention_kind(module)
        if kind is not None:
            seen[path] = kind.name
        elif _CALLED.search(type(module).__name__):
            named[path] = type(module).__name__
    # A wrapper around known attention, and the parts of one, are no further attention.
    unseen = {
        path: title
        for path, title in named.items()
        if not any(_within(path, other) or _within(other, path) for other in seen)
    }
    unseen = {
        path: title
        for path, title in unseen.items()
        if not any(_within(other, path) for other in unseen)
        and any(True for _ in model.get_submodule(path).parameters())
    }
    hidden = ""
    try:
        with hooks_seen(model):
            pass
    except ValueError as error:
        hidden = str(error)
    return Attention(seen, unseen, hidden)


def proven(model: nn.Module, run: Callable[[], Any]) -> str:
    """What a capture of all known attention found while `run` called the model once."""
    try:
        with capture(model, is_attention, ("pattern", "value")) as acts:
            run()
    except Exception as error:  # whatever the model does, the inspection says it
        return f"a capture failed: {first_sentence(error)}"
    n = len(acts)
    if not acts.residuals:
        return f"seen in a run: {n}"
    worst = max(acts.residuals.values())
    near = f"to {worst:.0e}" if worst else "exactly"
    return f"seen in a run: {n}; weights times values give each one's own output {near}"


def patterns(paths: list[str]) -> list[str]:
    """Paths with numbers as stars, each once, in order.

    Examples
    --------
    >>> patterns(["layer.0.attn", "layer.1.attn", "pool"])
    ['layer.*.attn', 'pool']
    """
    starred = [re.sub(r"(?<![^.])\d+(?![^.])", "*", path) for path in paths]
    return list(dict.fromkeys(starred))


def _within(path: str, other: str) -> bool:
    """Whether `path` lies strictly below `other`."""
    return path != other and (other == "" or path.startswith(f"{other}."))
