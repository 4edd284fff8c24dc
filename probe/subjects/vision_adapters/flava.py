"""FLAVA (arXiv:2112.04482): the fusion encoder over encoded words and patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
import torch

from data.records import GroundedPair

from ..._check import refuse
from .family import Family
from .pictures import (
    checked_image_processor,
    checked_size,
    read_images,
    seen_boxes,
    with_marks,
)
from .reading import Reading, beside, model_options, required


@final
class Flava(Family):
    """Words with their marks, the fusion's and the image's [CLS] (marks), patches row by row.

    Layers are those of the fusion encoder, where every block is there; the encoders before it, of
    words alone and of the image alone, are left out. `pool` is the fusion's own [CLS]. The model
    itself never asks its fusion encoder for attentions; it is called here as the model does.
    """

    title = "FLAVA"
    processors = ("FlavaProcessor",)

    def prepare(self) -> None:
        """Check the image processor, and that the fusion encoder has its [CLS]."""
        self.images = checked_image_processor(self.tools.image_processor)
        if not self.model.multimodal_model.use_cls_token:
            refuse("model", "have a fusion encoder with a [CLS]", "use_cls_token=False")

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        model = self.model
        captions, text = self.captions(pairs)
        pixels = read_images(self.images, pairs, model)["pixel_values"]
        vision = model.config.image_config
        checked_size(pixels, vision.image_size)
        options = {"output_hidden_states": True, "return_dict": True}
        image = model.image_model(pixel_values=pixels, **options).hidden_states[-1]
        words = model.text_model(**text, **options).hidden_states[-1]
        mask, before = text["attention_mask"], 1 + image.shape[1]
        joined = [model.image_to_mm_projection(image), model.text_to_mm_projection(words)]
        out = model.multimodal_model(
            torch.cat(joined, dim=1),
            attention_mask=torch.cat([mask.new_ones(len(pairs), before), mask], dim=1),
            **model_options(hidden_states),
        )
        attentions = torch.stack(required(out.attentions, "FLAVA's fusion encoder"), dim=1)
        side = vision.image_size // vision.patch_size
        positions = []
        for pair, caption in zip(pairs, captions, strict=True):
            boxes = with_marks(seen_boxes(self.images, pair, side, side), 2)
            image_at, pool = np.arange(before), len(caption)
            positions.append(beside(caption, boxes, image_at=image_at, pool=pool, text_from=before))
        states = torch.stack(list(out.hidden_states), dim=1) if hidden_states else None
        present = np.ones((attentions.shape[1], 2, 2), bool)
        return Reading(attentions, states, present, positions)
