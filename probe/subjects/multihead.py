"""`torch.nn.MultiheadAttention`: its weights asked for, its values recomputed by its rule."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._check import refuse
from .attention_call import Args, AttentionCall, AttentionKind, Kwargs
from .projected_attention import given, put


def _ask(module: nn.Module, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs]:
    """Arguments with which the weights of every head come out.

    Raises
    ------
    ValueError
        If the caller's own path would hide keys that the path with weights shows: given a causal
        hint and no padding torch drops the mask, and its fused kernel then counts the keys that
        ``add_bias_kv`` and ``add_zero_attn`` append as the future of every query.
    """
    mha: Any = module
    hinted = given(mha, args, kwargs, "is_causal") and not given(mha, args, kwargs, "need_weights")
    extended = mha.bias_k is not None or mha.add_zero_attn
    if hinted and extended and given(mha, args, kwargs, "key_padding_mask") is None:
        refuse(
            "is_causal",
            "be False in a capture of MultiheadAttention with add_bias_kv or add_zero_attn",
            True,
            "Its fused kernel hides the appended keys, so that no weights go with its output; "
            "`attn_mask` alone says the same and is seen.",
        )
    args, kwargs = put(module, args, kwargs, "need_weights", True)
    return put(module, args, kwargs, "average_attn_weights", False)


def _answer(call: AttentionCall) -> Any:
    """What the caller asked for: no weights, averaged ones, or all."""
    output, weights = call.output
    if not given(call.module, *call.asked, "need_weights"):
        if not _has_blank_rows(call):
            return output, None
        args, kwargs = call.asked
        return call.module.forward(*args, **kwargs)
    if given(call.module, *call.asked, "average_attn_weights"):
        return output, weights.mean(dim=-3)
    return call.output


def _pattern(call: AttentionCall) -> Tensor | None:
    weights = call.output[1]
    if weights is None:
        return None
    if _has_blank_rows(call):
        weights = weights.masked_fill(weights.isnan().all(dim=-1, keepdim=True), 0.0)
    return weights if weights.dim() == 4 else weights.unsqueeze(0)


def _has_blank_rows(call: AttentionCall) -> bool:
    """Whether some query has every key masked, where the fused path would give zeros.

    There softmax over the weights gives NaN while the fused kernel, which the caller's
    ``need_weights=False`` means, gives an output of zeros before the projection.

    Raises
    ------
    RuntimeError
        If dropout is active: the two paths draw different dropout, so there are no weights to
        show for the output that the caller must get.
    """
    if given(call.module, *call.asked, "need_weights"):
        return False  # the caller's own path has the NaN, and is left as it is
    names = ("key_padding_mask", "attn_mask")
    if all(given(call.module, call.args, call.kwargs, name) is None for name in names):
        return False
    inputs = [given(call.module, call.args, call.kwargs, name) for name in ("query", "key")]
    if not call.output[1].isnan().any() or not all(x.isfinite().all() for x in inputs):
        return False
    if call.module.training and call.module.dropout > 0:  # pyright: ignore[reportOperatorIssue]
        raise RuntimeError(
            f"`{call.path}` (MultiheadAttention) masks every key of some query while dropout is "
            "active; its weights there are undefined. Unmask one key of each query, or capture in "
            "eval mode."
        )
    return True


def _value(call: AttentionCall, pattern: Tensor) -> Tensor:
    """V as `torch.nn.functional.multi_head_attention_forward` makes it, bias and zero rows too."""
    mha: Any = call.module
    value = given(mha, call.args, call.kwargs, "value")
    value = value.unsqueeze(0) if value.dim() == 2 else value
    if not mha.batch_first and given(mha, call.args, call.kwargs, "value").dim() == 3:
        value = value.transpose(0, 1)
    width = mha.embed_dim
    weight = mha.in_proj_weight[2 * width :] if mha._qkv_same_embed_dim else mha.v_proj_weight
    bias = None if mha.in_proj_bias is None else mha.in_proj_bias[2 * width :]
    value = F.linear(value, weight, bias)
    if mha.bias_v is not None:
        row = mha.bias_v.to(value.dtype).expand(value.shape[0], -1, -1)
        value = torch.cat([value, row], dim=1)
    if mha.add_zero_attn:
        value = F.pad(value, (0, 0, 0, 1))
    return value.unflatten(-1, (mha.num_heads, mha.head_dim)).transpose(1, 2)


def _project(call: AttentionCall, context: Tensor) -> Tensor:
    mha: Any = call.module
    joined = F.linear(context.transpose(1, 2).flatten(2), mha.out_proj.weight, mha.out_proj.bias)
    if given(mha, call.args, call.kwargs, "query").dim() == 2:
        return joined.squeeze(0)
    return joined if mha.batch_first else joined.transpose(0, 1)


MULTIHEAD = AttentionKind(
    name="nn.MultiheadAttention",
    matches=lambda module: isinstance(module, nn.MultiheadAttention),
    pattern=_pattern,
    value=_value,
    project=_project,
    ask=_ask,
    answer=_answer,
)
