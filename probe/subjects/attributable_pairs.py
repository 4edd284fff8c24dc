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
from ._swapping import embedding_of, giving
from .attributable_texts import blocks, word_of
from .batching import evaluating
from .pair_tensors import pair_tensors
from .vision_language_model import Inputs, VisionLanguageModel
from .vocabulary import CLS, PAD

Score = Callable[[Any], Tensor]


def vision_language_task(
    model: nn.Module,
    pairs: Sequence[GroundedPair],
    *,
    processor: Any = None,
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
        One of our models of scenes (regions or patches), or a transformers model that is called
        with ``input_ids, attention_mask, pixel_values``: with its matching head, which an adapter
        does not hold.
    pairs
        Captions with images.
    processor
        A transformers model's own; None for ours.
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
    if isinstance(model, VisionLanguageModel):
        for option, value in {"processor": processor, "score": score}.items():
            if value is not None:
                refuse(option, "be None for a model of scenes", type(value).__name__)
        return _of_scenes(model, given, layers, name)
    if not isinstance(model, nn.Module):
        hint = "Give the transformers model itself, with its matching head."
        refuse_type("model", "be a torch module", model, hint)
    if processor is None:
        refuse("processor", "be given beside a transformers model", None)
    return _of_transformers(model, given, processor, score, embedding, layers, patch, name)


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
    marks = (batch.ids == CLS) | (batch.ids == 3) | ~batch.mask  # 3 is [SEP]
    pad = model.words.weight.detach()[PAD].expand_as(embedded)
    mean = batch.features[batch.image_mask].mean(0).expand_as(batch.features)

    def forward(
        text: Tensor, image: Tensor, ids: Tensor, mask: Tensor, boxes: Tensor, keep: Tensor
    ) -> Tensor:
        with giving(model.words, text):
            return model(Inputs(ids, mask, image, boxes, keep)).match[:, None]

    context = (batch.ids, batch.mask, batch.boxes, batch.image_mask)
    sizes = (batch.ids.shape[1], batch.features.shape[1])
    scores = _scored(model, forward, (embedded, batch.features, *context))
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
        prediction=[_said(each) for each in scores],
        name=name or model.name,
    )


def _of_transformers(
    model: Any,
    pairs: list[GroundedPair],
    processor: Any,
    score: Score | None,
    embedding: str | None,
    layers: Sequence[str] | None,
    patch: int | None,
    name: str,
) -> AttributionTask:
    from PIL import Image

    texts = getattr(model, "text_model", model)
    inner, table = embedding_of(texts if embedding is None else model, embedding)
    path = next(p for p, module in model.named_modules() if module is table)
    del inner
    weight = next(model.parameters())
    made = processor(
        text=[pair.caption for pair in pairs],
        images=[Image.fromarray(np.asarray(pair.image)) for pair in pairs],
        padding=True,
        return_tensors="pt",
    )
    ids = made["input_ids"].to(weight.device)
    mask = made.get("attention_mask", torch.ones_like(ids)).bool().to(weight.device)
    pixels = made["pixel_values"].to(weight.device, weight.dtype)
    tokenizer = processor.tokenizer
    special = torch.tensor(sorted(set(tokenizer.all_special_ids)), device=weight.device)
    with torch.no_grad():
        embedded = table(ids).detach()
        pad = table(torch.full((1, 1), int(tokenizer.pad_token_id or 0), device=weight.device))
    marks = torch.isin(ids, special) | ~mask

    def forward(text: Tensor, image: Tensor, given: Tensor, keep: Tensor) -> Tensor:
        with giving(table, text):
            found = model(input_ids=given, attention_mask=keep.long(), pixel_values=image)
        return (_match(found) if score is None else score(found)).reshape(len(given), 1)

    scores = _scored(model, forward, (embedded, pixels, ids, mask))
    return AttributionTask(
        model,
        forward,
        {"text": embedded, "image": pixels},
        {
            "text": torch.where(marks[..., None], embedded, pad.expand_as(embedded)),
            "image": pixels.mean((2, 3), keepdim=True).expand_as(pixels),
        },
        {"text": "token", "image": "pixel"},
        ["match"],
        layers=blocks(texts) if layers is None else list(layers),
        context=(ids, mask),
        valid={"text": mask.cpu()},
        made_by=(path,),
        patch=patch,
        tokens=[
            tokenizer.convert_ids_to_tokens(row[keep].tolist())
            for row, keep in zip(ids, mask, strict=True)
        ],
        images=_pictures(pixels),
        prediction=[_said(each) for each in scores],
        name=name or type(model).__name__,
    )


def _match(found: Any) -> Tensor:
    """(row,) how well each caption fits its own image.

    Raises
    ------
    ValueError
        If that is not known of such a model.
    """
    text, image = getattr(found, "text_embeds", None), getattr(found, "image_embeds", None)
    if isinstance(text, Tensor) and isinstance(image, Tensor) and text.shape == image.shape:
        return nn.functional.cosine_similarity(text, image, dim=-1)
    logits = getattr(found, "itm_score", None)
    logits = getattr(found, "logits", None) if logits is None else logits
    if isinstance(logits, Tensor) and logits.ndim == 2 and logits.shape[1] in (1, 2):
        return logits[:, -1] - logits[:, 0] if logits.shape[1] == 2 else logits[:, 0]
    hint = "Give the model with its matching head, or score=, a function of its output."
    refuse("model", "give a score of the match", type(found).__name__, hint)


def _scored(
    model: nn.Module, forward: Callable[..., Tensor], given: tuple[Any, ...]
) -> list[float]:
    with evaluating(model), torch.no_grad():
        return forward(*given)[:, 0].tolist()


def _said(score: float) -> str:
    return f"match {score:.2f}"


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


def _pictures(pixels: Tensor) -> np.ndarray:
    """What the model sees, (pair, row, column, channel), stretched over [0, 1]."""
    low, high = pixels.amin((1, 2, 3), keepdim=True), pixels.amax((1, 2, 3), keepdim=True)
    seen = (pixels - low) / (high - low).clamp(min=1e-12)
    return seen.permute(0, 2, 3, 1).cpu().float().numpy()
