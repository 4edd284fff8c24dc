from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import Corpus, SentencePairs

TEXTS = ("a b", "c", "d e", "f", "g")
TOPICS = ("x", "y", "x", "z", "y")


def corpus() -> Corpus:
    return Corpus(TEXTS, TOPICS, "tiny", {"licence": "none"})


def pairs(**changes: object) -> SentencePairs:
    fields = {
        "sentence1": ("a", "b", "c"),
        "sentence2": ("b", "d", "a"),
        "score": np.array([1.0, 2.0, 3.0]),
        "subset": ("p", "q", "q"),
        "name": "tiny",
    }
    return SentencePairs(**{**fields, **changes})


def test_corpus_counts_its_topics_in_first_seen_order() -> None:
    assert len(corpus()) == 5
    assert list(corpus().topic_sizes.items()) == [("x", 2), ("y", 2), ("z", 1)]
    assert repr(corpus()) == "Corpus('tiny', 5 texts, 3 topics)"


@pytest.mark.parametrize(
    "index",
    [[3, 0], (3, 0), np.array([3, 0]), [-2, -5], np.array([3, 0], dtype=np.uint8)],
    ids=str,
)
def test_subset_keeps_the_order_of_positions(index: object) -> None:
    part = corpus().subset(index)  # pyright: ignore[reportArgumentType]
    assert part.texts == ("f", "a b")
    assert part.topics == ("z", "x")
    assert (part.name, part.attrs) == ("tiny", {"licence": "none"})


@given(st.lists(st.booleans(), min_size=5, max_size=5).filter(any))
def test_subset_by_mask_is_subset_by_positions(mask: list[bool]) -> None:
    by_position = corpus().subset([i for i, kept in enumerate(mask) if kept])
    assert corpus().subset(mask).texts == by_position.texts
    assert corpus().subset(np.array(mask)).topics == by_position.topics


def test_subset_by_slice() -> None:
    assert corpus().subset(slice(1, None, 2)).texts == ("c", "f")


@pytest.mark.parametrize(
    ("index", "error", "text"),
    [
        ([5], ValueError, "`index` must hold positions between -5 and 4; got 5"),
        ([0, -6], ValueError, "`index` must hold positions between -5 and 4; got -6"),
        ([True], ValueError, "`index` must hold one boolean per text, 5; got 1 booleans"),
        ([], ValueError, "`index` must select at least one text; got an empty index"),
        (slice(9, None), ValueError, "`texts` must hold at least one string; got none"),
        ([0.5], TypeError, "`index` must be a slice, integer positions or one boolean per text"),
        ([[0]], TypeError, r"got int64 of shape \(1, 1\)"),
    ],
)
def test_subset_refuses(index: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        corpus().subset(index)  # pyright: ignore[reportArgumentType]


def test_with_topics_keeps_whole_topics_that_are_large_enough() -> None:
    assert corpus().with_topics(min_size=2).topics == ("x", "y", "x", "y")
    assert corpus().with_topics(min_size=1).texts == TEXTS
    with pytest.raises(ValueError, match="`min_size` must be at most 2, the size of the largest"):
        corpus().with_topics(min_size=3)


@pytest.mark.parametrize(
    ("texts", "topics", "error", "text"),
    [
        ((), (), ValueError, "`texts` must hold at least one string; got none"),
        (("a",), ("x", "y"), ValueError, "must have the same length; got texts 1, topics 2"),
        (("a", " "), ("x", "y"), ValueError, "`texts` must hold no blank string; got ' ' at 1"),
        ("ab", ("x", "y"), TypeError, "`texts` must be a sequence of strings; got one string"),
        (("a", 3), ("x", "y"), TypeError, "`texts` must hold strings; got int at 1"),
        (("a", "b"), ("x", None), TypeError, "`topics` must hold strings; got NoneType at 1"),
    ],
)
def test_corpus_refuses(texts: object, topics: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Corpus(texts, topics, "bad")  # pyright: ignore[reportArgumentType]


def test_sentences_are_distinct_and_in_first_seen_order() -> None:
    assert pairs().sentences == ("a", "b", "d", "c")
    assert len(pairs()) == 3
    assert repr(pairs()) == "SentencePairs('tiny', 3 pairs, subsets p, q)"


def test_lists_become_tuples_and_scores_float64() -> None:
    made = pairs(sentence1=["a", "b", "c"], score=[1, 2, 3])
    assert made.sentence1 == ("a", "b", "c")
    assert made.score.dtype == np.float64


def test_records_are_frozen_down_to_the_scores_and_leave_the_caller_free() -> None:
    mine = np.array([1.0, 2.0, 3.0])
    made = pairs(score=mine)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.name = "other"  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="read-only"):
        made.score[0] = 5
    mine[0] = 5
    assert made.score[0] == 1
    attrs = {"licence": "none"}
    kept = Corpus(("a",), ("x",), "tiny", attrs)
    attrs["licence"] = "changed"
    assert kept.attrs["licence"] == "none"


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"sentence2": ("b", "d")}, ValueError, "got sentence1 3, sentence2 2, score 3, subset 3"),
        ({"score": [1.0]}, ValueError, "got sentence1 3, sentence2 3, score 1, subset 3"),
        ({"subset": ("p",)}, ValueError, "must have the same length"),
        ({"score": [1.0, np.nan, 2.0]}, ValueError, "`score` must be finite .* got nan at 1"),
        ({"score": [[1.0, 2.0, 3.0]]}, ValueError, r"`score` must have axes \(pair\); got shape"),
        ({"sentence1": ("a", "", "c")}, ValueError, "`sentence1` must hold no blank string"),
        ({"subset": "pqq"}, TypeError, "`subset` must be a sequence of strings; got one string"),
    ],
)
def test_pairs_refuse(changes: dict[str, object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        pairs(**changes)
