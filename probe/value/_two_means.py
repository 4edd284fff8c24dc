"""Two clusters of each of many small sets of points at once, and how they agree with two labels."""

from __future__ import annotations

import numpy as np
import torch

from ..whitening._reservoir import mixed


def two_means(
    points: torch.Tensor,
    mask: torch.Tensor,
    keys: np.ndarray,
    *,
    starts: int = 8,
    steps: int = 30,
) -> torch.Tensor:
    """Which of two clusters each point is in, (set, point) bool: Lloyd's k-means with k = 2.

    Parameters
    ----------
    points
        (set, point, feature), finite.
    mask
        (set, point) bool: the points that count; at least 2 in each set.
    keys
        (set,) uint64. The starting points of a set are drawn from its key (k-means++: the second
        with probability in proportion to its squared distance from the first), so that it is
        clustered alike in any batch.
    starts
        Tries; that of the least within-cluster sum of squares is kept.
    steps
        Of Lloyd's algorithm, at most.
    """
    some = mask.to(points.dtype)
    centred = points - (points * some[..., None]).sum(1, keepdim=True) / some.sum(1)[:, None, None]
    centred = centred * some[..., None]
    norms = centred.square().sum(-1)
    best: torch.Tensor | None = None
    least = torch.full_like(norms[:, 0], torch.inf)
    for start in range(starts):
        salts = mixed(keys[None] ^ mixed(np.array([[2 * start], [2 * start + 1]], np.uint64)))
        u = torch.as_tensor((salts >> np.uint64(11)) * 2.0**-53, device=points.device)
        one = _pick(some, u[0])
        first = _at(centred, one)
        distance = (centred - first[:, None]).square().sum(-1) * some
        centres = torch.stack([first, _at(centred, _pick(distance, u[1]))], dim=1)
        member = torch.zeros_like(mask)
        for _ in range(steps):
            # |x - a|^2 < |x - b|^2 without the term |x|^2 that both share.
            scores = 2 * torch.bmm(centred, centres.mT) - centres.square().sum(-1)[:, None]
            fresh = (scores[..., 1] > scores[..., 0]) & mask
            if torch.equal(fresh, member):
                break
            member = fresh
            weights = torch.stack([mask & ~member, member], dim=1).to(points.dtype)
            size = weights.sum(-1, keepdim=True)
            moved = torch.bmm(weights, centred) / size.clamp_min(1)
            centres = torch.where(size > 0, moved, centres)
        weights = torch.stack([mask & ~member, member], dim=1).to(points.dtype)
        sums = torch.bmm(weights, centred).square().sum(-1) / weights.sum(-1).clamp_min(1)
        inertia = norms.sum(1) - sums.sum(1)
        better = inertia < least * (1 - 1e-6)
        best = member if best is None else torch.where(better[:, None], member, best)
        least = torch.where(better, inertia, least)
    return torch.zeros_like(mask) if best is None else best


def agreement(member: torch.Tensor, label: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Normalised mutual information of two divisions in two, (set,), in [0, 1].

    Mutual information over the mean of the two entropies; 1 where both divide nothing.
    """
    table = torch.stack(
        [((member == a) & (label == b) & mask).sum(-1) for a in (0, 1) for b in (0, 1)], dim=-1
    ).double()
    joint = (table / table.sum(-1, keepdim=True).clamp_min(1)).view(-1, 2, 2)
    entropy = _entropy(joint.flatten(1))
    of_member, of_label = _entropy(joint.sum(2)), _entropy(joint.sum(1))
    both = (of_member + of_label) / 2
    shared = (of_member + of_label - entropy).clamp_min(0)
    return torch.where(both > 0, shared / both.clamp_min(1e-12), 1.0).clamp_max(1.0)


def _entropy(shares: torch.Tensor) -> torch.Tensor:
    return -torch.xlogy(shares, shares).sum(-1)


def _pick(weights: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """The first point at which the running share of the weights exceeds u."""
    run = weights.double().cumsum(-1)
    return (run <= (u * run[:, -1])[:, None]).sum(-1).clamp_max(weights.shape[-1] - 1)


def _at(points: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    return points[torch.arange(len(points), device=points.device), index]
