"""What the small vision-and-language models attend to, as a stream of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from data.records import Attended, GroundedPair

from .._check import integer, refuse
from .alignment import collate, grounding, grounding_names
from .batching import evaluating
from .pair_tensors import pair_tensors
from .vision_language_model import Inputs, VisionLanguageModel


def attended(
    model: VisionLanguageModel,
    pairs: Iterable[GroundedPair],
    *,
    batch_size: int = 64,
    names: tuple[Sequence[str], Sequence[str]] | None = None,
    hidden_states: bool = True,
    progress: bool = False,
) -> Iterator[Attended]:
    """Attentions and states of `model` on every pair, batch by batch.

    Positions are [CLS], the words, [SEP], then the image's; padding lies on the right. An example's
    rows do not depend on what it shares a batch with, up to rounding.

    Parameters
    ----------
    model
        A `SingleStream` or `DualStream`; evaluated, and left in the mode it was in.
    pairs
        A sequence, or with `names` also a generator: then memory does not grow with their number.
    batch_size
        Pairs in each record.
    names
        Phrase kinds and relation names that `phrase_kind` and `relation` count in; None collects
        them from `pairs`.
    hidden_states
        Whether the records carry states; without them they are smaller.
    progress
        Whether a bar is shown.

    Yields
    ------
    Attended
        On the model's device, in the order of `pairs`. Where positions are regions, a position
        belongs to the region that it was made from and to no other.

    Raises
    ------
    TypeError
        If `pairs` is a generator and `names` is not given, or an entry is no `GroundedPair`.
    ValueError
        As of `pair_tensors` and `grounding`.
    """
    integer("batch_size", batch_size, low=1)
    if names is None:
        if not isinstance(pairs, Sequence):
            raise TypeError(
                "`names` must be given where `pairs` is no sequence, since kinds and relations "
                f"cannot be collected beforehand; got {type(pairs).__name__}."
            )
        names = grounding_names(pairs)
    total = len(pairs) if isinstance(pairs, Sequence) else None
    return _batches(model, iter(pairs), batch_size, names, hidden_states, total, progress)


def _batches(
    model: VisionLanguageModel,
    pairs: Iterator[GroundedPair],
    batch_size: int,
    names: tuple[Sequence[str], Sequence[str]],
    hidden_states: bool,
    total: int | None,
    progress: bool,
) -> Iterator[Attended]:
    device = model.words.weight.device
    with tqdm(total=total, desc=model.name, unit="pair", disable=not progress, leave=False) as bar:
        while batch := list(islice(pairs, batch_size)):
            tensors = pair_tensors(batch, model)
            inputs = tensors.inputs(torch.arange(len(batch)))
            # No inference mode: probes may go on computing with these tensors, gradients included.
            with evaluating(model), torch.no_grad():
                output = model(inputs.to(device), detail=True)
            lengths = inputs.mask.sum(dim=1).tolist(), inputs.image_mask.sum(dim=1).tolist()
            if output.attentions is None or output.hidden is None:
                refuse("model", "give attentions and states where `detail` is asked for", "none")
            shown = _without_padding(output.attentions, *lengths)
            examples = [
                _example(model, pair, inputs, row, t, p, names) | {"attentions": shown[row]}
                for row, (pair, t, p) in enumerate(zip(batch, *lengths, strict=True))
            ]
            if hidden_states:
                width = inputs.ids.shape[1]
                for row, (t, p, example) in enumerate(zip(*lengths, examples, strict=True)):
                    whole = output.hidden[row]
                    states = torch.cat([whole[:, :t], whole[:, width : width + p]], dim=1)
                    example["hidden_states"] = states
            yield collate(examples, present=model.present.numpy(), names=names, name=model.name)
            bar.update(len(batch))


def _without_padding(whole: torch.Tensor, text: list[int], places: list[int]) -> torch.Tensor:
    """The image's positions moved up to the words of each example; zeros on the right.

    Block by block: picking rows and columns by index takes five times as long.
    """
    width = whole.shape[-1] - max(places)  # the model pads the words before the image
    longest = max(t + p for t, p in zip(text, places, strict=True))
    found = whole.new_zeros((*whole.shape[:3], longest, longest))
    for row, (t, p) in enumerate(zip(text, places, strict=True)):
        for to, rows in ((slice(t), slice(t)), (slice(t, t + p), slice(width, width + p))):
            found[row, :, :, to, :t] = whole[row, :, :, rows, :t]
            found[row, :, :, to, t : t + p] = whole[row, :, :, rows, width : width + p]
    return found


def _example(
    model: VisionLanguageModel,
    pair: GroundedPair,
    inputs: Inputs,
    row: int,
    text: int,
    places: int,
    names: tuple[Sequence[str], Sequence[str]],
) -> dict[str, Any]:
    """What the positions of one row stand for, without its padding, as `collate` takes it."""
    boxes = np.full((text + places, 4), np.nan, np.float32)
    boxes[text:] = inputs.boxes[row, :places].numpy()
    special = np.zeros(text + places, bool)
    special[[0, text - 1]] = True
    word = np.full(text + places, -1)
    word[1 : text - 1] = np.arange(text - 2)
    kind = "detector" if model.positions == "regions" else "patch"
    notes = grounding(pair, boxes=boxes, word_of_position=word, kind=kind, names=names)
    if model.positions == "regions":
        # Overlap would also count a shape that fills most of another one's box.
        notes["regions"] = np.eye(places, text + places, k=text, dtype=np.float32)
        shown = [name or "[region]" for name in pair.region_names]
    else:
        shown = ["[patch]"] * places
    return {
        "modality": np.repeat(np.array([0, 1], np.int8), [text, places]),
        "special": special,
        "boxes": boxes,
        "pool": 0,
        "tokens": ("[CLS]", *pair.words, "[SEP]", *shown),
        **notes,
    }
