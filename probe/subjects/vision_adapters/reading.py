"""What one call of a model gives: attentions over a padded square, and what its positions are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..._check import refuse
from .captions import Caption

TEXT, IMAGE = 0, 1
Blocks = Mapping[tuple[int, int], Sequence[Tensor | None]]


@dataclass(frozen=True, eq=False)
class Positions:
    """The positions of one example, in order; `index` says where the model's output has them."""

    index: np.ndarray
    modality: np.ndarray
    special: np.ndarray
    boxes: np.ndarray
    word: np.ndarray
    tokens: tuple[str, ...]
    pool: int


@dataclass(frozen=True, eq=False)
class Reading:
    """What a model gave for a batch.

    Attributes
    ----------
    attentions
        (example, layer, head, query, key) over the model's padded positions.
    hidden_states
        (example, layer + 1, position, feature), or None.
    present
        (layer, 2, 2) bool.
    positions
        One for each example.
    """

    attentions: Tensor
    hidden_states: Tensor | None
    present: np.ndarray
    positions: Sequence[Positions]

    def examples(self) -> Iterator[dict[str, Any]]:
        """Each example without its padding, as `alignment.collate` takes it."""
        for number, at in enumerate(self.positions):
            example = {
                "attentions": _taken(self.attentions[number], at.index, (-2, -1)),
                "modality": at.modality,
                "special": at.special,
                "boxes": at.boxes,
                "tokens": at.tokens,
                "pool": at.pool,
            }
            if self.hidden_states is not None:
                example["hidden_states"] = _taken(self.hidden_states[number], at.index, (-2,))
            yield example


def _taken(values: Tensor, index: np.ndarray, axes: Sequence[int]) -> Tensor:
    """Positions along some axes; a view where they follow one another."""
    first = int(index[0])
    where = torch.as_tensor(index, device=values.device)
    in_a_row = np.array_equal(index, first + np.arange(len(index)))
    for axis in axes:
        if in_a_row:
            values = values.narrow(axis, first, len(index))
        else:
            values = values.index_select(axis, where)
    return values


def beside(
    caption: Caption,
    boxes: np.ndarray,
    *,
    image_at: Sequence[int] | np.ndarray,
    pool: int,
    text_from: int = 0,
) -> Positions:
    """A caption followed by image positions; those without a box are marks.

    Parameters
    ----------
    caption : Caption
        Its tokens follow one another in the model's output.
    boxes : (image position, 4)
        NaN for a mark such as the image's [CLS].
    image_at : (image position,) int
        Where the model's output has them.
    pool : int
        Position of [CLS], -1 where there is none.
    text_from : int
        Where in the model's output the caption starts.
    """
    n, marks = len(caption), np.isnan(boxes[:, 0])
    none = np.full((n, 4), np.nan, np.float32)
    return Positions(
        index=np.concatenate([text_from + np.arange(n), np.asarray(image_at, np.int64)]),
        modality=np.repeat(np.array([TEXT, IMAGE], np.int8), [n, len(boxes)]),
        special=np.concatenate([caption.word < 0, marks]),
        boxes=np.concatenate([none, boxes]).astype(np.float32),
        word=np.concatenate([caption.word, np.full(len(boxes), -1)]),
        tokens=(*caption.tokens, *("[IMAGE MARK]" if mark else "" for mark in marks.tolist())),
        pool=pool,
    )


def model_options(hidden_states: bool) -> dict[str, bool]:
    """Options that make a transformers model give its attentions."""
    return {
        "output_attentions": True,
        "output_hidden_states": hidden_states,
        "return_dict": True,
    }


def required(attentions: Sequence[Tensor] | None, what: str) -> list[Tensor]:
    """The attentions of all layers, if the model gave any.

    Raises
    ------
    RuntimeError
        If it gave none: a fused kernel computes no weights and transformers says nothing.
    """
    found = [] if attentions is None else list(attentions)
    if not found or any(layer is None for layer in found):
        raise RuntimeError(
            f"{what} gave no attentions: its attention implementation computes no weights. "
            "Load the model with attn_implementation='eager'."
        )
    return found


def joint_square(blocks: Blocks, sizes: tuple[int, int]) -> tuple[Tensor, np.ndarray]:
    """Blocks of two streams in one square, text before image: attentions and `present`.

    Stacks of different depth end together: what runs side by side last stands side by side. Where a
    present block has fewer heads than the square, the missing heads are NaN: there is none to read.

    Parameters
    ----------
    blocks : mapping of (query modality, key modality) to layers
        Each layer (example, head, query, key), or None where it has no such block.
    sizes : (text positions, image positions)
        Of the padded streams.

    Returns
    -------
    attentions : (example, layer, head, position, position)
    present : (layer, 2, 2) bool
    """
    layers = max(len(stack) for stack in blocks.values())
    some = [layer for stack in blocks.values() for layer in stack if layer is not None]
    if not some:
        refuse("blocks", "hold at least one layer", "none")
    heads = max(layer.shape[1] for layer in some)
    total = sum(sizes)
    square = some[0].new_zeros((len(some[0]), layers, heads, total, total))
    present = np.zeros((layers, 2, 2), bool)
    spans = (slice(0, sizes[0]), slice(sizes[0], total))
    for (query, key), stack in blocks.items():
        for number, layer in enumerate(stack, start=layers - len(stack)):
            if layer is None:
                continue
            present[number, query, key] = True
            block = square[:, number, :, spans[query], spans[key]]
            block[:, : layer.shape[1]] = layer
            block[:, layer.shape[1] :] = float("nan")
    return square, present


def joint_states(text: Sequence[Tensor], image: Sequence[Tensor]) -> Tensor:
    """States of two streams side by side, ending together: (example, state, position, feature).

    Where one stream has no state yet there is NaN; the narrower one is filled up with zeros, which
    leaves the distances within it as they are.
    """
    states = max(len(text), len(image))
    features = max(text[-1].shape[-1], image[-1].shape[-1])
    total = text[-1].shape[1] + image[-1].shape[1]
    joint = text[-1].new_full((len(text[-1]), states, total, features), float("nan"))
    for stack, start in ((text, 0), (image, text[-1].shape[1])):
        for number, state in enumerate(stack, start=states - len(stack)):
            place = joint[:, number, start : start + state.shape[1]]
            place[..., : state.shape[-1]] = state
            place[..., state.shape[-1] :] = 0.0
    return joint
