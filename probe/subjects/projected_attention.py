"""Attention with a value projection and, mostly, an output projection: nearly all of it."""

from __future__ import annotations

import inspect
from typing import Any, Literal

from torch import Tensor, nn

from .._check import one_of
from .attention_call import Args, AttentionCall, AttentionKind, Kwargs, hidden_state

Packing = Literal["alone", "blocks", "key_value", "heads"]
PACKINGS = ("alone", "blocks", "key_value", "heads")


def projected_attention(
    name: str,
    *,
    value: str,
    out: str | None = None,
    classes: tuple[str, ...] = (),
    children: tuple[str, ...] = (),
    weights: int = 1,
    packing: Packing = "alone",
    after: tuple[str, ...] = (),
    unasked: Literal["drop", "none"] | None = None,
) -> AttentionKind:
    """The kind of attention whose submodules are called `value` and `out`.

    Parameters
    ----------
    name : str
    value : str
        Submodule whose output holds the values, (batch, key, width).
    out : str, optional
        Output projection; None where the module returns the joined heads themselves (BERT).
    classes : tuple of str
        Class names that are of this kind. Subclasses count.
    children : tuple of str
        Or, where no class names are given: submodules that a module of this kind has.
    weights : int
        Place of the weights in the tuple that the module returns.
    packing : {"alone", "blocks", "key_value", "heads"}
        What else is in `value`'s output: nothing; query, key and value side by side (GPT-2);
        key and value side by side (GPT-2's cross attention); query, key, value of each head in
        turn (GPT-NeoX). Fewer value heads than weight heads are repeated (grouped-query attention).
    after : tuple of str
        Submodules applied after `out`. Unless they are dropouts at rest, the weights are verified
        against the output of `out` itself, which is what they are composed into.
    unasked : {"drop", "none"}, optional
        For modules that return weights only if called with ``output_attentions=True``: what stands
        in their place otherwise.

    Returns
    -------
    AttentionKind

    Raises
    ------
    ValueError
        If `packing` is unknown.

    Examples
    --------
    >>> kind = projected_attention("mine", classes=("Mine",), value="v", out="o")
    >>> class Mine(nn.Module): ...
    >>> kind.matches(Mine()), kind.matches(nn.Linear(1, 1))
    (True, False)
    """
    one_of("packing", packing, PACKINGS)

    def matches(module: nn.Module) -> bool:
        if classes:
            return any(base.__name__ in classes for base in type(module).__mro__)
        have = dict(module.named_children())
        asks = "output_attentions" in inspect.signature(module.forward).parameters
        return all(child in have for child in children) and (unasked is None or asks)

    def pattern(call: AttentionCall) -> Tensor | None:
        given = call.output if isinstance(call.output, tuple | list) else (call.output, None)
        return given[weights] if len(given) > weights else None

    def values(call: AttentionCall, pattern: Tensor) -> Tensor:
        projected = call.inner.get(value)
        if projected is None:
            raise RuntimeError(
                f"`{call.path}` ({type(call.module).__name__}) did not call its `{value}`, so its "
                "values were not seen; they may come from a key/value cache: call without one "
                "(`use_cache=False`)."
            )
        n_heads = pattern.shape[1]
        joined = _width(call, out) or hidden_state(call.output).shape[-1]
        return unpack_values(projected, n_heads, joined // n_heads, packing)

    def project(call: AttentionCall, context: Tensor) -> Tensor:
        joined = context.transpose(1, 2).flatten(2)
        if out is not None:
            # forward, not a call: the check must not run anybody's hooks a second time
            joined = call.module.get_submodule(out).forward(joined)
        return joined

    def own_result(call: AttentionCall) -> Any:
        follows = [call.module.get_submodule(name) for name in after if _has(call.module, name)]
        return call.inner[out] if out and any(map(_acts, follows)) else hidden_state(call.returned)

    def ask(module: nn.Module, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs]:
        return put(module, args, kwargs, "output_attentions", True)

    def answer(call: AttentionCall) -> Any:
        if given(call.module, *call.asked, "output_attentions"):
            return call.output
        rest = tuple(call.output)
        return rest[:weights] + ((None,) if unasked == "none" else ()) + rest[weights + 1 :]

    return AttentionKind(
        name=name,
        matches=matches,
        pattern=pattern,
        value=values,
        project=project,
        own=own_result,
        watch=(value, out) if out and after else (value,),
        ask=ask if unasked else None,
        answer=answer if unasked else None,
    )


def unpack_values(projected: Tensor, n_heads: int, d_head: int, packing: Packing) -> Tensor:
    """Values by head, (batch, head, key, d_head), from a projection's output (batch, key, width).

    Examples
    --------
    >>> import torch
    >>> v = torch.arange(4.0).reshape(1, 1, 4)
    >>> unpack_values(v, 2, 2, "alone")[0, :, 0].tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    >>> unpack_values(v[..., :2], 2, 2, "alone")[0, :, 0].tolist()  # one value head for two
    [[0.0, 1.0], [0.0, 1.0]]
    """
    batch, key, width = projected.shape[0], projected.shape[-2], projected.shape[-1]
    if packing == "heads":
        by_head = projected.reshape(batch, key, n_heads, 3, d_head)[..., 2, :]
    else:
        # side by side: query heads, then as many key heads as value heads
        start = {"alone": 0, "key_value": width // 2}.get(packing, (width + n_heads * d_head) // 2)
        by_head = projected[..., start:].reshape(batch, key, -1, d_head)
    return by_head.transpose(1, 2).repeat_interleave(n_heads // by_head.shape[2], dim=1)


def given(module: nn.Module, args: Args, kwargs: Kwargs, name: str) -> Any:
    """The argument `name` of a call of a module, by position, by name or by default."""
    parameters = inspect.signature(module.forward).parameters
    place = list(parameters).index(name)
    if place < len(args):
        return args[place]
    return kwargs.get(name, parameters[name].default)


def put(
    module: nn.Module, args: Args, kwargs: Kwargs, name: str, value: object
) -> tuple[Args, Kwargs]:
    """The arguments of a call with `name` set, in the place where the caller had it.

    Examples
    --------
    >>> put(nn.Linear(1, 1), (1,), {}, "input", 2)
    ((2,), {})
    """
    place = list(inspect.signature(module.forward).parameters).index(name)
    if place < len(args):
        return (*args[:place], value, *args[place + 1 :]), kwargs
    return args, {**kwargs, name: value}


def _has(module: nn.Module, name: str) -> bool:
    return name in dict(module.named_modules())


def _acts(module: nn.Module) -> bool:
    """Whether a module does anything to what passes: all but the identity and dropout at rest."""
    if isinstance(module, nn.Dropout):
        return module.training and module.p > 0
    return not isinstance(module, nn.Identity)


def _width(call: AttentionCall, out: str | None) -> int | None:
    """Width of the joined heads, the output projection's input."""
    if out is None:
        return None
    projection = call.module.get_submodule(out)
    width = getattr(projection, "in_features", None)
    if width is None:  # transformers' Conv1D: weight (in, out)
        weight = getattr(projection, "weight", None)
        width = weight.shape[0] if isinstance(weight, Tensor) else None
    return width
