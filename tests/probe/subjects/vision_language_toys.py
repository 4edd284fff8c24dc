"""Coloured squares on a grid with captions, and tiny models of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from data.records import GroundedPair, Phrase, Relation
from probe.subjects.dual_stream import DualStream
from probe.subjects.pair_tensors import image_parts
from probe.subjects.single_stream import SingleStream
from probe.subjects.vision_language_model import (
    Inputs,
    VisionLanguageModel,
    caption_vocabulary,
)

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255,) * 3}
WORDS = (*COLOURS, "a", "square", "and")
CELLS = [[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 1.0, 0.5], [0.0, 0.5, 0.5, 1.0], [0.5, 0.5, 1.0, 1.0]]


def squares(n: int, *, seed: int = 0) -> list[GroundedPair]:
    """Pictures of 16 x 16 pixels with two or three squares of different colours, all named."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        count = int(rng.integers(2, 4))
        cells = rng.permutation(4)[:count]
        colours = rng.permutation(list(COLOURS))[:count].tolist()
        image = np.zeros((16, 16, 3), np.uint8)
        for cell, colour in zip(cells, colours, strict=True):
            y, x = divmod(int(cell), 2)
            image[8 * y : 8 * y + 8, 8 * x : 8 * x + 8] = COLOURS[colour]
        order = rng.permutation(count)
        words = [w for k in order for w in ("and", "a", colours[k], "square")][1:]
        found.append(
            GroundedPair(
                image=image,
                words=tuple(words),
                regions=[CELLS[cell] for cell in cells],
                phrases=tuple(Phrase(4 * i, 4 * i + 3, "square") for i in range(count)),
                links=[[i, k] for i, k in enumerate(order)],
                relations=(Relation(0, 1, "none"),),
                region_names=tuple(colours),
                name=f"squares-{number}",
                attrs={"count": count},
            )
        )
    return found


def recoloured(pair: GroundedPair) -> list[str] | None:
    """The caption with its first colour made another one that is not in the picture."""
    other = next(colour for colour in COLOURS if colour not in pair.words)
    words = list(pair.words)
    return [*words[:1], other, *words[2:]]


def model_of(kind: str, positions: str = "regions", **given: Any) -> VisionLanguageModel:
    """A tiny model of squares."""
    settings: dict[str, Any] = {"d_model": 16, "n_heads": 2, "max_words": 12, **given}
    n_features = image_parts(squares(1)[0], positions)[0].shape[1]
    vocabulary = caption_vocabulary(WORDS)
    if kind == "single":
        settings.setdefault("n_layers", 2)
        return SingleStream(vocabulary, n_features, positions=positions, **settings).eval()
    for name in ("n_language", "n_cross"):
        settings.setdefault(name, 2)
    settings.setdefault("n_vision", 1)
    return DualStream(vocabulary, n_features, positions=positions, **settings).eval()


def random_inputs(
    model: VisionLanguageModel, *, seed: int = 0, text: int = 6, places: int = 3
) -> Inputs:
    """Two rows; the second is shorter in both parts."""
    rng = torch.Generator().manual_seed(seed)
    mask = torch.ones(2, text, dtype=torch.bool)
    image_mask = torch.ones(2, places, dtype=torch.bool)
    mask[1, -2:], image_mask[1, -1:] = False, False
    low = torch.rand(2, places, 2, generator=rng) / 2
    return Inputs(
        torch.randint(5, len(model.vocabulary), (2, text), generator=rng),
        mask,
        torch.randn(2, places, model.n_features, generator=rng),
        torch.cat([low, low + 0.4], dim=-1),
        image_mask,
    )
