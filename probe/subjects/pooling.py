"""From the states of a text's tokens to one vector: which layers, and how they are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .._check import integer, one_of, refuse, refuse_type

POOLINGS = ("mean", "cls", "first_last", "last2")


def layer_labels(
    pooling: str, layers: Sequence[int] | None, n_layers: int
) -> tuple[int, ...] | tuple[str, ...]:
    """The labels along `layer` that a pooling gives.

    ``mean`` and ``cls`` keep the layers apart: 0 is the output of the embedding layer, i is the
    output of block i. ``first_last`` and ``last2`` average two layers into one, labelled by name.

    Parameters
    ----------
    pooling
        One of `POOLINGS`.
    layers
        The wanted layers, in the wanted order; None for all of them.
    n_layers
        Number of blocks.

    Returns
    -------
    tuple
        Integers in [0, n_layers], or the one name of the pooling.

    Raises
    ------
    ValueError
        If the pooling or a layer is unknown, or layers are chosen where the pooling fixes them.
    TypeError
        If a layer is no integer.

    Examples
    --------
    >>> layer_labels("mean", None, 2), layer_labels("mean", [2], 2)
    ((0, 1, 2), (2,))
    >>> layer_labels("first_last", None, 2)
    ('first_last',)
    """
    one_of("pooling", pooling, POOLINGS)
    if pooling in _AVERAGED:
        if layers is not None:
            refuse("layers", f"be None with pooling {pooling!r}, which fixes them", list(layers))
        if pooling == "last2" and n_layers < 2:
            refuse("pooling", "suit the model", f"'last2' for a model of {n_layers} block")
        return (pooling,)
    if layers is None:
        return tuple(range(n_layers + 1))
    if isinstance(layers, int | str):
        refuse_type("layers", "be a sequence of layer numbers", layers, "Write [3] for layer 3.")
    chosen = tuple(integer("layers", layer) for layer in layers)
    unknown = [layer for layer in chosen if not 0 <= layer <= n_layers]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        hint = "0 is the embedding layer's output, block i is layer i."
        refuse("layers", f"name different layers from 0 to {n_layers}", list(chosen), hint)
    return chosen


def needed_layers(labels: Sequence[int] | Sequence[str], n_layers: int) -> tuple[int, ...]:
    """The layers that must be computed for `labels`, ascending.

    Examples
    --------
    >>> needed_layers(("first_last",), 6), needed_layers(("last2",), 6)
    ((1, 6), (5, 6))
    """
    found: set[int] = set()
    for label in labels:
        found |= {label} if isinstance(label, int) else set(_AVERAGED[label](n_layers))
    return tuple(sorted(found))


def pool_states(
    states: Mapping[int, Tensor],
    mask: Tensor,
    *,
    pooling: str,
    labels: Sequence[int] | Sequence[str],
    n_layers: int,
) -> Tensor:
    """One float32 vector per text and label.

    Parameters
    ----------
    states
        Layer -> states of the tokens (batch, seq, d_model), any floating type.
    mask
        True where a token counts (batch, seq); the rest may hold anything.
    pooling, labels, n_layers
        As `layer_labels` took and gave them.

    Returns
    -------
    Tensor
        (layer, batch, d_model), float32.

    Notes
    -----
    ``first_last`` is the average of the mean-pooled outputs of block 1 (not of the embedding
    layer) and of the last block, as arXiv:2103.15316, section 4, has it; ``last2`` averages the
    last two blocks.

    Examples
    --------
    >>> states = {1: torch.tensor([[[1.0], [3.0], [99.0]]])}
    >>> mask = torch.tensor([[True, True, False]])
    >>> pool_states(states, mask, pooling="mean", labels=(1,), n_layers=1)
    tensor([[[2.]]])
    """
    token = first_token if pooling == "cls" else masked_mean
    vectors = {layer: token(states[layer], mask) for layer in needed_layers(labels, n_layers)}
    rows = []
    for label in labels:
        if isinstance(label, int):
            rows.append(vectors[label])
        else:
            one, other = _AVERAGED[label](n_layers)
            rows.append((vectors[one] + vectors[other]) / 2)
    return torch.stack(rows)


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Mean over the kept tokens: (batch, seq, d_model), (batch, seq) to float32 (batch, d_model).

    Special tokens count where the mask keeps them, as in sentence-transformers.

    Examples
    --------
    >>> masked_mean(torch.tensor([[[1.0], [3.0], [99.0]]]), torch.tensor([[True, True, False]]))
    tensor([[2.]])
    """
    keep = mask.bool().unsqueeze(-1)
    # where, not a product: a padded position may hold NaN, and NaN * 0 is NaN.
    total = torch.where(keep, states.float(), 0.0).sum(1)
    return total / keep.sum(1)


def first_token(states: Tensor, mask: Tensor) -> Tensor:
    """The state of the first kept token, (batch, d_model) float32, wherever the padding is."""
    first = mask.int().argmax(1)
    return states[torch.arange(len(states), device=states.device), first].float()


def _first_last(n_layers: int) -> tuple[int, int]:
    return 1, n_layers


def _last2(n_layers: int) -> tuple[int, int]:
    return n_layers - 1, n_layers


_AVERAGED = {"first_last": _first_last, "last2": _last2}
