"""Blocks of joint attention, one modality's rows against another's columns, for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# A row with less mass than this on a modality counts as empty: 1 / mass would overflow float32.
EMPTY = 1e-30
# A stretch may be this much longer than the longest row needs before gathering pays.
SLACK = 1.5


class Places(NamedTuple):
    """Where a batch has a modality: one stretch of positions, and which of them count.

    Parameters
    ----------
    start, stop
        The stretch.
    keep
        (batch, place) 1 or 0, in the dtype that the loss is computed in. 0 is padding, or a
        position of something else.
    """

    start: int
    stop: int
    keep: Tensor


def places(mask: Tensor, host: np.ndarray, dtype: torch.dtype) -> Places | None:
    """The places of a modality, or None where its positions are too scattered for a stretch.

    `mask` is (batch, position) bool with at least one True in a row, `host` a copy of it.

    Examples
    --------
    >>> mask = torch.tensor([[False, True, True], [False, True, False]])
    >>> places(mask, mask.numpy(), torch.float32)[:2]
    (1, 3)
    """
    used = np.flatnonzero(host.any(axis=0))
    start, stop = int(used[0]), int(used[-1]) + 1
    if stop - start > SLACK * host.sum(axis=1).max():
        return None
    return Places(start, stop, mask[:, start:stop].to(dtype))


def gathered(
    attention: Tensor, text: Tensor, image: Tensor, dtype: torch.dtype
) -> tuple[Tensor, Places, Places]:
    """The attention with each row's text positions first, then its image positions.

    Parameters
    ----------
    attention
        (batch, ..., position, position).
    text, image
        (batch, position) bool.
    dtype
        Of the `keep` of the places.

    Returns
    -------
    attention, text, image
        (batch, ..., place, place) and the two stretches. Padding repeats positions that count.
    """
    orders, found, start = [], [], 0
    for mask in (text, image):
        counts = mask.sum(dim=1)
        most = int(counts.max())
        order = (~mask).to(torch.uint8).argsort(dim=1, stable=True)[:, :most]
        keep = torch.arange(most, device=mask.device) < counts[:, None]
        orders.append(torch.where(keep, order, order[:, :1]))
        found.append(Places(start, start + most, keep.to(dtype)))
        start += most
    order = torch.cat(orders, dim=1)
    for axis in (-2, -1):
        view, wanted = [1] * attention.ndim, list(attention.shape)
        view[0], view[axis], wanted[axis] = len(order), start, start
        attention = attention.gather(axis, order.view(view).expand(wanted))
    return attention, found[0], found[1]


def blocks(
    attention: Tensor, asked: Sequence[tuple[Places, Places]], *, renormalise: bool
) -> tuple[Tensor, ...]:
    """Blocks of the attention, averaged over heads: (batch, row, column) each, 0 at padding.

    Parameters
    ----------
    attention
        (batch, head, position, position), finite and at least 0.
    asked
        The rows (queries) and the columns (keys) of each block.
    renormalise
        Divide each head's row by its sum over the columns before heads are averaged. A row
        without mass becomes even and has no gradient.

    Returns
    -------
    tuple of Tensor
        In float32 or float64, differentiable once.
    """
    return _Blocks.apply(attention, tuple(asked), renormalise)  # pyright: ignore[reportReturnType]


class _Blocks(torch.autograd.Function):
    """`blocks`. Autograd alone would write the whole gradient several times for every block."""

    @staticmethod
    def forward(
        ctx: Any, attention: Tensor, asked: tuple[tuple[Places, Places], ...], renormalise: bool
    ) -> tuple[Tensor, ...]:
        means, saved = [], []
        for rows, columns in asked:
            both = (rows.keep[:, :, None] * columns.keep[:, None, :])[:, None]
            # A mask of every entry is faster than one of columns; its dtype widens half precision.
            shares = _part(attention, rows, columns) * both
            if not renormalise:
                means.append(_mean(shares))
                saved.append(both)
                continue
            mass = shares.sum(dim=-1, keepdim=True)
            scale = torch.where(mass > EMPTY, mass.reciprocal(), 0.0)
            shares *= scale
            mean = _mean(shares)
            empty = rows.keep[:, None, :, None] * (scale == 0)
            if empty.any():
                even = columns.keep / columns.keep.sum(dim=1, keepdim=True)
                mean = torch.addcmul(mean, empty.mean(dim=1), even[:, None, :])
            means.append(mean)
            saved += [both, shares, scale]
        ctx.save_for_backward(*saved)
        ctx.asked, ctx.renormalise = asked, renormalise
        ctx.like = attention.new_empty(0), attention.shape
        return tuple(means)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        like, shape = ctx.like
        total = like.new_zeros(shape, dtype=gradients[0].dtype)
        saved = iter(ctx.saved_tensors)
        for (rows, columns), gradient in zip(ctx.asked, gradients, strict=True):
            both = next(saved)
            slope = (gradient / shape[1])[:, None] * both
            if ctx.renormalise:
                shares, scale = next(saved), next(saved)
                # d(a_j / sum a) = (da_j - a_j / sum a * sum da) / sum a, over columns that count.
                along = (shares * slope).sum(dim=-1, keepdim=True)
                slope = torch.addcmul(slope, along, both, value=-1)
                _part(total, rows, columns).addcmul_(slope, scale)
            else:
                _part(total, rows, columns).add_(slope)
        if like.dtype != total.dtype:
            # A slope of 1e6 is true at an attention of 0, and beyond float16.
            limit = torch.finfo(like.dtype).max
            total = total.clamp_(-limit, limit).to(like.dtype)
        return total, None, None


def _part(attention: Tensor, rows: Places, columns: Places) -> Tensor:
    return attention[:, :, rows.start : rows.stop, columns.start : columns.stop]


def _mean(shares: Tensor) -> Tensor:
    return shares.mean(dim=1) if shares.shape[1] > 1 else shares[:, 0]
