"""Transformers models of captions and images as tasks of attribution: tokens and pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from data.records import GroundedPair

from .._check import refuse
from ..attribution import AttributionTask
from ._swapping import embedding_of, giving
from .attributable_texts import blocks
from .batching import evaluating
from .vision_adapters.pictures import read_images

Score = Callable[[Any], Tensor]


def pair_task(
    model: Any,
    pairs: Sequence[GroundedPair],
    tokenizer: Any,
    image_processor: Any,
    *,
    score: Score | None,
    embedding: str | None,
    layers: Sequence[str] | None,
    patch: int | None,
    name: str,
) -> AttributionTask:
    """As of `vision_language_task`, of a transformers model and its tools."""
    texts = next((m for m in map(_text_part(model), ("text_model", "text_encoder")) if m), model)
    table = embedding_of(model if embedding is not None else texts, embedding)[1]
    path = next(p for p, module in model.named_modules() if module is table)
    device = next(model.parameters()).device
    captions = [pair.caption for pair in pairs]
    made = tokenizer(captions, padding=True, padding_side="right", return_tensors="pt")
    ids, mask = made["input_ids"].to(device), made["attention_mask"].bool().to(device)
    seen = read_images(image_processor, pairs, model)
    pixels = seen.pop("pixel_values")
    more = {key: value for key, value in seen.items() if len(value) == len(pairs)}
    special = torch.tensor(sorted(set(tokenizer.all_special_ids)), device=device)
    with torch.no_grad():
        embedded = table(ids).detach()
        pad = table(torch.full((1, 1), int(tokenizer.pad_token_id or 0), device=device))
    marks = torch.isin(ids, special) | ~mask

    def forward(text: Tensor, image: Tensor, given: Tensor, keep: Tensor, *rest: Tensor) -> Tensor:
        images = {"pixel_values": image, **dict(zip(more, rest, strict=True))}
        with giving(table, text):
            found = model(input_ids=given, attention_mask=keep.long(), **images)
        return (match_of(found) if score is None else score(found)).reshape(len(given), 1)

    context = (ids, mask, *more.values())
    scores = scored(model, forward, (embedded, pixels, *context))
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
        layers=[path for path, module in model.named_modules() if module in _blocks(texts)]
        if layers is None
        else list(layers),
        context=context,
        valid={"text": mask.cpu()},
        made_by=(path,),
        patch=patch,
        tokens=[
            tokenizer.convert_ids_to_tokens(row[keep].tolist())
            for row, keep in zip(ids, mask, strict=True)
        ],
        images=_pictures(pixels),
        prediction=[said(each) for each in scores],
        name=name or type(model).__name__,
    )


def _text_part(model: nn.Module) -> Callable[[str], nn.Module | None]:
    return lambda name: getattr(model, name, None)


def _blocks(texts: nn.Module) -> list[nn.Module]:
    return [texts.get_submodule(path) for path in blocks(texts)]


def match_of(found: Any) -> Tensor:
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


def scored(model: nn.Module, forward: Callable[..., Tensor], given: tuple[Any, ...]) -> list[float]:
    with evaluating(model), torch.no_grad():
        return forward(*given)[:, 0].tolist()


def said(score: float) -> str:
    return f"match {score:.2f}"


def _pictures(pixels: Tensor) -> np.ndarray:
    """What the model sees, (pair, row, column, channel), stretched over [0, 1]."""
    low, high = pixels.amin((1, 2, 3), keepdim=True), pixels.amax((1, 2, 3), keepdim=True)
    seen = (pixels - low) / (high - low).clamp(min=1e-12)
    return seen.permute(0, 2, 3, 1).cpu().float().numpy()
