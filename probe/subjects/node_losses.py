"""Losses over labelled nodes: cross entropy and its remedies for unequal classes, times weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .._check import number, one_of, refuse, same_length

NodeLoss = Callable[[Tensor, Tensor], Tensor]
"""From logits (node, label) and labels (node,) int64 to one loss per node, (node,)."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """-log p of each node's label, (node,), in nats.

    Examples
    --------
    >>> cross_entropy(torch.zeros(1, 4), torch.tensor([2])).exp().round().tolist()
    [4.0]
    """
    return functional.cross_entropy(logits, labels, reduction="none")


def class_weighted(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy times n / (C n_c): classes count alike, however many nodes each has.

    n_c nodes of class c, of n in all, in the C classes that occur; the factors' mean is 1.

    Examples
    --------
    >>> loss = class_weighted(torch.zeros(3, 2), torch.tensor([0, 0, 1]))
    >>> bool(torch.isclose(loss[:2].sum(), loss[2]))
    True
    """
    counts = _counts(labels, logits.shape[1])
    share = 1 / counts[labels]
    return share * (len(labels) / share.sum()) * cross_entropy(logits, labels)


def focal(logits: Tensor, labels: Tensor, *, gamma: float = 2.0) -> Tensor:
    """(1 - p)^gamma times -log p: easy nodes count less (arXiv:1708.02002, eq. 4).

    Raises
    ------
    ValueError
        If `gamma` is below 0. At 0 it is cross entropy.

    Examples
    --------
    >>> logits = torch.tensor([[0.0, 0.0]])
    >>> round(focal(logits, torch.tensor([0])).item(), 4)  # log(2) / 4
    0.1733
    """
    number("gamma", gamma, low=0.0)
    loss = cross_entropy(logits, labels)
    return (-torch.expm1(-loss)).clamp(min=0) ** gamma * loss


def class_balanced(logits: Tensor, labels: Tensor, *, beta: float = 0.9999) -> Tensor:
    """Cross entropy over the effective number of nodes of each class (arXiv:1901.05555).

    The factor is in proportion to (1 - beta) / (1 - beta^n_c), n_c nodes of class c.

    Notes
    -----
    The paper lets the factors of the classes add up to C; here those of the nodes have mean 1, so
    that the learning rate means the same under every loss.

    Raises
    ------
    ValueError
        If `beta` is not in [0, 1).

    Examples
    --------
    >>> labels = torch.tensor([0, 0, 1])
    >>> a, b = class_balanced(torch.zeros(3, 2), labels, beta=0.5)[1:]
    >>> round(float(b / a), 6)  # (1 - 1/4) / (1 - 1/2)
    1.5
    """
    if not 0 <= number("beta", beta) < 1:
        refuse("beta", "be in [0, 1)", beta, "0.9999 is the paper's.")
    counts = _counts(labels, logits.shape[1]).double()
    effective = (1 - beta**counts) / (1 - beta)
    share = (1 / effective)[labels]
    return (share * (len(labels) / share.sum())).to(logits.dtype) * cross_entropy(logits, labels)


NODE_LOSSES: dict[str, NodeLoss] = {
    "cross_entropy": cross_entropy,
    "class_weighted": class_weighted,
    "focal": focal,
    "class_balanced": class_balanced,
}


def weighted_mean(losses: Tensor, weights: Tensor | None = None) -> Tensor:
    """sum_v w_v l_v / |L| over the labelled nodes L (arXiv:2110.04099).

    Divided by the number of nodes, not by the sum of the weights, as the paper does; the mean of
    ReNode's weights is (w_min + w_max) / 2, up to ties.

    Parameters
    ----------
    losses
        (node,) one loss per labelled node.
    weights
        (node,) one weight each; None is 1 everywhere.

    Raises
    ------
    ValueError
        If lengths differ.

    Examples
    --------
    >>> weighted_mean(torch.tensor([1.0, 3.0]), torch.tensor([1.5, 0.5])).item()
    1.5
    """
    if weights is None:
        return losses.mean()
    same_length(losses=losses, weights=weights)
    return (losses * weights).mean()


def node_loss(loss: str | NodeLoss) -> NodeLoss:
    """A loss by its name, or the function itself.

    Raises
    ------
    ValueError
        If no loss has that name.
    """
    return NODE_LOSSES[one_of("loss", loss, NODE_LOSSES)] if isinstance(loss, str) else loss


def _counts(labels: Tensor, n_labels: int) -> Tensor:
    return torch.bincount(labels, minlength=n_labels).to(torch.float32)
