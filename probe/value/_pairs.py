"""Which pairs of a batch are probed: linked ones, and as many unlinked ones of the same image."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import torch

from .._check import one_of
from ..whitening._reservoir import mixed
from ._keys import as_numpy
from ._prepared import Prepared
from .relating import relation_codes

PHRASE_REGION, REGION_REGION = "phrase-region", "region-region"
TASKS = ["identification", "classification"]


class Pairs(NamedTuple):
    """Pairs (m,) by place: example, first and second unit; and what is known of them.

    `key` differs between pairs, `owner` is the key of the example, `type` is equal for pairs with
    the same words; `linked` is the answer of identification, in which `matched` pairs take part
    (as many of either answer in each example); `label` that of classification, -1 where none.
    """

    example: np.ndarray
    first: np.ndarray
    second: np.ndarray
    key: np.ndarray
    owner: np.ndarray
    type: np.ndarray
    linked: np.ndarray
    matched: np.ndarray
    label: np.ndarray

    def rows(self) -> dict[str, np.ndarray]:
        """What is kept of each pair, whatever its features."""
        names = ("owner", "type", "linked", "matched", "label")
        return {name: getattr(self, name) for name in names}


def chosen_pairs(batch: Prepared, pairs: str) -> tuple[Pairs, list[str]]:
    """The pairs of a batch that are linked, and as many that are not; and the labels' names."""
    one_of("pairs", pairs, (PHRASE_REGION, REGION_REGION))
    shown = batch.regions.sum(-1) > 0
    if pairs == PHRASE_REGION:
        batch.need("phrases")
        links = batch.links & shown[:, None] & (batch.phrases.sum(-1) > 0)[..., None]
        unlinked = ~batch.links & shown[:, None] & links.any(-1, keepdim=True)
        names = list(batch.batch.kinds)
        kinds = batch.batch.phrase_kind
        kind = np.full(tuple(links.shape[:2]), -1) if kinds is None else as_numpy(kinds)
        label = np.where(as_numpy(links), kind[..., None], -1)
    else:
        code, names = relation_codes(batch)
        both = shown[:, :, None] & shown[:, None]
        both = both & ~torch.eye(both.shape[1], dtype=torch.bool, device=both.device)
        links, unlinked = (code > 0) & both, (code == 0) & both
        label = as_numpy(code) - 1
    yes, no = as_numpy(links), as_numpy(unlinked)
    place = np.arange(yes.shape[1])[:, None] * 65536 + np.arange(yes.shape[2])
    keys = mixed(batch.keys[:, None, None] ^ mixed(place.astype(np.uint64)))
    fewer = np.minimum(yes.sum((1, 2)), no.sum((1, 2)))
    matched = _lowest(keys, yes, fewer) | _lowest(keys, no, fewer)
    at = np.nonzero(yes | matched)
    types = _texts(batch)[at[0], at[1]] if pairs == PHRASE_REGION and batch.batch.tokens else None
    found = Pairs(
        *at,
        key=keys[at],
        owner=batch.keys[at[0]],
        type=keys[at] if types is None else types,
        linked=yes[at],
        matched=matched[at],
        label=np.where(yes, label, -1)[at].astype(np.int64),
    )
    return found, names


def _lowest(keys: np.ndarray, among: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Of each example the `count` (n,) places of lowest key among some."""
    flat = np.where(among, keys, np.uint64(2**64 - 1)).reshape(len(keys), -1)
    rank = flat.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    return (rank < count[:, None]).reshape(among.shape) & among


def _texts(batch: Prepared) -> np.ndarray:
    """(n, phrase) uint64: a hash of each phrase's words."""
    spans = as_numpy(batch.phrases) > 0
    found = np.zeros(spans.shape[:2], dtype=np.uint64)
    for i, j in np.argwhere(spans.any(-1)):
        words = " ".join(batch.batch.tokens[i][k] for k in np.flatnonzero(spans[i, j]))
        digest = hashlib.blake2b(words.encode(), digest_size=8).digest()
        found[i, j] = int.from_bytes(digest, "little")
    return found
