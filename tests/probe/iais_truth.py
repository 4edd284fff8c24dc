"""Batches of joint attention for the IAIS tests, and the losses pair by pair, number by number."""

from __future__ import annotations

from itertools import product
from math import exp, inf, log

import torch
from torch import Tensor

CASES = list(product(("singular", "distributed", "congruence"), ("language", "vision")))
FORMS = [(kind, anchor, parity) for kind, anchor in CASES for parity in (False, True)]

Matrix = list[list[float]]


def drawn(
    seed: int = 0, *, batch: int = 3, heads: int = 0, n: int = 11, scattered: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Softmaxed float64 attention and masks; positions in any order, padding anywhere."""
    random = torch.Generator().manual_seed(seed)
    text = torch.zeros(batch, n, dtype=torch.bool)
    image = torch.zeros(batch, n, dtype=torch.bool)
    for row in range(batch):
        words = int(torch.randint(2, n // 2 - 1, (), generator=random))
        regions = int(torch.randint(2, n // 2 + 1, (), generator=random))
        if scattered:
            order = torch.randperm(n, generator=random)
            text[row, order[:words]] = True
            image[row, order[words : words + regions]] = True
        else:
            text[row, 1 : 1 + words] = True
            image[row, n // 2 : n // 2 + regions] = True
    scores = 2 * torch.randn((batch, max(heads, 1), n, n), generator=random, dtype=torch.float64)
    attention = scores.softmax(dim=-1)
    return (attention if heads else attention[:, 0]), text, image


def slow_loss(
    attention: Tensor, text: Tensor, image: Tensor, kind: str, anchor: str, parity: bool
) -> float:
    """The loss by its formulas: Python floats, one pair, one row, one entry at a time."""
    losses = []
    for joint, words, regions in zip(attention, text, image, strict=True):
        own = [i for i, there in enumerate(words.tolist()) if there]
        other = [i for i, there in enumerate(regions.tolist()) if there]
        if anchor == "vision":
            own, other = other, own
        heads = joint.tolist() if joint.ndim == 3 else [joint.tolist()]
        given = parity and joint.ndim == 2

        def cut(rows: list[int], columns: list[int], h: list = heads, g: bool = given) -> Matrix:
            found = [[[m[i][j] for j in columns] for i in rows] for m in h]
            if not g:
                found = [[shares(row) for row in m] for m in found]
            return [
                [sum(m[i][j] for m in found) / len(found) for j in range(len(columns))]
                for i in range(len(rows))
            ]

        inside, across = cut(own, own), cut(own, other)
        outside, back = cut(other, other), cut(other, own)
        if kind == "singular":
            partner = [row.index(max(row)) for row in across]
            told = [[outside[a][b] for b in partner] for a in partner]
            told = [softmax(row) if parity else shares(row) for row in told]
        elif kind == "distributed":
            told = times(across, back)
        else:
            told = times(times(across, outside), back)
        rows = zip(inside, told, strict=True)
        if not parity:
            total = sum(kl(even(p), even(q)) + kl(even(q), even(p)) for p, q in rows)
        elif kind == "singular":
            total = sum(kl(p, q) + kl(q, p) for p, q in rows)
        else:
            total = sum(
                kl(p, [b + 1e-6 for b in q]) + kl(q, [a + 1e-6 for a in p]) for p, q in rows
            )
        losses.append(total / len(own))
    return sum(losses) / len(losses)


def shares(row: list[float]) -> list[float]:
    mass = sum(row)
    return [a / mass for a in row] if mass else [1 / len(row)] * len(row)


def softmax(row: list[float]) -> list[float]:
    return shares([exp(a) for a in row])


def even(row: list[float]) -> list[float]:
    return shares([a + 1e-6 for a in row])


def times(a: Matrix, b: Matrix) -> Matrix:
    return [
        [sum(x * y for x, y in zip(row, c, strict=True)) for c in zip(*b, strict=True)] for row in a
    ]


def kl(p: list[float], q: list[float]) -> float:
    """sum p (log p - log q), with 0 log 0 = 0."""
    return sum(a * (log(a) - (log(b) if b else -inf)) for a, b in zip(p, q, strict=True) if a > 0)
