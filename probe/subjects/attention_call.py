"""What a kind of attention is: where one call of it shows its weights, values and output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class AttentionCall:
    """One finished call of an attention module.

    Attributes
    ----------
    path, module
        Where and what it is.
    args, kwargs
        What `forward` was given, after `AttentionKind.ask`.
    asked
        ``(args, kwargs)`` as the caller gave them.
    output
        What `forward` returned.
    returned
        What the caller gets (`AttentionKind.answer`).
    inner
        Output of each submodule named in `AttentionKind.watch`, as of this call.
    """

    path: str
    module: nn.Module
    args: Args
    kwargs: Kwargs
    asked: tuple[Args, Kwargs]
    output: Any
    returned: Any = None
    inner: Mapping[str, Any] = field(default_factory=dict)


def hidden_state(output: Any) -> Any:
    """The hidden state in what an attention module returns: the first item, or all of it."""
    return output[0] if isinstance(output, tuple | list) and output else output


@dataclass(frozen=True, kw_only=True)
class AttentionKind:
    """How one kind of attention module is read.

    Parameters
    ----------
    name : str
    matches : callable
        ``module -> bool``.
    pattern : callable
        ``call -> weights (batch, head, query, key)``, or None if this call has none.
    value : callable, optional
        ``(call, pattern) -> values (batch, head, key, d_head)``, repeated over grouped heads.
    project : callable, optional
        ``(call, context (batch, head, query, d_head)) -> what `own` gives``: heads joined and put
        through the output projection. With `value` it makes the weights verifiable.
    own : callable
        ``call -> the module's own result`` that composed weights must reproduce; the hidden state
        that it returned, unless something follows the projection.
    watch : tuple of str or callable
        Submodules whose outputs `value` and `own` need; or ``module -> tuple of str``.
    ask : callable, optional
        ``(module, args, kwargs) -> (args, kwargs)`` that make the module return its weights.
    answer : callable, optional
        ``call -> what the caller would have got`` without `ask`.

    Examples
    --------
    A module that keeps its weights and its values, and has no output projection:

    >>> kind = AttentionKind(
    ...     name="mine",
    ...     matches=lambda module: type(module).__name__ == "Mine",
    ...     pattern=lambda call: call.module.last_weights,
    ...     value=lambda call, pattern: call.module.last_values,
    ...     project=lambda call, context: context.transpose(1, 2).flatten(2),
    ... )
    >>> kind.matches(nn.Linear(1, 1))
    False
    """

    name: str
    matches: Callable[[nn.Module], bool]
    pattern: Callable[[AttentionCall], Tensor | None]
    value: Callable[[AttentionCall, Tensor], Tensor] | None = None
    project: Callable[[AttentionCall, Tensor], Tensor] | None = None
    own: Callable[[AttentionCall], Any] = lambda call: hidden_state(call.returned)
    watch: tuple[str, ...] | Callable[[nn.Module], tuple[str, ...]] = ()
    ask: Callable[[nn.Module, Args, Kwargs], tuple[Args, Kwargs]] | None = None
    answer: Callable[[AttentionCall], Any] | None = None

    def watched(self, module: nn.Module) -> tuple[str, ...]:
        """Names of the submodules to watch in this module."""
        return self.watch(module) if callable(self.watch) else self.watch
