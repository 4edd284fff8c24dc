"""IAIS: losses that make relations among words and among regions agree (arXiv:2105.13868)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from .._check import ndim, one_of, refuse, refuse_type
from ._iais_blocks import Places, blocks, gathered, places
from ._iais_maps import (
    EPSILON,
    official_divergence,
    row_shares,
    row_softmax,
    selected,
    symmetric_divergence,
)

IAIS_KINDS = ("singular", "distributed", "congruence")
"""How one modality's relations are told by the other's, in `iais_loss`."""

ANCHORS = ("language", "vision")


def iais_loss(
    attention: Tensor,
    text_mask: Tensor,
    image_mask: Tensor,
    *,
    kind: Literal["singular", "distributed", "congruence"] = "singular",
    anchor: Literal["language", "vision"] = "language",
    parity: bool = False,
) -> Tensor:
    """How far relations inside one modality are from those told by the other: a scalar, in nats.

    Parameters
    ----------
    attention
        (batch, position, position) or (batch, head, position, position), query before key, at
        least 0: one layer's joint attention after its softmax, in any floating dtype.
    text_mask, image_mask
        (batch, position) bool, True = keep: words and regions, in any order, with padding anywhere.
        Leave special marks out. What is in neither mask is never read; it may be NaN.
    kind
        ``"singular"``: relations among each place's partner, its largest cross attention.
        ``"distributed"``: those through all of the other modality's places, there and back.
        ``"congruence"``: there, along the other modality's own relations, and back (CACR).
    anchor
        The modality whose relations are compared: ``"language"`` or ``"vision"``.
    parity
        Compute what the official code computes, number for number. See Notes.

    Returns
    -------
    Tensor
        (), the mean over pairs; float64 if `attention` is, else float32, under autocast too.
        Differentiable once. The choice of partners (an argmax, the first at a tie) has no gradient.

    Raises
    ------
    TypeError
        If an input is no tensor, `attention` is not floating, or a mask is not bool.
    ValueError
        If shapes or devices disagree, a row has no text or no image position or has one in both
        masks, an option is unknown, or attention that is read is NaN, infinite or below 0.

    Notes
    -----
    Source: arXiv:2105.13868, section 4, and arXiv:2212.10549 for ``"congruence"``. With T = S_LL,
    V = S_VV, X = S_LV, Y = S_VL (anchor ``"vision"`` exchanges L and V)::

        singular     T' = V[partner][:, partner] over its row sums, partner_i = argmax_j X_ij
        distributed  T' = X Y
        congruence   T' = X V Y
        loss         mean over rows of KL(T || T') + KL(T' || T)

    Default: each block's rows are divided by their sum over its modality, for each head, then
    averaged over heads. Under both KL a probability p of n is (p + 1e-6) / (1 + 1e-6 n), so that
    value and gradient are finite at an attention of 0, and the loss is 0 where T' = T. A row
    without mass on a modality counts as even, without gradient.

    `parity`: a (batch, position, position) attention is used as given, its blocks not renormalised;
    one with heads is renormalised and averaged first, as the official training does. The singular
    form takes a softmax of V's probabilities in place of their row sums, which makes T' nearly
    even: .5 beside 35 equal others becomes .044. It has no epsilon and is infinite where T is 0.
    The distributed form adds 1e-6 under the logarithm only and compares rows that need not sum to
    1: it is 0 for no attention in particular, and may be below 0. ``"congruence"`` has no official
    code; with `parity` it follows the distributed form.

    A pair with one word (anchor ``"language"``) or one region (``"vision"``) has no relation to
    disagree on: by default its loss is 0, and it counts in the mean.

    float16 gradients are clipped to what float16 holds. Cost: O(batch head position^2) and, by
    kind, three products of (position, position) a pair; no loop over pairs. Fastest where each
    modality lies in one stretch of positions; scattered positions are gathered first.

    A small loss says that relations agree, not that they mean anything: attention that is even
    everywhere has loss 0.

    Examples
    --------
    Two words that look at one region each; the regions look at each other, the words do not:

    >>> attention = torch.tensor(
    ...     [[0.6, 0.0, 0.4, 0.0], [0.0, 0.6, 0.0, 0.4], [0.3, 0.0, 0.0, 0.7], [0.0, 0.3, 0.7, 0.0]]
    ... )
    >>> text = torch.tensor([[True, True, False, False]])
    >>> iais_loss(attention[None], text, ~text, kind="distributed")
    tensor(0.)
    >>> round(iais_loss(attention[None], text, ~text, kind="singular").item(), 2)  # 2 log 1e6
    27.63
    """
    one_of("kind", kind, IAIS_KINDS)
    one_of("anchor", anchor, ANCHORS)
    _check(attention, text_mask, image_mask)
    host = torch.stack((text_mask, image_mask)).cpu().numpy()
    _check_rows(host)
    dtype = torch.float64 if attention.dtype == torch.float64 else torch.float32
    # Autocast would take the products back to half precision.
    with torch.autocast(attention.device.type, enabled=False):
        renormalise = not parity or attention.ndim == 4
        attention = _sound(attention, text_mask | image_mask)
        text, image = places(text_mask, host[0], dtype), places(image_mask, host[1], dtype)
        if text is None or image is None:
            attention, text, image = gathered(attention, text_mask, image_mask, dtype)
        if attention.ndim == 3:
            attention = attention[:, None]
        own, other = (text, image) if anchor == "language" else (image, text)
        inside, told = _relations(attention, own, other, kind, renormalise, parity)
        if parity and kind != "singular":
            return official_divergence(inside, told, own.keep).mean()
        epsilon = 0.0 if parity else EPSILON
        return symmetric_divergence(inside, told, own.keep, epsilon=epsilon).mean()


def _relations(
    attention: Tensor, own: Places, other: Places, kind: str, renormalise: bool, parity: bool
) -> tuple[Tensor, Tensor]:
    """T and T' of the anchor's modality, (batch, row, row) each."""
    if kind == "singular":
        asked = [(own, own), (other, other)]
        inside, outside = blocks(attention, asked, renormalise=renormalise)
        # A row's own scale does not change its largest entry: with one head, take it as it is.
        several = attention.shape[1] > 1
        (cross,) = blocks(attention.detach(), [(own, other)], renormalise=several)
        told = selected(outside, cross, own.keep, other.keep)
        return inside, row_softmax(told, own.keep) if parity else row_shares(told, own.keep)
    asked = [(own, own), (own, other), (other, own)]
    if kind == "congruence":
        asked.append((other, other))
    inside, there, back, *outside = blocks(attention, asked, renormalise=renormalise)
    for relations in outside:
        there = there @ relations
    return inside, there @ back


def _check(attention: Tensor, text_mask: Tensor, image_mask: Tensor) -> None:
    if not isinstance(attention, Tensor):
        refuse_type("attention", "be a torch tensor", attention)
    if attention.ndim != 4:
        ndim("attention", attention, ("batch", "position", "position"))
    shape = tuple(attention.shape)
    if not attention.is_floating_point():
        raise TypeError(f"`attention` must be floating; got {attention.dtype}.")
    if shape[-1] != shape[-2] or 0 in shape:
        refuse("attention", "be square in its last two axes and not empty", f"shape {shape}")
    wanted = (shape[0], shape[-1])
    for name, mask in (("text_mask", text_mask), ("image_mask", image_mask)):
        if not isinstance(mask, Tensor):
            refuse_type(name, "be a torch tensor", mask)
        if mask.dtype != torch.bool:
            raise TypeError(f"`{name}` must be bool, True = keep; got {mask.dtype}.")
        if tuple(mask.shape) != wanted:
            hint = f"It belongs to attention of shape {shape}."
            refuse(name, f"have shape (batch, position) = {wanted}", tuple(mask.shape), hint)
        if mask.device != attention.device:
            refuse(name, f"be on {attention.device} as `attention` is", mask.device)


def _check_rows(masks: np.ndarray) -> None:
    """`masks` (2, batch, position): text, image."""
    for name, mask in zip(("text_mask", "image_mask"), masks, strict=True):
        some = mask.any(axis=1)
        if not some.all():
            hint = "Leave such pairs out of the batch."
            wanted = "be True at one position or more of every example"
            refuse(name, wanted, f"none in example {int(some.argmin())}", hint)
    both = masks[0] & masks[1]
    if both.any():
        example, position = np.argwhere(both)[0].tolist()
        got = f"True in both at position {position} of example {example}"
        refuse("text_mask", "not overlap `image_mask`", got)


def _sound(attention: Tensor, keep: Tensor) -> Tensor:
    """The attention, with zeros in place of padding if there is anything wrong in it.

    Raises
    ------
    ValueError
        If what is wrong is no padding.
    """
    if _is_sound(attention):
        return attention
    square = keep[:, :, None] & keep[:, None, :]
    kept = torch.where(square if attention.ndim == 3 else square[:, None], attention, 0.0)
    if _is_sound(kept):
        return kept
    flat = kept.detach().flatten(1)
    wrong = (~(flat.isfinite() & (flat >= 0))).nonzero()[0]
    example, value = int(wrong[0]), flat[wrong[0], wrong[1]].item()
    wanted = "be finite and at least 0 wherever a mask is True"
    hint = "Give attention after its softmax."
    refuse("attention", wanted, f"{value:.3g} in example {example}", hint)


def _is_sound(attention: Tensor) -> bool:
    # One pass: NaN and infinity show in the extremes.
    low, high = attention.detach().aminmax()
    return bool((low >= 0) & (high < torch.inf))
