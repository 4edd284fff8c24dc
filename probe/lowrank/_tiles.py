"""Sums of J'J over the pixels of a region and of the rest, without the whole Jacobian."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ._products import chunk_size, columns, rows
from ._reading import Generator
from .derivative import Plan, plan_for, require_finite

# Rows of the Jacobian that are taken to float64 at once.
_ROWS = 4096


def split_sum(
    generator: Generator,
    latent: Tensor,
    mask: np.ndarray,
    *,
    chunk: int | None,
    method: str,
    memory: float,
) -> tuple[np.ndarray, np.ndarray, Plan]:
    """J'J summed over the region's values and over the rest's, (dim, dim) float64 each.

    Columns of J are held in blocks that fit `memory`. With p blocks the products of blocks i < j
    need the columns of j again, so that (p + 1)/2 times the forward products are taken.
    """
    plan = plan_for(generator, latent, generator.values, method=method)
    dim, size = generator.dim, chunk_size(generator, latent.device, chunk)
    inside = torch.as_tensor(np.broadcast_to(mask, generator.image_shape).ravel().copy())
    inside = inside.to(latent.device)
    sums = torch.zeros(2, dim, dim, dtype=torch.float64, device=latent.device)
    if plan.mode == "reverse":
        index = torch.arange(generator.values, device=latent.device)
        done = 0
        for some in rows(generator, latent, index, chunk=size):
            require_finite(some)
            sums += _products(some, some, inside[done : done + len(some)])
            done += len(some)
        return *sums.cpu().numpy(), plan
    held = min(dim, max(1, int(memory // (generator.values * latent.element_size()))))
    starts = range(0, dim, held)
    eye = torch.eye(dim, dtype=latent.dtype, device=latent.device)
    for start in starts:
        stop = min(start + held, dim)
        block = _columns(generator, latent, eye[start:stop], size, plan.mode)
        sums[:, start:stop, start:stop] = _products(block, block, inside)
        for other in range(stop, dim, size):
            some = _columns(generator, latent, eye[other : other + size], size, plan.mode)
            part = _products(block, some, inside)
            sums[:, start:stop, other : other + size] = part
            sums[:, other : other + size, start:stop] = part.mT
    if len(starts) > 1:
        reason = f"{plan.reason}; {len(starts)} blocks of columns, to keep to `memory`"
        plan = Plan(plan.mode, reason)
    return *sums.cpu().numpy(), plan


def own_product(values: np.ndarray) -> np.ndarray:
    """J'J (dim, dim) float64 of a Jacobian (value, dim)."""
    total = np.zeros((values.shape[1],) * 2)
    for start in range(0, len(values), _ROWS):
        tile = values[start : start + _ROWS].astype(np.float64)
        total += tile.T @ tile
    return total


def _columns(
    generator: Generator, latent: Tensor, tangents: Tensor, size: int, mode: str
) -> Tensor:
    """(value, k) of some columns of J."""
    found = latent.new_empty(generator.values, len(tangents))
    at = 0
    for some in columns(generator, latent, tangents, chunk=size, mode=mode):
        found[:, at : at + len(some)] = some.flatten(1).T
        at += len(some)
    require_finite(found)
    return found


def _products(a: Tensor, b: Tensor, inside: Tensor) -> Tensor:
    """Product a'b summed over the values inside, and over those outside: (2, k_a, k_b) float64."""
    sums = torch.zeros(2, a.shape[1], b.shape[1], dtype=torch.float64, device=a.device)
    for start in range(0, len(a), _ROWS):
        tile = slice(start, start + _ROWS)
        left, within = a[tile].double(), inside[tile]
        right = left if b is a else b[tile].double()
        for which, keep in enumerate((within, ~within)):
            if keep.any():
                sums[which] += left[keep].T @ right[keep]
    return sums
