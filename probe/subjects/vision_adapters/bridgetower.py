"""BridgeTower (arXiv:2206.08657): two encoders bridged, layer by layer, into cross layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from data.records import GroundedPair

from ..capture import capture
from .captions import pool_position
from .family import Family
from .hooks import outputs_of, patterns
from .pictures import (
    checked_image_processor,
    checked_size,
    read_images,
    seen_boxes,
    with_marks,
)
from .reading import IMAGE, TEXT, Reading, beside, joint_square, joint_states

_SELF, _CROSS = (
    "cross_modal_{}_layers.*.attention.self",
    "cross_modal_{}_layers.*.crossattention.self",
)


@final
class BridgeTower(Family):
    """Words with their marks, then the image's [CLS] (a mark), then patches row by row.

    Layers are the cross layers, where every stream attends to itself and then to the other, so that
    the rows of each block sum to 1; the encoders before and beside them are left out. The model
    drops the cross weights; they are read by hooks.
    """

    title = "BridgeTower"
    processors = ("BridgeTowerProcessor",)

    def prepare(self) -> None:
        """Check the image processor."""
        self.images = checked_image_processor(self.tools.image_processor)

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        model = self.model
        # positions are counted from behind the padding token's, as in RoBERTa
        captions, text = self.captions(pairs, taken=int(self.text_config.pad_token_id) + 1)
        pixels = read_images(self.images, pairs, model)["pixel_values"]
        vision = model.config.vision_config
        checked_size(pixels, vision.image_size)
        paths = [path.format(side) for path in (_SELF, _CROSS) for side in ("text", "image")]
        before = {
            "text": model.cross_modal_text_layernorm,
            "image": model.cross_modal_image_layernorm,
        }
        with capture(model, paths, "pattern") as seen, outputs_of(**before) as first:
            out = model(**text, pixel_values=pixels, output_hidden_states=hidden_states)
        blocks = {
            (TEXT, TEXT): patterns(seen, paths[0]),
            (IMAGE, IMAGE): patterns(seen, paths[1]),
            (TEXT, IMAGE): patterns(seen, paths[2]),
            (IMAGE, TEXT): patterns(seen, paths[3]),
        }
        n_text, side = text["input_ids"].shape[1], vision.image_size // vision.patch_size
        attentions, present = joint_square(blocks, (n_text, 1 + side * side))
        positions = []
        for pair, caption in zip(pairs, captions, strict=True):
            boxes = with_marks(seen_boxes(self.images, pair, side, side), 1)
            pool = pool_position(caption, self.tokenizer.cls_token_id, "[CLS]")
            image_at = n_text + np.arange(len(boxes))
            positions.append(beside(caption, boxes, image_at=image_at, pool=pool))
        states = None
        if hidden_states:
            crossed = out.hidden_states[2]
            states = joint_states(
                [first["text"], *(layer[0] for layer in crossed)],
                [first["image"], *(layer[1] for layer in crossed)],
            )
        return Reading(attentions, states, present, positions)
