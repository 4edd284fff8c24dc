"""ISD under permuted links: its exact mean, draws that no batching can change, and p-values."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
import torch

from ..value._prepared import host
from ..whitening._reservoir import mixed
from ._related import Related

PERMUTE = 0x5045524D  # salt of the permutations
# Differences of ISD below this, in nats a pair, are rounding.
ROUNDING = 1e-10
# All permutations of up to this many objects are evaluated once and drawn from.
_LISTED = 5
# Relations are permuted in blocks of about this many numbers (16 MiB of float64).
_BLOCK = 2**21


def permuted_mean(pairs: Related) -> torch.Tensor:
    """(n, layer, head + 1): the mean of ISD over all K! permutations of the links, exactly.

    A permutation keeps diagonals together: over all of them, entry (i, i) of one matrix meets each
    diagonal entry of the other equally often, and (i, j) each of the K (K - 1) others. So
    E sum_ij A_ij log B_pi(i)pi(j) = sum_i A_ii sum_k log B_kk / K
    + sum_i!=j A_ij sum_k!=l log B_kl / (K (K - 1)), and likewise for B and log A.
    """
    a, b, log_a, log_b = pairs.linguistic, pairs.visual, pairs.linguistic_log, pairs.visual_log
    k = pairs.count.to(a)[:, None, None].clamp_min(2)
    own = ((a * log_a) + (b * log_b)).sum((-2, -1))
    crossed = torch.zeros_like(own)
    for rows, other in ((a, log_b), (b, log_a)):
        rows_on, other_on = (m.diagonal(dim1=-2, dim2=-1).sum(-1) for m in (rows, other))
        rows_off = rows.sum((-2, -1)) - rows_on
        other_off = other.sum((-2, -1)) - other_on
        crossed += rows_on * other_on / k + rows_off * other_off / (k * (k - 1))
    return own - crossed


def permuted_sums(
    pairs: Related, keys: np.ndarray, half: np.ndarray, n_permutations: int, seed: int
) -> np.ndarray:
    """(2, permutation, layer, head + 1): ISD under drawn permutations, summed over each half.

    The r-th permutation of a pair is drawn from its key and r alone; those of different pairs are
    independent. All layers and heads of a pair are permuted alike.
    """
    layers, heads = pairs.used.shape[1:]
    total = np.zeros((2, n_permutations, layers * heads))
    counts, used = host(pairs.count).astype(int), host(pairs.used)
    for i in np.flatnonzero(counts) if n_permutations else ():
        k = counts[i]
        a, b, log_a, log_b = (
            host(each[i, ..., :k, :k]).reshape(layers * heads, k * k)
            for each in (pairs.linguistic, pairs.visual, pairs.linguistic_log, pairs.visual_log)
        )
        orders, drawn = drawn_permutations(int(k), keys[i], n_permutations, seed)
        places = (orders[:, :, None] * k + orders[:, None, :]).reshape(len(orders), k * k)
        own = (a * log_a + b * log_b).sum(1)
        fixed = np.concatenate([a, log_a], axis=1)[:, :, None]
        values = np.empty((len(own), len(places)))
        step = max(1, _BLOCK // fixed.size)
        for start in range(0, len(places), step):
            to = places[start : start + step]
            moved = np.concatenate([log_b[:, to], b[:, to]], axis=2)
            values[:, start : start + step] = own[:, None] - np.matmul(moved, fixed)[..., 0]
        total[half[i]] += (values * used[i].reshape(-1, 1))[:, drawn].T
    return total.reshape(2, n_permutations, layers, heads)


def drawn_permutations(
    k: int, key: np.uint64, n_permutations: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Permutations (m, k) of k objects, and which of them each draw is (n_permutations,)."""
    salt = mixed(np.array([(seed ^ PERMUTE) % 2**64], np.uint64))
    draws = mixed(key ^ mixed(np.arange(n_permutations, dtype=np.uint64) ^ salt))
    if k <= _LISTED:
        listed = np.array(list(permutations(range(k))))
        return listed, (draws % np.uint64(factorial(k))).astype(np.int64)
    own = mixed(draws[:, None] ^ mixed(np.arange(1, k + 1, dtype=np.uint64)))
    return own.argsort(axis=1), np.arange(n_permutations)


def smaller_p(observed: np.ndarray, null: np.ndarray, n_pairs: np.ndarray) -> np.ndarray:
    """One-sided (1 + count) / (1 + draws) that sums (...) are so small among draws (draw, ...)."""
    found = null <= observed + ROUNDING * n_pairs
    return (1 + found.sum(0)) / (1 + len(null))


def stepped_p(observed: np.ndarray, null: np.ndarray, n_pairs: np.ndarray) -> np.ndarray:
    """Those p-values corrected for how many heads there are, by stepping down through them.

    Holm's procedure with the draws themselves in place of Bonferroni's bound (Westfall & Young
    1993, free step-down): a permutation moves all heads at once, so that the largest of the heads
    left is drawn along with them. It bounds the chance of any false call however heads depend on
    each other, and needs no more draws for more heads.

    Parameters
    ----------
    observed, null
        (head,) and (draw, head): sums of ISD.
    n_pairs
        (head,) how many pairs are in a sum.
    """
    everything = np.concatenate([observed[None], null])
    slack = ROUNDING * np.maximum(n_pairs, 1)
    centred = everything.mean(0) - everything
    spread = everything.std(0)
    scores = np.where(spread > slack, centred / np.maximum(spread, slack), 0.0)
    order = np.argsort(scores[0], kind="stable")
    highest = np.maximum.accumulate(scores[:, order], axis=1)
    p = (highest >= scores[0, order] - 1e-9).mean(0)
    # Down from the head that stands out most: none may be called before those above it.
    found = np.empty_like(p)
    found[order] = np.maximum.accumulate(p[::-1])[::-1]
    return found


def p_values(
    isd: np.ndarray, count: np.ndarray, null: np.ndarray, *, chosen: tuple[int, int], level: float
) -> dict[str, Any]:
    """Variables of a result: p of layers, of heads, and of the chosen head on the second half.

    Parameters
    ----------
    isd, count
        (half, layer, head + 1): sums over pairs, and how many there are.
    null
        (half, draw, layer, head + 1) sums; NaN is given where there are no draws or pairs.
    chosen
        Layer and head chosen on the first half; -1 if none.
    level
        A head is called at 1 - level.
    """
    sums, n, draws = isd.sum(0), count.sum(0), null.sum(0)
    there = (n > 0) & (len(draws) > 0)
    p = np.where(there, smaller_p(sums, draws, n), np.nan)
    corrected, held = np.full(p[:, :-1].shape, np.nan), np.nan
    own = there[:, :-1]
    if own.any():
        each = (sums[:, :-1][own], draws[:, :, :-1][:, own], n[:, :-1][own])
        corrected[own] = stepped_p(*each)
    if min(chosen) >= 0 and there[chosen] and count[(1, *chosen)] > 0:
        at = (1, *chosen)
        held = float(smaller_p(isd[at], null[(1, slice(None), *chosen)], count[at]))
    return {
        "p": ("layer", p[:, -1]),
        "p_head": (("layer", "head"), p[:, :-1]),
        "p_head_corrected": (("layer", "head"), corrected),
        "called_head": (
            ("layer", "head"),
            np.nan_to_num(corrected, nan=1.0) <= 1 - level + 1e-12,
        ),
        "held_out_p": held,
    }
