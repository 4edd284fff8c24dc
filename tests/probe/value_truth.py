"""Attention whose truth is known, and the slow, obvious way to each figure of a head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from data.records import Attended

CLS, SEP = "[CLS]", "[SEP]"
KINDS = ("thing", "stuff")
RELATIONS = ("left of", "none", "same colour")
PATCHES = 9


class Plant(NamedTuple):
    """A head that looks at the linked partner, but in every `miss`-th example at none of them."""

    layer: int
    head: int
    direction: str
    miss: int = 0


def examples(
    n: int,
    *,
    seed: int = 0,
    layers: int = 2,
    heads: int = 3,
    planted: Sequence[Plant] = (),
    features: int = 0,
) -> list[dict[str, Any]]:
    """Single examples: 4 to 6 words, 3 x 3 patches, three phrases and regions, random attention.

    Region r owns patch 2r in whole and half of patch 2r + 1; patches 6 to 8 are background. Which
    phrase names which region is drawn; the last phrase names nothing in every fifth example.
    """
    rng = np.random.default_rng(seed)
    found = []
    for e in range(n):
        words = int(rng.integers(4, 7))
        text = words + 2
        size = text + PATCHES
        logits = 2 * rng.normal(size=(layers, heads, size, size))
        phrases = np.zeros((3, size), bool)
        phrases[0, 1:3], phrases[1, 3], phrases[2, 4] = True, True, True
        regions = np.zeros((3, size), np.float32)
        for r in range(3):
            regions[r, text + 2 * r], regions[r, text + 2 * r + 1] = 1.0, 0.5
        order = rng.permutation(3)
        links = np.eye(3, dtype=bool)[order]
        if e % 5 == 4:
            links[2] = False
        for plant in planted:
            missed = plant.miss and e % plant.miss == 0
            for phrase, region in np.argwhere(links):
                at = logits[plant.layer, plant.head]
                whole = text + 2 * region
                own = np.flatnonzero(phrases[phrase])
                if plant.direction == "text->image":
                    at[own, text + 8 if missed else whole] = 20.0
                else:
                    at[whole, 1:text] = 0.0
                    at[whole + 1, 1:text] = 0.0
                    at[whole : whole + 2, words if missed and words > 4 else own[0]] = 20.0
        relation = rng.choice([-1, 0, 1, 1, 2], size=(3, 3))
        np.fill_diagonal(relation, -1)
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        found.append(
            {
                "attentions": (weights / weights.sum(-1, keepdims=True)).astype(np.float32),
                "modality": np.array([0] * text + [1] * PATCHES, np.int8),
                "special": np.array([True] + [False] * words + [True] + [False] * PATCHES),
                "phrases": phrases,
                "phrase_kind": np.array([0, 1, rng.integers(2)], np.int16),
                "regions": regions,
                "links": links,
                "relation": relation.astype(np.int16),
                "tokens": (CLS, *(f"w{v}" for v in rng.integers(9, size=words)), SEP)
                + ("",) * PATCHES,
                "hidden": rng.normal(size=(layers + 1, size, features)).astype(np.float32),
                "name": f"{seed}-{e}",
            }
        )
    return found


def batch_of(rows: Sequence[dict[str, Any]], *, extra: int = 0, **changes: Any) -> Attended:
    """One padded batch, the image's positions after the longest text (and `extra` more)."""
    text = [int((row["modality"] == 0).sum()) for row in rows]
    longest = max(text) + extra
    size = longest + PATCHES

    def padded(key: str, value: float, axes: int) -> np.ndarray:
        shape = list(rows[0][key].shape)
        shape[-axes if axes else 0 :] = [size] * axes
        out = np.full((len(rows), *shape), value, dtype=rows[0][key].dtype)
        for i, row in enumerate(rows):
            at = np.r_[: text[i], longest:size]
            where = np.ix_(*[np.arange(d) for d in row[key].shape[:-axes]], *[at] * axes)
            out[i][where] = row[key]
        return out

    attentions = padded("attentions", 0.0, 2)
    layers = attentions.shape[1]
    hidden = np.stack([row["hidden"] for row in rows]) if len({*text}) == 1 and not extra else None
    if hidden is None:
        hidden = np.full((len(rows), layers + 1, size, rows[0]["hidden"].shape[-1]), np.nan)
        for i, row in enumerate(rows):
            hidden[i][:, np.r_[: text[i], longest:size]] = row["hidden"]
    record: dict[str, Any] = {
        "attentions": attentions,
        "present": np.ones((layers, 2, 2), bool),
        "modality": padded("modality", -1, 1),
        "special": padded("special", False, 1),
        "boxes": np.full((len(rows), size, 4), np.nan, np.float32),
        "pool": np.zeros(len(rows), np.int64),
        "hidden_states": hidden if hidden.shape[-1] else None,
        "phrases": padded("phrases", False, 1),
        "phrase_kind": np.stack([row["phrase_kind"] for row in rows]),
        "regions": padded("regions", 0.0, 1),
        "links": np.stack([row["links"] for row in rows]),
        "relation": np.stack([row["relation"] for row in rows]),
        "tokens": tuple(
            (*row["tokens"][:t], *("[PAD]",) * (longest - t), *row["tokens"][t:])
            for row, t in zip(rows, text, strict=True)
        ),
        "kinds": KINDS,
        "relation_names": RELATIONS,
        "attrs": {"example": np.array([row["name"] for row in rows])},
    }
    return Attended(**(record | changes))


