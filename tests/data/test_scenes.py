"""Rendered scenes: what is drawn, what is said, and that neither gives the links away."""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from data.records import GroundedPair
from data.scenes import (
    COLOURS,
    FORMS,
    HELD_OUT_COMBINATIONS,
    NOT_POSITIONAL,
    PHRASE_KINDS,
    POSITIONAL,
    SCENE_WORDS,
    SHAPES,
    SIZES,
    TEXTURES,
    caption_holds,
    render_scenes,
    scenes,
)
from data.scenes.words import item_of

SINGULAR = {("crosses" if shape == "cross" else shape + "s"): shape for shape in SHAPES}
VALUES = {*SIZES, *TEXTURES, *COLOURS, *SHAPES}
worlds = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def many() -> list[GroundedPair]:
    return render_scenes(2000, seed=5)


def scene(seed: int, index: int, **options: Any) -> GroundedPair:
    (pair,) = render_scenes(1, seed=seed, start=index, **options)
    return pair


def combinations(pair: GroundedPair) -> list[tuple[str, str]]:
    return [(item_of(name).colour, item_of(name).shape) for name in pair.region_names]


@worlds
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([48, 64, 96]))
def test_boxes_are_tight_and_masks_are_apart(seed: int, index: int, size: int) -> None:
    pair = scene(seed, index, size=size)
    assert pair.masks is not None
    assert pair.image.shape == (size, size, 3)
    assert pair.masks.sum(axis=0).max() == 1  # each pixel is one object's own
    for mask, box in zip(pair.masks, pair.regions, strict=True):
        rows, columns = np.nonzero(mask)
        edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(box * size, edges, atol=1e-4)
        assert len(rows) >= 30 * (size / 64) ** 2  # nothing is hidden but for a few pixels


@worlds
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_captions_are_true_and_their_links_right(seed: int, index: int) -> None:
    pair = scene(seed, index)
    assert caption_holds(pair)
    plurals = {"two": 2, "three": 3, "four": 4, "five": 5}
    linked = [pair.regions_of(i) for i in range(len(pair.phrases))]
    assert sum(map(bool, linked)) >= 3
    for (start, end, kind), regions in zip(pair.phrases, linked, strict=True):
        words = pair.words[start:end]
        assert kind in PHRASE_KINDS
        if kind in ("scene", "pronoun"):
            assert bool(regions) == (kind == "pronoun")
            assert (words == ("it",)) == (kind == "pronoun")
            continue
        # What a phrase says is so of the linked objects and of no others.
        said = {SINGULAR.get(word, word) for word in words} & VALUES
        fits = [i for i, name in enumerate(pair.region_names) if said <= set(name.split())]
        assert tuple(fits) == regions
        assert len(regions) == max(plurals.get(word, 1) for word in words)
        assert kind == (item_of(pair.region_names[regions[0]]).shape if len(fits) == 1 else "group")


@worlds
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_neither_colour_nor_shape_alone_tells_what_a_phrase_names(seed: int, index: int) -> None:
    pair = scene(seed, index)
    seen = combinations(pair)
    assert len(set(seen)) == len(seen)
    shared = [
        (
            sum(colour == c and shape != s for c, s in seen),
            sum(shape == s and colour != c for c, s in seen),
        )
        for colour, shape in seen
    ]
    # Four objects of two colours and two shapes; of three objects one has both mates.
    both = sum(c > 0 and s > 0 for c, s in shared)
    assert both >= (4 if len(seen) > 3 else 1)
    for start, end, kind in pair.phrases:
        if kind in SHAPES:
            assert end - start >= 3  # an article, and two words at least


def test_it_goes_on_about_the_subject() -> None:
    seen = 0
    for pair in render_scenes(60, seed=8):
        for i, (_, _, kind) in enumerate(pair.phrases):
            if kind != "pronoun":
                continue
            seen += 1
            (region,) = pair.regions_of(i)
            named = [pair.regions_of(k) for k in range(i)]
            assert (region,) in named
            if pair.attrs["form"] == "inverted":
                assert named[-1] == (region,)  # "left of B is A, and it ..."
            if pair.attrs["form"] == "pronoun":
                assert named[-2] == (region,)  # "A is left of B and it ..."
    assert seen > 15


def test_a_scene_depends_on_its_seed_and_number_alone() -> None:
    whole = render_scenes(6, seed=3)
    shard = list(islice(scenes(seed=3, start=4), 2))
    for a, b in zip(whole[4:], shard, strict=True):
        assert (a.name, a.words, a.relations, a.attrs) == (b.name, b.words, b.relations, b.attrs)
        np.testing.assert_array_equal(a.image, b.image)
    assert whole[0].caption != render_scenes(1, seed=4)[0].caption


