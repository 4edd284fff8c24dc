"""Frozen records of text that loaders give and measures take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Corpus:
    """Texts, each with the topic that it is about.

    Attributes
    ----------
    texts
        The texts, none of them blank.
    topics
        The topic of each text.
    name
        What the corpus is called in results.
    attrs
        Where it comes from: source, licence, hash, ... as text.

    Raises
    ------
    TypeError
        If `texts` or `topics` is one string, or holds something else than strings.
    ValueError
        If there are no texts, one is blank, or the lengths differ.

    Examples
    --------
    >>> corpus = Corpus(("A cat.", "A dog.", "A law."), ("pets", "pets", "rules"), "tiny")
    >>> len(corpus), corpus.topic_sizes
    (3, {'pets': 2, 'rules': 1})
    >>> corpus.with_topics(min_size=2).texts
    ('A cat.', 'A dog.')
    """

    texts: tuple[str, ...]
    topics: tuple[str, ...]
    name: str
    attrs: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", _strings("texts", self.texts))
        object.__setattr__(self, "topics", _strings("topics", self.topics))
        object.__setattr__(self, "attrs", dict(self.attrs))
        _same_length(texts=self.texts, topics=self.topics)

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"Corpus({self.name!r}, {len(self)} texts, {len(self.topic_sizes)} topics)"

    @property
    def topic_sizes(self) -> dict[str, int]:
        """How many texts each topic has, topics in first-seen order."""
        return dict(Counter(self.topics))

    def subset(self, index: slice | Sequence[int] | Sequence[bool] | np.ndarray) -> Corpus:
        """The texts at `index`, in its order; name and attrs stay.

        Parameters
        ----------
        index
            A slice, integer positions, or one boolean per text.

        Raises
        ------
        TypeError
            If `index` is neither.
        ValueError
            If a position does not exist, a mask has another length, or nothing is left.

        Examples
        --------
        >>> Corpus(("A cat.", "A dog."), ("pets", "pets"), "tiny").subset([1]).texts
        ('A dog.',)
        """
        positions = _positions(index, len(self))
        return Corpus(
            tuple(self.texts[i] for i in positions),
            tuple(self.topics[i] for i in positions),
            self.name,
            self.attrs,
        )

    def with_topics(self, *, min_size: int = 2) -> Corpus:
        """Only the texts whose topic has at least `min_size` texts, as retrieval by topic needs.

        Raises
        ------
        ValueError
            If no topic is that large.
        """
        sizes = self.topic_sizes
        largest = max(sizes.values())
        if largest < min_size:
            raise ValueError(
                f"`min_size` must be at most {largest}, the size of the largest topic; "
                f"got {min_size}."
            )
        return self.subset([i for i, topic in enumerate(self.topics) if sizes[topic] >= min_size])


@dataclass(frozen=True, eq=False)
class SentencePairs:
    """Pairs of sentences with the similarity that people gave them.

    Attributes
    ----------
    sentence1, sentence2
        The two sentences of each pair, none of them blank.
    score
        (pair,) float64, read-only: similarity on the dataset's own scale (STS 0 to 5, SICK 1 to 5).
    subset
        Which part of the dataset each pair comes from (`MSRpar`, `headlines`, ...).
    name
        What the dataset is called in results.
    attrs
        Where it comes from: source, licence, hash, ... as text.

    Raises
    ------
    TypeError
        If a field of text is one string, or holds something else than strings.
    ValueError
        If there are no pairs, a sentence is blank, a score is not finite, or the lengths differ.

    Examples
    --------
    >>> score = np.array([3.0, 0.5])
    >>> pairs = SentencePairs(("A cat.", "A law."), ("A dog.", "A cat."), score, ("x", "x"), "tiny")
    >>> len(pairs), pairs.sentences
    (2, ('A cat.', 'A dog.', 'A law.'))
    """

    sentence1: tuple[str, ...]
    sentence2: tuple[str, ...]
    score: np.ndarray
    subset: tuple[str, ...]
    name: str
    attrs: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("sentence1", "sentence2", "subset"):
            object.__setattr__(self, name, _strings(name, getattr(self, name)))
        score = np.array(self.score, dtype=np.float64)  # a copy: freezing must not reach the caller
        if score.ndim != 1:
            raise ValueError(f"`score` must have axes (pair); got shape {score.shape}.")
        if not np.isfinite(score).all():
            first = int(np.flatnonzero(~np.isfinite(score))[0])
            raise ValueError(f"`score` must be finite everywhere; got {score[first]} at {first}.")
        score.flags.writeable = False
        object.__setattr__(self, "score", score)
        object.__setattr__(self, "attrs", dict(self.attrs))
        _same_length(
            sentence1=self.sentence1, sentence2=self.sentence2, score=score, subset=self.subset
        )

    def __len__(self) -> int:
        return len(self.sentence1)

    def __repr__(self) -> str:
        parts = ", ".join(dict.fromkeys(self.subset))
        return f"SentencePairs({self.name!r}, {len(self)} pairs, subsets {parts})"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every distinct sentence once, in the order in which the pairs show them first."""
        both = zip(self.sentence1, self.sentence2, strict=True)
        return tuple(dict.fromkeys(sentence for pair in both for sentence in pair))


def _strings(name: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError(
            f"`{name}` must be a sequence of strings; got one string. Wrap it: ('...',)."
        )
    strings = tuple(values)
    if not strings:
        raise ValueError(f"`{name}` must hold at least one string; got none.")
    for i, value in enumerate(strings):
        if not isinstance(value, str):
            raise TypeError(f"`{name}` must hold strings; got {type(value).__name__} at {i}.")
        if not value.strip():
            raise ValueError(f"`{name}` must hold no blank string; got {value!r} at {i}.")
    return strings


def _same_length(**named: Sequence[str] | np.ndarray) -> None:
    if len({len(values) for values in named.values()}) > 1:
        names = " and ".join(f"`{name}`" for name in named)
        lengths = ", ".join(f"{name} {len(values)}" for name, values in named.items())
        raise ValueError(f"{names} must have the same length; got {lengths}.")


def _positions(
    index: slice | Sequence[int] | Sequence[bool] | np.ndarray, length: int
) -> Sequence[int]:
    if isinstance(index, slice):
        return range(length)[index]
    array = np.asarray(index)
    if array.size == 0:
        raise ValueError("`index` must select at least one text; got an empty index.")
    if array.ndim != 1 or array.dtype.kind not in "biu":
        raise TypeError(
            "`index` must be a slice, integer positions or one boolean per text; "
            f"got {array.dtype} of shape {array.shape}."
        )
    if array.dtype.kind == "b":
        if len(array) != length:
            raise ValueError(
                f"`index` must hold one boolean per text, {length}; got {len(array)} booleans."
            )
        return np.flatnonzero(array).tolist()
    outside = array[(array < -length) | (array >= length)]
    if outside.size:
        raise ValueError(
            f"`index` must hold positions between {-length} and {length - 1}; got {outside[0]}."
        )
    return array.tolist()
