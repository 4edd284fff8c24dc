"""Nothing is called where there is nothing: the nulls of the per-head tests, over many models."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from probe.value import coreference, relations
from probe.value._chosen import corrected, normal_p, sign_p
from probe.value._keys import half_of, poisson_weights
from probe.whitening._reservoir import mixed

from .value_truth import batch_of, examples


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 40])
def test_random_models_are_called_at_most_as_often_as_stated(n: int) -> None:
    called = {"coreference": 0.0, "held": 0.0, "relations": 0.0, "held relations": 0.0}
    for seed in range(200):
        batch = batch_of(examples(n, seed=5000 + seed))
        core = coreference(batch, n_boot=20).sel(kind="all")
        related = relations(batch, n_boot=20).sel(relation="any")
        called["coreference"] += float(core.called.any())
        called["held"] += float((core.held_out_p[0] <= 0.05).item())
        called["relations"] += float(related.called.any())
        called["held relations"] += float((related.held_out_p[0] <= 0.05).item())
    # What 5 % may give in 200 with a chance of 1 in 1000 that the test is wrong.
    limit = binom.ppf(0.999, 200, 0.05)
    assert all(count <= limit for count in called.values()), called


def test_the_sign_bound_is_never_below_the_exact_tail() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 5, 9):
        size = rng.exponential(size=n)
        sums = np.array([np.dot(signs, size) for signs in product((-1, 1), repeat=n)])
        for total in np.unique(sums):
            exact = np.mean(sums >= total - 1e-9)
            assert float(sign_p(np.array(total), np.array((size**2).sum()))) >= exact - 1e-9


def test_nothing_that_could_vary_is_no_evidence() -> None:
    assert float(normal_p(np.array(3.0), np.array(0.0))) == 1
    assert float(sign_p(np.array(0.0), np.array(0.0))) == 1
    assert float(normal_p(np.array(0.5), np.array(1.0))) == pytest.approx(0.5)


def test_holm_is_over_the_heads_of_a_family_that_were_measured() -> None:
    p = np.array([[0.01, 0.5], [0.02, 0.5], [0.9, 0.001]])
    measured = np.array([[True, True], [True, False], [False, True]])
    found = corrected(p, measured, 2)
    np.testing.assert_allclose(found[:, 0], [0.02, 0.02, np.nan])
    np.testing.assert_allclose(found[:, 1], [0.5, np.nan, 0.002])


def test_weights_are_poisson_and_belong_to_the_example() -> None:
    keys = mixed(np.arange(4000, dtype=np.uint64))
    weights = poisson_weights(keys, 50, seed=3)
    assert weights.shape == (51, 4000)
    assert np.all(weights[0] == 1)
    drawn = weights[1:]
    assert drawn.mean() == pytest.approx(1, abs=0.01)
    assert drawn.var() == pytest.approx(1, abs=0.02)
    assert np.mean(drawn == 0) == pytest.approx(np.exp(-1), abs=0.005)
    assert np.abs(np.corrcoef(drawn)[np.triu_indices(50, 1)]).max() < 0.08
    np.testing.assert_array_equal(weights[:, 7:9], poisson_weights(keys[7:9], 50, seed=3))
    assert not np.array_equal(weights, poisson_weights(keys, 50, seed=4))
    half = half_of(keys, 3)
    assert half.mean() == pytest.approx(0.5, abs=0.03)
    assert abs(np.corrcoef(half, drawn[0])[0, 1]) < 0.06


def test_intervals_cover_what_they_should() -> None:
    truth = (1 + 0.5) / 9  # a random maximum is on a whole patch or on half of one
    covered, total = 0, 0
    for seed in range(12):
        found = coreference(batch_of(examples(60, seed=900 + seed)))
        ends = found.hit_interval.sel(direction="text->image", kind="all")
        covered += int(((ends[..., 0] <= truth) & (truth <= ends[..., 1])).sum())
        total += 6
    assert 0.85 <= covered / total <= 1.0