def uniform(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same examples with attention spread evenly."""
    return [r | {"attentions": np.full_like(r["attentions"], 1 / len(r["special"]))} for r in rows]


def shares(row: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Where the largest attention over `keys` lies: 1, shared by ties."""
    top = row[keys].max()
    peak = (row == top) & keys
    return peak / peak.sum()


def sides(row: dict[str, Any], direction: str) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Query weights of each linked unit, what it is linked to, and the keys."""
    modality, special = row["modality"], row["special"]
    phrases, regions, links = row["phrases"], row["regions"], row["links"]
    if direction == "text->image":
        units = [p for p in range(3) if links[p].any()]
        queries = [phrases[p] / phrases[p].sum() for p in units]
        partners = np.array([regions[links[p]].max(0) for p in units])
        return queries, partners, (modality == 1) & ~special
    units = [r for r in range(3) if links[:, r].any()]
    queries = [regions[r] / regions[r].sum() for r in units]
    partners = np.array([phrases[links[:, r]].max(0) for r in units], float)
    return queries, partners, (modality == 0) & ~special


def coreference_by_hand(rows: list[dict[str, Any]], layer: int, head: int, direction: str):
    """(hit, mass, null): means over linked units, null by every permutation of the links."""
    from itertools import permutations

    hits, masses, null = [], [], []
    for row in rows:
        attention = row["attentions"][layer, head].astype(np.float64)
        queries, partners, keys = sides(row, direction)
        table = np.zeros((len(queries), len(queries)))
        for i, query in enumerate(queries):
            mean = query @ attention
            peak = shares(mean, keys)
            for j in range(len(queries)):
                table[i, j] = peak @ partners[j]
            hits.append(table[i, i])
            masses.append((mean * keys) @ partners[i] / (mean * keys).sum())
        drawn = [
            sum(table[i, order[i]] for i in range(len(queries)))
            for order in permutations(range(len(queries)))
        ]
        null.append((np.mean(drawn), np.var(drawn), len(queries)))
    expected, variance, count = np.array(null).T
    return np.mean(hits), np.mean(masses), expected.sum() / count.sum(), variance.sum()


def auc_by_hand(rows: list[dict[str, Any]], layer: int, head: int, label: str, *, back: bool):
    """Share of (related, unrelated) pairs of one image in which the related gets more."""
    won = compared = 0.0
    code, none = RELATIONS.index(label), RELATIONS.index("none")
    for row in rows:
        attention, regions = row["attentions"][layer, head].astype(float), row["regions"]
        image = row["modality"] == 1
        density = np.zeros((3, 3))
        for s in range(3):
            mean = regions[s] / regions[s].sum() @ attention * image
            for o in range(3):
                density[s, o] = mean @ regions[o] / mean.sum() / (regions[o].sum() / image.sum())
        if back:
            density = density.T
        for a in density[row["relation"] == code]:
            for b in density[row["relation"] == none]:
                won += float(a > b) + 0.5 * float(a == b)
                compared += 1
    return won / compared
