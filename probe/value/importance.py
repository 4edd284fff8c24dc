"""How much of its attention the pool position gives to text, image and marks, head by head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import numpy as np
import torch
import xarray as xr

from data.records import Attended

from ..whitening._describe import describe
from ._prepared import Prepared, host, prepared_stream
from ._sums import BOUND, HeadProbe, Sums, Values, head_coords

MODALITIES = ["text", "image", "special"]
_WORDING = {
    "mass": ("attention of the pool position to a modality", "1", "[0, 1]"),
    "mass_interval": ("bootstrap interval of mass, over examples", "1", "[0, 1]"),
    "per_token": ("mass over that of attention spread evenly over positions", "1", "[0, inf)"),
    "per_token_interval": ("bootstrap interval of per_token, over examples", "1", "[0, inf)"),
    "row_total": ("all the attention of the pool position; 2 where blocks sum apart", "1", ""),
    "n_examples": ("examples with a pool position", "1", "[0, inf)"),
}


@final
class ModalityImportance(HeadProbe):
    """`modality_importance` over batches: any batching and order of merging give the same.

    Parameters
    ----------
    n_boot, level, seed
        As in `modality_importance`.
    """

    def values(self, batch: Prepared) -> Values:
        """Mass, what even attention would give, whether there is any, and the row's total."""
        pool = torch.as_tensor(batch.batch.pool, device=batch.device).long()
        some = pool >= 0
        row = pool.clamp_min(0)
        each = torch.arange(batch.n, device=batch.device)
        mass = batch.group_mass[each, :, :, row]  # (n, layer, head, 3)
        query = batch.modality[each, row].long().clamp_min(0)
        present = torch.as_tensor(batch.present, device=batch.device)
        seen = present[:, query].permute(1, 0, 2)  # (n, layer, key modality)
        seen = torch.cat([seen, seen.any(-1, keepdim=True)], dim=-1)
        size = torch.stack([batch.text, batch.image], dim=-1).sum(1)
        marks = torch.stack([batch.special & (batch.modality == m) for m in (0, 1)], -1).sum(1)
        # Marks of a modality that the layer does not attend to are not there to be attended to.
        marks = (marks[:, None] * seen[..., :2]).sum(-1, keepdim=True)
        size = torch.cat([size[:, None] * seen[..., :2], marks], dim=-1)
        ok = some[:, None, None] & seen & (size > 0)
        total = (mass * ok[:, :, None]).sum(-1)
        even = size * ok / (size * ok).sum(-1, keepdim=True).clamp_min(1)
        drawn = {
            "mass": host(mass * ok[:, :, None]),
            "even": host(total[..., None] * even[:, :, None]),
            "count": host(ok[:, :, None]),
        }
        return Values(drawn, {"total": host(total), "pooled": host(some)}, {})

    def finish(self, state: Sums) -> xr.Dataset:
        """The result: variables as in `modality_importance`."""
        attrs = self.provenance("modality_importance", state)
        sums = {name: each.sum(axis=0) for name, each in state.read().items()}
        mass, mass_interval = self.ratio(sums["mass"], sums["count"])
        lift, lift_interval = self.ratio(sums["mass"], sums["even"])
        total = self.mean(sums["total"], sums["count"].max(axis=-1))
        dims = ("layer", "head", "modality")
        found = {
            "mass": (dims, mass),
            "mass_interval": ((*dims, "bound"), mass_interval),
            "per_token": (dims, lift),
            "per_token_interval": ((*dims, "bound"), lift_interval),
            "row_total": (("layer", "head"), total),
            "n_examples": int(sums["pooled"][0]),
        }
        notes = []
        if not sums["pooled"][0]:
            notes.append("no example has a pool position: not applicable")
        apart = np.flatnonzero(np.nanmax(np.nan_to_num(total), axis=1) > 1.5)
        if len(apart):
            notes.append(f"layers {apart.tolist()}: blocks sum to 1 each, so masses do not compete")
        coords = {**head_coords(state.labels()), "modality": MODALITIES, "bound": BOUND}
        result = xr.Dataset(found, coords=coords, attrs=attrs | {"notes": "; ".join(notes)})
        return describe(result, _WORDING)


def modality_importance(
    stream: Attended | Iterable[Attended],
    *,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How much of the pool position's attention goes to text, image and special marks, per head.

    I_M = sum over positions i of modality M of a_(pool, i), averaged over examples
    (arXiv:2005.07310). Marks such as [CLS] and [SEP] are a bucket of their own, since attention
    rests there when it has nothing to do.

    Parameters
    ----------
    stream
        One `Attended`, or batches of them; only one batch is in memory at a time.
    n_boot, level, seed
        Bootstrap samples over examples, coverage of the intervals, and the seed.

    Returns
    -------
    xarray.Dataset
        Over ``layer, head, modality`` (text, image, special): ``mass``, the raw sums, and
        ``per_token``, mass over what the same total spread evenly over all positions would give (1
        is even attention; a model has more regions than words), each with an ``x_interval``. NaN
        where a layer has no such block or the model no pool position (``attrs["notes"]``). Also
        ``row_total`` (layer, head) and ``n_examples``. O(attentions) time.

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`.
    ValueError
        If there are fewer than 2 examples, or batches differ in layers, heads or blocks.

    Examples
    --------
    >>> from data.records import Attended
    >>> n, p = 4, 5
    >>> batch = Attended(
    ...     attentions=np.full((n, 1, 2, p, p), 1 / p),
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=np.tile([0, 0, 1, 1, 1], (n, 1)),
    ...     special=np.tile([True, False, False, False, False], (n, 1)),
    ...     boxes=np.full((n, p, 4), np.nan),
    ...     pool=np.zeros(n, int),
    ...     attrs={"example": np.arange(n)},
    ... )
    >>> found = modality_importance(batch)
    >>> found.mass.sel(layer=0, head=1).values.round(6).tolist()
    [0.2, 0.6, 0.2]
    >>> found.per_token.sel(layer=0, head=1).values.round(6).tolist()
    [1.0, 1.0, 1.0]
    """
    probe = ModalityImportance(n_boot=n_boot, level=level, seed=seed)
    for batch in prepared_stream(stream):
        probe.update(batch)
    return probe.compute()
