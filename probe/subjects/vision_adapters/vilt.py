"""ViLT (arXiv:2102.03334): one stream of words and patches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch

from data.records import GroundedPair

from ..attention_visibility import held
from .captions import pool_position
from .family import Family
from .pictures import checked_image_processor, read_images, seen_boxes, with_marks
from .reading import Positions, Reading, beside, required


@final
class Vilt(Family):
    """Words, then the image's [CLS] (a mark), then patches row by row.

    The model shuffles its patches anew on every call and drops where they came from; the order is
    kept and undone here. No patch is dropped, whatever `max_image_length` says: which ones would be
    is random, too.
    """

    title = "ViLT"
    processors = ("ViltProcessor",)

    def prepare(self) -> None:
        """Check the image processor."""
        self.images = checked_image_processor(self.tools.image_processor)

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        captions, text = self.captions(pairs)
        pixels = read_images(self.images, pairs, self.model)
        with _order_kept(self.model) as orders:
            out = self.model(
                **text, **pixels, output_attentions=True, output_hidden_states=hidden_states
            )
        order = orders[-1].cpu().numpy()  # (example, patch, row and column)
        attentions = torch.stack(required(out.attentions, "ViLT"), dim=1)
        mask, patch = pixels.get("pixel_mask"), int(self.model.config.patch_size)
        positions: list[Positions] = []
        for number, (pair, caption) in enumerate(zip(pairs, captions, strict=True)):
            if mask is None:
                size = tuple(pixels["pixel_values"].shape[-2:])
            else:
                size = (int(mask[number, :, 0].sum()), int(mask[number, 0].sum()))
            rows, columns = size[0] // patch, size[1] // patch
            boxes = seen_boxes(self.images, pair, rows, columns)
            image_at = text["input_ids"].shape[1] + np.concatenate(
                [[0], 1 + _places(order[number], rows, columns)]
            )
            boxes = with_marks(boxes, 1)
            pool = pool_position(caption, self.tokenizer.cls_token_id, "[CLS]")
            positions.append(beside(caption, boxes, image_at=image_at, pool=pool))
        states = torch.stack(list(out.hidden_states), dim=1) if hidden_states else None
        present = np.ones((attentions.shape[1], 2, 2), bool)
        return Reading(attentions, states, present, positions)


def _places(order: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Where in the shuffled sequence the patches are, row by row; padding patches are left out."""
    place = np.full((rows, columns), -1)
    for number, (row, column) in enumerate(order):
        if row < rows and column < columns:
            place[row, column] = number
    return place.ravel()


@contextmanager
def _order_kept(model: Any) -> Iterator[list[torch.Tensor]]:
    """Gives the list to which each call adds (example, patch, 2): row and column of each patch."""
    embeddings, config = model.embeddings, model.config
    original, orders = embeddings.visual_embed, []

    def visual_embed(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        orders.append(result[2][0])
        return result

    def write(value: int) -> None:
        config.max_image_length = value

    embeddings.visual_embed = visual_embed
    key = ("patches kept", id(config))
    try:
        with held(key, lambda: config.max_image_length, write, -1):
            yield orders
    finally:
        del embeddings.visual_embed  # the method of the class shows again
