"""How often a region attends mostly to text, and a word mostly to the image, head by head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import numpy as np
import torch
import xarray as xr

from data.records import Attended

from ..whitening._describe import describe
from ._prepared import Prepared, as_float, host, prepared_stream
from ._sums import BOUND, HeadProbe, Sums, Values, head_coords

DIRECTIONS = ["text->image", "image->text"]
_WORDING = {
    "probability": ("share of positions that attend mostly to the other modality", "1", "[0, 1]"),
    "probability_interval": ("bootstrap interval of probability, over examples", "1", "[0, 1]"),
    "share": ("mean share of attention that goes to the other modality", "1", "[0, 1]"),
    "share_interval": ("bootstrap interval of share, over examples", "1", "[0, 1]"),
    "even_share": ("share that attention spread evenly over positions gives", "1", "[0, 1]"),
    "n_positions": ("positions that were counted", "1", "[0, inf)"),
}


@final
class CrossModal(HeadProbe):
    """`cross_modal` over batches: any batching and order of merging give the same.

    Parameters
    ----------
    n_boot, level, seed
        As in `cross_modal`.
    """

    def values(self, batch: Prepared) -> Values:
        """Positions that look across, their shares, and how many there are."""
        to_text, to_image, marks = batch.group_mass.unbind(-1)
        both = to_text + to_image
        total = both + marks
        sizes = torch.stack([batch.text.sum(-1), batch.image.sum(-1)], dim=-1).double()
        found: dict[str, list[torch.Tensor]] = {"across": [], "share": [], "even": [], "count": []}
        apart = torch.zeros(batch.n, *both.shape[1:3], device=batch.device)
        for own, other, positions in ((0, 1, batch.text), (1, 0, batch.image)):
            here = torch.as_tensor(batch.present[:, own].all(-1), device=batch.device)
            # Rows of 2 come of blocks that each sum to 1: what does not compete has no majority.
            joint = total < 1.5
            asked = positions[:, None, None] & here[None, :, None, None]
            ok = asked & joint & (both > 0)
            share = (to_image if other else to_text) / both.clamp_min(1e-30)
            counted = as_float(ok, share.dtype)
            count = counted.sum(-1)
            found["across"].append(as_float((share > 0.5) & ok, share.dtype).sum(-1))
            found["share"].append((share * counted).sum(-1, dtype=torch.float64))
            found["count"].append(count)
            even = (sizes[:, other] / sizes.sum(-1).clamp_min(1))[:, None, None]
            found["even"].append(even * count)
            apart += (asked & ~joint).any(-1)
        arrays = {name: host(torch.stack(each, dim=-1)) for name, each in found.items()}
        plain = {"even": arrays.pop("even"), "apart": host(apart.amax(-1))}
        return Values(arrays, plain, {})

    def finish(self, state: Sums) -> xr.Dataset:
        """The result: variables as in `cross_modal`."""
        attrs = self.provenance("cross_modal", state)
        sums = {name: each.sum(axis=0) for name, each in state.read().items()}
        probability, probability_interval = self.ratio(sums["across"], sums["count"])
        share, share_interval = self.ratio(sums["share"], sums["count"])
        even = self.mean(sums["even"], sums["count"])
        dims = ("layer", "head", "direction")
        found = {
            "probability": (dims, probability),
            "probability_interval": ((*dims, "bound"), probability_interval),
            "share": (dims, share),
            "share_interval": ((*dims, "bound"), share_interval),
            "even_share": (dims, even),
            "n_positions": (dims, sums["count"][0]),
        }
        apart = np.flatnonzero(sums["apart"][0])
        notes = (
            f"layers {apart.tolist()}: blocks sum to 1 each and do not compete: not applicable"
            if len(apart)
            else ""
        )
        coords = {**head_coords(state.labels()), "direction": DIRECTIONS, "bound": BOUND}
        result = xr.Dataset(found, coords=coords, attrs=attrs | {"notes": notes})
        return describe(result, _WORDING)


def cross_modal(
    stream: Attended | Iterable[Attended],
    *,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How often a position attends mostly (> 0.5) to the other modality, per head and direction.

    ``"image->text"`` is the paper's figure, the probability that a region's attention goes mostly
    to text (arXiv:2005.07310). Deviation: attention to special marks is left out and the rest
    renormalised to 1, since marks would otherwise count as text.

    Parameters
    ----------
    stream
        One `Attended`, or batches of them.
    n_boot, level, seed
        Bootstrap samples over examples, coverage of the intervals, and the seed.

    Returns
    -------
    xarray.Dataset
        Over ``layer, head, direction``: ``probability`` and the mean ``share`` of attention that
        crosses, each with an ``x_interval``; ``even_share``, what even attention gives;
        ``n_positions`` counted (rows with no attention to either are not). NaN where a layer lacks
        a block, or its blocks sum to 1 apart from each other (``attrs["notes"]``).

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
    >>> found = cross_modal(batch).sel(layer=0, head=0)
    >>> found.probability.values.tolist(), found.share.values.round(6).tolist()
    ([1.0, 0.0], [0.75, 0.25])
    """
    probe = CrossModal(n_boot=n_boot, level=level, seed=seed)
    for batch in prepared_stream(stream):
        probe.update(batch)
    return probe.compute()
