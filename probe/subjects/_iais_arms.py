"""What is added to the ranking loss in each arm of the IAIS study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .._check import integer, refuse
from ..isd import iais_loss
from .vision_language_model import Inputs, VisionLanguageModel

ANCHORS = ("both", "vision", "language")


class Arm(NamedTuple):
    """A kind of `iais_loss`, or none, and whether it is shown permuted links."""

    kind: str | None
    permuted: bool = False


ARMS: Mapping[str, Arm] = {
    "none": Arm(None),
    "singular": Arm("singular"),
    "distributed": Arm("distributed"),
    "congruence": Arm("congruence"),
    # The paper's loss, of links that say nothing: it regularises and aligns nothing.
    "shuffled": Arm("singular", permuted=True),
}


def regulariser(
    arm: Arm, attentions: Tensor, inputs: Inputs, order: Tensor, *, layer: int, anchor: str
) -> Tensor:
    """The arm's loss of one layer's attention, a scalar.

    Parameters
    ----------
    arm
        With a kind.
    attentions
        (batch, layer, head, query, key) of captions with their own images.
    inputs
        What was read; [CLS] and [SEP] are left out of the relations.
    order
        (batch, position) int64, an order of each image's positions; read where `arm.permuted`.
    layer, anchor
        Whose attention; ``"vision"`` or ``"language"``, whose relations lead.
    """
    attention = attentions[:, layer]
    words = inputs.mask.clone()
    words[:, 0] = False
    words[torch.arange(len(words)), inputs.mask.sum(dim=1) - 1] = False
    none = torch.zeros_like
    text = torch.cat([words, none(inputs.image_mask)], dim=1)
    image = torch.cat([none(words), inputs.image_mask], dim=1)
    if arm.permuted:
        attention = permuted_links(attention, order, inputs.mask.shape[1])
    # `iais_loss` checks both words itself.
    options: dict[str, Any] = {"kind": arm.kind, "anchor": anchor}
    return iais_loss(attention, text, image, **options)


def permuted_links(attention: Tensor, order: Tensor, text: int) -> Tensor:
    """Attention whose cross blocks speak of the image's positions in another order.

    Parameters
    ----------
    attention
        (batch, head, place, place), the first `text` places words.
    order
        (batch, position) int64.
    text
        Number of words, padding included.

    Returns
    -------
    Tensor
        Its blocks of words with words and of positions with positions are what they were.

    Examples
    --------
    >>> attention = torch.arange(9.0).reshape(1, 1, 3, 3)
    >>> permuted_links(attention, torch.tensor([[1, 0]]), 1)[0, 0]
    tensor([[0., 2., 1.],
            [6., 4., 5.],
            [3., 7., 8.]])
    """
    batch, heads, places, _ = attention.shape
    device = attention.device
    words = torch.arange(text, device=device).expand(batch, text)
    index = torch.cat([words, order.to(device) + text], dim=1)
    shape = (batch, heads, places, places)
    moved = attention.gather(2, index[:, None, :, None].expand(shape))
    moved = moved.gather(3, index[:, None, None, :].expand(shape))
    is_text = torch.arange(places, device=device) < text
    return torch.where(is_text[:, None] ^ is_text[None, :], moved, attention)


def checked_layer(model: VisionLanguageModel, layer: int) -> int:
    """The layer, counted from either end, if it has all four blocks.

    Raises
    ------
    TypeError, ValueError
        If it does not.
    """
    n = model.n_layers
    integer("layer", layer, low=-n, high=n - 1)
    if not bool(model.present[layer].all()):
        kept = [number for number in range(n) if bool(model.present[number].all())]
        refuse("layer", f"have all four blocks of attention, as {kept} have", layer)
    return layer
