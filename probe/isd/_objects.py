"""Which objects a pair speaks of and shows: memberships of words and image positions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from ..value._keys import as_numpy
from ..value._prepared import Prepared
from ..whitening._reservoir import keys_of, mixed

LINKS = ("annotation", "attention", "order")
ORDER = 0x4F524452  # salt of the random order of phrases and regions


class Objects(NamedTuple):
    """Objects of each example, those that exist first.

    `text` and `image` (n, object, position) in [0, 1]: how much of a position is the object's;
    `valid` (n, object) bool; `phrase` (n, object, phrase) and `region` (n, object, region) bool:
    what it is called and where it is shown.
    """

    text: torch.Tensor
    image: torch.Tensor
    valid: torch.Tensor
    phrase: torch.Tensor
    region: torch.Tensor

    @property
    def count(self) -> torch.Tensor:
        """(n,) objects of each example."""
        return self.valid.sum(-1)


def linked_objects(batch: Prepared, *, ordered: bool = False) -> Objects:
    """One object for each set of regions that phrases name.

    A plural phrase with several regions is one object shown by all of them; phrases that name
    exactly the same regions (a pronoun and what it stands for) are one object, whose words are
    those of all. Phrases without words and regions that no position shows are left out.

    Parameters
    ----------
    batch
        With phrases, regions and links.
    ordered
        Whether an example without any link has phrase k linked to region k, both in an order drawn
        from the example's key, as far as the shorter list goes.
    """
    batch.need("phrases")
    phrases, regions = batch.phrases, batch.regions
    named, shown = phrases.sum(-1) > 0, regions.sum(-1) > 0
    both = named[:, :, None] & shown[:, None]
    known = not ordered or batch.batch.links is not None
    links = batch.links & both if known else torch.zeros_like(both)
    if ordered:
        places = _drawn_order(batch, named, 0)[:, :, None] == _drawn_order(batch, shown, 1)[:, None]
        links = torch.where(links.any((1, 2))[:, None, None], links, places & both)
    if not links.any():
        return _none(batch, links)
    linked = links.any(-1)
    same = (links[:, :, None] == links[:, None]).all(-1) & linked[:, :, None] & linked[:, None]
    number = torch.arange(links.shape[1], device=links.device)
    leads = linked & (same.to(torch.uint8).argmax(-1) == number)
    at = _first(leads)
    valid = leads.gather(1, at)
    named_by = same.gather(1, at[..., None].expand(-1, -1, same.shape[2])) & valid[..., None]
    shown_by = links.gather(1, at[..., None].expand(-1, -1, links.shape[2])) & valid[..., None]
    text = torch.bmm(named_by.to(phrases.dtype), phrases).clamp_max(1)
    image = torch.zeros_like(text)
    for region in range(regions.shape[1]):
        part = shown_by[..., region, None] * regions[:, region, None]
        image = torch.maximum(image, part)
    return Objects(text, image, valid, named_by, shown_by)


def separate_objects(batch: Prepared) -> tuple[Objects, Objects]:
    """Every phrase with words as an object, and every region that is shown as another."""
    batch.need("phrases")
    phrases, regions = batch.phrases, batch.regions
    return _apart(phrases, regions, text=True), _apart(regions, phrases, text=False)


def _apart(own: torch.Tensor, other: torch.Tensor, *, text: bool) -> Objects:
    there = own.sum(-1) > 0
    if there.shape[1] == 0:
        own = own.new_zeros(len(own), 1, own.shape[2])
        there = there.new_zeros(len(own), 1)
    at = _first(there)
    valid = there.gather(1, at)
    members = own.gather(1, at[..., None].expand(-1, -1, own.shape[2])) * valid[..., None]
    number = torch.arange(own.shape[1], device=own.device)
    is_it = (at[..., None] == number) & valid[..., None]
    no = is_it.new_zeros(*valid.shape, other.shape[1])
    empty = torch.zeros_like(members)
    if text:
        return Objects(members, empty, valid, is_it, no)
    return Objects(empty, members, valid, no, is_it)


def _first(there: torch.Tensor) -> torch.Tensor:
    """(n, most) positions of what is there, in order, then of the rest."""
    most = max(1, int(there.sum(1).max()))
    return torch.argsort((~there).to(torch.uint8), dim=1, stable=True)[:, :most]


def _drawn_order(batch: Prepared, there: torch.Tensor, side: int) -> torch.Tensor:
    """(n, unit) place of each unit in an order drawn from the example's key; -1 - side if none."""
    own = keys_of(batch.keys, ORDER + side)[:, None]
    drawn = mixed(own ^ mixed(np.arange(there.shape[1], dtype=np.uint64)))
    is_there = as_numpy(there)
    drawn = np.where(is_there, drawn >> np.uint64(1), np.uint64(2**64 - 1))
    place = drawn.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    return torch.as_tensor(np.where(is_there, place, -1 - side), device=there.device)


def _none(batch: Prepared, links: torch.Tensor) -> Objects:
    """One place for an object in each example, and no object."""
    positions = batch.phrases.new_zeros(batch.n, 1, batch.attentions.shape[-1])
    valid = links.new_zeros(batch.n, 1)
    phrase = links.new_zeros(batch.n, 1, links.shape[1])
    return Objects(positions, positions, valid, phrase, links.new_zeros(batch.n, 1, links.shape[2]))
