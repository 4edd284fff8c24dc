"""What the sums over pairs amount to: ISD, its permuted mean, gaps and their intervals."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import xarray as xr

from .._check import refuse
from ..value._chosen import held_out, held_variables
from ..value._prepared import Prepared, host
from ..value._sums import BOUND, HeadProbe, Sums, Values, head_coords
from ._permuted import ROUNDING, permuted_mean
from ._related import Form, Related, labels_of
from .distance import few_objects, least_objects

MODALITIES = ["linguistic", "visual"]
MOST = 32  # pairs with more objects count as having so many, by number of objects


def summed(pairs: Related, batch: Prepared, form: Form) -> Values:
    """What is summed over the pairs of a batch."""
    used = host(pairs.used)
    isd = host(pairs.distance()) * used
    permuted = host(permuted_mean(pairs)) * used
    entropy = np.stack([host(each) * used for each in pairs.entropy()], axis=-1)
    count = host(pairs.count).astype(int)
    kept = (count > 0).astype(np.float64)
    objects = np.zeros((len(count), MOST + 1))
    objects[np.arange(len(count)), np.minimum(count, MOST)] = kept
    here = {"isd": isd, "permuted": permuted, "count": used}
    plain = {
        f"{name}_objects": each[:, None, :, -1] * objects[..., None] for name, each in here.items()
    }
    plain |= {"entropy": entropy, "objects": objects, "skipped": 1 - kept}
    return Values(here, plain, labels_of(batch, form))


@final
class Totals(HeadProbe):
    """Sums of what was measured of one batch, `found`, and what merged sums amount to."""

    def __init__(self, found: Values, form: Form, *, n_boot: int, level: float, seed: int) -> None:
        super().__init__(n_boot=n_boot, level=level, seed=seed)
        self.found, self.form = found, form

    def values(self, batch: Prepared) -> Values:
        """What was measured beforehand."""
        return self.found

    def finish(self, state: Sums) -> xr.Dataset:
        """All variables of `isd` but p-values and the sample.

        Raises
        ------
        ValueError
            If no pair has enough objects.
        """
        halves, labels = state.read(), state.labels()
        sums = {name: each.sum(axis=0) for name, each in halves.items()}
        n_pairs = int(sums["objects"].sum())
        if n_pairs == 0:
            refuse(
                "stream",
                f"hold a pair with at least {least_objects(self.form.diagonal)} linked objects",
                f"none among {int(state.counts.sum())} pairs",
                few_objects(self.form.diagonal),
            )
        found: dict[str, Any] = {}
        by_place = {"isd": sums["isd"], "permuted": sums["permuted"]}
        for name, above in by_place.items():
            found |= _split(name, *self.ratio(above, sums["count"]))
        found |= _split("gap", *self.gap(sums))
        both = (self.gap({name: each[h] for name, each in halves.items()}) for h in (0, 1))
        (score, _), (reported, interval) = both
        nothing = np.where(np.isnan(reported), np.nan, 0.0)[:, :-1]
        held = held_out(score[:, :-1], reported[:, :-1], interval[:, :-1], nothing, nothing)
        occurring = np.flatnonzero(sums["objects"][0])
        with np.errstate(invalid="ignore"):
            entropy = sums["entropy"][0] / sums["count"][0][..., None]
            by_count = {
                f"{name}_objects": (
                    ("layer", "objects"),
                    (sums[f"{name}_objects"][0] / sums["count_objects"][0])[occurring].T,
                )
                for name in by_place
            }
        found |= held_variables(held, ()) | by_count
        found |= {
            "entropy": (("layer", "head", "modality"), entropy[:, :-1]),
            "n_objects": ("objects", sums["objects"][0][occurring].astype(np.int64)),
            "n_pairs": n_pairs,
            "n_skipped": int(sums["skipped"][0]),
        }
        coords = {
            **head_coords(labels),
            "bound": BOUND,
            "modality": MODALITIES,
            "objects": occurring,
        }
        return xr.Dataset(found, coords=coords)

    def gap(self, sums: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """(permuted - isd) / permuted and its interval; NaN where permuting changes nothing."""
        permuted = sums["permuted"]
        there = np.where(permuted > ROUNDING * sums["count"], permuted, 0.0)
        return self.ratio(permuted - sums["isd"], there)


def _split(name: str, values: np.ndarray, interval: np.ndarray) -> dict[str, Any]:
    """Values of the mean over heads (layer), and of each head (layer, head), with intervals."""
    return {
        name: ("layer", values[:, -1]),
        f"{name}_interval": (("layer", "bound"), interval[:, -1]),
        f"{name}_head": (("layer", "head"), values[:, :-1]),
        f"{name}_head_interval": (("layer", "head", "bound"), interval[:, :-1]),
    }
