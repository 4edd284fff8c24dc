"""Attention among objects: whole layers and heads reduced to object-level relations at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .._check import refuse
from ..value._prepared import Prepared
from ._objects import Objects, linked_objects, separate_objects
from .distance import divergence, least_objects, logs, normalised, pairs_of, relation_entropy

REDUCE = ("sum", "mean")


class Form(NamedTuple):
    """How relations are read: options of `isd`."""

    links: str
    renormalise: str
    reduce: str
    diagonal: bool


class Related(NamedTuple):
    """Relations of a batch in float64; heads are followed by one more, the mean over the heads.

    `linguistic, visual` (n, layer, head + 1, object, object) and their logarithms, 0 where nothing
    counts; `pairs` (n, 1, 1, object, object) bool, which relations count; `count` (n,) objects;
    `used` (n, layer, head + 1) bool, what was measured; `objects`, what they are (with links by
    attention the phrases, since each head has its own regions for them).
    """

    linguistic: torch.Tensor
    visual: torch.Tensor
    linguistic_log: torch.Tensor
    visual_log: torch.Tensor
    pairs: torch.Tensor
    count: torch.Tensor
    used: torch.Tensor
    objects: Objects

    def distance(self) -> torch.Tensor:
        """(n, layer, head + 1): the matrix KL of each pair."""
        return divergence(self.linguistic, self.linguistic_log, self.visual, self.visual_log)

    def entropy(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, layer, head + 1) of the linguistic and of the visual relations."""
        return (
            relation_entropy(self.linguistic, self.pairs),
            relation_entropy(self.visual, self.pairs),
        )


def related(batch: Prepared, form: Form) -> Related:
    """Object-level relations of a batch.

    Raises
    ------
    ValueError
        If the batch lacks phrases, regions or links, or attention is NaN, infinite or negative.
    """
    if form.links == "attention":
        objects, shown = separate_objects(batch)
        asking = (objects.text, objects.text), (shown.image, shown.image)
        blocks = _reduced(batch, [*asking, (objects.text, shown.image)], form.reduce)
        (text, has_text), (image, has_image), (cross, has_cross) = blocks
        image = _by_attention(image, cross, shown.valid)
        there = has_text & has_image & has_cross
        enough = shown.valid.any(-1)
    else:
        objects = linked_objects(batch, ordered=form.links == "order")
        asking = (objects.text, objects.text), (objects.image, objects.image)
        (text, has_text), (image, has_image) = _reduced(batch, [*asking], form.reduce)
        there = has_text & has_image
        enough = objects.valid.any(-1)
    # What is compared lies where float64 is known.
    valid = objects.valid.to(text.device)
    pairs, count = pairs_of(valid, form.diagonal)[:, None, None], valid.sum(-1)
    enough = enough.to(text.device) & (count >= least_objects(form.diagonal))
    text, image = (normalised(each, pairs, form.renormalise) for each in (text, image))
    used = enough[:, None, None] & there
    both_logs = logs(text, pairs), logs(image, pairs)
    return Related(text, image, *both_logs, pairs, count * enough, used, objects)


# Blocks in the order in which they are asked for.
_BLOCKS = ((0, 0), (1, 1), (0, 1))


