"""Spearman against scipy, and its bootstrap against ranking every resample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from probe.whitening._ranks import bootstrap_by_group, by_group, spearman


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, (2, 17), elements=st.integers(-4, 4).map(float)))
def test_equals_scipy_with_ties(xy):
    x, y = xy
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        with pytest.raises(ValueError, match="must vary, since a constant has no order"):
            spearman(x, y)
        return
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_is_invariant_to_monotone_maps_and_bounded():
    x = np.random.default_rng(0).normal(size=100)
    assert spearman(x, np.exp(x)) == 1.0
    assert spearman(x, -(x**3)) == -1.0


def test_weighted_mean_of_groups():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 30))
    groups = np.repeat([0, 1], [10, 20])
    whole, mean = by_group(x, y, groups)
    first, second = spearmanr(x[:10], y[:10])[0], spearmanr(x[10:], y[10:])[0]
    assert whole == pytest.approx(spearmanr(x, y)[0], abs=1e-12)
    assert mean == pytest.approx((first + 2 * second) / 3, abs=1e-12)


@pytest.mark.parametrize("tied", [False, True])
def test_bootstrap_equals_sorting_every_resample(tied):
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(3, 25))
    if tied:
        scores = np.round(scores)
    gold = rng.integers(0, 5, 25).astype(float)
    groups = np.repeat([0, 1], [9, 16])
    drawn = bootstrap_by_group(scores, gold, groups, n_boot=50, seed=3)
    # The same draws, resampled and ranked the slow way.
    again = np.random.default_rng(3)
    first = again.integers(9, size=(50, 9))
    second = 9 + again.integers(16, size=(50, 16))
    for b in range(50):
        rows = np.concatenate([first[b], second[b]])
        for s in range(3):
            parts = [
                spearmanr(scores[s, r], gold[r]).statistic for r in (rows, first[b], second[b])
            ]
            assert drawn[s, 0, b] == pytest.approx(parts[0], abs=1e-12)
            mean = (9 * parts[1] + 16 * parts[2]) / 25
            assert drawn[s, 1, b] == pytest.approx(mean, abs=1e-12)


def test_bootstrap_blocks_do_not_change_its_shape_or_spread(monkeypatch):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(1, 60))
    y = x[0] + rng.normal(size=60)
    one = bootstrap_by_group(x, y, np.zeros(60, int), n_boot=400, seed=0)
    monkeypatch.setattr("probe.whitening._ranks._BLOCK", 60 * 7)
    many = bootstrap_by_group(x, y, np.zeros(60, int), n_boot=400, seed=0)
    assert one.shape == many.shape == (1, 2, 400)
    assert one.std() == pytest.approx(many.std(), rel=0.2)
