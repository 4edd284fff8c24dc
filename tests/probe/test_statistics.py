"""Intervals cover what they say, nulls reject as often as they may, corrections are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from probe.statistics import (
    bootstrap_interval,
    correct,
    half_sample_interval,
    jackknife_interval,
    paired_difference,
    permutation_p,
    permutation_test,
    row_mean,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = (v - v.mean(axis=1, keepdims=True) for v in (x, y))
    return (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_bootstrap_of_a_mean_agrees_with_scipy(rng: np.random.Generator, method: str) -> None:
    x = rng.exponential(size=50)
    ours = bootstrap_interval(x, method=method, n_boot=4000, seed=1)
    theirs = stats.bootstrap(
        (x,), np.mean, n_resamples=4000, method={"bca": "BCa"}.get(method, method), rng=rng
    ).confidence_interval
    assert ours.estimate == pytest.approx(x.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)


def test_bca_is_not_the_percentile_interval_on_skewed_data(rng: np.random.Generator) -> None:
    x = rng.exponential(size=30) ** 2
    bca, plain = (bootstrap_interval(x, method=m, seed=3) for m in ("bca", "percentile"))
    assert bca.high > plain.high


def test_bootstrap_of_a_vector_is_that_of_its_entries(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(40, 3))
    whole = bootstrap_interval(rows, seed=5)
    assert whole.estimate.shape == whole.low.shape == (3,)
    alone = bootstrap_interval(rows[:, 1], seed=5)
    assert whole.low[1] == pytest.approx(alone.low)
    assert whole.high[1] == pytest.approx(alone.high)


def test_arms_are_resampled_together(rng: np.random.Generator) -> None:
    x = rng.normal(size=60)
    found = bootstrap_interval(x, x + 1, statistic=lambda a, b: (b - a).mean(axis=1))
    assert found.low == pytest.approx(1.0)
    assert found.high == pytest.approx(1.0)
    y = x + 0.5 * rng.normal(size=60)
    ours = bootstrap_interval(x, y, statistic=correlation, n_boot=3000)
    theirs = stats.bootstrap(
        (x, y), lambda a, b: stats.pearsonr(a, b)[0], paired=True, vectorized=False,
        n_resamples=1000, rng=rng,
    ).confidence_interval  # fmt: skip
    assert ours.low == pytest.approx(theirs.low, abs=0.03)


def test_clusters_of_one_row_are_rows_and_copies_add_nothing(rng: np.random.Generator) -> None:
    x = rng.normal(size=25)
    plain = bootstrap_interval(x, seed=2)
    alone = bootstrap_interval(x, seed=2, clusters=np.arange(25))
    assert alone == pytest.approx(plain)
    copied = bootstrap_interval(np.repeat(x, 4), seed=2, clusters=np.repeat(np.arange(25), 4))
    assert copied == pytest.approx(plain)
    naive = bootstrap_interval(np.repeat(x, 4), seed=2)
    assert naive.high - naive.low < 0.7 * (plain.high - plain.low)


def test_clusters_may_be_of_unlike_size_and_any_label() -> None:
    x = np.array([0.0, 0.0, 0.0, 1.0, 2.0])
    found = bootstrap_interval(x, clusters=list("aaabc"), method="percentile")
    assert found.estimate == pytest.approx(0.6)
    assert found.low == 0.0
    assert found.high == 2.0


def test_a_constant_has_a_point_for_an_interval() -> None:
    assert bootstrap_interval(np.full(10, 0.1)) == pytest.approx((0.1, 0.1, 0.1))


def test_the_seed_settles_the_interval(rng: np.random.Generator) -> None:
    x = rng.normal(size=30)
    assert bootstrap_interval(x, seed=1) == bootstrap_interval(x, seed=1)
    assert bootstrap_interval(x, seed=1) != bootstrap_interval(x, seed=2)


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_a_95_percent_interval_covers_95_percent(rng: np.random.Generator, method: str) -> None:
    sets = rng.normal(loc=3.0, size=(400, 50))
    found = [bootstrap_interval(x, method=method, n_boot=300, seed=i) for i, x in enumerate(sets)]
    covered = np.mean([f.low <= 3.0 <= f.high for f in found])
    # Binomial error at 400 sets is 1.1 %; the bootstrap itself falls 1 % short at 50 rows.
    assert 0.91 <= covered <= 0.975


def test_the_level_is_the_coverage(rng: np.random.Generator) -> None:
    sets = rng.normal(size=(400, 50))
    found = [bootstrap_interval(x, level=0.5, n_boot=300, method="percentile") for x in sets]
    assert np.mean([f.low <= 0 <= f.high for f in found]) == pytest.approx(0.5, abs=0.08)


def test_jackknife_of_a_mean_is_students_interval(rng: np.random.Generator) -> None:
    x = rng.normal(size=12)
    found = jackknife_interval(x.mean(), (x.sum() - x) / 11, level=0.9)
    low, high = stats.t.interval(0.9, 11, x.mean(), stats.sem(x))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_half_samples_of_a_mean_give_its_standard_error(rng: np.random.Generator) -> None:
    x = rng.normal(size=2000)
    halves = []
    for _ in range(400):
        pick = rng.permutation(2000) < 1000
        halves.append((x[pick].mean(), x[~pick].mean()))
    found = half_sample_interval(x.mean(), np.array(halves))
    reach = stats.t.ppf(0.975, 400) * stats.sem(x)
    assert found.high - found.estimate == pytest.approx(reach, rel=0.1)


def test_permutation_finds_a_relation_and_keeps_within_groups(rng: np.random.Generator) -> None:
    x = np.arange(20.0)
    found = permutation_test(lambda y: float(x @ y), x, n_permutations=199)
    assert found.p == 1 / 200
    assert found.null.shape == (199,)
    assert found.null.max() <= found.observed
    groups = np.repeat([0, 1], 10)

    def sums(y: np.ndarray) -> float:
        assert set(y[:10]) == set(range(10)), "a label left its group"
        return 0.0

    assert permutation_test(sums, x, within=groups, n_permutations=20).p == 1.0


def test_null_rejects_at_most_as_often_as_the_level(rng: np.random.Generator) -> None:
    x = rng.normal(size=(500, 20))
    y = rng.normal(size=(500, 20))
    p = [
        permutation_test(lambda z, a=a: float(a @ z), b, n_permutations=99, seed=i).p
        for i, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    for level in (0.05, 0.2):
        rate = np.mean(np.array(p) <= level)
        assert rate <= level + 3 * np.sqrt(level * (1 - level) / 500)
        assert rate >= level - 3 * np.sqrt(level * (1 - level) / 500)


def test_p_values_by_hand() -> None:
    null = np.array([1.0, 2.0, 3.0, 4.0])
    assert permutation_p(3.0, null) == 3 / 5
    assert permutation_p(3.0, null, alternative="less") == 4 / 5
    assert permutation_p(4.0, null, alternative="two-sided") == 4 / 5
    assert permutation_p(9.0, null) == 1 / 5
    assert permutation_p(0.1 + 0.2, np.array([0.3])) == 1.0, "rounding is no difference"


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_corrections_agree_with_their_definitions(p: list[float]) -> None:
    assert correct(p, method="fdr_bh") == pytest.approx(stats.false_discovery_control(p))
    order = sorted(range(len(p)), key=lambda i: p[i])
    holm, worst = [0.0] * len(p), 0.0
    for place, i in enumerate(order):
        worst = max(worst, (len(p) - place) * p[i])
        holm[i] = min(1.0, worst)
    assert correct(p) == pytest.approx(holm)


def test_correction_keeps_the_shape_and_bounds_false_findings(rng: np.random.Generator) -> None:
    assert correct(np.full((2, 3), 0.01)).tolist() == [[0.06] * 3] * 2
    families = rng.uniform(size=(2000, 20))
    assert np.mean([correct(f).min() <= 0.05 for f in families]) <= 0.065


def test_paired_difference_finds_what_unpaired_arms_hide(rng: np.random.Generator) -> None:
    base = 10 * rng.normal(size=40)
    a, b = base + 0.5 + 0.1 * rng.normal(size=40), base
    found = paired_difference(a, b)
    assert found.estimate == pytest.approx(np.mean(a - b))
    assert found.low > 0.4
    assert found.p == pytest.approx(1 / 1001)
    turned = paired_difference(b, a)
    assert turned.estimate == pytest.approx(-found.estimate)
    assert turned.p == found.p


def test_paired_p_agrees_with_scipys_sign_flips(rng: np.random.Generator) -> None:
    a = rng.normal(size=12)
    b = a + rng.normal(loc=0.4, size=12)
    exact = stats.permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert paired_difference(a, b, n_permutations=20_000).p == pytest.approx(exact, abs=0.015)


def test_paired_difference_without_an_effect_is_calibrated(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 300, 25))
    found = [
        paired_difference(x, y, n_boot=200, n_permutations=199) for x, y in zip(a, b, strict=True)
    ]
    assert np.mean([f.p <= 0.05 for f in found]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert np.mean([f.low <= 0 <= f.high for f in found]) >= 0.9


def test_paired_difference_of_a_statistic_and_of_clusters(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 30, 2))

    def spread(rows: np.ndarray) -> np.ndarray:
        return rows.std(axis=(1, 2))

    found = paired_difference(a, b, statistic=spread)
    assert found.estimate == pytest.approx(a.std() - b.std())
    clusters = np.repeat(np.arange(3), 10)
    # Three clusters have 8 ways to swap, 2 of them as extreme as the data itself.
    assert paired_difference(a + 9, b, statistic=lambda r: row_mean(r).mean(axis=1),
                             clusters=clusters).p == pytest.approx(0.25, abs=0.05)  # fmt: skip


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: bootstrap_interval(), "`arms` must be at least one array of rows"),
        (lambda: bootstrap_interval(np.float64(1)), "`arms` must be at least one array of rows"),
        (lambda: bootstrap_interval(np.ones(1)), "`arms` must hold at least 2 rows; got 1"),
        (lambda: bootstrap_interval(np.array([1.0, np.nan])), "`arms[0]` must be finite"),
        (lambda: bootstrap_interval(np.ones(3), np.ones(2)), "must have the same length"),
        (lambda: bootstrap_interval(np.ones(3), method="basic"), "`method` must be one of"),
        (lambda: bootstrap_interval(np.ones(3), level=1.0), "`level` must be in (0, 1)"),
        (lambda: bootstrap_interval(np.ones(3), n_boot=1), "`n_boot` must be at least 2"),
        (lambda: bootstrap_interval(np.ones(3), clusters=[0, 1]), "`clusters` must name the"),
        (lambda: bootstrap_interval(np.ones(3), clusters=[0] * 3), "at least 2 groups; got 1"),
        (
            lambda: bootstrap_interval(np.arange(3.0), statistic=lambda r: row_mean(r) * np.nan),
            "`statistic` must have a finite interval",
        ),
        (lambda: jackknife_interval(1.0, np.ones(1)), "`replicates` must be at least 2 numbers"),
        (lambda: jackknife_interval(1.0, np.array([1, np.inf])), "`replicates` must be finite"),
        (lambda: half_sample_interval(1.0, np.ones((3, 3))), "`halves` must have shape"),
        (lambda: half_sample_interval(1.0, np.full((3, 2), np.nan)), "`halves` must be finite"),
        (lambda: permutation_test(len, np.ones(1)), "`labels` must hold at least 2 labels"),
        (lambda: permutation_test(len, np.ones(2), within=[1]), "`within` must name the"),
        (lambda: permutation_p(np.nan, np.ones(2)), "`observed` must be finite"),
        (lambda: permutation_p(1.0, np.ones(0)), "`null` must hold at least one value"),
        (lambda: permutation_p(1.0, np.ones(2), alternative="x"), "`alternative` must be one of"),
        (lambda: correct([0.5, 1.2]), "`p` must hold values in [0, 1]"),
        (lambda: correct([]), "`p` must hold values in [0, 1]; got none"),
        (lambda: correct([np.nan]), "`p` must be finite"),
        (lambda: correct([0.1], method="bonferroni"), "`method` must be one of"),
        (lambda: paired_difference(np.ones(3), np.ones(4)), "must have the same length"),
        (lambda: paired_difference(*np.random.default_rng(0).normal(size=(2, 5, 2))),
         "`statistic` must give one number a resample"),
    ],
)  # fmt: skip
def test_refusals(call, text: str) -> None:
    with pytest.raises(ValueError, match=r"must") as caught:
        call()
    assert text in str(caught.value)
