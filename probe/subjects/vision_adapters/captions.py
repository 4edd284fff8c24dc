"""Captions as a tokenizer cuts them: which word each token is a piece of, and which are marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.records import GroundedPair

from ..._check import refuse, refuse_type


@dataclass(frozen=True, eq=False)
class Caption:
    """One tokenized caption.

    Attributes
    ----------
    ids
        (token,) int64.
    word
        (token,) int64: the word that a token is a piece of; -1 for marks and a prompt's template.
    tokens
        The text of each token: as written for words, the mark's own name for marks.
    """

    ids: np.ndarray
    word: np.ndarray
    tokens: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


def checked_tokenizer(tokenizer: Any, vocabulary: int) -> Any:
    """The tokenizer, if the model knows all its tokens.

    Raises
    ------
    TypeError, ValueError
        If there is none, or it has more tokens than the model.
    """
    if tokenizer is None:
        refuse("tokenizer", "be given, alone or in a processor", None)
    if not hasattr(tokenizer, "convert_ids_to_tokens"):
        refuse_type("tokenizer", "be a tokenizer of transformers", tokenizer)
    if len(tokenizer) > vocabulary:
        refuse(
            "tokenizer",
            f"be the model's own, with at most {vocabulary} tokens",
            f"{len(tokenizer)} tokens",
            "This tokenizer belongs to another model.",
        )
    return tokenizer


def read_captions(
    tokenizer: Any,
    pairs: Sequence[GroundedPair],
    *,
    limit: int,
    template: str = "{caption}",
    marks: bool = True,
) -> list[Caption]:
    """The captions of all pairs, tokenized whole.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        A fast one tells where its tokens come from; with others words are cut one by one.
    pairs : sequence of GroundedPair
        Whose words are read.
    limit : int
        The most tokens that the model takes.
    template : str
        Text around ``{caption}``.
    marks : bool
        Let the tokenizer add its own marks.

    Raises
    ------
    ValueError
        If a caption has more tokens than the model takes, or a tokenizer without offsets cuts it in
        another way than its words.
    """
    texts = [template.replace("{caption}", pair.caption) for pair in pairs]
    fast = bool(getattr(tokenizer, "is_fast", False))
    offsets = {"return_offsets_mapping": True} if fast else {}
    encoded = tokenizer(
        texts,
        add_special_tokens=marks,
        padding=False,
        truncation=False,
        verbose=False,
        **offsets,
    )
    found = []
    for number, (pair, text) in enumerate(zip(pairs, texts, strict=True)):
        ids = np.array(encoded["input_ids"][number], np.int64)
        if len(ids) > limit:
            refuse(
                f"caption of {pair.name or pair.caption[:40]!r}",
                f"have at most {limit} tokens for this model",
                f"{len(ids)}",
                "Truncation would lose words and their phrases: shorten it.",
            )
        names = tokenizer.convert_ids_to_tokens(ids.tolist())
        if fast:
            spans = np.array(encoded["offset_mapping"][number], np.int64).reshape(-1, 2)
            word = _by_offsets(pair, spans, template.index("{caption}"))
            written = [text[start:end].strip() for start, end in spans.tolist()]
        else:
            word, written = _word_by_word(pair, ids, tokenizer), list(names)
        tokens = [
            name if own < 0 else piece
            for name, piece, own in zip(names, written, word.tolist(), strict=True)
        ]
        found.append(Caption(ids, word, tuple(tokens)))
    return found


def _by_offsets(pair: GroundedPair, offsets: np.ndarray, before: int) -> np.ndarray:
    """Word of each token: the one that it shares the most characters with."""
    lengths = np.array([len(word) for word in pair.words])
    starts = before + np.concatenate([[0], np.cumsum(lengths + 1)[:-1]])
    shared = np.minimum(offsets[:, 1:], starts + lengths) - np.maximum(offsets[:, :1], starts)
    return np.where(shared.max(axis=1) > 0, shared.argmax(axis=1), -1)


def _word_by_word(pair: GroundedPair, ids: np.ndarray, tokenizer: Any) -> np.ndarray:
    """Word of each token where a tokenizer tells no offsets: each word is cut by itself.

    That is right only if the pieces of all words, one after the other, are those of the caption.
    """
    options = {"add_special_tokens": False, "verbose": False}
    pieces = [list(tokenizer(word, **options)["input_ids"]) for word in pair.words]
    flat = np.array([piece for each in pieces for piece in each], np.int64)
    word = np.full(len(ids), -1)
    for start in range(len(ids) - len(flat) + 1):
        if np.array_equal(ids[start : start + len(flat)], flat):
            own = np.repeat(np.arange(len(pieces)), [len(each) for each in pieces])
            word[start : start + len(flat)] = own
            return word
    refuse(
        "tokenizer",
        f"cut the words of {pair.name or pair.caption[:40]!r} as it cuts the caption",
        type(tokenizer).__name__,
        "Use a fast tokenizer, which tells where its tokens come from.",
    )


def pool_position(caption: Caption, mark: int | None, what: str) -> int:
    """Where the mark stands that the model pools at.

    Raises
    ------
    ValueError
        If the tokenizer did not write it.
    """
    places = np.flatnonzero(caption.ids == mark) if mark is not None else np.zeros(0, int)
    if not len(places):
        refuse(
            "tokenizer",
            f"write {what} in every caption",
            f"{list(caption.tokens)}",
            "This tokenizer belongs to another model, or adds no special tokens.",
        )
    return int(places[0])
