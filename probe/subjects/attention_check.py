"""Captured weights times captured values must be the module's own output; else an error."""

from __future__ import annotations

import torch
from torch import Tensor

from .attention_call import AttentionCall, AttentionKind

# float32 agrees to about 1e-6; below float32 the rounding of the model itself is the limit.
TOLERANCE = 1e-5
ROUNDINGS = 4.0


def read_pattern(kind: AttentionKind, call: AttentionCall) -> Tensor:
    """The weights of one call, (batch, head, query, key).

    Raises
    ------
    RuntimeError
        If the module gave none.
    """
    pattern = kind.pattern(call)
    if not isinstance(pattern, Tensor) or pattern.numel() == 0:
        raise RuntimeError(
            f"`{_name(call)} returned no attention weights (got {_seen(pattern)}), as a fused "
            "kernel does. Load the model with attn_implementation='eager', or say where its "
            "weights are with `kinds=[AttentionKind(...)]`."
        )
    if pattern.dim() != 4 or not pattern.is_floating_point():
        raise RuntimeError(
            f"`{_name(call)} was read as attention of kind {kind.name!r}, but what stands in the "
            f"place of its weights is {_seen(pattern)}, not (batch, head, query, key). Say where "
            "its weights are with `kinds=[AttentionKind(...)]`."
        )
    return pattern


def read_value(kind: AttentionKind, call: AttentionCall, pattern: Tensor) -> Tensor:
    """The values of one call, (batch, head, key, d_head), to go with its weights.

    Raises
    ------
    RuntimeError
        If they do not go with the weights.
    """
    if kind.value is None:
        raise RuntimeError(f"`{_name(call)}: its kind {kind.name!r} does not say what values are.")
    value = kind.value(call, pattern)
    wanted = (*pattern.shape[:2], pattern.shape[-1])
    if value.dim() != 4 or tuple(value.shape[:3]) != wanted:
        raise RuntimeError(
            f"`{_name(call)} has weights over (batch, head, key) {wanted} and values {_seen(value)}"
            f", read by kind {kind.name!r}. With a key/value cache the values of earlier keys are "
            "not seen: call without one (`use_cache=False`)."
        )
    return value


@torch.no_grad()
def residual(kind: AttentionKind, call: AttentionCall, pattern: Tensor, value: Tensor) -> float:
    """Largest difference of composed and own output, over the largest own output.

    Composed is weights @ values, heads joined, through the output projection. Places where both are
    NaN agree.

    Raises
    ------
    RuntimeError
        If the two have different shapes.
    """
    if kind.project is None:
        raise RuntimeError(f"`{_name(call)}: its kind {kind.name!r} has no `project`.")
    composed = kind.project(call, pattern.to(value.dtype) @ value)
    own = kind.own(call)
    if not isinstance(own, Tensor) or own.shape != composed.shape:
        raise RuntimeError(
            f"`{_name(call)} returned {_seen(own)}, while its weights and values compose to "
            f"{_seen(composed)} by kind {kind.name!r}."
        )
    composed, own = composed.double(), own.double()
    same = (composed == own) | (composed.isnan() & own.isnan())
    difference = torch.where(same, 0.0, composed - own).abs().max()
    scale = torch.where(own.isfinite(), own, 0.0).abs().max()
    if difference == 0:
        return 0.0
    ratio = float(difference / scale) if scale > 0 else float("inf")
    return ratio if ratio == ratio else float("inf")  # NaN on one side only


def verify(
    kind: AttentionKind,
    call: AttentionCall,
    pattern: Tensor,
    value: Tensor,
    tolerance: float | None,
) -> float:
    """The residual of one call, if it is within `tolerance`.

    Raises
    ------
    RuntimeError
        If it is not: which module, and by how much.
    """
    found = residual(kind, call, pattern, value)
    own = kind.own(call)
    eps = max(torch.finfo(x.dtype).eps for x in (pattern, value, own))
    allowed = tolerance if tolerance is not None else max(TOLERANCE, ROUNDINGS * eps)
    if found > allowed:
        raise RuntimeError(
            f"`{_name(call)}: captured weights times values do not reproduce its output: relative "
            f"difference {found:.3g}, allowed {allowed:.3g} (kind {kind.name!r}). Either the "
            "weights it returns are not the ones it used, or it computes more than this kind says "
            "(a gate, a hook on its projection): describe it with `kinds=[AttentionKind(...)]`, or "
            "pass `verify=False` to take the weights unproven."
        )
    return found


def _name(call: AttentionCall) -> str:
    return f"{call.path}` ({type(call.module).__name__})"


def _seen(value: object) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
