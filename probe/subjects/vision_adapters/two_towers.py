"""CLIP (arXiv:2103.00020) and SigLIP (arXiv:2303.15343): a text and an image encoder apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from data.records import GroundedPair

from ..._check import refuse
from .captions import Caption
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
class Clip(Family):
    """Words with their marks, then the image's [CLS] (a mark), then patches row by row.

    No block crosses; nothing stands for the pair as a whole, so that `pool` is -1. Towers of
    different depth end together. Where one has fewer heads, the missing ones are NaN.
    """

    title = "CLIP"
    processors = ("CLIPProcessor",)

    def prepare(self) -> None:
        """Check the image processor."""
        self.images = checked_image_processor(self.tools.image_processor)

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        captions, text = self.captions(pairs)
        return read_towers(self, pairs, captions, text, marks=1, hidden_states=hidden_states)


@final
class Siglip(Family):
    """Words with their marks and padding, then patches row by row; no [CLS] anywhere.

    SigLIP reads its padding: it was trained on captions filled up to full length without a mask.
    These positions are text and special here.
    """

    title = "SigLIP"
    processors = ("SiglipProcessor",)

    def prepare(self) -> None:
        """Check the image processor, and that there is something to pad with."""
        self.images = checked_image_processor(self.tools.image_processor)
        if self.tokenizer.pad_token_id is None:
            refuse("tokenizer", "have a padding token, which SigLIP reads", None)

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        captions, _ = self.captions(pairs)
        full = int(self.text_config.max_position_embeddings)
        captions = [_filled(caption, full, self.tokenizer) for caption in captions]
        text = self.text_inputs([caption.ids for caption in captions])
        ids = {"input_ids": text["input_ids"]}
        return read_towers(self, pairs, captions, ids, marks=0, hidden_states=hidden_states)


def _filled(caption: Caption, length: int, tokenizer: Any) -> Caption:
    more = length - len(caption)
    return Caption(
        np.concatenate([caption.ids, np.full(more, tokenizer.pad_token_id)]),
        np.concatenate([caption.word, np.full(more, -1)]),
        caption.tokens + (tokenizer.pad_token,) * more,
    )


def read_towers(
    family: Any,
    pairs: Sequence[GroundedPair],
    captions: Sequence[Caption],
    text: dict[str, Any],
    *,
    marks: int,
    hidden_states: bool,
) -> Reading:
    """Both towers of a model, side by side; `marks` positions stand before the patches."""
    model, wanted = family.model, model_options(hidden_states)
    pixels = read_images(family.images, pairs, model)
    vision = model.config.vision_config
    checked_size(pixels["pixel_values"], vision.image_size)
    words = model.text_model(**text, **wanted)
    image = model.vision_model(pixel_values=pixels["pixel_values"], **wanted)
    blocks = {
        (TEXT, TEXT): required(words.attentions, f"{family.title}'s text model"),
        (IMAGE, IMAGE): required(image.attentions, f"{family.title}'s vision model"),
    }
    n_text, side = text["input_ids"].shape[1], vision.image_size // vision.patch_size
    attentions, present = joint_square(blocks, (n_text, marks + side * side))
    positions = []
    for pair, caption in zip(pairs, captions, strict=True):
        boxes = with_marks(seen_boxes(family.images, pair, side, side), marks)
        image_at = n_text + np.arange(len(boxes))
        positions.append(beside(caption, boxes, image_at=image_at, pool=-1))
    states = joint_states(words.hidden_states, image.hidden_states) if hidden_states else None
    return Reading(attentions, states, present, positions)
