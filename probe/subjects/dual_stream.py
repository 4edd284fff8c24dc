"""Two transformers, one of words and one of image parts, that then look at each other."""

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
class DualStream(VisionLanguageModel):
    """Language layers and vision layers apart, then cross layers with all four blocks.

    In a cross layer both streams attend to each other (one attention for both directions), then
    each to itself, then a feed-forward network of its own. In the joint square, language layer i
    and vision layer i lie side by side in layer i; where one stream has fewer layers, its block is
    absent and its states are NaN while it rests.

    Parameters
    ----------
    vocabulary, n_features, d_model, n_heads, positions, max_words, dropout, norm_first, norm, \
attention, feed_forward, seed
        As of `SingleStream`.
    n_language, n_vision, n_cross
        Layers of each kind.

    Raises
    ------
    TypeError, ValueError
        As of `SingleStream`.

    Notes
    -----
    Source: LXMERT (arXiv:1908.07490), section 2. Deviations: much smaller, pre-norm by default.

    Examples
    --------
    >>> from probe.subjects.vision_language_model import caption_vocabulary
    >>> model = DualStream(caption_vocabulary(["red"]), 3, d_model=8, n_heads=2, n_vision=1)
    >>> model.present.int().flatten(1)
    tensor([[1, 0, 0, 1],
            [1, 0, 0, 0],
            [1, 1, 1, 1],
            [1, 1, 1, 1]], dtype=torch.int32)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        n_features: int,
        *,
        d_model: int = 128,
        n_heads: int = 4,
        n_language: int = 2,
        n_vision: int = 2,
        n_cross: int = 2,
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
            "n_language": n_language,
            "n_vision": n_vision,
            "n_cross": n_cross,
            "positions": positions,
            "max_words": max_words,
            "dropout": dropout,
            "norm_first": norm_first,
            "norm": norm,
            "attention": attention,
            "feed_forward": feed_forward,
            "seed": seed,
        }
        for name in ("n_language", "n_vision", "n_cross"):
            integer(name, settings[name], low=1)
        with torch.random.fork_rng():
            torch.manual_seed(integer("seed", seed))
            super().__init__(vocabulary, n_features, settings=settings, type_embedding=False)
            attending, feeding = layer_makers(
                d_model,
                n_heads,
                dropout=dropout,
                norm_first=norm_first,
                norm=norm,
                attention=attention,
                feed_forward=feed_forward,
            )

            def stream(layers: int) -> nn.ModuleList:
                made = ({"attend": attending(), "feed": feeding()} for _ in range(layers))
                return nn.ModuleList(nn.ModuleDict(layer) for layer in made)

            self.language, self.vision = stream(n_language), stream(n_vision)
            self.cross = nn.ModuleList(attending() for _ in range(n_cross))
            self.cross_language, self.cross_vision = stream(n_cross), stream(n_cross)
            self.last_norms = nn.ModuleList(
                norm(d_model) if norm_first else nn.Identity() for _ in range(2)
            )

    @property
    def present(self) -> Tensor:
        """The diagonal blocks of streams that work; all four in cross layers."""
        apart = max(len(self.language), len(self.vision))
        found = torch.ones(apart + len(self.cross), 2, 2, dtype=torch.bool)
        found[:apart] = False
        found[: len(self.language), 0, 0] = True
        found[: len(self.vision), 1, 1] = True
        return found

    def forward(
        self, inputs: Inputs, *, head_mask: Tensor | None = None, detail: bool = False
    ) -> Output:
        """As said of `VisionLanguageModel`."""
        streams = list(self._embedded(inputs))
        masks = (inputs.mask, inputs.image_mask)
        gates = self._gates(head_mask)
        squares: list[list[list[Tensor | None]]] = []
        passed: list[list[Tensor | None]] = [[*streams]]
        for layer in range(max(len(self.language), len(self.vision))):
            square: list[list[Tensor | None]] = [[None, None], [None, None]]
            after: list[Tensor | None] = [None, None]
            for side, own in enumerate((self.language, self.vision)):
                if layer < len(own):
                    streams[side], square[side][side] = _work(
                        own[layer], streams[side], masks[side], gates[layer], detail
                    )
                    after[side] = streams[side]
            squares.append(square)
            passed.append(after)
        apart = len(squares)
        for number, cross in enumerate(self.cross):
            seen: list[Tensor] | None = [] if detail else None
            text, image = streams
            gate = gates[apart + number]
            # Both from the states before this layer.
            streams = [
                cross(text, image, masks[1], gate=gate, seen=seen),
                cross(image, text, masks[0], gate=gate, seen=seen),
            ]
            square = [[None, seen[0]], [seen[1], None]] if seen else [[None, None], [None, None]]
            own = (self.cross_language, self.cross_vision)
            for side in (0, 1):
                part = own[side][number]
                streams[side], square[side][side] = _work(
                    part, streams[side], masks[side], gate, detail
                )
            squares.append(square)
            passed.append([*streams])
        streams = [norm(states) for norm, states in zip(self.last_norms, streams, strict=True)]
        passed[-1] = [*streams]
        text, image = streams
        return Output(
            self._matched(text[:, 0]),
            text,
            image,
            torch.stack([_square(s, streams, self.n_heads) for s in squares], 1)
            if detail
            else None,
            torch.stack([_row(row, streams) for row in passed], dim=1) if detail else None,
        )


def _work(
    layer: Any, states: Tensor, mask: Tensor, gate: Tensor | None, detail: bool
) -> tuple[Tensor, Tensor | None]:
    """One stream's own attention and feed-forward network, and the weights if asked for."""
    seen: list[Tensor] | None = [] if detail else None
    states = layer["feed"](layer["attend"](states, states, mask, gate=gate, seen=seen))
    return states, seen[0] if seen else None


def _square(blocks: list[list[Tensor | None]], streams: list[Tensor], n_heads: int) -> Tensor:
    """(batch, head, query, key) of text and image side by side, zero where a block is absent."""
    lengths = [states.shape[1] for states in streams]
    batch = len(streams[0])
    rows = [
        torch.cat(
            [
                streams[0].new_zeros(batch, n_heads, lengths[i], lengths[j]) if b is None else b
                for j, b in enumerate(row)
            ],
            dim=3,
        )
        for i, row in enumerate(blocks)
    ]
    return torch.cat(rows, dim=2)


def _row(row: list[Tensor | None], streams: list[Tensor]) -> Tensor:
    """States of both streams one after the other, NaN where one has none."""
    filled = [
        torch.full_like(whole, torch.nan) if states is None else states
        for states, whole in zip(row, streams, strict=True)
    ]
    return torch.cat(filled, dim=1)
