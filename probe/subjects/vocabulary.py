"""A word vocabulary made from texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import final

import numpy as np

from .._check import integer, refuse

PAD, UNKNOWN, CLS = 0, 1, 2
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]")
_WORD = re.compile(r"\w+|[^\w\s]")


@final
class Vocabulary:
    """Words and their ids; 0 pads, 1 stands for unknown words, 2 begins every text.

    Parameters
    ----------
    words
        The words that ids from 3 on stand for, lower case, no word twice.

    Raises
    ------
    ValueError
        If a word comes twice.

    Examples
    --------
    >>> vocabulary = Vocabulary.from_texts(["A list is a list.", "A list."], min_count=2)
    >>> vocabulary.words
    ('a', 'list', '.')
    >>> vocabulary.ids("A tuple.")
    array([2, 3, 1, 5], dtype=int32)
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        numbered = enumerate(self.words, start=len(_SPECIAL))
        self._ids = {word: number for number, word in numbered}
        if len(self._ids) < len(self.words):
            twice = next(word for word, count in Counter(self.words).items() if count > 1)
            refuse("words", "differ", f"{twice!r} twice")

    @classmethod
    def from_texts(
        cls, texts: Iterable[str], *, min_count: int = 2, max_size: int = 20_000
    ) -> Vocabulary:
        """The words that occur at least `min_count` times, most frequent first.

        Raises
        ------
        ValueError
            If no word occurs that often.
        """
        integer("min_count", min_count, low=1)
        integer("max_size", max_size, low=1)
        counts = Counter(word for text in texts for word in _WORD.findall(text.lower()))
        # Ties by the word itself, so that the order of the texts does not matter.
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        words = [word for word, count in ranked[:max_size] if count >= min_count]
        if not words:
            refuse("texts", f"hold a word that occurs {min_count} times", f"{len(counts)} words")
        return cls(words)

    def __len__(self) -> int:
        return len(_SPECIAL) + len(self.words)

    def ids(self, text: str) -> np.ndarray:
        """Ids of a text's words, int32, the beginning mark first."""
        words = _WORD.findall(text.lower())
        return np.array([CLS, *(self._ids.get(word, UNKNOWN) for word in words)], np.int32)
