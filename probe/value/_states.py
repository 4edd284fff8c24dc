"""States of units: means over their positions, NaN where a stream has no state."""

from __future__ import annotations

import torch

from ._prepared import Prepared


def hidden_of(batch: Prepared) -> torch.Tensor:
    """(n, state, position, feature) float.

    Raises
    ------
    ValueError
        If the batch has no hidden states.
    """
    batch.need("hidden_states")
    found = torch.as_tensor(batch.batch.hidden_states, device=batch.device).detach()
    return found if found.dtype in (torch.float32, torch.float64) else found.float()


def unit_states(hidden: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
    """(n, unit, state, feature): mean state of each unit's positions, weighted by membership.

    NaN where a position of the unit has no state, or the unit no position.
    """
    weights = units.to(hidden.dtype)
    # NaN times a weight of zero is NaN: what is absent is set to zero, and told apart by itself.
    absent = torch.isnan(hidden).any(-1).to(hidden.dtype)
    lost = torch.einsum("nup,nsp->nus", weights, absent) > 0
    mean = torch.einsum("nup,nspf->nusf", weights, torch.nan_to_num(hidden))
    size = weights.sum(-1)[:, :, None, None]
    return torch.where(lost[..., None] | (size == 0), torch.nan, mean / size.clamp_min(1e-12))
