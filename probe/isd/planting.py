"""Attention in which regions relate as the words that name them: what ISD should find."""

from __future__ import annotations

from dataclasses import replace

import torch

from data.records import Attended

from .._check import integer, number, refuse
from ..value._prepared import prepared
from ._objects import linked_objects


def planted_relations(batch: Attended, *, layer: int, head: int, strength: float = 1.0) -> Attended:
    """The record with one head whose regions attend to each other as their words do.

    A control whose answer is known: with disjoint objects ISD of that head is 0 at strength 1, and
    its gap 1. Everything else stays as it is, text and cross attention of the head included.

    Parameters
    ----------
    batch
        With phrases, regions and links.
    layer, head
        Where to plant.
    strength
        In [0, 1]: 0 leaves the attention as it is, 1 replaces that among objects' regions.

    Returns
    -------
    Attended
        `batch` with other ``attentions``, a tensor. Image positions of an object get the rows of
        its words, spread over each region, adding up to what they gave to the image before;
        positions of several objects get the mean of theirs, so that overlapping regions agree in
        part only; positions of none stay as they are.

    Raises
    ------
    TypeError
        If it is no `Attended`.
    ValueError
        If layer, head or strength do not exist, the layer lacks text-text or image-image
        attention, or the batch has no phrases, regions or links.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.zeros((1, 1, 1, 4, 4))
    >>> rows[..., :2, :2], rows[..., 2:, 2:] = [[0.75, 0.25], [0.5, 0.5]], 0.5
    >>> batch = Attended(
    ...     attentions=rows,
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=np.array([[0, 0, 1, 1]]),
    ...     special=np.zeros((1, 4), bool),
    ...     boxes=np.full((1, 4, 4), np.nan),
    ...     pool=np.array([-1]),
    ...     phrases=np.eye(4)[None, :2] > 0,
    ...     regions=np.eye(4)[None, 2:],
    ...     links=np.array([[[False, True], [True, False]]]),
    ...     attrs={"example": np.arange(1)},
    ... )
    >>> planted_relations(batch, layer=0, head=0).attentions[0, 0, 0, 2:, 2:].tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    """
    ready = prepared(batch)
    layers, heads = ready.attentions.shape[1:3]
    layer = integer("layer", layer, low=0, high=layers - 1)
    head = integer("head", head, low=0, high=heads - 1)
    strength = number("strength", strength, low=0, high=1)
    if not (ready.present[layer, 0, 0] and ready.present[layer, 1, 1]):
        refuse("layer", "have text-text and image-image attention", layer)
    objects = linked_objects(ready)
    own = ready.attentions[:, layer, head]
    words, shown = objects.text, objects.image
    queries = words / words.sum(-1, keepdim=True).clamp_min(1e-12)
    relations = queries @ own @ words.mT
    relations = relations / relations.sum(-1, keepdim=True).clamp_min(1e-12)
    # What is spread over an object's positions adds up to 1 again when they are summed.
    spread = shown / shown.square().sum(-1, keepdim=True).clamp_min(1e-12)
    owners = shown.sum(1)
    shares = shown / owners.clamp_min(1e-12)[:, None]
    image = ready.image.to(own.dtype)
    given = (own * image[:, None]).sum(-1, keepdim=True)
    rows = shares.mT @ relations @ spread
    rows = rows / rows.sum(-1, keepdim=True).clamp_min(1e-12) * given
    there = (owners > 0)[..., None] & ready.image[:, None]
    mixed = torch.where(there, (1 - strength) * own + strength * rows, own)
    attentions = ready.attentions.clone()
    attentions[:, layer, head] = mixed
    return replace(ready.batch, attentions=attentions)
