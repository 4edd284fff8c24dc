"""What a vision-and-language model learns from: matching, hidden words and regions, alignment."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .._check import integer, number
from .scene_batches import PairBatch
from .training import Loss
from .vision_language_model import Output, VisionLanguageModel

# (output, batch) to a scalar: how badly words and image positions are aligned.
Alignment = Callable[[Output, PairBatch], Tensor]


def transport_plan(
    cost: Tensor, text: Tensor, image: Tensor, *, beta: float = 0.5, iterations: int = 20
) -> Tensor:
    """How to move the words' mass to the image positions at least cost: (batch, text, position).

    Parameters
    ----------
    cost
        (batch, text, position).
    text, image
        (batch, text) and (batch, position), True = keep; mass is uniform over what is kept.
    beta
        Step of the proximal point method; smaller is sharper.
    iterations
        Of it.

    Returns
    -------
    Tensor
        At least 0, each example's sum 1; columns sum to 1 / positions kept.

    Notes
    -----
    Source: IPOT (arXiv:1802.04307), algorithm 1 with one inner iteration, as UNITER uses it.

    Examples
    --------
    >>> keep = torch.ones(1, 2, dtype=torch.bool)
    >>> transport_plan(torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]), keep, keep).round(decimals=2)
    tensor([[[0.5000, 0.0000],
             [0.0000, 0.5000]]])
    """
    number("beta", beta, low=1e-6)
    integer("iterations", iterations, low=1)
    keep = (text[:, :, None] & image[:, None, :]).to(cost.dtype)
    kernel = torch.exp(-cost / beta) * keep
    n_text, n_image = text.sum(1)[:, None], image.sum(1)[:, None]
    plan, columns = keep, image.to(cost.dtype) / n_image
    tiny = torch.finfo(cost.dtype).tiny
    for _ in range(iterations):
        plan = kernel * plan
        rows = text / (n_text * torch.einsum("btp,bp->bt", plan, columns)).clamp_min(tiny)
        columns = image / (n_image * torch.einsum("btp,bt->bp", plan, rows)).clamp_min(tiny)
        plan = rows[:, :, None] * plan * columns[:, None, :]
    return plan


def transport_alignment(output: Output, batch: PairBatch) -> Tensor:
    """Least cost of moving words to regions: of captions that fit, less that of those that do not.

    The cost is 1 - cosine of last states; the plan is held fixed under the gradient. No link is
    used. Source: word-region alignment of UNITER (arXiv:1909.11740, section 3.2).
    """
    n = len(batch.fits)
    mask, image = batch.inputs.mask[:n], batch.inputs.image_mask[:n]
    words = functional.normalize(output.text[:n], dim=-1)
    places = functional.normalize(output.image[:n], dim=-1)
    cost = 1 - words @ places.transpose(1, 2)
    with torch.no_grad():
        plan = transport_plan(cost, mask, image)
    distance = (plan * cost).sum(dim=(1, 2))
    return distance[batch.fits].mean() - distance[~batch.fits].mean()


def link_alignment(output: Output, batch: PairBatch, *, temperature: float = 0.1) -> Tensor:
    """Cross entropy of each linked word's choice among the image positions, by cosine, in nats.

    Supervised: it shows the model the links that probes ask about later.
    """
    words = functional.normalize(output.text, dim=-1)
    places = functional.normalize(output.image, dim=-1)
    scores = words @ places.transpose(1, 2) / temperature
    scores = scores.masked_fill(~batch.inputs.image_mask[:, None, :], -torch.inf)
    chosen = scores.log_softmax(dim=-1).masked_fill(~batch.links, 0.0)
    count = batch.links.sum(dim=-1)
    mean = chosen.sum(dim=-1) / count.clamp_min(1)
    return -mean[count > 0].sum() / (count > 0).sum().clamp_min(1)


def pair_loss(
    *,
    matching: float = 1.0,
    words: float = 1.0,
    regions: float = 0.5,
    alignment: float = 0.1,
    align: Alignment = transport_alignment,
) -> Loss[VisionLanguageModel, PairBatch]:
    """The loss of a batch, as `train` takes it: the weighted sum of up to four objectives.

    Parameters
    ----------
    matching
        Weight of the binary cross entropy of "the caption is the image's".
    words
        Weight of the cross entropy of hidden words.
    regions
        Weight of the squared error of hidden regions' features, over their variance in the batch.
    alignment, align
        Weight and kind of word-region alignment: `transport_alignment` (needs no links) or
        `link_alignment` (learns from them).

    Returns
    -------
    Callable
        ``loss(model, batch)``: the sum, and by name each objective and ``accuracy``, the share of
        captions that were rightly taken or refused.

    Raises
    ------
    TypeError, ValueError
        If a weight is no number of at least 0.
    """
    given = {"matching": matching, "words": words, "regions": regions, "alignment": alignment}
    weights = {name: number(name, value, low=0.0) for name, value in given.items()}

    def loss(model: VisionLanguageModel, batch: PairBatch) -> tuple[Tensor, dict[str, Tensor]]:
        output = model(batch.inputs)
        n = len(batch.fits)
        odds, fits = output.match[:n], batch.fits
        parts = {
            "matching": functional.binary_cross_entropy_with_logits(odds, fits.to(odds.dtype)),
            "words": _hidden_words(model, output.text[n:], batch.words),
            "regions": _hidden_regions(model, output.image[n:], batch),
            "alignment": align(output, batch) if weights["alignment"] else odds.new_zeros(()),
        }
        total = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        found = {name: part.detach() for name, part in parts.items()}
        found["accuracy"] = ((odds > 0) == fits).float().mean()
        return total, found

    return loss


def _hidden_words(model: VisionLanguageModel, states: Tensor, words: Tensor) -> Tensor:
    asked = words >= 0
    if not asked.any():
        return states.new_zeros(())
    # At hidden words only: logits of all places would cost more than the model itself.
    return functional.cross_entropy(model.word_logits(states[asked]), words[asked])


def _hidden_regions(model: VisionLanguageModel, states: Tensor, batch: PairBatch) -> Tensor:
    asked = batch.hidden
    if not asked.any():
        return states.new_zeros(())
    shown = batch.features[batch.inputs.image_mask[-len(asked) :]]
    error = (model.guessed_features(states[asked]) - batch.features[asked]).square().mean()
    return error / shown.var(dim=0, unbiased=False).mean().clamp_min(1e-6)
