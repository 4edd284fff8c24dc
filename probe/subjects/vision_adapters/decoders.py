"""Decoders that read an image's tokens among the words: LLaVA, PaliGemma, Qwen2-VL and later."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor

from data.records import GroundedPair

from ..._check import refuse
from .captions import Caption, read_captions
from .family import Family
from .pictures import (
    checked_image_processor,
    checked_size,
    read_images,
    seen_boxes,
    with_marks,
)
from .reading import IMAGE, TEXT, Positions, Reading, model_options, required


class Decoder(Family):
    """Positions in the model's own order; the prompt around the caption is text and special.

    The last position of the prompt stands in for [CLS]. Attention is the language model's, with
    one entry for every query head where heads share keys. A causal model has no attention from what
    comes first to what comes later: that block is absent.
    """

    reads = ("image_processor", "prompt")
    prompt: ClassVar[str] = "{image}\n{caption}"
    causal: ClassVar[bool] = True
    adds_marks: ClassVar[bool] = True  # whether the tokenizer's own marks belong into the prompt

    def prepare(self) -> None:
        """Check image processor, vision tower and prompt."""
        self.images = checked_image_processor(self.tools.image_processor)
        self.image_id = int(self.model.config.image_token_id)
        self.template = self.template_with(self.tools.prompt or self.prompt)
        self.check_vision()

    @abstractmethod
    def check_vision(self) -> None:
        """Refuse a vision tower whose patches could not be placed."""

    @abstractmethod
    def boxes(self, pairs: Sequence[GroundedPair], pixels: dict[str, Tensor]) -> list[np.ndarray]:
        """Of each pair, a box for each image token; NaN for one that is a mark."""

    @abstractmethod
    def more_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        """What the model takes besides ids, mask and pixels."""

    def template_with(self, prompt: str) -> str:
        """The prompt with the tokenizer's own image token, if it can be.

        Raises
        ------
        ValueError
            If a place is missing, or the tokenizer's image token is not the model's.
        """
        if prompt.count("{image}") != 1 or prompt.count("{caption}") != 1:
            refuse("prompt", "hold {image} and {caption} once each", repr(prompt))
        token = None
        if self.image_id < len(self.tokenizer):
            token = self.tokenizer.convert_ids_to_tokens(self.image_id)
        if not token or self.tokenizer(token, add_special_tokens=False)["input_ids"] != [
            self.image_id
        ]:
            refuse(
                "tokenizer",
                f"have the model's image token at {self.image_id}",
                repr(token),
                "This tokenizer belongs to another model.",
            )
        return prompt.replace("{image}", token)

    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch."""
        pixels = read_images(self.images, pairs, self.model)
        boxes = self.boxes(pairs, pixels)
        room = int(self.text_config.max_position_embeddings) - max(map(len, boxes)) + 1
        captions = read_captions(
            self.tokenizer, pairs, limit=room, template=self.template, marks=self.adds_marks
        )
        positions = [self._placed(*each) for each in zip(captions, boxes, strict=True)]
        rows = [
            np.insert(caption.ids, _place(caption, self.image_id), [self.image_id] * (len(box) - 1))
            for caption, box in zip(captions, boxes, strict=True)
        ]
        text = self.text_inputs(rows)
        out = self.model(
            **text,
            **pixels,
            **self.more_inputs(text["input_ids"]),
            **model_options(hidden_states),
            use_cache=False,
        )
        attentions = torch.stack(required(out.attentions, self.title), dim=1)
        states = torch.stack(list(out.hidden_states), dim=1) if hidden_states else None
        present = np.repeat(self._blocks(positions)[None], attentions.shape[1], axis=0)
        return Reading(attentions, states, present, positions)

    def _placed(self, caption: Caption, boxes: np.ndarray) -> Positions:
        """The prompt with its one image token replaced by as many as the image has."""
        at, more = _place(caption, self.image_id), len(boxes)
        marks = np.isnan(boxes[:, 0])
        before, after = slice(0, at), slice(at + 1, None)
        word = np.concatenate([caption.word[before], np.full(more, -1), caption.word[after]])
        image = np.zeros(len(word), bool)
        image[at : at + more] = True
        special = np.where(image, False, word < 0)
        special[at : at + more] = marks
        where = np.full((len(word), 4), np.nan, np.float32)
        where[at : at + more] = boxes
        patches = ["[IMAGE MARK]" if mark else "" for mark in marks.tolist()]
        return Positions(
            index=np.arange(len(word)),
            modality=np.where(image, IMAGE, TEXT).astype(np.int8),
            special=special,
            boxes=where,
            word=word,
            tokens=(*caption.tokens[before], *patches, *caption.tokens[after]),
            pool=len(word) - 1,
        )

    def _blocks(self, positions: Sequence[Positions]) -> np.ndarray:
        """(2, 2) bool: from words and patches to words and patches, as the mask lets them."""
        found = np.ones((2, 2), bool)
        if self.causal:  # the prompt is the same for all
            words = np.flatnonzero(positions[0].word >= 0)
            image = np.flatnonzero(positions[0].modality == IMAGE)
            found[TEXT, IMAGE] = words.max() > image.min()
            found[IMAGE, TEXT] = image.max() > words.min()
        return found


