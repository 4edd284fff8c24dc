"""Attention of one sequence to another, whose weights can be seen and whose heads can be held."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._check import refuse, refuse_type
from .small_encoder import Norm

AttentionMaker = Callable[[int, int, float], "ObservableAttention"]


class ObservableAttention(nn.Module, ABC):
    """What stands at the attention swap point of the vision-and-language models.

    It is made with ``(d_model, n_heads, dropout)``.
    """

    @abstractmethod
    def forward(
        self, states: Tensor, context: Tensor, mask: Tensor, gate: Tensor | None = None
    ) -> Tensor:
        """What each state takes from the kept places of the context.

        Parameters
        ----------
        states, context
            (batch, query, d_model); (batch, key, d_model).
        mask
            (batch, key), True = keep; at least one of each row.
        gate
            (head,) or (batch, head) in [0, 1]: 1 leaves a head as it is, 0 puts its resting output
            in its place; None leaves all.

        Returns
        -------
        Tensor
            (batch, query, d_model).
        """

    @abstractmethod
    def observe(
        self, states: Tensor, context: Tensor, mask: Tensor, gate: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The same as `forward`, and the weights (batch, head, query, key); rows sum to 1."""


@final
class HeadAttention(ObservableAttention):
    """Scaled dot-product attention: a fused kernel, or the same spelled out to show its weights.

        head_h = softmax(q_h k_h^T / sqrt(d_head)) v_h,   output = W [head_1, ..., head_H]

    Parameters
    ----------
    d_model, n_heads
        Width; heads, which divide it.
    dropout
        Probability that a weight is dropped while training. Weights are shown before that.

    Notes
    -----
    Source: arXiv:1706.03762, eq. 1. `resting` (head, d_head) is what a closed gate leaves of a
    head: its mean output after `rest_heads`, else 0.

    Examples
    --------
    >>> attention = HeadAttention(8, 2, 0.0)
    >>> states, mask = torch.ones(1, 3, 8), torch.tensor([[True, True, False]])
    >>> attention.observe(states, states, mask)[1][0, 0, 0]
    tensor([0.5000, 0.5000, 0.0000], grad_fn=<SelectBackward0>)
    """

    resting: Tensor

    def __init__(self, d_model: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        if d_model % n_heads:
            refuse("n_heads", f"divide `d_model` {d_model}", n_heads)
        self.n_heads, self.dropout = n_heads, dropout
        self.project = nn.Linear(d_model, 3 * d_model)
        self.out = nn.Linear(d_model, d_model)
        nn.init.xavier_uniform_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        nn.init.zeros_(self.out.bias)
        # No weight: a statistic of the trained heads, which a checkpoint need not hold.
        self.register_buffer("resting", torch.zeros(n_heads, d_model // n_heads), persistent=False)

    def forward(
        self, states: Tensor, context: Tensor, mask: Tensor, gate: Tensor | None = None
    ) -> Tensor:
        """As said of every `ObservableAttention`; the weights are never held in memory."""
        q, k, v = self._projected(states, context)
        dropped = self.dropout if self.training else 0.0
        keep = mask[:, None, None, :]
        heads = functional.scaled_dot_product_attention(q, k, v, attn_mask=keep, dropout_p=dropped)
        return self._joined(heads, gate)

    def observe(
        self, states: Tensor, context: Tensor, mask: Tensor, gate: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As said of every `ObservableAttention`."""
        q, k, v = self._projected(states, context)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        weights = scores.masked_fill(~mask[:, None, None, :], -torch.inf).softmax(dim=-1)
        heads = functional.dropout(weights, self.dropout, self.training) @ v
        return self._joined(heads, gate), weights

    def outputs(self, states: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """What each head gives before `out`, (batch, head, query, d_head)."""
        q, k, v = self._projected(states, context)
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])

    def _projected(self, states: Tensor, context: Tensor) -> list[Tensor]:
        """Queries, keys and values, each (batch, head, seq, d_head)."""
        if states is context:
            parts = list(self.project(states).chunk(3, dim=-1))
        else:
            d_model = states.shape[-1]
            weight, bias = self.project.weight, self.project.bias
            both = functional.linear(context, weight[d_model:], bias[d_model:])
            first = functional.linear(states, weight[:d_model], bias[:d_model])
            parts = [first, *both.chunk(2, dim=-1)]
        return [part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in parts]

    def _joined(self, heads: Tensor, gate: Tensor | None) -> Tensor:
        if gate is not None:
            # (head,) or (batch, head) to (batch or 1, head, 1, 1).
            share = gate.reshape(-1, self.n_heads, 1, 1)
            heads = share * heads + (1 - share) * self.resting[None, :, None, :]
        return self.out(heads.transpose(1, 2).flatten(2))


@final
class AttentionLayer(nn.Module):
    """Attention with residual, dropout and a norm, before it (pre-norm) or after the sum."""

    def __init__(
        self, attention: nn.Module, norm: nn.Module, *, dropout: float, norm_first: bool
    ) -> None:
        super().__init__()
        if not isinstance(attention, ObservableAttention):
            hint = "Probes need its weights: derive it from ObservableAttention."
            refuse_type("attention", "make an ObservableAttention", attention, hint)
        self.attention, self.norm = attention, norm
        self.dropout, self.norm_first = nn.Dropout(dropout), norm_first

    def forward(
        self,
        states: Tensor,
        context: Tensor,
        mask: Tensor,
        *,
        gate: Tensor | None = None,
        seen: list[Tensor] | None = None,
    ) -> Tensor:
        """States with what they take from the context; its weights are put into `seen`."""
        query = self.norm(states) if self.norm_first else states
        # The same tensor where a sequence attends to itself: it is projected once.
        keys = query if context is states else self.norm(context) if self.norm_first else context
        if seen is None:
            found = self.attention(query, keys, mask, gate)
        else:
            found, weights = self.attention.observe(query, keys, mask, gate)
            seen.append(weights)
        total = states + self.dropout(found)
        return total if self.norm_first else self.norm(total)


@final
class FeedForwardLayer(nn.Module):
    """Feed-forward network with residual, dropout and a norm, before it or after the sum."""

    def __init__(
        self, feed_forward: nn.Module, norm: nn.Module, *, dropout: float, norm_first: bool
    ) -> None:
        super().__init__()
        self.feed_forward, self.norm = feed_forward, norm
        self.dropout, self.norm_first = nn.Dropout(dropout), norm_first

    def forward(self, states: Tensor) -> Tensor:
        """(batch, seq, d_model) to the same."""
        inner = self.norm(states) if self.norm_first else states
        total = states + self.dropout(self.feed_forward(inner))
        return total if self.norm_first else self.norm(total)


def layer_makers(
    d_model: int,
    n_heads: int,
    *,
    dropout: float,
    norm_first: bool,
    norm: Norm,
    attention: AttentionMaker,
    feed_forward: Callable[[int, float], nn.Module],
) -> tuple[Callable[[], AttentionLayer], Callable[[], FeedForwardLayer]]:
    """Makers of the two kinds of layer out of the parts that can be exchanged."""

    def attending() -> AttentionLayer:
        made = attention(d_model, n_heads, dropout)
        return AttentionLayer(made, norm(d_model), dropout=dropout, norm_first=norm_first)

    def feeding() -> FeedForwardLayer:
        made = feed_forward(d_model, dropout)
        return FeedForwardLayer(made, norm(d_model), dropout=dropout, norm_first=norm_first)

    return attending, feeding
