"""VisualBERT (arXiv:1908.03557): one stream of words and a detector's regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
import torch

from data.records import GroundedPair

from ..._check import refuse
from .captions import pool_position
from .family import Family
from .reading import Reading, beside, required
from .regions import checked_features, read_regions


@final
class VisualBert(Family):
    """Words with their marks, then regions; every block is there."""

    title = "VisualBERT"
    reads = ("region_features", "region_boxes")
    membership = "detector"

    def prepare(self) -> None:
        """Check that there are features, and that regions pass through all layers."""
        checked_features(self.tools, self.title)
        if self.model.bypass_transformer:
            refuse("model", "send its regions through all layers", "bypass_transformer=True")

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        captions, text = self.captions(pairs)
        like, width = next(self.model.parameters()), int(self.model.config.visual_embedding_dim)
        features, mask, boxes = read_regions(self.tools, pairs, width, like)
        out = self.model(
            **text,
            token_type_ids=torch.zeros_like(text["input_ids"]),
            visual_embeds=features,
            visual_attention_mask=mask,
            visual_token_type_ids=torch.ones_like(mask),
            output_attentions=True,
            output_hidden_states=hidden_states,
        )
        attentions = torch.stack(required(out.attentions, self.title), dim=1)
        positions = []
        for caption, where in zip(captions, boxes, strict=True):
            image_at = text["input_ids"].shape[1] + np.arange(len(where))
            pool = pool_position(caption, self.tokenizer.cls_token_id, "[CLS]")
            positions.append(beside(caption, where, image_at=image_at, pool=pool))
        states = torch.stack(list(out.hidden_states), dim=1) if hidden_states else None
        present = np.ones((attentions.shape[1], 2, 2), bool)
        return Reading(attentions, states, present, positions)
