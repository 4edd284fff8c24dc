"""Two clusters of each of many small sets of points at once, and how they agree with two labels."""

from __future__ import annotations

import numpy as np
import torch

from ..whitening._reservoir import mixed

# Numbers of a matrix of products, or of points, held at a time.
_ROOM = 2**20


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

    Notes
    -----
    A centre is a mean of points, so distances follow from the points' products with each other:
    one product of them for each set, and no features in any step.
    """
    n, p, f = points.shape
    step = max(1, _ROOM // max(1, p * max(p, f)))
    found = torch.zeros_like(mask)
    for at in range(0, n, step):
        part = slice(at, at + step)
        found[part] = _clustered(points[part], mask[part], keys[part], starts, steps)
    return found


def _clustered(
    points: torch.Tensor, mask: torch.Tensor, keys: np.ndarray, starts: int, steps: int
) -> torch.Tensor:
    some = mask.to(points.dtype)
    centred = points - (points * some[..., None]).sum(1, keepdim=True) / some.sum(1)[:, None, None]
    centred = centred * some[..., None]
    products = torch.bmm(centred, centred.mT)
    member = _lloyd(products, some, _started(products, some, keys, starts), steps)
    # The within-cluster sum of squares is that of the points, less this.
    _, size, square = _sums(products, member.to(some.dtype))
    between = square / size + square / (some.sum(1)[:, None] - size).clamp_min(1)
    inertia = products.diagonal(dim1=1, dim2=2).sum(-1)[:, None] - between
    best, least = member[:, 0], inertia[:, 0]
    for start in range(1, starts):
        better = inertia[:, start] < least * (1 - 1e-6)
        best = torch.where(better[:, None], member[:, start], best)
        least = torch.where(better, inertia[:, start], least)
    return best


def _started(
    products: torch.Tensor, some: torch.Tensor, keys: np.ndarray, starts: int
) -> torch.Tensor:
    """(set, start, point) bool: what is nearer to the second drawn point than to the first."""
    salts = mixed(np.arange(2 * starts, dtype=np.uint64)).reshape(starts, 2)
    u = (mixed(keys[:, None, None] ^ salts) >> np.uint64(11)) * 2.0**-53
    drawn = torch.as_tensor(u, device=products.device)
    norms = products.diagonal(dim1=1, dim2=2)
    first = _pick(some[:, None], drawn[..., 0])
    rows, own = _at(products, first), norms.gather(1, first)[..., None]
    distance = own + norms[:, None] - 2 * rows
    # The first point itself, and what equals it, is at no distance but for rounding.
    near = distance <= 1e-6 * norms.amax(1)[:, None, None]
    second = _pick(distance.masked_fill(near, 0.0) * some[:, None], drawn[..., 1])
    others, other = _at(products, second), norms.gather(1, second)[..., None]
    return (2 * (others - rows) > other - own) & (some > 0)[:, None]


def _lloyd(
    products: torch.Tensor, some: torch.Tensor, member: torch.Tensor, steps: int
) -> torch.Tensor:
    """(set, start, point) bool: the second cluster of each start, from its first members."""
    found = member.clone()
    left = torch.arange(len(products), device=products.device)  # sets that still move
    for _ in range(steps - 1):
        dots, size, square = _sums(products, member.to(some.dtype))
        # Sums s and -s of n and m points: |x - s/n| < |x + s/m| is 2 x s > |s|^2 (1/n - 1/m).
        edge = square * (1 / size - 1 / (some.sum(1)[:, None] - size).clamp_min(1))
        fresh = (2 * dots > edge[..., None]) & (some > 0)[:, None]
        moving = (fresh != member).flatten(1).any(1)
        if not moving.any():
            break
        left, member = left[moving], fresh[moving]
        some, products = some[moving], products[moving]
        found[left] = member
    return found


def _sums(
    products: torch.Tensor, second: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of the sum of a cluster: products with all points, number of points, square.

    Points are centred: the other cluster's sum is the negative.
    """
    dots = torch.bmm(second, products)
    return dots, second.sum(-1).clamp_min(1), (dots * second).sum(-1)


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
    """(set, start): the first point at which the running share of (set, start, point) exceeds u."""
    run = weights.double().cumsum(-1)
    return (run <= u[..., None] * run[..., -1:]).sum(-1).clamp_max(weights.shape[-1] - 1)


def _at(products: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Rows (set, start, point) of (set, point, point)."""
    return products.gather(1, index[..., None].expand(-1, -1, products.shape[-1]))
