"""Heads that tell related regions from unrelated ones: visual relations, head by head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import numpy as np
import torch
import xarray as xr

from data.records import Attended

from ..whitening._describe import describe
from ._chosen import HELD_WORDING, corrected, held_out, held_variables, sign_p
from ._prepared import Prepared, as_float, host, prepared_stream, summed_on
from ._sums import BOUND, HeadProbe, Sums, Values, head_coords

ROLES = ["subject->object", "object->subject"]
NONE = "none"
# Densities closer than this (1 is even attention) are tied: rounding must not rank regions.
_STEP = 1e-5
_WORDING = HELD_WORDING | {
    "auc": ("probability that a related pair gets more than an unrelated one", "1", "[0, 1]"),
    "auc_interval": ("bootstrap interval of auc, over examples", "1", "[0, 1]"),
    "lift": ("attention on the related region over even attention's", "1", "[0, inf)"),
    "lift_interval": ("bootstrap interval of lift, over examples", "1", "[0, inf)"),
    "lift_unrelated": ("the same on regions annotated as unrelated", "1", "[0, inf)"),
    "n_pairs": ("pairs annotated with the relation", "1", "[0, inf)"),
}


@final
class Relations(HeadProbe):
    """`relations` over batches: any batching and order of merging give the same.

    Parameters
    ----------
    n_boot, level, seed
        As in `relations`.
    """

    def values(self, batch: Prepared) -> Values:
        """Pairs won, pairs compared and attention, for each relation and role."""
        density, shown = pair_density(batch)
        n, layers, heads, r, _ = density.shape
        code, names = relation_codes(batch)
        # Related to what: any of the names, then each; -1 and pairs that nothing shows count not.
        wanted = torch.stack([code > 0, *(code == i + 1 for i in range(len(names)))], dim=-1)
        pairs = (wanted & shown[..., None]).reshape(n, r * r, 1 + len(names))
        none = ((code == 0) & shown).reshape(n, r * r)
        # Most pairs are of neither sort: what is ranked and summed are the others alone.
        asked, fills = _columns(pairs[..., 0])
        unrelated, blank = _columns(none)
        pairs = pairs.gather(1, asked[..., None].expand(-1, -1, pairs.shape[-1]))
        pairs = as_float(pairs & fills[..., None], density.dtype)
        # Where a stream has fewer heads than another, adapters leave NaN: such a head has no pairs
        # to win, and sorting would put them all on top.
        absent = density.isnan().flatten(3).any(-1).view(n, layers * heads, 1)
        sides = []
        for values in (density, density.mT):
            every = values.reshape(n, layers * heads, r * r)
            x = every.gather(-1, asked[:, None].expand(-1, layers * heads, -1))
            others = every.gather(-1, unrelated[:, None].expand(-1, layers * heads, -1))
            pool = others.masked_fill(~blank[:, None], torch.inf).sort(-1).values
            below = torch.searchsorted(pool, x, side="left")
            tied = torch.searchsorted(pool, x, side="right") - below
            size = none.sum(-1)[:, None, None].to(x.dtype)
            won = torch.bmm(
                (2 * below + tied).to(x.dtype) / 2, pairs
            )  # exact: halves of whole numbers
            won = won.masked_fill(absent, torch.nan)
            compared = pairs.sum(1)[:, None] * size
            side = {
                "won": won,
                "density": torch.bmm(x, pairs),
                "squares": (won - compared / 2).square(),
                "density_none": summed_on(others, as_float(blank, x.dtype)[:, None]),
            }
            sides.append({key: v.view(n, layers, heads, -1) for key, v in side.items()})
        here = batch.present[:, 1, 1][None, :, None, None, None]
        found = {
            name: host(torch.stack([side[name] for side in sides], dim=3)) * here
            for name in sides[0]
        }
        # What all heads have in common is kept once.
        count, size = host(pairs.sum(1)), host(none.sum(-1, keepdim=True))
        for name, each in (("compared", count * size), ("pairs", count)):
            found[name] = each[:, None, None, None] * here
        plain = {name: found.pop(name) for name in ("squares", "density_none")}
        plain["pairs_none"] = size[:, None, None, None] * here
        return Values(found, plain, {"relations": ["any", *names]})

    def finish(self, state: Sums) -> xr.Dataset:
        """The result: variables as in `relations`."""
        attrs = self.provenance("relations", state)
        halves, labels = state.read(), state.labels()
        sums = {name: each.sum(axis=0) for name, each in halves.items()}
        auc, auc_interval = self.ratio(sums["won"], sums["compared"])
        lift, lift_interval = self.ratio(sums["density"], sums["pairs"])
        unrelated = self.mean(sums["density_none"], sums["pairs_none"])
        p = _p(sums)
        measured = np.isfinite(auc)
        holm = corrected(p, measured, len(labels["relations"]))
        first, second = ({name: each[h] for name, each in halves.items()} for h in (0, 1))
        score = self.mean(first["won"], first["compared"])
        reported, interval = self.ratio(second["won"], second["compared"])
        held = held_out(score, reported, interval, np.full_like(reported, 0.5), _p(second))
        dims = ("layer", "head", "role", "relation")
        found = {
            "auc": (dims, auc),
            "auc_interval": ((*dims, "bound"), auc_interval),
            "lift": (dims, lift),
            "lift_interval": ((*dims, "bound"), lift_interval),
            "lift_unrelated": (dims, np.broadcast_to(unrelated, p.shape)),
            "p": (dims, np.where(measured, p, np.nan)),
            "p_corrected": (dims, holm),
            "called": (dims, np.nan_to_num(holm, nan=1.0) <= 1 - self.level),
            "n_pairs": (dims, np.broadcast_to(sums["pairs"][0], p.shape)),
            "n_examples": int(state.counts.sum()),
            **held_variables(held, dims[2:]),
        }
        coords = {
            **head_coords(labels),
            "role": ROLES,
            "relation": labels["relations"],
            "bound": BOUND,
        }
        return describe(xr.Dataset(found, coords=coords, attrs=attrs), _WORDING)


def pair_density(batch: Prepared) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention between regions, (n, layer, head, region, region), and which pairs are shown.

    The share of a region's attention over the image that another region gets, over that region's
    share of the positions: 1 is even attention. In steps of `_STEP`.
    """
    block, regions = batch.region_to_image, batch.regions
    got, r = block.on(regions), regions.shape[1]
    size = regions.sum(-1)
    even = size / batch.image.sum(-1, keepdim=True).clamp_min(1)
    whole = block.total.clamp_min(1e-30)[..., None] * even.clamp_min(1e-12)[:, None, None, None]
    shown = (size > 0)[:, :, None] & (size > 0)[:, None]
    shown = shown & ~torch.eye(r, dtype=torch.bool, device=shown.device)
    return torch.round(got / whole / _STEP) * _STEP, shown


