"""What the states of one layer tell of a pair: a linear prober on the two states, with controls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

import numpy as np
import torch
import xarray as xr

from data.records import Attended

from .._check import one_of
from ..whitening._describe import describe
from ._linear import WORDING, Probing, by_label, probe_scores, stacked
from ._pairs import PHRASE_REGION, REGION_REGION, TASKS, chosen_pairs
from ._prepared import Prepared, prepared_stream
from ._sample import Sample, SampleProbe
from ._states import hidden_of, unit_states
from ._sums import BOUND
from .pair_attention import task_rows


@final
class EmbeddingProber(SampleProbe):
    """`embedding_prober` over batches: any batching and order of merging draw the same pairs.

    Parameters
    ----------
    pairs, sample, n_boot, level, seed
        As in `embedding_prober`.
    """

    def __init__(
        self,
        *,
        pairs: str = PHRASE_REGION,
        sample: int = 2000,
        n_boot: int = 200,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        super().__init__(sample=sample, n_boot=n_boot, level=level, seed=seed)
        self.pairs = one_of("pairs", pairs, (PHRASE_REGION, REGION_REGION))

    def rows(self, batch: Prepared) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, Any]]:
        """The two states of every chosen pair, at every layer."""
        hidden = hidden_of(batch)
        pairs, names = chosen_pairs(batch, self.pairs)
        second = unit_states(hidden, batch.regions)
        first = unit_states(hidden, batch.phrases) if self.pairs == PHRASE_REGION else second
        at = [torch.as_tensor(each, device=hidden.device) for each in pairs[:3]]
        rows = pairs.rows() | {
            "first": first[at[0], at[1]].float().cpu().numpy(),
            "second": second[at[0], at[2]].float().cpu().numpy(),
        }
        return pairs.key, rows, {"names": names, "features": int(hidden.shape[-1])}

    def finish(self, state: Sample) -> xr.Dataset:
        """The result: variables as in `embedding_prober`."""
        attrs = self.provenance("embedding_prober", state, pairs=self.pairs)
        kept, names = state.kept.rows, state.labels()["names"]
        how = Probing(self.n_boot, self.level, self.seed)
        scores, notes = [], []
        n_states = kept["first"].shape[1]
        for layer in range(n_states):
            for task in TASKS:
                chosen, rows = task_rows(kept, task)
                one, other = (
                    kept[k][chosen, layer].astype(np.float64) for k in ("first", "second")
                )
                whole = np.flatnonzero(
                    np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
                )
                one, other, rows = one[whole], other[whole], rows.at(whole)
                # A sum over two states cannot compare them: their product lets it.
                both = np.concatenate([one, other, one * other], axis=1)
                place = f"layer {layer}, {task}"
                asked = len(names) if task == TASKS[1] else 0
                found, weights = probe_scores(
                    both, rows, how, alone=one, n_labels=asked, place=place
                )
                scores.append(found)
                if weights is None:
                    notes.append(f"{place}: too few pairs or labels: not applicable")
        variables = by_label(scores, ("layer",))
        variables |= stacked(scores, ("layer", "task"), (n_states, len(TASKS)))
        coords = {"layer": np.arange(n_states), "task": TASKS, "label": names, "bound": BOUND}
        result = xr.Dataset(variables, coords=coords, attrs=attrs | {"notes": "; ".join(notes)})
        return describe(result, WORDING)


def embedding_prober(
    stream: Attended | Iterable[Attended],
    *,
    pairs: str = PHRASE_REGION,
    sample: int = 2000,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How well a linear prober on the two states of a pair tells pairs apart, layer by layer.

    The tasks, halves and controls of `attention_prober` (arXiv:2005.07310), on the mean states of
    the phrase's words and of the region's positions.

    Parameters
    ----------
    stream
        One `Attended` with hidden states, or batches of them.
    pairs
        ``"phrase-region"`` (links) or ``"region-region"`` (relations; "none" is unrelated).
    sample
        Pairs to keep: 2 x (layers + 1) x features float32 each.
    n_boot, level, seed
        Bootstrap samples over examples, coverage of the intervals, and the seed.

    Returns
    -------
    xarray.Dataset
        Over ``layer`` (0 is what enters the first layer) and ``task`` or ``label``: the variables
        of `attention_prober` but the weights. ``alone`` is from the first state alone: in
        classification a phrase's state names its kind by itself. NaN where a layer lacks a state.

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`.
    ValueError
        If batches differ in form, or one has no hidden states or no such pairs annotated.
    RuntimeError
        If the solver has not converged.

    Notes
    -----
    Deviation: the product of the two states stands beside them, since a layer that is linear in
    both can tell what each is and never whether they agree.
    """
    probe = EmbeddingProber(pairs=pairs, sample=sample, n_boot=n_boot, level=level, seed=seed)
    for batch in prepared_stream(stream):
        probe.update(batch)
    return probe.compute()
