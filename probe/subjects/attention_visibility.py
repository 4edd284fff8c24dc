"""Making attention visible while a capture is open: fused kernels off, and everything back after.

What is switched is process-wide (torch's fast path) or belongs to a configuration that several
models may share, and captures may overlap and end in any order (generators). So each setting is
held by a count: the first holder saves and switches it, the last one restores it.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from .._check import refuse

_LOG = logging.getLogger(__name__)
_LOCK = threading.RLock()
_HELD: dict[Hashable, tuple[int, Any]] = {}


@contextmanager
def held(
    key: Hashable, read: Callable[[], Any], write: Callable[[Any], None], value: Any
) -> Iterator[None]:
    """Set a setting to `value` until the last of its holders leaves.

    Examples
    --------
    >>> setting = {"fast": True}
    >>> first = held("f", lambda: setting["fast"], lambda v: setting.update(fast=v), False)
    >>> second = held("f", lambda: setting["fast"], lambda v: setting.update(fast=v), False)
    >>> _ = first.__enter__(), second.__enter__()
    >>> _ = first.__exit__(None, None, None)  # not the last to leave
    >>> setting["fast"]
    False
    >>> _ = second.__exit__(None, None, None)
    >>> setting["fast"]
    True
    """
    with _LOCK:
        count, original = _HELD.get(key, (0, None))
        if count == 0:
            original = read()
            write(value)
        _HELD[key] = (count + 1, original)
    try:
        yield
    finally:
        with _LOCK:
            count, original = _HELD.pop(key)
            if count > 1:
                _HELD[key] = (count - 1, original)
            else:
                write(original)


@contextmanager
def hooks_seen(model: nn.Module) -> Iterator[None]:
    """Have every submodule's `forward` run, so that hooks on it do.

    In eval mode without gradients `nn.TransformerEncoder` and its layers call one fused kernel in
    place of their submodules; that path is off inside the block.

    Raises
    ------
    ValueError
        If the model is compiled or scripted: its hooks would be skipped without a word.
    """
    for path, module in model.named_modules():
        compiled = hasattr(module, "_orig_mod") or (
            getattr(module, "_compiled_call_impl", None) is not None
        )
        if compiled or isinstance(module, torch.jit.ScriptModule):
            refuse(
                "model",
                "run eagerly",
                f"a compiled or scripted module at {path!r}",
                "Capture the module that was compiled (`model._orig_mod`) and call that one.",
            )
    mha = torch.backends.mha
    with held("fastpath", mha.get_fastpath_enabled, mha.set_fastpath_enabled, False):
        yield


@contextmanager
def weights_seen(model: nn.Module) -> Iterator[list[str]]:
    """Have transformers' attention modules compute their weights; gives notes on what was switched.

    Under sdpa or flash attention the weights never exist. Every transformers model inside `model`,
    and every sub-configuration, is switched to eager attention and back on exit.
    """
    configs = _configs(model)
    before = sorted({str(c._attn_implementation_internal) for c in configs} - {"eager", "None"})
    if not before:
        yield []
        return
    note = f"attention implementation {', '.join(before)} is eager while the capture is open"
    with ExitStack() as stack:
        for config in configs:
            stack.enter_context(_held_config(config))
        _LOG.info("%s: %s", type(model).__name__, note)
        yield [note]


def _held_config(config: Any) -> Any:
    def write(implementation: Any) -> None:
        # The public setter would push the value down to the sub-configurations, which are held
        # one by one here, each with its own original.
        config._attn_implementation_internal = implementation

    key = ("attention implementation", id(config))
    return held(key, lambda: config._attn_implementation_internal, write, "eager")


def _configs(model: nn.Module) -> list[Any]:
    """Every distinct transformers configuration in the model, sub-configurations included."""
    if "transformers" not in sys.modules:  # then no model of theirs can be inside
        return []
    found: dict[int, Any] = {}
    waiting = [module.__dict__.get("config") for module in model.modules()]
    while waiting:
        config = waiting.pop()
        if id(config) in found or "_attn_implementation_internal" not in getattr(
            config, "__dict__", {}
        ):
            continue
        found[id(config)] = config
        waiting += [getattr(config, name, None) for name in getattr(config, "sub_configs", {})]
    return list(found.values())