def _columns(chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Places that are chosen in (n, place), one row as long as the longest, and which are so."""
    longest = max(1, int(chosen.sum(-1).max())) if chosen.numel() else 0
    first = torch.argsort(chosen.to(torch.int8), dim=-1, descending=True, stable=True)
    order = first[:, :longest]
    return order, chosen.gather(-1, order)


def relation_codes(batch: Prepared) -> tuple[torch.Tensor, list[str]]:
    """(n, region, region): 0 for pairs annotated "none", 1 + place in the names, else -1.

    Raises
    ------
    ValueError
        If the batch has no relations.
    """
    batch.need("relation")
    all_names = batch.batch.relation_names
    names = [name for name in all_names if name != NONE]
    table = np.array([1 + names.index(x) if x != NONE else 0 for x in all_names] + [-1])
    raw = torch.as_tensor(batch.batch.relation, device=batch.device).long()
    lookup = torch.as_tensor(table, device=batch.device)
    return lookup[torch.where(raw < 0, len(table) - 1, raw)], names


def _p(sums: dict[str, np.ndarray]) -> np.ndarray:
    total = sums["won"][0] - sums["compared"][0] / 2
    return sign_p(total, sums["squares"][0])


def relations(
    stream: Attended | Iterable[Attended],
    *,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How well each head's attention tells related regions from unrelated ones.

    For an annotated pair of regions, the subject's attention to the object (and the object's to
    the subject) is compared with that of the pairs of the same image that are annotated "none":
    the probability that the related pair gets more, ties counting half. 0.5 is chance, as in the
    identification of arXiv:2005.07310, whose trained prober over all heads is `attention_prober`.

    Parameters
    ----------
    stream
        One `Attended` with regions and relations, or batches of them.
    n_boot, level, seed
        Bootstrap samples over examples, coverage of the intervals (heads are called at 1 - level),
        and the seed of the bootstrap and the halves.

    Returns
    -------
    xarray.Dataset
        Over ``layer, head, role, relation`` ("any", then each name): ``auc``; ``lift``, attention
        on the related region over what even attention gives it, and ``lift_unrelated``; intervals;
        ``p`` (each image's deviation from chance has either sign under the null), ``p_corrected``
        by Holm over heads and roles of a relation, ``called``; ``n_pairs``. Over ``role,
        relation``: ``chosen_layer, chosen_head``, best on one half of the examples, and
        ``held_out``, its auc on the other half, with interval, null and p. NaN where there is
        nothing to compare.

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`.
    ValueError
        If there are fewer than 2 examples, batches differ in layers, heads, blocks or relation
        names, or one has no regions or relations.

    Notes
    -----
    Attention is per position of the region that gets it, so that even attention ties all pairs.
    Misleads where relations can be read from boxes: a random model's attention knows positions, so
    a twin with random weights belongs beside it. Pairs of an image share regions, which is why p
    comes from images and not from pairs; relations must be asked both ways round (or either way
    at random), else a preference for earlier regions is called a relation.

    Examples
    --------
    >>> from data.records import Attended
    >>> rows = np.full((6, 1, 1, 3, 3), 0.2)
    >>> rows[:, 0, 0, 0, 1] = np.linspace(0.3, 0.8, 6)
    >>> relation = np.zeros((6, 3, 3), int)
    >>> relation[:, 0, 1] = 1
    >>> batch = Attended(
    ...     attentions=rows,
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=np.ones((6, 3), int),
    ...     special=np.zeros((6, 3), bool),
    ...     boxes=np.zeros((6, 3, 4)),
    ...     pool=np.full(6, -1),
    ...     phrases=np.zeros((6, 0, 3), bool),
    ...     regions=np.eye(3)[None].repeat(6, axis=0),
    ...     relation=relation,
    ...     relation_names=("none", "left of"),
    ...     attrs={"example": np.arange(6)},
    ... )
    >>> found = relations(batch).sel(layer=0, head=0, relation="left of")
    >>> found.auc.values.tolist()
    [1.0, 0.5]
    """
    probe = Relations(n_boot=n_boot, level=level, seed=seed)
    for batch in prepared_stream(stream):
        probe.update(batch)
    return probe.compute()
