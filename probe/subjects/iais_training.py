"""Training a matching model to rank, with relations of words and regions that shall agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from data.records import GroundedPair

from .._check import integer, number, one_of
from ._iais_arms import ANCHORS, ARMS, Arm, checked_layer, regulariser
from ._iais_batches import RankingBatch, ranking_batches
from ._iais_truth import Truth
from .batching import evaluating
from .pair_tensors import PairTensors, pair_tensors
from .training import Loss, fit, gradient_step
from .vision_language_model import VisionLanguageModel
from .vision_language_training import adamw


@dataclass(frozen=True)
class IaisRecipe:
    """How a matching model is tuned to rank.

    Attributes
    ----------
    steps, batch_size
        Updates; anchors in each, whose own partners are also each other's candidates.
    hard
        Hardest false candidates of each anchor that it learns from.
    margin
        Of the triplet loss, between matching probabilities.
    learning_rate
        Of AdamW, after a warm-up of a tenth of the steps and before a linear fall to 0.
    strength
        Weight of the regulariser at the last step, see `iais_weight`.
    anchor
        Whose relations lead: ``"vision"``, ``"language"``, or ``"both"``: vision in batches whose
        anchors are images, language where they are captions.
    layer
        Whose attention is regularised, counted from either end.

    Raises
    ------
    TypeError, ValueError
        If one is out of range.
    """

    steps: int = 500
    batch_size: int = 16
    hard: int = 2
    margin: float = 0.2
    learning_rate: float = 1e-3
    strength: float = 1.0
    anchor: str = "both"
    layer: int = -1

    def __post_init__(self) -> None:
        integer("steps", self.steps, low=1)
        integer("batch_size", self.batch_size, low=2)
        integer("hard", self.hard, low=1, high=self.batch_size - 1)
        number("margin", self.margin, low=0.0)
        number("learning_rate", self.learning_rate, low=0.0)
        number("strength", self.strength, low=0.0)
        one_of("anchor", self.anchor, ANCHORS)
        integer("layer", self.layer)


def iais_weight(step: int, steps: int, strength: float = 1.0) -> float:
    """The regulariser's weight, strength exp(5 (t/T - 1)), at step t of T.

    Source: arXiv:2105.13868, section 4.2: from 0.7 % of its strength at first to all of it at last.

    Examples
    --------
    >>> round(iais_weight(50, 100), 4), iais_weight(100, 100, 0.5)
    (0.0821, 0.5)
    """
    return strength * math.exp(5 * (step / steps - 1))


def triplet_loss(own: Tensor, others: Tensor, keep: Tensor, *, margin: float = 0.2) -> Tensor:
    """Mean over kept triplets of max(0, margin + other - own).

    Parameters
    ----------
    own
        (anchor,) scores of the true partners.
    others, keep
        (anchor, candidate) scores of false ones, and which of them there are.
    margin
        By which a true one shall lead.

    Examples
    --------
    >>> keep = torch.tensor([[True, True]])
    >>> triplet_loss(torch.tensor([0.5]), torch.tensor([[0.4, 0.1]]), keep)
    tensor(0.0500)
    """
    short = (margin + others - own[:, None]).clamp_min(0.0)
    return (short * keep).sum() / keep.sum().clamp_min(1)


def ranking_loss(
    pairs: PairTensors, arm: Arm, recipe: IaisRecipe
) -> Loss[VisionLanguageModel, RankingBatch]:
    """The loss of a batch, as `train` takes it: triplets, and the arm's weighted regulariser.

    Returns
    -------
    Callable
        ``loss(model, batch)``: the sum, and by name ``ranking``, ``iais`` (before its weight; NaN
        in an arm without) and ``weight``.
    """

    def loss(model: VisionLanguageModel, batch: RankingBatch) -> tuple[Tensor, dict[str, Any]]:
        device = model.words.weight.device
        hardest, keep = _hardest(model, pairs, batch, recipe.hard)
        inputs = pairs.inputs(batch.rows).to(device)
        # With its weights shown in every arm: the fused kernel rounds otherwise.
        output = model(inputs, detail=True)
        anchors = batch.rows.repeat_interleave(hardest.shape[1])
        found = batch.rows[hardest.flatten()]
        images, said = (anchors, found) if batch.anchor == "vision" else (found, anchors)
        false = model(pairs.inputs(images, (pairs.ids[said], pairs.mask[said])).to(device))
        ranking = triplet_loss(
            output.match.sigmoid(),
            false.match.sigmoid().reshape(hardest.shape),
            keep.to(device),
            margin=recipe.margin,
        )
        parts: dict[str, Any] = {"ranking": ranking.detach(), "iais": math.nan, "weight": 0.0}
        if arm.kind is None or recipe.strength == 0:
            return ranking, parts
        leader = batch.anchor if recipe.anchor == "both" else recipe.anchor
        order = batch.order.to(device)
        given = {"layer": recipe.layer, "anchor": leader}
        extra = regulariser(arm, output.attentions, inputs, order, **given)
        weight = iais_weight(batch.step, recipe.steps, recipe.strength)
        parts |= {"iais": extra.detach(), "weight": weight}
        return ranking + weight * extra, parts

    return loss


def _hardest(
    model: VisionLanguageModel, pairs: PairTensors, batch: RankingBatch, hard: int
) -> tuple[Tensor, Tensor]:
    """Places in the batch of each anchor's best-scored false candidates, and which there are."""
    n = len(batch.rows)
    said = batch.rows.repeat_interleave(n)
    inputs = pairs.inputs(batch.rows.repeat(n), (pairs.ids[said], pairs.mask[said]))
    with evaluating(model), torch.no_grad():
        scores = model(inputs.to(model.words.weight.device)).match.cpu().reshape(n, n)
    scores = scores.masked_fill(batch.true, -torch.inf)
    best = (scores.T if batch.anchor == "vision" else scores).topk(hard, dim=1)
    return best.indices, best.values.isfinite()


