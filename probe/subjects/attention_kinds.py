"""The kinds of attention that a capture knows; one entry makes it know another.

Write `projected_attention(...)` where the module has a value projection (and an output projection),
an `AttentionKind` otherwise; then give it to `capture(..., kinds=[...])` or, for the whole process,
to `register_attention`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from .._check import refuse_type
from .attention_call import AttentionCall, AttentionKind
from .multihead import MULTIHEAD
from .projected_attention import projected_attention
from .transformers_attention import TRANSFORMERS

__all__ = [
    "AttentionCall",
    "AttentionKind",
    "attention_kind",
    "forget_attention",
    "is_attention",
    "projected_attention",
    "register_attention",
]

_REGISTERED: list[AttentionKind] = []


def register_attention(kind: AttentionKind) -> AttentionKind:
    """Make a kind of attention known to every capture from now on; the latest is tried first.

    Raises
    ------
    TypeError
        If `kind` is no `AttentionKind`.
    """
    if not isinstance(kind, AttentionKind):
        refuse_type("kind", "be an AttentionKind", kind)
    _REGISTERED.insert(0, kind)
    return kind


def forget_attention(kind: AttentionKind) -> None:
    """Take back one `register_attention`."""
    _REGISTERED.remove(kind)


def attention_kind(module: nn.Module, kinds: Sequence[AttentionKind] = ()) -> AttentionKind | None:
    """The kind of attention that a module is, None if it is none that is known.

    `kinds` are tried first, then what was registered, then torch's and transformers' own.

    Examples
    --------
    >>> attention_kind(nn.MultiheadAttention(4, 2)).name
    'nn.MultiheadAttention'
    >>> attention_kind(nn.Linear(4, 2)) is None
    True
    """
    for kind in (*kinds, *_REGISTERED, MULTIHEAD, *TRANSFORMERS):
        if kind.matches(module):
            return kind
    return None


def is_attention(path: str, module: nn.Module) -> bool:
    """Whether a module is attention of a known kind; a selector for `capture`.

    Examples
    --------
    >>> is_attention("layers.0.self_attn", nn.MultiheadAttention(4, 2))
    True
    """
    return attention_kind(module) is not None
