"""LXMERT (arXiv:1908.07490): a stream of words and one of regions, then layers that cross them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
import torch

from data.records import GroundedPair

from ..capture import capture
from .captions import pool_position
from .family import Family
from .hooks import outputs_of, patterns
from .reading import IMAGE, TEXT, Reading, beside, joint_square, joint_states
from .regions import checked_features, read_regions

_TEXT_ONLY, _IMAGE_ONLY = "encoder.layer.*.attention.self", "encoder.r_layers.*.attention.self"
_CROSS = "encoder.x_layers.*.visual_attention.att"
_TEXT_SELF, _IMAGE_SELF = (f"encoder.x_layers.*.{s}_self_att.self" for s in ("lang", "visn"))


@final
class Lxmert(Family):
    """Words with their marks, then regions.

    Language and vision layers end together, then come the cross layers, which have all four blocks:
    they attend across first, then each stream to itself. The rows of each block sum to 1. The model
    returns one cross direction only, and no embedding of the words; both are read by hooks.
    """

    title = "LXMERT"
    reads = ("region_features", "region_boxes")
    membership = "detector"

    def prepare(self) -> None:
        """Check that there are features."""
        checked_features(self.tools, self.title)

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        captions, text = self.captions(pairs)
        like, width = next(self.model.parameters()), int(self.model.config.visual_feat_dim)
        features, mask, boxes = read_regions(self.tools, pairs, width, like)
        where = [torch.from_numpy(each) for each in boxes]
        corners = torch.nn.utils.rnn.pad_sequence(where, batch_first=True).to(like)
        paths = [_TEXT_ONLY, _IMAGE_ONLY, _CROSS, _TEXT_SELF, _IMAGE_SELF]
        has = (self.model.encoder.layer, self.model.encoder.r_layers)
        paths = [path for path, layers in zip(paths, (*has, 1, 1, 1), strict=True) if layers]
        before = {"text": self.model.embeddings, "image": self.model.encoder.visn_fc}
        with capture(self.model, paths, "pattern") as seen, outputs_of(**before) as embedded:
            out = self.model(
                **text,
                visual_feats=features,
                visual_pos=corners,
                visual_attention_mask=mask,
                output_hidden_states=hidden_states,
            )

        blocks = {
            (TEXT, TEXT): patterns(seen, _TEXT_ONLY) + patterns(seen, _TEXT_SELF),
            (TEXT, IMAGE): patterns(seen, _CROSS),
            (IMAGE, TEXT): patterns(seen, _CROSS, call=1),
            (IMAGE, IMAGE): patterns(seen, _IMAGE_ONLY) + patterns(seen, _IMAGE_SELF),
        }
        n_text = text["input_ids"].shape[1]
        attentions, present = joint_square(blocks, (n_text, features.shape[1]))
        positions = []
        for caption, box in zip(captions, boxes, strict=True):
            pool = pool_position(caption, self.tokenizer.cls_token_id, "[CLS]")
            image_at = n_text + np.arange(len(box))
            positions.append(beside(caption, box, image_at=image_at, pool=pool))
        states = None
        if hidden_states:
            states = joint_states(
                [embedded["text"], *out.language_hidden_states],
                [embedded["image"], *out.vision_hidden_states],
            )
        return Reading(attentions, states, present, positions)