def _place(caption: Caption, image_id: int) -> int:
    """Where the image token stands in a prompt."""
    found = np.flatnonzero(caption.ids == image_id)
    if len(found) != 1:
        refuse(
            "prompt", "become ids with one image token", f"{len(found)}", "Is it in the caption?"
        )
    return int(found[0])


@final
class Llava(Decoder):
    """LLaVA (arXiv:2304.08485): a vision tower's patches projected among the words, causal."""

    title = "LLaVA"
    processors = ("LlavaProcessor",)

    def check_vision(self) -> None:
        """Refuse vision towers whose order of patches is not known here."""
        kinds = ("clip_vision_model", "siglip_vision_model")
        if self.model.config.vision_config.model_type not in kinds:
            kind = self.model.config.vision_config.model_type
            refuse("model", f"have a vision tower of {' or '.join(kinds)}", repr(kind))

    def boxes(self, pairs: Sequence[GroundedPair], pixels: dict[str, Tensor]) -> list[np.ndarray]:
        """Patches row by row, after [CLS] if the model keeps it."""
        config = self.model.config
        vision = config.vision_config
        checked_size(pixels["pixel_values"], vision.image_size)
        side = vision.image_size // vision.patch_size
        marks = 1 if vision.model_type == "clip_vision_model" else 0
        dropped = 1 if config.vision_feature_select_strategy == "default" else 0
        return [
            with_marks(seen_boxes(self.images, pair, side, side), marks)[dropped:] for pair in pairs
        ]

    def more_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        """Nothing."""
        return {}


@final
class PaliGemma(Decoder):
    """PaliGemma (arXiv:2407.07726): image and prompt attend to each other both ways."""

    title = "PaliGemma"
    processors = ("PaliGemmaProcessor",)
    causal = False
    adds_marks = False  # its <bos> stands behind the image

    def template_with(self, prompt: str) -> str:
        """As the model was trained: image, <bos>, caption, line break."""
        own = "{image}" + (self.tokenizer.bos_token or "") + "{caption}\n"
        return super().template_with(own if prompt == self.prompt else prompt)

    def check_vision(self) -> None:
        """Any size of the SigLIP tower will do."""

    def boxes(self, pairs: Sequence[GroundedPair], pixels: dict[str, Tensor]) -> list[np.ndarray]:
        """Patches row by row."""
        vision = self.model.config.vision_config
        checked_size(pixels["pixel_values"], vision.image_size)
        side = vision.image_size // vision.patch_size
        return [seen_boxes(self.images, pair, side, side) for pair in pairs]

    def more_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        """All is prefix: without these types the model would be causal."""
        return {"token_type_ids": torch.zeros_like(ids)}


@final
class QwenVL(Decoder):
    """Qwen2-VL (arXiv:2409.12191) and later: as many tokens as the image has merged patches."""

    title = "Qwen-VL"
    processors = ("Qwen2VLProcessor", "Qwen2_5_VLProcessor", "Qwen3VLProcessor")
    prompt = "{start}{image}{end}{caption}"

    def template_with(self, prompt: str) -> str:
        """With the marks around the image that the model's configuration names, if it does."""
        for place, key in (("{start}", "vision_start_token_id"), ("{end}", "vision_end_token_id")):
            number = getattr(self.model.config, key, None)
            known = number is not None and number < len(self.tokenizer)
            token = self.tokenizer.convert_ids_to_tokens(number) if known else ""
            prompt = prompt.replace(place, token or "")
        return super().template_with(prompt)

    def check_vision(self) -> None:
        """Refuse an image processor that cuts other patches than the model reads."""
        vision = self.model.config.vision_config
        for ours, theirs in (("patch_size", "patch_size"), ("merge_size", "spatial_merge_size")):
            found, wanted = getattr(self.images, ours, None), getattr(vision, theirs)
            if found != wanted:
                refuse(
                    "image_processor",
                    f"have {ours} {wanted} for this model",
                    found,
                    "This image processor belongs to another model.",
                )

    def boxes(self, pairs: Sequence[GroundedPair], pixels: dict[str, Tensor]) -> list[np.ndarray]:
        """Merged patches row by row; each image has its own grid."""
        merge = int(self.model.config.vision_config.spatial_merge_size)
        grids = (pixels["image_grid_thw"][:, 1:] // merge).tolist()
        return [
            seen_boxes(self.images, pair, rows, columns)
            for pair, (rows, columns) in zip(pairs, grids, strict=True)
        ]

    def more_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        """Which tokens are the image's, for their two-dimensional positions."""
        types: Any = (ids == self.image_id).to(torch.int32)
        return {"mm_token_type_ids": types}