def _reduced(
    batch: Prepared, asked: list[tuple[torch.Tensor, torch.Tensor]], reduce: str
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """For each block: relations (n, layer, head + 1, i, j), and (layer, head + 1) which there are.

    Of memberships (n, object, position) of queries and keys: the mean over query positions; over
    key positions the sum, or the mean, weighted by how much of a position is the object's.
    """
    attention = batch.attentions
    sides = [(_shared(of), _shared(to) if reduce == "mean" else to) for of, to in asked]
    found = _contracted(attention, sides)
    low, high = zip(*(torch.aminmax(each) for each in found), strict=True)
    fine = bool(torch.isfinite(torch.stack([*low, *high])).all())
    missing = [torch.zeros(found[0].shape[1:3], dtype=torch.bool, device=attention.device)] * len(
        found
    )
    if not fine:
        found, missing = _without_absent(batch, sides)
    if any(bool((each < 0).any()) for each in (low if fine else found)):
        refuse("attentions", "be at least 0", float(min(each.min() for each in found)))
    present = batch.present
    return [
        _with_mean(each, absent, torch.as_tensor(present[:, i, j], device=attention.device))
        for each, absent, (i, j) in zip(found, missing, _BLOCKS, strict=False)
    ]


def _with_mean(
    found: torch.Tensor, missing: torch.Tensor, present: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Relations of one block in float64 with the mean over heads behind them, and which count."""
    n, layers, heads, of, to = found.shape
    device = "cpu" if found.device.type == "mps" else found.device  # float64 is not known there
    wide = torch.empty(n, layers, heads + 1, of, to, dtype=torch.float64, device=device)
    wide[:, :, :-1] = found
    some = (~missing).sum(1).clamp_min(1).to(wide)[:, None, None]
    wide[:, :, -1] = wide[:, :, :-1].sum(2) / some
    there = present[:, None] & ~missing
    return wide, torch.cat([there, there.any(1, keepdim=True)], dim=1).to(device)


def _without_absent(
    batch: Prepared, sides: list[tuple[torch.Tensor, torch.Tensor]]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Relations with 0 for heads that a stream lacks (NaN throughout), and which they are.

    Raises
    ------
    ValueError
        If anything else is NaN or infinite.
    """
    attention = batch.attentions
    wrong = ~torch.isfinite(attention)
    found = _contracted(attention.masked_fill(wrong, 0), sides)
    touched = _contracted(wrong.to(attention.dtype), sides)
    lacking = []
    for each, (of, to), which in zip(touched, sides, _BLOCKS, strict=False):
        present = torch.as_tensor(batch.present[:, which[0], which[1]], device=attention.device)
        inside = (of.sum(-1) > 0)[:, :, None] & (to.sum(-1) > 0)[:, None]
        wrongly = (each > 0).sum((0, 3, 4))
        missing = (wrongly == inside.sum()) & (wrongly > 0)
        broken = (wrongly > 0) & ~missing | missing & missing.all(1, keepdim=True)
        broken &= present[:, None]
        if broken.any() or bool(torch.isinf(attention).any()):
            at = [int(i) for i in broken.nonzero()[0]] if broken.any() else []
            where = f" in layer {at[0]}, head {at[1]}" if at else ""
            refuse("attentions", "be finite everywhere", f"NaN or infinite values{where}")
        lacking.append(missing)
    kept = [each * ~m[None, :, :, None, None] for each, m in zip(found, lacking, strict=True)]
    return kept, lacking


def _contracted(
    attention: torch.Tensor, sides: list[tuple[torch.Tensor, torch.Tensor]]
) -> list[torch.Tensor]:
    """For each block (n, layer, head, i, j): sum_qk queries[i, q] attention[q, k] keys[j, k].

    The einsum ``niq,nyhqk,njk->nyhij`` as two batched products: few rows times very many columns
    first, which reads the attention once for all blocks, and where it lies.
    """
    n, layers, heads, p, _ = attention.shape
    flat = attention.reshape(n, layers * heads * p, p)
    columns = torch.bmm(torch.cat([to for _, to in sides], dim=1), flat.mT)
    found, start = [], 0
    for of, to in sides:
        stop = start + to.shape[1]
        part = columns[:, start:stop].reshape(n, -1, p)
        block = torch.bmm(part, of.mT).view(n, to.shape[1], layers, heads, of.shape[1])
        found.append(block.permute(0, 2, 3, 4, 1))
        start = stop
    return found


def _shared(members: torch.Tensor) -> torch.Tensor:
    """Memberships over their sums."""
    return members / members.sum(-1, keepdim=True).clamp_min(1e-12)


def _by_attention(image: torch.Tensor, cross: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """Relations among the regions that phrases attend to most: phrase by phrase, head by head.

    Of `image` (n, layer, head + 1, region, region) and `cross` (n, layer, head + 1, phrase,
    region); of tied regions the first. Two phrases may have one region.
    """
    chosen = cross.masked_fill(~shown.to(cross.device)[:, None, None, None], -1).argmax(-1)
    phrases = chosen.shape[-1]
    rows = image.gather(3, chosen[..., None].expand(*chosen.shape, image.shape[-1]))
    return rows.gather(4, chosen[..., None, :].expand(*chosen.shape, phrases))


def labels_of(batch: Prepared, form: Form) -> dict[str, list[int]]:
    """Layers that lack a block which the measure needs, for the result's notes."""
    needed = batch.present[:, 0, 0] & batch.present[:, 1, 1]
    if form.links == "attention":
        needed = needed & batch.present[:, 0, 1]
    return {"lacking": np.flatnonzero(~needed).tolist()}
