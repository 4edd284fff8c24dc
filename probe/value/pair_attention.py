"""What all heads together tell of a pair: a linear prober on their attention, with controls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

import numpy as np
import torch
import xarray as xr

from data.records import Attended

from .._check import one_of
from ..whitening._describe import describe
from ._linear import WORDING, Probing, Rows, by_label, probe_scores, stacked
from ._pairs import PHRASE_REGION, REGION_REGION, TASKS, chosen_pairs
from ._prepared import Prepared, prepared_stream
from ._sample import Sample, SampleProbe
from ._sums import BOUND, head_coords

READINGS = ["first->second", "second->first"]
_WEIGHT = {"weight": ("weight of a head, on attention of variance 1, in identification", "1", "")}


@final
class AttentionProber(SampleProbe):
    """`attention_prober` over batches: any batching and order of merging draw the same pairs.

    Parameters
    ----------
    pairs, sample, n_boot, level, seed
        As in `attention_prober`.
    """

    def __init__(
        self,
        *,
        pairs: str = PHRASE_REGION,
        sample: int = 4000,
        n_boot: int = 200,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        super().__init__(sample=sample, n_boot=n_boot, level=level, seed=seed)
        self.pairs = one_of("pairs", pairs, (PHRASE_REGION, REGION_REGION))

    def rows(self, batch: Prepared) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, Any]]:
        """Attention of each head, both ways, for each chosen pair; and its mean over partners."""
        pairs, names = chosen_pairs(batch, self.pairs)
        if self.pairs == PHRASE_REGION:
            ahead = batch.phrase_to_image.on(batch.regions)
            back = batch.region_to_text.on(batch.phrases).mT
        else:
            ahead = batch.region_to_image.on(batch.regions)
            back = ahead.mT
        both = torch.stack([ahead, back], dim=3)  # (n, layer, head, 2, first, second)
        shown = (batch.regions.sum(-1) > 0).to(both.dtype)
        alone = torch.einsum("nlhdij,nj->nilhd", both, shown)
        alone = alone / shown.sum(-1).clamp_min(1)[:, None, None, None, None]
        at = [torch.as_tensor(each, device=both.device) for each in pairs[:3]]
        features = both.permute(0, 4, 5, 1, 2, 3)[at[0], at[1], at[2]]
        rows = pairs.rows() | {
            "features": features.float().cpu().numpy(),
            "alone": alone[at[0], at[1]].float().cpu().numpy(),
        }
        return pairs.key, rows, {"names": names}

    def finish(self, state: Sample) -> xr.Dataset:
        """The result: variables as in `attention_prober`."""
        attrs = self.provenance("attention_prober", state, pairs=self.pairs)
        kept, labels = state.kept.rows, state.labels()
        how = Probing(self.n_boot, self.level, self.seed)
        scores, notes = [], []
        shape = kept["features"].shape[1:]
        weight, width = np.full(shape, np.nan), int(np.prod(shape))
        for task in TASKS:
            chosen, rows = task_rows(kept, task)
            scores_, weights = probe_scores(
                kept["features"][chosen].reshape(len(chosen), width).astype(np.float64),
                rows,
                how,
                alone=kept["alone"][chosen].reshape(len(chosen), width).astype(np.float64),
                n_labels=len(labels["names"]) if task == TASKS[1] else 0,
                place=task,
            )
            scores.append(scores_)
            if weights is None:
                notes.append(f"{task}: too few pairs or labels: not applicable")
            elif task == "identification":
                weight = weights[0].reshape(shape)
        found = by_label(scores, ()) | stacked(scores, ("task",), (len(TASKS),))
        found["weight"] = (("layer", "head", "reading"), weight)
        coords = {**head_coords(labels), "task": TASKS, "reading": READINGS, "bound": BOUND}
        coords["label"] = labels["names"]
        result = xr.Dataset(found, coords=coords, attrs=attrs | {"notes": "; ".join(notes)})
        return describe(result, WORDING | _WEIGHT)


def task_rows(kept: Any, task: str) -> tuple[np.ndarray, Rows]:
    """The sampled pairs that take part in a task, and their answers."""
    answers = kept["linked"].astype(np.int64) if task == TASKS[0] else kept["label"]
    chosen = np.flatnonzero(kept["matched"] if task == TASKS[0] else kept["label"] >= 0)
    return chosen, Rows(answers, kept["owner"], kept["type"]).at(chosen)


def attention_prober(
    stream: Attended | Iterable[Attended],
    *,
    pairs: str = PHRASE_REGION,
    sample: int = 4000,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How well a linear prober on the attention of all heads tells pairs apart, with controls.

    p(c | i, j) ~ softmax(sum over heads k of w_k a^k_ij + mu_k a^k_ji), w and mu trained, the
    model frozen (arXiv:2005.07310). Identification: is the pair linked (or related); in each
    image as many pairs are asked that are as that are not, so chance is 0.5. Classification: of
    which kind is the phrase, or which relation is it.

    Parameters
    ----------
    stream
        One `Attended`, or batches of them.
    pairs
        ``"phrase-region"`` (links) or ``"region-region"`` (relations; "none" is unrelated).
    sample
        Pairs to keep; fitted on one half of the examples, reported on the other.
    n_boot, level, seed
        Bootstrap samples over examples, coverage of the intervals, and the seed.

    Returns
    -------
    xarray.Dataset
        Over ``task``: ``accuracy``; ``majority``, naming the commonest label; ``control``, the
        same prober on random labels (one for each phrase's words, or each pair of regions), and
        ``selectivity`` = accuracy - control; ``alone``, from the first of the two alone (its mean
        attention over all regions), which tells how far the answer leaks; each with an
        ``x_interval``; ``n_train, n_test``. Over ``layer, head, reading``: ``weight``, of
        identification. Over ``label`` (kinds of phrases, or relations): ``label_accuracy``, of
        classification over the held-out pairs of that label (its recall), with its interval, and
        ``label_support``, how many pairs they are. NaN where a task has too few pairs
        (``attrs["notes"]``).

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`.
    ValueError
        If batches differ in layers, heads, blocks or names, or one has no such pairs annotated.
    RuntimeError
        If the solver has not converged.

    Notes
    -----
    Deviations: an intercept, features of variance 1 and an L2 penalty (scikit-learn's C = 1).
    """
    probe = AttentionProber(pairs=pairs, sample=sample, n_boot=n_boot, level=level, seed=seed)
    for batch in prepared_stream(stream):
        probe.update(batch)
    return probe.compute()
