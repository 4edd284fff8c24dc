"""Heads that find what a phrase names: visual coreference, head by head, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import numpy as np
import torch
import xarray as xr

from data.records import Attended

from ..whitening._describe import describe
from ._chosen import HELD_WORDING, corrected, held_out, held_variables, normal_p
from ._prepared import (
    Block,
    Prepared,
    as_float,
    host,
    peaks,
    prepared_stream,
    summed_on,
)
from ._sums import BOUND, HeadProbe, Sums, Values, head_coords
from .crossing import DIRECTIONS

_WORDING = HELD_WORDING | {
    "hit": ("probability that the attention's maximum falls on the linked partner", "1", "[0, 1]"),
    "hit_interval": ("bootstrap interval of hit, over examples", "1", "[0, 1]"),
    "null": ("hit expected with links permuted within each image", "1", "[0, 1]"),
    "mass": ("share of attention over the other modality that the partner gets", "1", "[0, 1]"),
    "mass_interval": ("bootstrap interval of mass, over examples", "1", "[0, 1]"),
    "null_mass": ("mass expected with links permuted within each image", "1", "[0, 1]"),
    "share": ("share of the other modality's positions that the partner covers", "1", "[0, 1]"),
    "lift": ("mass over share: 1 is even attention", "1", "[0, inf)"),
    "lift_interval": ("bootstrap interval of lift, over examples", "1", "[0, inf)"),
    "n_units": ("phrases (text->image) or regions (image->text) that were counted", "1", ""),
}


@final
class Coreference(HeadProbe):
    """`coreference` over batches: any batching and order of merging give the same.

    Parameters
    ----------
    n_boot, level, seed
        As in `coreference`.
    """

    def values(self, batch: Prepared) -> Values:
        """Hits, masses and their null moments, summed over the units of each example and kind."""
        batch.need("phrases")
        links, kinds = batch.links.to(batch.phrases.dtype), batch.phrase_kinds
        # What several linked partners cover together: at each position the most of any.
        covered = torch.zeros_like(batch.phrases)
        for region in range(links.shape[2]):
            part = links[:, :, region, None] * batch.regions[:, region, None]
            covered = torch.maximum(covered, part)
        named = (torch.bmm(links.mT, batch.phrases) > 0).to(links.dtype)
        of_region = (torch.bmm(links.mT, kinds) > 0).to(links.dtype)
        sides = (
            _side(batch.phrase_to_image, covered, batch.image, kinds, by_partner=False),
            _side(batch.region_to_text, named, batch.text, of_region, by_partner=True),
        )
        found = {name: host(torch.stack([s[name] for s in sides], dim=3)) for name in sides[0]}
        plain = {name: found.pop(name) for name in ("null", "null_mass", "variance")}
        return Values(found, plain, {"kinds": ["all", *batch.batch.kinds]})

    def finish(self, state: Sums) -> xr.Dataset:
        """The result: variables as in `coreference`."""
        attrs = self.provenance("coreference", state)
        halves = state.read()
        sums = {name: each.sum(axis=0) for name, each in halves.items()}
        labels, count = state.labels(), sums["count"]
        hit, hit_interval = self.ratio(sums["hit"], count)
        mass, mass_interval = self.ratio(sums["mass"], count)
        lift, lift_interval = self.ratio(sums["mass"], sums["share"])
        p = normal_p(sums["hit"][0] - sums["null"][0], sums["variance"][0])
        measured = np.isfinite(hit)
        holm = corrected(p, measured, len(labels["kinds"]))
        first, second = ({name: each[h] for name, each in halves.items()} for h in (0, 1))
        score = self.mean(first["hit"], first["count"])
        reported, interval = self.ratio(second["hit"], second["count"])
        expected = self.mean(second["null"], second["count"])
        chance = normal_p(second["hit"][0] - second["null"][0], second["variance"][0])
        held = held_out(score, reported, interval, expected, chance)
        dims = ("layer", "head", "direction", "kind")
        found = {
            "hit": (dims, hit),
            "hit_interval": ((*dims, "bound"), hit_interval),
            "null": (dims, self.mean(sums["null"], count)),
            "mass": (dims, mass),
            "mass_interval": ((*dims, "bound"), mass_interval),
            "null_mass": (dims, self.mean(sums["null_mass"], count)),
            "share": (dims, np.broadcast_to(self.mean(sums["share"], count), p.shape)),
            "lift": (dims, lift),
            "lift_interval": ((*dims, "bound"), lift_interval),
            "p": (dims, np.where(measured, p, np.nan)),
            "p_corrected": (dims, holm),
            "called": (dims, np.nan_to_num(holm, nan=1.0) <= 1 - self.level),
            "n_units": (dims, np.broadcast_to(count[0], p.shape)),
            "n_examples": int(state.counts.sum()),
            **held_variables(held, dims[2:]),
        }
        coords = {
            **head_coords(labels),
            "direction": DIRECTIONS,
            "kind": labels["kinds"],
            "bound": BOUND,
        }
        return describe(xr.Dataset(found, coords=coords, attrs=attrs), _WORDING)


def _side(
    block: Block,
    partners: torch.Tensor,
    keys: torch.Tensor,
    kinds: torch.Tensor,
    *,
    by_partner: bool,
) -> dict[str, torch.Tensor]:
    """Sums over the units of one modality, each (n, layer, head, kind).

    Parameters
    ----------
    block
        Attention of the units over the other modality's positions, `keys` (n, position).
    partners
        (n, unit, position): what of the other modality each unit is linked to; 0 if nothing.
    kinds
        (n, unit, kind): which kinds a unit counts for.
    by_partner
        Whether the kind is that of the partners, and so moves with them when links are permuted.

    Notes
    -----
    With the links permuted among the m units of an image, sum_u M[u, pi(u)] has the mean
    sum_uv M[u, v] / m and, D being M centred over rows and columns, the variance
    sum_uv D[u, v]^2 / (m - 1) (Hoeffding 1951): exact, without drawing a permutation.
    """
    n, units = len(block.rows), block.rows.shape[3]
    partners, keys = partners[..., block.span], keys[:, block.span]
    linked = partners.sum(-1) > 0  # a partner that no position shows cannot be found
    # Rows of zeros are of no use in a layer where all heads have them; elsewhere they are even.
    asked = linked[:, None, None] & (block.total > 0).any(2, keepdim=True)
    ok = as_float(asked, block.rows.dtype)  # (n, layer, 1, unit): what all heads have in common
    share = partners.sum(-1) / keys.sum(-1, keepdim=True).clamp_min(1)
    peak = peaks(block.rows)

    # Hits and masses go side by side, (n, layer, 2, head, unit, unit): at this size an operation
    # costs more than its numbers.
    table = summed_on(torch.stack([peak, block.rows], dim=2), partners)
    whole = torch.stack([peak.sum(-1), block.total], dim=2).clamp_min(1e-30)
    some = (block.total > 0)[:, :, None, ..., None]
    table = torch.where(some, table / whole[..., None], share[:, None, None, None, None])
    if by_partner:
        table = table.mT
    m = ok.sum(-1)[..., None].clamp_min(1)
    permuted = (table * ok[:, :, None, :, None]).sum(-1) / m[:, :, None]

    def over_kinds(values: torch.Tensor) -> torch.Tensor:
        """(n, layer, ..., unit) summed over the units of each kind."""
        flat = torch.bmm(values.reshape(n, -1, units), kinds.to(ok.dtype))
        return flat.view(*values.shape[:-1], kinds.shape[-1])

    # Units that are not of a kind take part in permutations; their rows are 0 for it.
    deviation = (table[:, :, 0] - permuted[:, :, 0, ..., None]) * (ok[..., None, :] * ok[..., None])
    own = [table.diagonal(dim1=-2, dim2=-1), permuted, deviation.square().sum(-1)[:, :, None]]
    sums = over_kinds(torch.cat(own, dim=2) * ok[:, :, None])
    columns = over_kinds(deviation.mT.contiguous()).square().sum(-2) / m
    squares = sums[:, :, 4] - columns
    # A head that a stream does not have is NaN: nothing of it is a hit or a mass.
    absent = block.total.isnan().any(-1)[..., None]
    common = over_kinds(torch.stack([share[:, None, None].expand_as(ok) * ok, ok], dim=2))
    return {
        "hit": sums[:, :, 0].masked_fill(absent, torch.nan),
        "null": sums[:, :, 2],
        "variance": (squares / (m - 1).clamp_min(1)).clamp_min(0),
        "mass": sums[:, :, 1].masked_fill(absent, torch.nan),
        "null_mass": sums[:, :, 3],
        "share": common[:, :, 0],
        "count": common[:, :, 1],
    }


def coreference(
    stream: Attended | Iterable[Attended],
    *,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How well each head finds the region that a phrase names, and the phrase that names a region.

    A phrase's row is the mean over its words, a region's the mean over its positions by how much
    of them is its own; what a region gets is the sum over its positions likewise. A hit: the
    largest attention over the other modality falls on the linked partner (arXiv:2005.07310). A
    patch that is half inside the box is half a hit, and so is a tie of two positions of which one
    is inside: the probability that a point drawn where the head looks is the partner's.

    Parameters
    ----------
    stream
        One `Attended` with phrases, regions and links, or batches of them.
    n_boot, level, seed
        Bootstrap samples over examples, coverage of the intervals (heads are called at 1 - level),
        and the seed of the bootstrap and the halves.

    Returns
    -------
    xarray.Dataset
        Over ``layer, head, direction, kind`` ("all", then the kinds of phrases): ``hit``; ``mass``
        on the partner over all on that modality, the partner's ``share`` of positions, ``lift``
        = mass / share; intervals; ``null`` and ``null_mass``, expected with links permuted within
        each image; ``p`` (exact permutation moments, normal tail), ``p_corrected`` by Holm over
        heads and directions of a kind, ``called``. Over ``direction, kind``: ``chosen_layer`` and
        ``chosen_head``, best on one half of the examples, and ``held_out``, that head's score on
        the other half, with interval, null and p. Phrases linked to nothing that a position
        shows are not counted. NaN where a layer lacks the block.

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`.
    ValueError
        If there are fewer than 2 examples, batches differ in layers, heads, blocks or kinds, or
        one has no phrases, regions or links.

    Notes
    -----
    Deviations from the paper: ties and partly covered patches share a hit; the null, the
    correction and the held-out half are added. Links of an image with a single linked phrase
    cannot be permuted: it counts for the scores and says nothing for p.

    Examples
    --------
    >>> from data.records import Attended
    >>> rows = np.full((6, 1, 2, 4, 4), 0.25)
    >>> rows[:, 0, 1, 0, 2:], rows[:, 0, 1, 1, 2:] = (0.4, 0.1), (0.1, 0.4)
    >>> each = np.eye(4)[None].repeat(6, axis=0)
    >>> batch = Attended(
    ...     attentions=rows,
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=np.tile([0, 0, 1, 1], (6, 1)),
    ...     special=np.zeros((6, 4), bool),
    ...     boxes=np.full((6, 4, 4), np.nan),
    ...     pool=np.full(6, -1),
    ...     phrases=each[:, :2] > 0,
    ...     regions=each[:, 2:],
    ...     links=np.eye(2, dtype=bool)[None].repeat(6, axis=0),
    ...     attrs={"example": np.arange(6)},
    ... )
    >>> found = coreference(batch).sel(layer=0, direction="text->image", kind="all")
    >>> found.hit.values.tolist(), found.null.values.tolist(), found.called.values.tolist()
    ([0.5, 1.0], [0.5, 0.5], [False, True])
    """
    probe = Coreference(n_boot=n_boot, level=level, seed=seed)
    for batch in prepared_stream(stream):
        probe.update(batch)
    return probe.compute()
