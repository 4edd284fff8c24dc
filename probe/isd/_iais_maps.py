"""Relations of one modality told by the other's, and how far two relation matrices are apart.

Every matrix is (batch, row, row) and 0 at padding; `keep` is (batch, row), 1 or 0. Products with
`keep` stand where a condition would be slower by far.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ._iais_blocks import EMPTY

# The official constant, added to a probability under the logarithm.
EPSILON = 1e-6


def selected(other: Tensor, cross: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Relations among the partners of the anchor's places: (batch, row, row).

    Parameters
    ----------
    other
        (batch, column, column) relations of the other modality.
    cross
        (batch, row, column) attention of the anchor to it. A place's partner is the first of its
        largest entries; the choice has no gradient.
    rows, columns
        (batch, row) and (batch, column), 1 or 0.
    """
    # Below 0 at padding: a row of zeros must not choose it.
    partner = (cross.detach() + (columns[:, None, :] - 1)).argmax(dim=-1)
    pairs = partner[:, :, None] * other.shape[2] + partner[:, None, :]
    found = other.flatten(1).gather(1, pairs.flatten(1)).view(pairs.shape)
    return found * (rows[:, :, None] * rows[:, None, :])


def row_shares(matrix: Tensor, keep: Tensor) -> Tensor:
    """Each row over its sum; a row without mass becomes even over what is kept."""
    mass = matrix.sum(dim=-1, keepdim=True)
    empty = mass <= EMPTY
    even = keep / keep.sum(dim=1, keepdim=True)
    scaled = matrix / mass.masked_fill(empty, torch.inf)
    return torch.addcmul(scaled, empty * keep[:, :, None], even[:, None, :])


def row_softmax(matrix: Tensor, keep: Tensor) -> Tensor:
    """Softmax over the kept columns, 0 at padding."""
    shares = (matrix + (keep[:, None, :] - 1) * 1e30).softmax(dim=-1)
    return shares * keep[:, :, None]


def symmetric_divergence(p: Tensor, q: Tensor, keep: Tensor, *, epsilon: float) -> Tensor:
    """Each pair's mean over rows of KL(p || q) + KL(q || p), (batch,), in nats.

    Both KL at once: the sum over columns of (p - q)(log p - log q). With `epsilon`, p and q stand
    for (p + epsilon) / (1 + n epsilon), n columns: finite at 0, and 0 where p = q.

    Parameters
    ----------
    p, q
        Rows sum to 1.
    keep
        (batch, row), 1 or 0.
    epsilon
        0 or more; at 0 a probability of 0 gives infinity.
    """
    n = keep.sum(dim=1)
    both = keep[:, :, None] * keep[:, None, :]
    # log 1 at padding. In this order: 1 + epsilon would lose half of epsilon's digits.
    above = epsilon + (1 - both)
    apart = _BothWays.apply(p, q, above)
    return apart.sum(dim=(1, 2)) / (n * (1 + n * epsilon))  # pyright: ignore


class _BothWays(torch.autograd.Function):
    """(p - q)(log(p + above) - log(q + above)), with its slopes in as few passes as can be."""

    @staticmethod
    def forward(ctx: Any, p: Tensor, q: Tensor, above: Tensor) -> Tensor:
        first, second = p + above, q + above
        apart, logs = p - q, first.log().sub_(second.log())
        ctx.save_for_backward(apart, logs, first, second)
        return apart * logs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        apart, logs, first, second = ctx.saved_tensors
        slope = torch.addcdiv(logs, apart, first).mul_(gradients[0])
        other = torch.addcdiv(logs, apart, second).mul_(gradients[0]).neg_()
        return slope, other, None


def official_divergence(p: Tensor, q: Tensor, keep: Tensor) -> Tensor:
    """The official code's distance of p and q, (batch,): not a divergence, it may be below 0.

    Mean over rows of the sum of q (log q - log(p + 1e-6)) + p (log p - log(q + 1e-6)), of entries
    that need not sum to 1.
    """
    return _Official.apply(p, q).sum(dim=(1, 2)) / keep.sum(dim=1)  # pyright: ignore


class _Official(torch.autograd.Function):
    """Each entry of `official_divergence`. Autograd alone would go over every logarithm again."""

    @staticmethod
    def forward(ctx: Any, p: Tensor, q: Tensor) -> Tensor:
        # 0 log 0 = 0, with a finite slope; far below the precision of every other entry.
        tiny = 1e3 * torch.finfo(p.dtype).tiny
        above_p, above_q = p + EPSILON, q + EPSILON
        first = (p + tiny).log_().sub_(above_q.log())
        second = (q + tiny).log_().sub_(above_p.log())
        ctx.save_for_backward(p, q, first, second, above_p, above_q)
        return torch.addcmul(p * first, q, second)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        p, q, first, second, above_p, above_q = ctx.saved_tensors
        tiny = 1e3 * torch.finfo(p.dtype).tiny
        slopes = (
            (first + p / (p + tiny)).sub_(q / above_p),
            (second + q / (q + tiny)).sub_(p / above_q),
        )
        return slopes[0] * gradients[0], slopes[1] * gradients[0]
