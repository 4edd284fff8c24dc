"""Ranks in which ties share their place, and the cosine curve over them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from probe.totoro import conflict_ranks, renode_weights

VALUES = st.lists(st.integers(0, 6), min_size=1, max_size=30).map(lambda v: np.array(v) / 7.0)


@given(VALUES)
def test_ranks_are_scipys_average_ranks(values: np.ndarray) -> None:
    np.testing.assert_array_equal(conflict_ranks(values), rankdata(values, method="average") - 1)


@given(VALUES, st.randoms(use_true_random=False))
def test_rounding_does_not_break_a_tie(values: np.ndarray, random) -> None:
    noisy = values * [1 + 1e-15 * random.randint(-3, 3) for _ in values]
    np.testing.assert_array_equal(conflict_ranks(noisy), conflict_ranks(values))


def test_nothing_ties_with_an_exact_zero_but_zero() -> None:
    ranks = conflict_ranks(np.array([1.0, 0.0, 1e-14, 0.0]))
    assert ranks.tolist() == [3.0, 0.5, 2.0, 0.5]


def test_float32_has_coarser_ties() -> None:
    near = np.array([1.0, 1.0 + 1e-7, 0.5])
    assert conflict_ranks(near).tolist() == [1, 2, 0]
    assert conflict_ranks(near.astype(np.float32)).tolist() == [1.5, 1.5, 0]


@given(VALUES, st.floats(0, 1), st.floats(1, 3))
def test_weights_fall_with_conflict_within_their_bounds(values, w_min: float, w_max: float) -> None:
    weights = renode_weights(values, w_min=w_min, w_max=w_max)
    assert (weights >= w_min - 1e-12).all()
    assert (weights <= w_max + 1e-12).all()
    order = np.argsort(values)
    assert (np.diff(weights[order]) <= 1e-12).all()
    for value in np.unique(values):
        assert np.ptp(weights[values == value]) == 0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20, unique_by=lambda x: round(x, 6)))
def test_distinct_values_have_the_papers_weights(values: list[float]) -> None:
    weights = renode_weights(np.array(values))
    rank = [sorted(values).index(v) for v in values]
    wanted = [0.5 + 0.5 * (1 + np.cos(np.pi * r / (len(values) - 1))) for r in rank]
    np.testing.assert_allclose(weights, wanted, atol=1e-12)
    assert weights.mean() == pytest.approx(1.0)


def test_where_there_is_no_order_every_weight_is_the_middle() -> None:
    assert renode_weights(np.array([0.2])).tolist() == [1.0]
    np.testing.assert_allclose(renode_weights(np.full(5, 0.2)), 1.0)
    np.testing.assert_allclose(renode_weights(np.zeros(4)), 1.0)


def test_what_is_refused() -> None:
    for values, words in (
        ([0.1, np.nan], "finite everywhere; got 1 NaN"),
        ([0.1, -0.2], "`conflict` must not be negative; got -0.2 at position 1"),
        ([], "`conflict` must hold at least one value; got none"),
        ([[0.1]], r"must have axes \(node\)"),
    ):
        with pytest.raises(ValueError, match=words):
            renode_weights(np.array(values))
    with pytest.raises(ValueError, match=r"`w_max` must be at least 1\.0; got 0\.5"):
        renode_weights(np.ones(2), w_min=1.0, w_max=0.5)