def tune_ranking(
    model: VisionLanguageModel,
    pairs: Sequence[GroundedPair],
    *,
    arm: str = "singular",
    recipe: IaisRecipe | None = None,
    seed: int = 0,
    progress: bool = True,
) -> xr.Dataset:
    """Tune `model` to rank captions and images, with or without the IAIS regulariser.

    Parameters
    ----------
    model
        One that has learnt matching, trained in place. From random weights the hardest candidates
        push all scores together, and the loss stays at the margin.
    pairs
        To learn from, as many as a batch at least.
    arm
        ``"none"`` (ranking only), ``"singular"``, ``"distributed"`` or ``"congruence"`` (as of
        `probe.isd.iais_loss`), or ``"shuffled"``: the singular one, which sees each image's
        positions in another order, drawn anew at each step, in the attention between words and
        image. That regularises as much and aligns nothing.
    recipe
        Sizes and weights; `IaisRecipe()` if None.
    seed
        Of the batches. Arms with one seed see the same batches; which candidates are hardest is up
        to each model. Dropout draws from torch's global state.
    progress
        Whether a bar is shown.

    Returns
    -------
    xr.Dataset
        ``loss``, ``ranking``, ``iais`` (NaN without one) and ``weight`` along ``step``.

    Raises
    ------
    RuntimeError
        If the loss is not finite.
    TypeError, ValueError
        If the arm is unknown, there are too few pairs, or the layer lacks a block of attention.

    Notes
    -----
    Source: arXiv:2105.13868, sections 3 and 4; triplets between matching probabilities with the
    hardest candidates as UNITER (arXiv:1909.11740) is tuned for retrieval. Deviations: candidates
    come from the batch, and none that is true of the anchor counts as false.
    """
    recipe = recipe or IaisRecipe()
    one_of("arm", arm, ARMS)
    checked_layer(model, recipe.layer)
    tensors = pair_tensors(pairs, model)
    batches = ranking_batches(tensors, Truth(pairs), batch_size=recipe.batch_size, seed=seed)
    return tuned(model, tensors, batches, arm=ARMS[arm], recipe=recipe, progress=progress)


def tuned(
    model: VisionLanguageModel,
    pairs: PairTensors,
    batches: Iterator[RankingBatch],
    *,
    arm: Arm,
    recipe: IaisRecipe,
    progress: bool,
) -> xr.Dataset:
    """`tune_ranking` with what is encoded already."""
    steps = recipe.steps
    optimizer, warm = adamw(model, recipe.learning_rate), max(1, steps // 10)

    def share(done: int) -> float:
        return min((done + 1) / warm, (steps - done) / max(1, steps - warm))

    return fit(
        model,
        batches,
        ranking_loss(pairs, arm, recipe),
        optimizer,
        steps=steps,
        scheduler=torch.optim.lr_scheduler.LambdaLR(optimizer, share),
        train_step=_clipped,
        progress=progress,
    )


def _clipped(subject: Any, batch: Any, loss: Any, optimizer: Any) -> Any:
    return gradient_step(subject, batch, loss, optimizer, clip=1.0)
