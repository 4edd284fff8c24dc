"""Vision-and-language models as tasks of attribution: which words and regions make a match?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from data.records import GroundedPair

from .._check import refuse, refuse_type
from ..attribution import AttributionTask
from ._swapping import giving
from ._transformers_pairs import Score, pair_task, said, scored
from .attributable_texts import word_of
from .pair_tensors import pair_tensors
from .vision_adapters.adapter import VisionLanguageAdapter
from .vision_language_model import SEP, Inputs, VisionLanguageModel
from .vocabulary import CLS, PAD


def vision_language_task(
    model: nn.Module | VisionLanguageAdapter,
    pairs: Sequence[GroundedPair],
    *,
    processor: Any = None,
    tokenizer: Any = None,
    image_processor: Any = None,
    score: Score | None = None,
    embedding: str | None = None,
    layers: Sequence[str] | None = None,
    patch: int | None = None,
    name: str = "",
) -> AttributionTask:
    """How well caption and image match, to be attributed to words and to regions or pixels.

    Parameters
    ----------
    model
        One of our models of scenes (regions or patches); or a transformers model that is called
        with ``input_ids, attention_mask, pixel_values``, with its matching head; or a
        `VisionLanguageAdapter` of one whose match needs no other head (CLIP, SigLIP, BLIP).
    pairs
        Captions with images.
    processor
        A transformers model's own; None for ours and for an adapter.
    tokenizer, image_processor
        In place of a processor.
    score
        ``score(output)`` to (pair,), for transformers models other than those whose match is known
        here: CLIP-like (``text_embeds`` and ``image_embeds``: their cosine), BLIP
        (``itm_score``: log-odds), heads of two (log-odds) or of one ``logits``.
    embedding
        Path of the token embedding; None finds it.
    layers
        Module paths that are offered; None takes the blocks.
    patch
        Side of the squares of pixels that are taken away together.
    name
        What the task is called; None takes the model's class.

    Returns
    -------
    AttributionTask
        Inputs ``text`` (kind token) and ``image`` (kind region for our models, with boxes; kind
        pixel for transformers'). Baselines: padding's embedding, except for marks, which stay; the
        mean region or patch of these pairs; for pixels each image's mean colour.

    Raises
    ------
    TypeError, ValueError
        If an argument or what the model gives is not as said.
    """
    given = list(pairs)
    if not given or not all(isinstance(pair, GroundedPair) for pair in given):
        refuse("pairs", "hold at least one GroundedPair and nothing else", f"{given[:1]}")
    tools = {"processor": processor, "tokenizer": tokenizer, "image_processor": image_processor}
    if isinstance(model, VisionLanguageAdapter):
        _none({**tools}, "an adapter, which has its own")
        held = model.family.tools
        tokenizer, image_processor = held.tokenizer, held.image_processor
        name, model = name or model.name, model.family.model
    elif isinstance(model, VisionLanguageModel):
        _none({**tools, "score": score, "embedding": embedding}, "a model of scenes")
        return _of_scenes(model, given, layers, name)
    elif processor is not None:
        tokenizer = tokenizer or getattr(processor, "tokenizer", None)
        image_processor = image_processor or getattr(processor, "image_processor", None)
    if not isinstance(model, nn.Module):
        hint = "Give the transformers model itself, with its matching head."
        refuse_type("model", "be a torch module", model, hint)
    if not callable(tokenizer) or not callable(image_processor):
        refuse("processor", "hold a tokenizer and an image processor", type(processor).__name__)
    return pair_task(
        model,
        given,
        tokenizer,
        image_processor,
        score=score,
        embedding=embedding,
        layers=layers,
        patch=patch,
        name=name,
    )


def _none(options: dict[str, Any], what: str) -> None:
    for option, value in options.items():
        if value is not None:
            refuse(option, f"be None for {what}", type(value).__name__)


def _of_scenes(
    model: VisionLanguageModel,
    pairs: list[GroundedPair],
    layers: Sequence[str] | None,
    name: str,
) -> AttributionTask:
    device = model.words.weight.device
    batch = pair_tensors(pairs, model).inputs(torch.arange(len(pairs))).to(device)
    with torch.no_grad():
        embedded = model.words(batch.ids)
    marks = (batch.ids == CLS) | (batch.ids == SEP) | ~batch.mask
    pad = model.words.weight.detach()[PAD].expand_as(embedded)
    mean = batch.features[batch.image_mask].mean(0).expand_as(batch.features)

    def forward(
        text: Tensor, image: Tensor, ids: Tensor, mask: Tensor, boxes: Tensor, keep: Tensor
    ) -> Tensor:
        with giving(model.words, text):
            return model(Inputs(ids, mask, image, boxes, keep)).match[:, None]

    context = (batch.ids, batch.mask, batch.boxes, batch.image_mask)
    sizes = (batch.ids.shape[1], batch.features.shape[1])
    scores = scored(model, forward, (embedded, batch.features, *context))
    return AttributionTask(
        model,
        forward,
        {"text": embedded, "image": batch.features},
        {"text": torch.where(marks[..., None], embedded, pad), "image": mean},
        {"text": "token", "image": "region"},
        ["match"],
        layers=_streams(model) if layers is None else list(layers),
        context=context,
        valid={"text": batch.mask.cpu(), "image": batch.image_mask.cpu()},
        at_layer=_joint(sizes),
        made_by=("words",),
        tokens=[
            [word_of(model.vocabulary, i) for i in ids[keep].tolist()]
            for ids, keep in zip(batch.ids, batch.mask, strict=True)
        ],
        images=same_size([np.asarray(pair.image) for pair in pairs]),
        boxes=batch.boxes.cpu().numpy(),
        prediction=[said(each) for each in scores],
        name=name or model.name,
    )


def _streams(model: nn.Module) -> list[str]:
    """Paths of what gives states: the feed-forward networks of every stream, in their order."""
    found = [path for path, module in model.named_modules() if path.count(".") == 1]
    return [path for path in found if "feed" in path]


def _joint(sizes: tuple[int, int]) -> Callable[[str, Tensor], dict[str, Tensor]]:
    """States of words, of image positions, or of both side by side, told apart by their number."""
    words, places = sizes

    def divide(_: str, values: Tensor) -> dict[str, Tensor]:
        if values.ndim == 3 and values.shape[1] == words + places:
            total = values.sum(2)
            return {"text": total[:, :words], "image": total[:, words:]}
        if values.ndim == 3 and words != places and values.shape[1] in sizes:
            return {"text" if values.shape[1] == words else "image": values.sum(2)}
        raise ValueError(
            f"values of shape {tuple(values.shape[1:])} belong to no unit of the input"
        )

    return divide


def same_size(images: Sequence[np.ndarray]) -> np.ndarray:
    """Images (pair, y, x, channel) of the largest one's size, white to the right and below."""
    height, width = (max(image.shape[axis] for image in images) for axis in (0, 1))
    whole = np.full((len(images), height, width, images[0].shape[2]), 255, images[0].dtype)
    for row, image in zip(whole, images, strict=True):
        row[: image.shape[0], : image.shape[1]] = image
    return whole
