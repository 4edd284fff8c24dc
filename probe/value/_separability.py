"""Whether a linear classifier tells text from image by the state of one position."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import torch
import xarray as xr

from ..whitening._reservoir import keys_of, mixed
from ._linear import Probing, Rows, probe_scores
from ._prepared import Prepared
from ._sample import Sample, SampleProbe
from ._states import hidden_of
from ._sums import BOUND


@final
class Separability(SampleProbe):
    """Held-out accuracy, by layer, on one word and one image position of each sampled example."""

    def rows(self, batch: Prepared) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, Any]]:
        """States of the two drawn positions, (n, 2, layer, feature)."""
        hidden = hidden_of(batch)
        enough = batch.text.any(-1) & batch.image.any(-1)
        each = torch.arange(batch.n, device=hidden.device)
        states = []
        for side, mask in enumerate((batch.text, batch.image)):
            u = (
                mixed(keys_of(batch.keys, self.seed) ^ np.uint64(side)) >> np.uint64(11)
            ) * 2.0**-53
            count = mask.sum(-1)
            place = (torch.as_tensor(u, device=hidden.device) * count).long()
            at = (mask.cumsum(-1) <= place[:, None]).sum(-1).clamp_max(mask.shape[1] - 1)
            states.append(hidden[each, :, at])
        both = torch.stack(states, dim=1)[enough].float().cpu().numpy()
        own = batch.keys[enough.cpu().numpy()]
        return own, {"states": both, "owner": own}, {"features": int(hidden.shape[-1])}

    def finish(self, state: Sample) -> xr.Dataset:
        """``separability`` by layer, with its interval."""
        states, owner = state.kept.rows["states"], state.kept.rows["owner"]
        how = Probing(self.n_boot, self.level, self.seed)
        found, intervals = [], []
        for layer in range(states.shape[2]):
            x = states[:, :, layer].reshape(-1, states.shape[-1]).astype(np.float64)
            whole = np.flatnonzero(np.isfinite(x).all(axis=1))
            codes, owners = np.tile([0, 1], len(owner)), np.repeat(owner, 2)
            rows = Rows(codes, owners, owners).at(whole)
            scores = probe_scores(x[whole], rows, how, place=f"layer {layer}")[0]
            found.append(scores["accuracy"])
            intervals.append(scores["accuracy_interval"])
        return xr.Dataset(
            {
                "separability": ("layer", np.array(found)),
                "separability_interval": (("layer", "bound"), np.array(intervals)),
            },
            coords={"layer": np.arange(states.shape[2]), "bound": BOUND},
        )
