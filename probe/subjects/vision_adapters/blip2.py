"""BLIP-2 (arXiv:2301.12597): words look at queries, which have looked at the image."""

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
class Blip2(Family):
    """Words with their marks, then the image's [CLS] (a mark), then patches row by row.

    text->image is derived: for a head of the language model, its attention from words to queries,
    times the attention from queries to the image averaged over the layers and heads of the
    Q-Former that look at the image. Together with text->text its rows sum to 1. Self-attention of
    the queries is left out. The last token stands in for [CLS].
    """

    title = "BLIP-2"
    processors = ("Blip2Processor",)
    derived = ("text->image",)

    def prepare(self) -> None:
        """Check the image processor, and that words follow the queries in one decoder."""
        self.images = checked_image_processor(self.tools.image_processor)
        if not self.model.config.use_decoder_only_language_model:
            kind = self.text_config.model_type
            refuse("model", "have a decoder-only language model, such as OPT", repr(kind))

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        model, wanted = self.model, model_options(hidden_states)
        queries = int(model.config.num_query_tokens)
        captions, text = self.captions(pairs, taken=queries)
        pixels = read_images(self.images, pairs, model)["pixel_values"]
        vision = model.config.vision_config
        checked_size(pixels, vision.image_size)
        image = model.vision_model(pixel_values=pixels, **wanted)
        seen = image.last_hidden_state
        asked = model.qformer(
            query_embeds=model.query_tokens.expand(len(pairs), -1, -1),
            encoder_hidden_states=seen,
            encoder_attention_mask=seen.new_ones(seen.shape[:2]).long(),
            **wanted,
        )
        answers = model.language_projection(asked.last_hidden_state.to(seen.dtype))
        embedded = model.get_input_embeddings()(text["input_ids"])
        mask = text["attention_mask"]
        words = model.language_model(
            inputs_embeds=torch.cat([answers.to(embedded.dtype), embedded], dim=1),
            attention_mask=torch.cat([mask.new_ones(len(pairs), queries), mask], dim=1),
            use_cache=False,
            **wanted,
        )
        looks = torch.stack(required(asked.cross_attentions, "BLIP-2's Q-Former"))
        looks = looks.mean(dim=(0, 2))[:, None]  # (example, 1, query, patch)
        language = required(words.attentions, "BLIP-2's language model")
        blocks = {
            (TEXT, TEXT): [layer[:, :, queries:, queries:] for layer in language],
            (TEXT, IMAGE): [layer[:, :, queries:, :queries] @ looks for layer in language],
            (IMAGE, IMAGE): required(image.attentions, "BLIP-2's vision model"),
        }
        n_text, side = mask.shape[1], vision.image_size // vision.patch_size
        attentions, present = joint_square(blocks, (n_text, seen.shape[1]))
        positions = []
        for pair, caption in zip(pairs, captions, strict=True):
            boxes = with_marks(seen_boxes(self.images, pair, side, side), 1)
            image_at, pool = n_text + np.arange(len(boxes)), len(caption) - 1
            positions.append(beside(caption, boxes, image_at=image_at, pool=pool))
        states = None
        if hidden_states:
            own = [state[:, queries:] for state in words.hidden_states]
            states = joint_states(own, image.hidden_states)
        return Reading(attentions, states, present, positions)
