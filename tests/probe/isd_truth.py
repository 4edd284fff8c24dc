"""Attention whose relations are known, and the slow, obvious way to ISD."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from data.records import Attended

FLOOR = 1e-6


def kl(p: Sequence[float], q: Sequence[float]) -> float:
    """KL divergence of two rows, term by term."""
    return sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def distance(a: np.ndarray, b: np.ndarray, *, diagonal: bool = True) -> float:
    """The matrix KL as the paper writes it, row by row; nothing may be 0."""
    total = 0.0
    for i in range(len(a)):
        at = [j for j in range(len(a)) if diagonal or i != j]
        p, q = (np.array([m[i, j] for j in at], np.float64) for m in (a, b))
        p, q = p / p.sum(), q / q.sum()
        total += kl(p, q) + kl(q, p)
    return total


def enumerated(a: np.ndarray, b: np.ndarray, *, diagonal: bool = True) -> float:
    """Mean distance over all K! permutations of the objects of b."""
    orders = [list(order) for order in permutations(range(len(a)))]
    return float(np.mean([distance(a, b[np.ix_(o, o)], diagonal=diagonal) for o in orders]))


def relations(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random rows (..., K, K) that sum to 1 and are nowhere 0."""
    rows = rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]) + 0.02
    return rows / rows.sum(-1, keepdims=True)


def example(
    rng: np.random.Generator,
    name: str,
    *,
    objects: int,
    layers: int = 2,
    heads: int = 3,
    planted: Sequence[tuple[int, int]] = (),
) -> dict[str, Any]:
    """One example: [CLS], two words for every even object and one for others, [SEP], positions.

    Regions have one position or, every third one, two; one more region and one more word are linked
    to nothing. Which region an object is shown by is drawn. In planted heads the relations among
    words are those among their regions.
    """
    widths = [2 if k % 2 == 0 else 1 for k in range(objects)]
    areas = [2 if r % 3 == 2 else 1 for r in range(objects + 1)]
    text = 2 + sum(widths) + 1
    size = text + sum(areas)
    starts = 1 + np.cumsum([0, *widths])
    phrases = np.zeros((objects + 1, size), bool)
    for k in range(objects):
        phrases[k, starts[k] : starts[k + 1]] = True
    phrases[objects, starts[-1]] = True
    begins = text + np.cumsum([0, *areas])
    regions = np.zeros((objects + 1, size), np.float32)
    for r in range(objects + 1):
        regions[r, begins[r]] = 1.0
        regions[r, begins[r] + 1 : begins[r + 1]] = 0.5
    order = rng.permutation(objects + 1)[:objects]
    links = np.zeros((objects + 1, objects + 1), bool)
    links[np.arange(objects), order] = True
    logits = 2 * rng.normal(size=(layers, heads, size, size))
    for layer, head in planted:
        shared = 3 * rng.normal(size=(objects, objects))
        for i in range(objects):
            for j in range(objects):
                ours = np.ix_(np.flatnonzero(phrases[i]), np.flatnonzero(phrases[j]))
                shown = np.flatnonzero(regions[order[i]]), np.flatnonzero(regions[order[j]])
                logits[layer, head][ours] = shared[i, j] - np.log(widths[j])
                weight = np.log(regions[order[j], shown[1]].sum())
                logits[layer, head][np.ix_(*shown)] = shared[i, j] - weight
    weights = np.exp(logits)
    return {
        "attentions": weights / weights.sum(-1, keepdims=True),
        "text": text,
        "phrases": phrases,
        "regions": regions,
        "links": links,
        "region_boxes": np.tile(rng.random(4), (objects + 1, 1)) * 0.5 + [0, 0, 0.5, 0.5],
        "tokens": [f"t{v}" for v in rng.integers(99, size=text)] + [""] * (size - text),
        "name": name,
    }


def examples(
    n: int, *, seed: int = 0, objects: Sequence[int] = (3, 4, 5), **options: Any
) -> list[dict[str, Any]]:
    """Several examples whose numbers of objects take turns."""
    rng = np.random.default_rng(seed)
    return [
        example(rng, f"{seed}-{e}", objects=objects[e % len(objects)], **options) for e in range(n)
    ]


def batch_of(rows: Sequence[dict[str, Any]], *, extra: int = 0, **changes: Any) -> Attended:
    """One padded batch; padding lies behind each example's positions, phrases and regions."""
    size = max(row["attentions"].shape[-1] for row in rows) + extra
    units = max(len(row["phrases"]) for row in rows) + (extra > 0)
    layers, heads = rows[0]["attentions"].shape[:2]
    n = len(rows)
    given = {
        "attentions": np.zeros((n, layers, heads, size, size), np.float32),
        "modality": np.full((n, size), -1, np.int8),
        "special": np.zeros((n, size), bool),
        "phrases": np.zeros((n, units, size), bool),
        "regions": np.zeros((n, units, size), np.float32),
        "links": np.zeros((n, units, units), bool),
        "region_boxes": np.full((n, units, 4), np.nan, np.float32),
    }
    for i, row in enumerate(rows):
        p, u, text = row["attentions"].shape[-1], len(row["phrases"]), row["text"]
        given["attentions"][i, :, :, :p, :p] = row["attentions"]
        given["modality"][i, :text], given["modality"][i, text:p] = 0, 1
        given["special"][i, [0, text - 1]] = True
        for name in ("phrases", "regions"):
            given[name][i, :u, :p] = row[name]
        given["links"][i, :u, :u] = row["links"]
        given["region_boxes"][i, :u] = row["region_boxes"]
    record: dict[str, Any] = {
        **given,
        "present": np.ones((layers, 2, 2), bool),
        "boxes": np.full((n, size, 4), np.nan, np.float32),
        "pool": np.zeros(n, np.int64),
        "tokens": tuple((*row["tokens"], *[""] * (size - len(row["tokens"]))) for row in rows),
        "attrs": {"example": np.array([row["name"] for row in rows])},
    }
    return Attended(**(record | changes))


def matrices(
    row: dict[str, Any], layer: int, head: int | None, *, mean: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Object-level relations (K, K) of words and of regions, position by position; None: all heads.

    Over query positions the mean, weighted by how much of them is the object's; over key positions
    the sum, or the mean.
    """
    attention = np.asarray(row["attentions"], np.float64)[layer]
    attention = attention.mean(0) if head is None else attention[head]
    groups: dict[tuple[int, ...], np.ndarray] = {}
    for phrase, of in enumerate(row["links"]):
        shown = tuple(np.flatnonzero(of))
        if shown and row["phrases"][phrase].any():
            words = row["phrases"][phrase].astype(float)
            groups[shown] = np.maximum(groups.get(shown, 0 * words), words)
    words = list(groups.values())
    places = [row["regions"][list(shown)].max(0).astype(np.float64) for shown in groups]
    found = []
    for units in (words, places):
        table = np.zeros((len(units), len(units)))
        for i, query in enumerate(units):
            for j, key in enumerate(units):
                total = 0.0
                for a in np.flatnonzero(query):
                    for b in np.flatnonzero(key):
                        total += query[a] * key[b] * attention[a, b]
                table[i, j] = total / query.sum() / (key.sum() if mean else 1)
        found.append(table / table.sum(1, keepdims=True))
    return found[0], found[1]


def even(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same examples with attention spread evenly."""
    return [
        r | {"attentions": np.full_like(r["attentions"], 1 / r["attentions"].shape[-1])}
        for r in rows
    ]
