"""What every family of models has to say about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from data.records import GroundedPair

from ..batching import pad_ids
from .captions import Caption, checked_tokenizer, read_captions
from .reading import Reading

RegionFeatures = Callable[[GroundedPair], Any]


@dataclass(frozen=True)
class Tools:
    """What goes with a model: tokenizer, image processor or detector, and a decoder's prompt."""

    tokenizer: Any = None
    image_processor: Any = None
    region_features: RegionFeatures | None = None
    region_boxes: RegionFeatures | None = None
    prompt: str | None = None


class Family(ABC):
    """How models of one kind are called, and where in their output the positions are.

    A family is made for one model; it checks the tools at once, and `read` runs the model.
    """

    title: ClassVar[str]
    processors: ClassVar[tuple[str, ...]] = ()  # class names of the processors that go with it
    reads: ClassVar[tuple[str, ...]] = ("image_processor",)  # of the tools, beside the tokenizer
    membership: ClassVar[str] = "patch"
    derived: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: nn.Module, tools: Tools) -> None:
        self.model: Any = model
        self.tools = tools
        self.text_config: Any = getattr(self.model.config, "text_config", self.model.config)
        self.tokenizer = checked_tokenizer(tools.tokenizer, int(self.text_config.vocab_size))
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Check the tools that this family needs."""

    @abstractmethod
    def read(self, pairs: Sequence[GroundedPair], *, hidden_states: bool) -> Reading:
        """Run the model on a batch; the caller sees to evaluation mode and eager attention."""

    def captions(
        self, pairs: Sequence[GroundedPair], *, taken: int = 0
    ) -> tuple[list[Caption], dict[str, Tensor]]:
        """Captions, and their padded ids with the mask; `taken` positions are not free."""
        limit = int(self.text_config.max_position_embeddings) - taken
        found = read_captions(self.tokenizer, pairs, limit=limit)
        return found, self.text_inputs([caption.ids for caption in found])

    def text_inputs(self, ids: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Padded ids and mask."""
        pad = getattr(self.tokenizer, "pad_token_id", None)
        device = next(self.model.parameters()).device
        padded, mask = pad_ids(ids, pad=0 if pad is None else int(pad), device=device)
        return {"input_ids": padded, "attention_mask": mask.to(torch.int64)}
