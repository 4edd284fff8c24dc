"""Contrastive training of a small encoder, and its geometry as it trains (arXiv:2104.08821)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .._check import number, refuse


def contrastive_loss(a: Tensor, b: Tensor, *, temperature: float = 0.05) -> Tensor:
    """InfoNCE: how badly each row of `a` picks its own row of `b` among all of them, by cosine.

        l_i = -log( exp(cos(a_i, b_i) / t) / sum_j exp(cos(a_i, b_j) / t) ),   loss = mean_i l_i

    Parameters
    ----------
    a, b
        (batch, d_model): two readings of the same texts, in the same order.
    temperature
        t, above 0; 0.05 is the paper's.

    Returns
    -------
    Tensor
        Scalar in nats; log(batch) where `a` says nothing about `b`.

    Raises
    ------
    ValueError
        If the shapes differ, there are fewer than two texts, or the temperature is not above 0.

    Notes
    -----
    Source: arXiv:2104.08821, eq. 1 (with h, h+ for `a`, `b` and tau for the temperature).

    Examples
    --------
    >>> rows = torch.eye(4)
    >>> bool(contrastive_loss(rows, rows) < contrastive_loss(rows, rows.roll(1, 0)))
    True
    """
    if a.shape != b.shape or a.ndim != 2 or len(a) < 2:
        refuse(
            "a and b",
            "both be (batch, d_model) with at least two texts",
            f"shapes {tuple(a.shape)} and {tuple(b.shape)}",
        )
    if number("temperature", temperature) <= 0:
        refuse("temperature", "be above 0", temperature)
    cosines = functional.normalize(a, dim=1) @ functional.normalize(b, dim=1).T
    return functional.cross_entropy(cosines / temperature, torch.arange(len(a), device=a.device))