def test_held_out_combinations_are_shown_only_when_asked_for() -> None:
    train = {c for pair in render_scenes(150, seed=1) for c in combinations(pair)}
    unseen = {c for pair in render_scenes(60, seed=1, held_out="only") for c in combinations(pair)}
    anything = {c for pair in render_scenes(150, held_out="any") for c in combinations(pair)}
    assert train == {(c, s) for c in COLOURS for s in SHAPES} - HELD_OUT_COMBINATIONS
    assert unseen == HELD_OUT_COMBINATIONS
    assert anything == train | unseen
    # Every colour and every shape is known to whoever has seen the others.
    assert {c for c, _ in train} == set(COLOURS)
    assert {s for _, s in train} == set(SHAPES)


def test_captions_vary_and_use_the_listed_words(many: list[GroundedPair]) -> None:
    used = {word for pair in many for word in pair.words}
    assert used <= set(SCENE_WORDS)
    # Verbs of the plural are known, and seldom or never needed.
    rare = {"surround", "touch", "differ", "share", "have", "their", "five"}
    assert set(SCENE_WORDS) - used <= rare
    forms = Counter(pair.attrs["form"] for pair in many)
    assert set(forms) == set(FORMS)
    assert min(forms.values()) > 0.02 * len(many)
    for name, least in (("tense", 0.45), ("sentence_length", 0.15), ("has_opening", 0.4)):
        shares = Counter(pair.attrs[name] for pair in many)
        assert min(shares.values()) > least * len(many), (name, shares)
    kinds = Counter(phrase.kind for pair in many for phrase in pair.phrases)
    assert set(kinds) == set(PHRASE_KINDS)


def test_labels_agree_with_the_words(many: list[GroundedPair]) -> None:
    for pair in many[:300]:
        attrs, words = pair.attrs, set(pair.words)
        assert attrs["n_words"] == len(pair.words)
        assert attrs["n_objects"] == len(pair.regions)
        past = bool(words & {"was", "were", "had", "touched", "surrounded", "shared", "differed"})
        assert past == (attrs["tense"] == "past")
        assert ("it" in words) == bool(attrs["has_pronoun"])
        phrases = [phrase for phrase in pair.phrases if phrase.kind != "scene"]
        assert attrs["first_phrase"] == phrases[0].kind
        subject = phrases[1] if attrs["inverted"] else phrases[0]
        assert (subject.kind == "group") == (attrs["subject_number"] == "plural")


def test_the_order_of_phrases_does_not_give_the_links_away(many: list[GroundedPair]) -> None:
    order, index, centres = [], [], []
    first = Counter()
    for pair in many:
        named = [pair.regions_of(i)[0] for i, p in enumerate(pair.phrases) if p.kind in SHAPES]
        last = len(pair.regions) - 1
        order += [k / max(len(named) - 1, 1) for k in range(len(named))]
        index += [region / last for region in named]
        if last == 3 and named:
            first[named[0]] += 1
        if len(named) > 1 and named[0] != named[1]:
            boxes = pair.regions[named[:2]]
            centres.append(np.diff((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0)[0])
    assert abs(stats.pearsonr(order, index).statistic) < 0.05
    assert stats.chisquare(list(first.values())).pvalue > 0.01
    # What is named first lies neither left of nor above what is named second.
    mean = np.mean(centres, axis=0) / (np.std(centres, axis=0) / np.sqrt(len(centres)))
    assert np.abs(mean).max() < 3.5


def test_relations_are_balanced_and_said_once_of_a_pair(many: list[GroundedPair]) -> None:
    counts = Counter(relation.label for pair in many for relation in pair.relations)
    halves = [sum(counts[name] for name in half) for half in (POSITIONAL, NOT_POSITIONAL)]
    total = sum(counts.values())
    for part in (*halves, counts["none"]):
        assert part / total == pytest.approx(1 / 3, abs=0.02)
    for half in (POSITIONAL, NOT_POSITIONAL):
        shares = np.array([counts[name] for name in half])
        np.testing.assert_allclose(shares / shares.mean(), 1, atol=0.12)
    for pair in many[:200]:
        ends = [relation[:2] for relation in pair.relations]
        assert len(set(ends)) == len(ends)


def test_ten_thousand_scenes_take_less_than_a_minute() -> None:
    render_scenes(5)
    start = time.process_time()
    render_scenes(150, seed=9)
    assert (time.process_time() - start) / 150 < 6e-3 * 2  # twice the time, for a busy machine


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n": 1.5}, TypeError, "`n` must be a whole number; got float."),
        ({"n": -1}, ValueError, "`n` must be at least 0; got -1."),
        ({"n": 1, "seed": True}, TypeError, "`seed` must be a whole number; got bool."),
        ({"n": 1, "start": -2}, ValueError, "`start` must be at least 0; got -2."),
        ({"n": 1, "size": 32}, ValueError, "`size` must be at least 48; got 32."),
        ({"n": 1, "objects": (2, 6)}, ValueError, "`objects` must be fewest and most, from 3"),
        ({"n": 1, "objects": (5, 4)}, ValueError, "`objects` must be fewest and most, from 3"),
        ({"n": 1, "held_out": "all"}, ValueError, "`held_out` must be one of 'none', 'only'"),
    ],
)
def test_wrong_options_are_refused(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message.replace("(", r"\(")):
        render_scenes(**options)
