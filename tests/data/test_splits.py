from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import Split, random_split, step_imbalance_split

SIZES = st.lists(st.integers(6, 15), min_size=2, max_size=6)
SEEDS = st.integers(0, 2**32)


def shuffled(sizes: list[int], unknown: int, seed: int) -> np.ndarray:
    labels = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), np.full(unknown, -1)])
    return np.random.default_rng(seed).permutation(labels)


def counts(labels: np.ndarray, part: np.ndarray, n_labels: int) -> list[int]:
    return np.bincount(labels[part], minlength=n_labels).tolist()


def together(split: Split) -> np.ndarray:
    return split.train.astype(int) + split.valid + split.test


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(0, 5), st.integers(1, 3), st.integers(0, 3), SEEDS)
def test_every_class_gets_its_numbers_and_every_known_node_one_part(
    sizes: list[int], unknown: int, per_class: int, n_valid: int, seed: int
) -> None:
    labels = shuffled(sizes, unknown, seed)
    kept = labels.copy()
    split = random_split(labels, per_class=per_class, valid_per_class=n_valid, seed=seed)
    assert counts(labels, split.train, len(sizes)) == [per_class] * len(sizes)
    assert counts(labels, split.valid, len(sizes)) == [n_valid] * len(sizes)
    np.testing.assert_array_equal(together(split), labels >= 0)
    np.testing.assert_array_equal(labels, kept)
    again = random_split(labels, per_class=per_class, valid_per_class=n_valid, seed=seed)
    for part in ("train", "valid", "test"):
        np.testing.assert_array_equal(getattr(split, part), getattr(again, part))


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(0, 5), SEEDS, st.sampled_from([1, 1.5, 2, 3]), st.floats(0.01, 0.99))
def test_step_imbalance_is_the_random_split_with_nodes_taken_out_of_the_minority(
    sizes: list[int], unknown: int, seed: int, ratio: float, minority: float
) -> None:
    labels = shuffled(sizes, unknown, seed)
    options = {"per_class": 3, "valid_per_class": 2, "seed": seed}
    whole = random_split(labels, **options)
    split = step_imbalance_split(labels, ratio=ratio, minority=minority, **options)
    few = {1: 3, 1.5: 2, 2: 2, 3: 1}[ratio]
    n_few = min(max(round(minority * len(sizes) - 1e-9), 1), len(sizes) - 1)
    wanted = sorted([few] * n_few + [3] * (len(sizes) - n_few))
    assert sorted(counts(labels, split.train, len(sizes))) == wanted
    np.testing.assert_array_equal(split.valid, whole.valid)
    assert not (split.train & ~whole.train).any()
    np.testing.assert_array_equal(split.test, whole.test | (whole.train & ~split.train))
    np.testing.assert_array_equal(together(split), labels >= 0)


def test_splits_of_one_seed_are_nested() -> None:
    labels = np.repeat(np.arange(4), 50)
    splits = [random_split(labels, per_class=n, seed=3) for n in (1, 5, 20)]
    for small, large in pairwise(splits):
        assert not (small.train & ~large.train).any()
        np.testing.assert_array_equal(small.valid, large.valid)


def test_every_node_and_every_class_has_the_same_chance() -> None:
    labels = np.repeat(np.arange(4), 10)
    train = sum(
        random_split(labels, per_class=2, valid_per_class=2, seed=seed).train.astype(int)
        for seed in range(500)
    )
    # Binomial(500, 0.2): mean 100, standard deviation 9.
    assert train.min() > 60
    assert train.max() < 140
    few = np.zeros(4)
    for seed in range(400):
        split = step_imbalance_split(labels, ratio=2, per_class=2, valid_per_class=2, seed=seed)
        few += np.bincount(labels[split.train]) == 1
    assert few.sum() == 800  # half of the classes each time
    assert few.min() > 150
    assert few.max() < 250


def test_the_defaults_are_the_papers() -> None:
    labels = np.repeat(np.arange(7), 60)
    split = random_split(labels)
    assert counts(labels, split.train, 7) == [20] * 7
    assert counts(labels, split.valid, 7) == [30] * 7
    assert split.name == "random, 20 a class, seed 0"
    step = step_imbalance_split(labels)
    assert sorted(counts(labels, step.train, 7)) == [2] * 3 + [20] * 4
    assert step.name == "step imbalance 10, 20 a class, seed 0"


def test_a_class_without_nodes_is_passed_over() -> None:
    labels = np.repeat([0, 2], 6)
    split = random_split(labels, per_class=2, valid_per_class=0)
    assert counts(labels, split.train, 3) == [2, 0, 2]
    assert not split.valid.any()


LABELS = np.repeat([0, 1], 60)


@pytest.mark.parametrize("draw", [random_split, step_imbalance_split])
@pytest.mark.parametrize(
    ("labels", "options", "error", "text"),
    [
        (LABELS, {"per_class": 0}, ValueError, "`per_class` must be at least 1; got 0."),
        (LABELS, {"per_class": 2.0}, TypeError, "`per_class` must be a whole number; got float."),
        (LABELS, {"per_class": True}, TypeError, "`per_class` must be a whole number; got bool."),
        (LABELS, {"valid_per_class": -1}, ValueError, "`valid_per_class` must be at least 0"),
        (LABELS, {"seed": -1}, ValueError, "`seed` must be at least 0; got -1."),
        (LABELS, {"seed": None}, TypeError, "`seed` must be a whole number; got NoneType."),
        (LABELS / 1, {}, TypeError, "`labels` must hold whole numbers; got float64. Of a graph"),
        (LABELS[:, None], {}, ValueError, "`labels` must have axes (node); got shape (120, 1)."),
        (LABELS * 0 - 1, {}, ValueError, "`labels` must hold at least one known label; got none."),
        (
            np.append(LABELS, [7] * 49),
            {},
            ValueError,
            "`labels` must hold at least 50 nodes of each class (20 to train, 30 to validate); "
            "class 7 has 49. Ask for fewer with `per_class` and `valid_per_class`.",
        ),
    ],
)
def test_what_cannot_be_split_is_refused(draw, labels, options, error, text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        draw(labels, **options)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"ratio": 0.5}, ValueError, "`ratio` must be from 1 to `per_class`, 20; got 0.5."),
        ({"ratio": 21}, ValueError, "`ratio` must be from 1 to `per_class`, 20; got 21."),
        ({"ratio": np.nan}, ValueError, "`ratio` must be from 1 to `per_class`, 20; got nan."),
        ({"ratio": "10"}, TypeError, "`ratio` must be a number; got str."),
        ({"minority": True}, TypeError, "`minority` must be a number; got bool."),
        ({"minority": 0.0}, ValueError, "`minority` must be between 0 and 1, both excluded"),
        ({"minority": 1.0}, ValueError, "`minority` must be between 0 and 1, both excluded"),
    ],
)
def test_an_imbalance_that_cannot_be_is_refused(options, error, text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        step_imbalance_split(LABELS, **options)


def test_an_imbalance_needs_two_classes() -> None:
    with pytest.raises(ValueError, match="`labels` must hold at least two classes; got 1"):
        step_imbalance_split(np.zeros(60, dtype=int))
