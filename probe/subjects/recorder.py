"""The hooks on one captured module, and what they write down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from .attention_call import AttentionCall, AttentionKind, hidden_state
from .attention_check import read_pattern, read_value, verify
from .captured import Activations

_THREAD = threading.local()


@contextmanager
def _reading() -> Iterator[None]:
    """Reading a call may run submodules again (`AttentionKind.project`): no hook of ours counts it.

    Counted, it would record calls that no one made, and a composed output would take the place of
    the module's own, which it is about to be compared with.
    """
    before = getattr(_THREAD, "reading", False)
    _THREAD.reading = True
    try:
        yield
    finally:
        _THREAD.reading = before


@dataclass(frozen=True)
class Plan:
    """What a capture keeps of each call, and how."""

    what: tuple[str, ...]
    check: bool
    tolerance: float | None
    keep: Callable[[Any], Any]


@dataclass
class _Frame:
    """One call under way."""

    asked: tuple[tuple[Any, ...], dict[str, Any]]
    inner: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] | None = None


class Recorder:
    """The hooks on one module, and the calls of it that are under way."""

    def __init__(
        self, path: str, kind: AttentionKind | None, plan: Plan, acts: Activations
    ) -> None:
        self.path = path
        self.kind = kind
        self.plan = plan
        self.acts = acts
        self.calls = acts.place(path).calls
        self.reads = kind is not None and plan.what != ("output",)
        self.frames: list[_Frame] = []

    def attach(self, module: nn.Module, stack: ExitStack) -> None:
        """Put the hooks on, to be taken off with `stack`."""

        def until_exit(hook: RemovableHandle) -> None:
            stack.callback(hook.remove)

        # The outermost capture asks first and answers last, so that each sees the call as the next
        # outer one made it: hence the answering hook is put in front of those already there, which
        # also lets the user's own hooks see what the module's caller would see.
        until_exit(module.register_forward_pre_hook(self._begin, with_kwargs=True))
        if self.reads:
            until_exit(module.register_forward_hook(self._finish, with_kwargs=True, prepend=True))
            for name in self.kind.watched(module) if self.kind else ():
                inner = module.get_submodule(name)
                until_exit(inner.register_forward_hook(self._watch(name)))
        # Behind the user's hooks: what flows on from the module is its output. Runs on errors too.
        until_exit(module.register_forward_hook(self._end, with_kwargs=True, always_call=True))

    def _begin(self, module: nn.Module, args: Any, kwargs: Any) -> Any:
        if _is_reading():
            return None
        self.frames.append(_Frame(asked=(args, kwargs)))
        if self.reads and self.kind and self.kind.ask:
            return self.kind.ask(module, args, kwargs)
        return None

    def _watch(self, name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _args: Any, output: Any) -> None:
            if self.frames and not _is_reading():
                self.frames[-1].inner[name] = output

        return hook

    def _finish(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        if self.kind is None or _is_reading():
            return None
        frame = self.frames[-1]
        call = AttentionCall(
            path=self.path,
            module=module,
            args=args,
            kwargs=kwargs,
            asked=frame.asked,
            output=output,
            inner=frame.inner,
        )
        with _reading():
            return self._read(self.kind, call, frame)

    def _read(self, kind: AttentionKind, call: AttentionCall, frame: _Frame) -> Any:
        pattern = read_pattern(kind, call)
        call = replace(call, returned=kind.answer(call) if kind.answer else call.output)
        parts = {"pattern": pattern}
        if "value" in self.plan.what or self.plan.check:
            parts["value"] = read_value(kind, call, pattern)
        if self.plan.check:
            found = verify(kind, call, pattern, parts["value"], self.plan.tolerance)
            worst = self.acts.residuals.get(self.path, 0.0)
            self.acts.residuals[self.path] = max(worst, found)
        frame.parts = {w: self.plan.keep(parts[w]) for w in self.plan.what if w in parts}
        return call.returned

    def _end(self, _module: nn.Module, _args: Any, _kwargs: Any, output: Any) -> None:
        if not self.frames or _is_reading():
            return
        frame = self.frames.pop()
        if output is None or (self.reads and frame.parts is None):
            return  # the call failed
        parts = frame.parts or {}
        if "output" in self.plan.what:
            parts["output"] = self.plan.keep(hidden_state(output) if self.kind else output)
        self.calls.append({w: parts[w] for w in self.plan.what})


def _is_reading() -> bool:
    return getattr(_THREAD, "reading", False)
