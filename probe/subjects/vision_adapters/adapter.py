"""Any supported vision-and-language model as a function from grounded pairs to `Attended`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, final

import torch

from data.records import Attended, GroundedPair

from ..._check import integer, refuse, refuse_type
from ..alignment import collate, grounding, grounding_names
from ..attention_visibility import hooks_seen, weights_seen
from ..batching import evaluating
from .family import Family


@final
class VisionLanguageAdapter:
    """A model with its tools: call it with pairs, or stream many of them.

    Made by `adapt`. The model runs in evaluation mode, without gradients and with eager attention;
    its own mode and attention implementation are back afterwards.

    Attributes
    ----------
    family
        Which family of models it is adapted as.
    name
        What the model is called in results.
    """

    def __init__(self, family: Family, *, name: str = "") -> None:
        self.family = family
        self.name = name or type(family.model).__name__

    def __repr__(self) -> str:
        return f"VisionLanguageAdapter({self.name!r}, {self.family.title})"

    def __call__(
        self,
        pairs: Sequence[GroundedPair],
        *,
        hidden_states: bool = True,
        names: tuple[Sequence[str], Sequence[str]] | None = None,
    ) -> Attended:
        """What the model attends to in these pairs, as one batch.

        Parameters
        ----------
        pairs : sequence of GroundedPair
            Run together: memory grows with their number; `stream` cuts them into batches.
        hidden_states : bool
            Keep the states, too.
        names : (kinds, relation_names), optional
            What phrase kinds and relations count in; default those of these pairs.

        Raises
        ------
        TypeError, ValueError
            For pairs that are none, captions longer than the model takes, missing regions or
            features, and tools of another model.
        RuntimeError
            If the model gives no attentions.
        """
        pairs = _checked(pairs)
        names = names or grounding_names(pairs)
        model = self.family.model
        with evaluating(model), torch.no_grad(), hooks_seen(model), weights_seen(model):
            reading = self.family.read(pairs, hidden_states=hidden_states)
        examples = [
            example
            | grounding(
                pair,
                boxes=at.boxes,
                word_of_position=at.word,
                kind=self.family.membership,
                names=names,
            )
            for pair, at, example in zip(pairs, reading.positions, reading.examples(), strict=True)
        ]
        return collate(
            examples,
            present=reading.present,
            names=names,
            derived=self.family.derived,
            name=self.name,
        )

    def stream(
        self,
        pairs: Sequence[GroundedPair],
        *,
        batch_size: int = 8,
        hidden_states: bool = True,
    ) -> Iterator[Attended]:
        """Batches of `Attended`, one after the other, with one coding of kinds and relations.

        Raises
        ------
        TypeError, ValueError
            As a call does, before anything is run; and if `batch_size` is no positive integer.
        """
        pairs, step = _checked(pairs), integer("batch_size", batch_size, low=1)
        names = grounding_names(pairs)
        return (
            self(pairs[start : start + step], hidden_states=hidden_states, names=names)
            for start in range(0, len(pairs), step)
        )


def _checked(pairs: Any) -> list[GroundedPair]:
    if isinstance(pairs, GroundedPair):
        refuse_type("pairs", "be a sequence of GroundedPair", pairs, "Write [pair] for one pair.")
    pairs = list(pairs)
    if not pairs:
        refuse("pairs", "hold at least one pair", "none")
    for number, pair in enumerate(pairs):
        if not isinstance(pair, GroundedPair):
            refuse_type(f"pairs[{number}]", "be a GroundedPair", pair)
    return pairs
