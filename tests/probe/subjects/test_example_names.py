"""Examples are called by their pairs' names, and are the same ones in every batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from data.records import GroundedPair
from probe.subjects.alignment import collate, grounding, grounding_names
from probe.subjects.example_names import example_name, names_of
from probe.subjects.vision_language_attended import attended
from probe.value._keys import example_keys, half_of
from tests.probe.subjects.vision_language_toys import model_of, recoloured, squares

PAIRS = squares(7)


def keys_by_batch(pairs: list[GroundedPair], size: int, kind: str = "single") -> np.ndarray:
    batches = attended(model_of(kind, "regions"), pairs, batch_size=size)
    return np.concatenate([example_keys(batch) for batch in batches])


def annotated(pair: GroundedPair) -> dict[str, Any]:
    n = len(pair.words)
    return {
        "attentions": torch.ones(1, 1, n, n) / n,
        "modality": [0] * n,
        "special": [False] * n,
        "boxes": np.full((n, 4), np.nan, np.float32),
        "tokens": pair.words,
    } | grounding(
        pair,
        boxes=np.full((n, 4), np.nan),
        word_of_position=np.arange(n),
        kind="patch",
        names=grounding_names([pair]),
    )


def test_a_record_says_which_pair_each_example_is() -> None:
    (found,) = attended(model_of("single", "regions"), PAIRS, batch_size=7)
    assert found.attrs["example"].tolist() == [pair.name for pair in PAIRS]
    assert found.attrs["count"].tolist() == [pair.attrs["count"] for pair in PAIRS]


def test_keys_are_the_same_in_any_batch_and_for_any_model() -> None:
    unnamed = [replace(p, name="") if i % 3 == 0 else p for i, p in enumerate(PAIRS)]
    for pairs in (PAIRS, unnamed):
        whole = keys_by_batch(pairs, 7)
        assert len(np.unique(whole)) == len(pairs)
        for size in (1, 2, 5):
            np.testing.assert_array_equal(keys_by_batch(pairs, size), whole)
        np.testing.assert_array_equal(keys_by_batch(pairs[::-1], 3)[::-1], whole)
        np.testing.assert_array_equal(keys_by_batch(pairs, 4, "dual"), whole)
    assert np.ptp(half_of(keys_by_batch(PAIRS, 7), 0)) == 1


def test_a_pair_without_a_name_is_told_by_what_it_says_and_shows() -> None:
    one = replace(PAIRS[0], name="")
    changes: list[dict[str, Any]] = [
        {"words": (*one.words[:-1], "box")},
        {"regions": np.asarray(one.regions) / 2},
        {"links": np.asarray(one.links)[:1]},
    ]
    others = [replace(one, **change) for change in changes]
    assert len({example_name(pair) for pair in (one, *others)}) == 4
    assert example_name(one) == example_name(replace(one, attrs={}))
    assert example_name(PAIRS[0]) == PAIRS[0].name


def test_captions_of_one_image_are_one_cluster() -> None:
    words = recoloured(PAIRS[0])
    assert words is not None
    both = [PAIRS[0], replace(PAIRS[0], words=tuple(words), image=PAIRS[0].image.copy())]
    first, second = keys_by_batch(both, 2)
    assert first == second


def test_images_that_share_a_name_are_refused() -> None:
    both = [annotated(replace(pair, name="image")) for pair in PAIRS[:2]]
    with pytest.raises(ValueError, match=r"`examples\[1\]` must have a name of its own.*'image'"):
        collate(both, present=np.ones((1, 2, 2), bool))


def test_either_all_examples_have_a_name_or_none() -> None:
    named = annotated(PAIRS[0])
    bare = {key: value for key, value in named.items() if key != "example"}
    assert names_of([bare, bare]) == {}
    with pytest.raises(ValueError, match=r"`examples\[1\]` must hold 'example' as the others do"):
        names_of([named, bare])


def test_a_label_of_that_name_given_with_the_pair_wins() -> None:
    pair = replace(PAIRS[0], attrs={"example": "mine"})
    found = collate([annotated(pair)], present=np.ones((1, 2, 2), bool))
    assert found.attrs["example"].tolist() == ["mine"]
