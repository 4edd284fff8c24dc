"""Where the phrases of objects stand in a caption, and which colour each object has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

Span = tuple[int, int]

DIVIDER = " / "  # between the phrases of one object
_MARKS = re.compile(r"^(##|[Ġ▁])(?=.)")  # that tokenizers put before pieces of words


def spans_of(caption: str, phrases: Sequence[str]) -> list[list[Span]]:
    """Where each object's phrases stand in a caption: first character, last + 1; none if nowhere.

    Phrases of one wording have its occurrences in order; of more phrases than occurrences the rest
    has the last one.

    Examples
    --------
    >>> spans_of("a dog beside a dog and it", ["a dog", "a dog / it"])
    [[(0, 5)], [(13, 18), (23, 25)]]
    >>> spans_of("a dogma", ["a dog"])
    [[]]
    """
    met: dict[str, int] = {}
    found = []
    for phrase in phrases:
        own: list[Span] = []
        for part in phrase.split(DIVIDER):
            words = part.split()
            text = r"\s+".join(map(re.escape, words))
            matches = re.finditer(rf"(?<!\w){text}(?!\w)", caption, re.IGNORECASE)
            places = [match.span() for match in matches] if words else []
            at = met.get(part, 0)
            met[part] = at + 1
            if places:
                own.append(places[min(at, len(places) - 1)])
        found.append(own)
    return found


def spans_of_tokens(
    caption: str, tokens: Sequence[str], members: np.ndarray
) -> list[list[Span]] | None:
    """The same by tokens: (object, token) bool which are an object's; None if one is not found.

    Examples
    --------
    >>> own = np.array([[True, True, False, False], [False, False, False, True]])
    >>> spans_of_tokens("A dog, cats", ["a", "dog", ",", "cats"], own)
    [[(0, 5)], [(7, 11)]]
    """
    places: list[Span] = []
    cursor, lower = 0, caption.lower()
    for token in tokens:
        text = _MARKS.sub("", token).lower()
        at = lower.find(text, cursor)
        if at < 0 or not text:
            return None
        cursor = at + len(text)
        places.append((at, cursor))
    found = []
    for row in members:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        found.append([(places[a][0], places[b - 1][1]) for a, b in edges.reshape(-1, 2)])
    return found


def tones_of(spans: Sequence[Sequence[Span]]) -> list[int]:
    """A number for each object's colour: that of its first phrase, counted; -1 without a phrase.

    Examples
    --------
    >>> tones_of([[(0, 5), (20, 22)], [], [(9, 12)], [(9, 12)]])
    [0, -1, 1, 1]
    """
    order: dict[Span, int] = {}
    return [order.setdefault(own[0], len(order)) if own else -1 for own in spans]


def words_of(caption: str, spans: Sequence[Span]) -> tuple[list[str], list[Span]]:
    """A caption as words, and the words that each span is of (first, last + 1).

    Spans and marks of a sentence are cut off from what they stick to.

    Examples
    --------
    >>> words_of("Two cats, asleep.", [(0, 8)])
    (['Two', 'cats', ',', 'asleep', '.'], [(0, 2)])
    """
    cuts = {place for span in spans for place in span}
    words: list[Span] = []
    for match in re.finditer(r"[.,;:!?]+(?=\s|$)|\S+?(?=[.,;:!?]*(?:\s|$))", caption):
        start, end = match.span()
        edges = [start, *sorted(cut for cut in cuts if start < cut < end), end]
        words += pairwise(edges)
    found = []
    for first, last in spans:
        inside = [i for i, (start, end) in enumerate(words) if first <= start and end <= last]
        found.append((inside[0], inside[-1] + 1))
    return [caption[start:end] for start, end in words], found
