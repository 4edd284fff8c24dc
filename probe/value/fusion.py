"""How far text and image are fused, layer by layer: do clusters of states follow modality."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

import numpy as np
import torch
import xarray as xr

from data.records import Attended

from ..whitening._describe import describe
from ..whitening._reservoir import mixed
from ._prepared import Prepared, host, prepared_stream
from ._separability import Separability
from ._states import hidden_of
from ._sums import BOUND, HeadProbe, Sums, Values
from ._two_means import agreement, two_means

_WORDING = {
    "nmi": ("agreement of two clusters of states with modality; low is fused", "1", "[0, 1]"),
    "nmi_interval": ("bootstrap interval of nmi, over examples", "1", "[0, 1]"),
    "gap": ("distance of the modalities' centroids over the spread within", "1", "[0, inf)"),
    "gap_interval": ("bootstrap interval of gap, over examples", "1", "[0, inf)"),
    "separability": ("held-out accuracy of a linear classifier of modality", "1", "[0, 1]"),
    "separability_interval": ("bootstrap interval of separability", "1", "[0, 1]"),
    "n_examples": ("examples that were clustered", "1", "[0, inf)"),
}


@final
class FusionDegree(HeadProbe):
    """The per-example part of `fusion_degree` over batches: NMI and centroid gap.

    Parameters
    ----------
    n_boot, level, seed
        As in `fusion_degree`.
    """

    def values(self, batch: Prepared) -> Values:
        """NMI and gap of each example and layer, and where there is any."""
        hidden = hidden_of(batch)
        n, states, p, f = hidden.shape
        asked = batch.text | batch.image
        lost = (torch.isnan(hidden).any(-1) & asked[:, None]).any(-1)
        enough = batch.text.any(-1) & batch.image.any(-1)
        ok = (enough[:, None] & ~lost).reshape(-1)
        points = torch.nan_to_num(hidden).reshape(-1, p, f)[ok]
        mask = asked[:, None].expand(n, states, p).reshape(-1, p)[ok]
        image = batch.image[:, None].expand(n, states, p).reshape(-1, p)[ok]
        keys = mixed(batch.keys[:, None] ^ mixed(np.arange(states, dtype=np.uint64))).reshape(-1)
        member = two_means(points, mask, keys[ok.cpu().numpy()])
        found = {"nmi": agreement(member, image, mask), "gap": _gap(points, mask, image)}
        arrays = {"count": host(ok).reshape(n, states)}
        for name, each in found.items():
            whole = torch.zeros(n * states, dtype=torch.float64, device=hidden.device)
            whole[ok] = each.double()
            arrays[name] = host(whole).reshape(n, states)
        return Values(arrays, {}, {"features": f})

    def finish(self, state: Sums) -> xr.Dataset:
        """NMI and gap by layer."""
        attrs = self.provenance("fusion_degree", state)
        sums = {name: each.sum(axis=0) for name, each in state.read().items()}
        found: dict[str, Any] = {}
        for name in ("nmi", "gap"):
            estimate, interval = self.ratio(sums[name], sums["count"])
            found[name] = ("layer", estimate)
            found[f"{name}_interval"] = (("layer", "bound"), interval)
        found["n_examples"] = ("layer", sums["count"][0])
        coords = {"layer": np.arange(len(found["nmi"][1])), "bound": BOUND}
        return describe(xr.Dataset(found, coords=coords, attrs=attrs), _WORDING)


def _gap(points: torch.Tensor, mask: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """|mean text - mean image| over the root mean square distance from the own mean, (set,)."""
    weights = torch.stack([mask & ~image, mask & image], dim=1).to(points.dtype)
    means = torch.bmm(weights, points) / weights.sum(-1, keepdim=True).clamp_min(1)
    own = torch.where(image[..., None], means[:, 1:], means[:, :1])
    within = ((points - own).square().sum(-1) * mask).sum(-1) / mask.sum(-1).clamp_min(1)
    between = (means[:, 1] - means[:, 0]).norm(dim=-1)
    return between / within.sqrt().clamp_min(1e-12)


def fusion_degree(
    stream: Attended | Iterable[Attended],
    *,
    sample: int = 500,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How far text and image are fused, layer by layer.

    For each pair of image and caption, k-means (k = 2) on the states of its words and image
    positions, and the NMI of cluster and modality, averaged over pairs (arXiv:2005.07310). Low is
    fused.

    Parameters
    ----------
    stream
        One `Attended` with hidden states, or batches of them.
    sample
        Examples of which one word and one image position train and test the classifier.
    n_boot, level, seed
        Bootstrap samples over examples, coverage of the intervals, and the seed.

    Returns
    -------
    xarray.Dataset
        Over ``layer`` (0 is what enters the first layer): ``nmi``; ``gap``, the distance of the
        two centroids over the spread within modalities; ``separability``, held-out accuracy of a
        linear classifier of modality (0.5 is fused); each with an ``x_interval``;
        ``n_examples``. Special marks are left out. NaN where a stream has no state at a layer.

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`.
    ValueError
        If there are fewer than 2 examples, batches differ in form, or one has no hidden states.

    Notes
    -----
    Misleads alone: an untrained model scores 1, since embeddings of the modalities differ by a
    constant. A twin with random weights belongs beside it.

    Examples
    --------
    States of a model that was never trained: one modality is shifted by a constant.

    >>> from data.records import Attended
    >>> rng = np.random.default_rng(0)
    >>> n, p = 8, 5
    >>> modality = np.tile([0, 0, 1, 1, 1], (n, 1))
    >>> batch = Attended(
    ...     attentions=np.full((n, 1, 2, p, p), 1 / p),
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=modality,
    ...     special=np.zeros((n, p), bool),
    ...     boxes=np.full((n, p, 4), np.nan),
    ...     pool=np.zeros(n, int),
    ...     hidden_states=rng.normal(size=(n, 2, p, 4)) + 9.0 * modality[:, None, :, None],
    ...     attrs={"example": np.arange(n)},
    ... )
    >>> found = fusion_degree(batch)
    >>> found.nmi.values.round(6).tolist(), found.separability.values.tolist()
    ([1.0, 1.0], [1.0, 1.0])
    """
    probe = FusionDegree(n_boot=n_boot, level=level, seed=seed)
    apart = Separability(sample=sample, n_boot=n_boot, level=level, seed=seed)
    for batch in prepared_stream(stream):
        probe.update(batch)
        apart.update(batch)
    found = probe.compute()
    return describe(found.assign(apart.compute().data_vars), _WORDING)
