"""BLIP (arXiv:2201.12086), image-text matching: words look at an image that was encoded before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from data.records import GroundedPair

from .captions import pool_position
from .family import Family
from .pictures import (
    checked_image_processor,
    checked_size,
    read_images,
    seen_boxes,
    with_marks,
)
from .reading import (
    IMAGE,
    TEXT,
    Reading,
    beside,
    joint_square,
    joint_states,
    model_options,
    required,
)


@final
class Blip(Family):
    """Words with their marks, then the image's [CLS] (a mark), then patches row by row.

    Every text layer attends to itself and then to the image's last states: the rows of both blocks
    sum to 1 each. Layers of both encoders end together. The image never looks at the words.
    """

    title = "BLIP"
    processors = ("BlipProcessor",)

    def prepare(self) -> None:
        """Check the image processor."""
        self.images = checked_image_processor(self.tools.image_processor)

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        captions, text = self.captions(pairs)
        pixels = read_images(self.images, pairs, self.model)["pixel_values"]
        vision, wanted = self.model.config.vision_config, model_options(hidden_states)
        checked_size(pixels, vision.image_size)
        image = self.model.vision_model(pixel_values=pixels, **wanted)
        seen = image.last_hidden_state
        words = self.model.text_encoder(
            **text,
            encoder_hidden_states=seen,
            encoder_attention_mask=seen.new_ones(seen.shape[:2]).long(),
            **wanted,
        )
        blocks = {
            (TEXT, TEXT): required(words.attentions, "BLIP's text encoder"),
            (TEXT, IMAGE): required(words.cross_attentions, "BLIP's text encoder"),
            (IMAGE, IMAGE): required(image.attentions, "BLIP's vision model"),
        }
        n_text, side = text["input_ids"].shape[1], vision.image_size // vision.patch_size
        attentions, present = joint_square(blocks, (n_text, seen.shape[1]))
        positions = []
        for pair, caption in zip(pairs, captions, strict=True):
            boxes = with_marks(seen_boxes(self.images, pair, side, side), 1)
            pool = pool_position(caption, self.tokenizer.cls_token_id, "[CLS]")
            image_at = n_text + np.arange(len(boxes))
            positions.append(beside(caption, boxes, image_at=image_at, pool=pool))
        states = joint_states(words.hidden_states, image.hidden_states) if hidden_states else None
        return Reading(attentions, states, present, positions)
