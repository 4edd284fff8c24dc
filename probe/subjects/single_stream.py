"""A transformer over the words of a caption and the parts of an image in one sequence."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, nn

from .._check import integer
from .multimodal_attention import AttentionMaker, HeadAttention, layer_makers
from .small_encoder import FeedForward, FeedForwardNetwork, Norm
from .vision_language_model import Inputs, Output, VisionLanguageModel
from .vocabulary import Vocabulary


@final
class SingleStream(VisionLanguageModel):
    """[CLS] words [SEP] and image positions attend to each other from the first layer on.

    Parameters
    ----------
    vocabulary
        Made by `caption_vocabulary`.
    n_features
        Numbers that describe an image position.
    d_model, n_heads, n_layers
        Width, attention heads and layers.
    positions
        What an image position is: ``"regions"`` or ``"patches"``.
    max_words
        Longest caption.
    dropout
        Probability that a feature or an attention weight is dropped while training.
    norm_first
        Pre-norm layers with one more norm after the last; else post-norm layers.
    norm, attention, feed_forward
        Makers of the parts: ``norm(d_model)``, ``attention(d_model, n_heads, dropout)`` that gives
        an `ObservableAttention`, ``feed_forward(d_model, dropout)``.
    seed
        Of the initial weights; torch's global random state is left as it was.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, `n_heads` does not divide `d_model`, or a part does not
        suit.

    Notes
    -----
    Source: UNITER (arXiv:1909.11740) for regions, ViLT (arXiv:2102.03334) for patches. Deviations:
    much smaller, pre-norm by default, features without a pretrained detector.

    Examples
    --------
    >>> from probe.subjects.vision_language_model import caption_vocabulary
    >>> model = SingleStream(caption_vocabulary(["red"]), 3, d_model=8, n_heads=2, n_layers=2)
    >>> ids, keep = torch.tensor([[2, 5, 3]]), torch.ones(1, 3, dtype=torch.bool)
    >>> inputs = Inputs(ids, keep, torch.ones(1, 1, 3), torch.ones(1, 1, 4), keep[:, :1])
    >>> model(inputs, detail=True).attentions.shape
    torch.Size([1, 2, 2, 4, 4])
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        n_features: int,
        *,
        d_model: int = 128,
        n_heads: int = 4,
        n_layers: int = 4,
        positions: str = "regions",
        max_words: int = 64,
        dropout: float = 0.0,
        norm_first: bool = True,
        norm: Norm = nn.LayerNorm,
        attention: AttentionMaker = HeadAttention,
        feed_forward: FeedForward = FeedForwardNetwork,
        seed: int = 0,
    ) -> None:
        settings: dict[str, Any] = {
            "d_model": d_model,
            "n_heads": n_heads,
            "n_layers": n_layers,
            "positions": positions,
            "max_words": max_words,
            "dropout": dropout,
            "norm_first": norm_first,
            "norm": norm,
            "attention": attention,
            "feed_forward": feed_forward,
            "seed": seed,
        }
        integer("n_layers", n_layers, low=1)
        with torch.random.fork_rng():
            torch.manual_seed(integer("seed", seed))
            super().__init__(vocabulary, n_features, settings=settings, type_embedding=True)
            attending, feeding = layer_makers(
                d_model,
                n_heads,
                dropout=dropout,
                norm_first=norm_first,
                norm=norm,
                attention=attention,
                feed_forward=feed_forward,
            )
            self.attentions = nn.ModuleList(attending() for _ in range(n_layers))
            self.feed_forwards = nn.ModuleList(feeding() for _ in range(n_layers))
            self.last_norm = norm(d_model) if norm_first else nn.Identity()

    @property
    def present(self) -> Tensor:
        """All four blocks in each layer."""
        return torch.ones(len(self.attentions), 2, 2, dtype=torch.bool)

    def forward(
        self, inputs: Inputs, *, head_mask: Tensor | None = None, detail: bool = False
    ) -> Output:
        """As said of `VisionLanguageModel`."""
        text, image = self._embedded(inputs)
        split = text.shape[1]
        states = torch.cat([text, image], dim=1)
        mask = torch.cat([inputs.mask, inputs.image_mask], dim=1)
        seen: list[Tensor] | None = [] if detail else None
        passed = [states]
        gates = self._gates(head_mask)
        for attend, feed, gate in zip(self.attentions, self.feed_forwards, gates, strict=True):
            states = feed(attend(states, states, mask, gate=gate, seen=seen))
            if detail:
                passed.append(states)
        states = self.last_norm(states)
        passed[-1] = states
        return Output(
            self._matched(states[:, 0]),
            states[:, :split],
            states[:, split:],
            torch.stack(seen, dim=1) if seen is not None else None,
            torch.stack(passed, dim=1) if detail else None,
        )
