"""The sampled measures find known truths, and their intervals cover what repetition shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.special import hyp0f1
from scipy.stats import skew

from probe.statistics import Interval
from probe.whitening._nearest import _blocks, distinct_rows, nearest_distances, surviving
from probe.whitening._reservoir import Reservoir, keys_of, mixed, row_hashes
from probe.whitening.sampled import (
    alignment,
    hubness_skew,
    partition_isotropy,
    two_nn,
    uniformity,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_two_nn_finds_the_dimension_of_an_embedded_manifold(rng: np.random.Generator, d) -> None:
    # A curved manifold in 20 dimensions: circles for each coordinate, then rotated.
    angles = rng.uniform(0, 2 * np.pi, size=(1500, d))
    flat = np.hstack([np.cos(angles), np.sin(angles), np.zeros((1500, 20 - 2 * d))])
    rows = flat @ np.linalg.qr(rng.normal(size=(20, 20)))[0] + 7
    found = two_nn(rows)
    assert found.estimate == pytest.approx(d, rel=0.12)
    assert found.low < found.estimate < found.high


def test_two_nn_equals_a_slow_reference(rng: np.random.Generator) -> None:
    rows = rng.uniform(size=(90, 3))
    far = np.sort(cdist(rows, rows), axis=1)
    mu = np.sort(far[:, 2] / far[:, 1])[:81]
    x, y = np.log(mu), -np.log(1 - np.arange(1, 82) / 90)
    expected = np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]
    assert two_nn(rows).estimate == pytest.approx(expected)


def test_copies_and_near_copies_change_neither_measure(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(200, 6)) + 5
    padded = np.vstack([rows, rows[:50], rows[50:90] * (1 + 1e-9)])
    for measure in (two_nn, hubness_skew):
        assert measure(padded) == pytest.approx(measure(rows))


def test_pairs_pull_the_dimension_down_which_is_why_one_side_is_asked_for(rng) -> None:
    one = rng.normal(size=(400, 10))
    both = np.vstack([one, one + 1e-3 * rng.normal(size=one.shape)])
    assert two_nn(both).estimate < 0.5 * two_nn(one).estimate


def test_scale_and_rotation_leave_the_neighbours(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(150, 5))
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    assert two_nn(1e4 * rows @ rotation) == pytest.approx(two_nn(rows))
    assert hubness_skew(1e4 * rows @ rotation) == pytest.approx(hubness_skew(rows))
    assert uniformity(1e4 * rows @ rotation) == pytest.approx(uniformity(rows))


def test_hubness_equals_a_slow_reference_and_rises_with_dimension(rng) -> None:
    rows = rng.normal(size=(120, 8))
    cosine = unit(rows) @ unit(rows).T - 9 * np.eye(120)
    counts = np.bincount(np.argsort(-cosine, axis=1)[:, :10].ravel(), minlength=120)
    assert hubness_skew(rows).estimate == pytest.approx(skew(counts))
    # By cosine, centred gaussian rows lie evenly on a sphere, where hubs hardly grow; with a common
    # direction they do: the rows nearest to it are near to all.
    for mean, rise in ((0.0, 0.05), (1.0, 1.0)):
        found = [hubness_skew(rng.normal(size=(1000, d)) + mean).estimate for d in (3, 10, 100)]
        assert found[0] + rise / 2 < found[1]
        assert found[0] + rise < found[2]
    assert found[1] + 1 < found[2]


@pytest.mark.parametrize("d", [2, 3, 10, 50])
def test_uniformity_of_the_uniform_sphere_is_the_closed_form(rng: np.random.Generator, d) -> None:
    expected = np.log(np.exp(-4) * hyp0f1(d / 2, 4.0))
    found = uniformity(rng.normal(size=(1200, d)))
    assert found.low <= expected <= found.high
    assert found.estimate == pytest.approx(expected, abs=0.03)


def test_uniformity_equals_its_definition_and_is_0_at_a_point(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(40, 3)) + 1
    expected = np.log(np.exp(-3 * pdist(unit(rows)) ** 2).mean())
    assert uniformity(rows, t=3.0).estimate == pytest.approx(expected)
    assert uniformity(np.outer([1.0, 2, 3], [1.0, 1])) == pytest.approx((0, 0, 0), abs=1e-12)


def test_alignment_equals_its_definition(rng: np.random.Generator) -> None:
    a = rng.normal(size=(60, 4))
    b = a + 0.3 * rng.normal(size=a.shape)
    apart = np.linalg.norm(unit(a) - unit(b), axis=1)
    assert alignment(a, b).estimate == pytest.approx(np.mean(apart**2))
    found = alignment(a, b, alpha=1.0, level=0.5)
    assert found.estimate == pytest.approx(np.mean(apart))
    assert found.low < found.estimate < found.high
    assert alignment(a, 3 * a).estimate == pytest.approx(0, abs=1e-12)


def test_partition_isotropy_is_1_when_isotropic_and_falls_with_a_mean(rng) -> None:
    even = np.vstack([np.eye(4), -np.eye(4)])
    assert partition_isotropy(even) == pytest.approx((1, 1, 1), abs=0.3)
    assert partition_isotropy(even).estimate == pytest.approx(1)
    rows = rng.normal(size=(500, 4))
    assert partition_isotropy(rows + 2).estimate < 0.1 * partition_isotropy(rows).estimate


def test_partition_isotropy_equals_its_definition_with_columns(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3))
    vectors = np.linalg.eig(rows.T @ rows)[1]
    z = [np.exp(s * rows @ vectors[:, j]).sum() for j in range(3) for s in (1, -1)]
    expected = min(z) / max(z)
    assert partition_isotropy(rows).estimate == pytest.approx(expected)
    assert partition_isotropy(rows, vectors).estimate == pytest.approx(expected)
    assert partition_isotropy(rows, vectors.T).estimate != pytest.approx(expected)


def test_partition_isotropy_of_long_rows_does_not_overflow(rng: np.random.Generator) -> None:
    found = partition_isotropy(1e4 * rng.normal(size=(50, 3)))
    assert 0 <= found.low <= found.estimate <= found.high <= 1


FAMILIES: dict[str, tuple[Callable, Callable]] = {
    "two_nn": (lambda g: g.uniform(size=(150, 3)), two_nn),
    "hubness_skew": (lambda g: g.normal(size=(150, 20)), hubness_skew),
    "uniformity": (lambda g: g.normal(size=(100, 5)) + 0.5, uniformity),
    "partition_isotropy": (
        # Off the centre, so that one direction has the largest Z and one the least.
        lambda g: g.normal(size=(200, 3)) * [0.2, 0.5, 0.8] + [0.4, 0.2, 1.0],
        lambda rows: partition_isotropy(rows, np.eye(3)),
    ),
    "alignment": (
        lambda g: g.normal(size=(2, 60, 3)) + 1,
        lambda pair: alignment(*pair, n_boot=200),
    ),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_intervals_cover_the_value_that_repetition_centres_on(name, rng) -> None:
    draw, measure = FAMILIES[name]
    found = [measure(draw(rng)) for _ in range(150)]
    estimates = np.array([f.estimate for f in found])
    covered = np.mean([f.low <= estimates.mean() <= f.high for f in found])
    # Binomial error is 1.8 %; a bootstrap of neighbours or a jackknife would cover 70 or 100 %.
    assert 0.89 <= covered <= 0.995
    width = np.mean([f.high - f.low for f in found]) / 2 / 1.98
    assert width == pytest.approx(estimates.std(), rel=0.25)


def test_seed_and_level_act_on_the_interval_alone(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(80, 4))
    for measure in (two_nn, hubness_skew, partition_isotropy):
        one, other, wide = measure(rows), measure(rows, seed=1), measure(rows, level=0.99)
        assert isinstance(one, Interval)
        assert [other.estimate, wide.estimate] == pytest.approx([one.estimate] * 2, rel=1e-12)
        assert one.low != other.low
        assert wide.low < one.low
        assert measure(rows) == one


def test_neighbour_lists_agree_with_scipy_in_blocks(rng: np.random.Generator, monkeypatch) -> None:
    monkeypatch.setattr("probe.whitening._nearest._BLOCK", 100)
    rows = rng.normal(size=(60, 4)) + 100
    index, distance = nearest_distances(rows, 5)
    far = cdist(rows, rows) + np.diag(np.full(60, np.inf))
    np.testing.assert_array_equal(index, np.argsort(far, axis=1)[:, :5])
    np.testing.assert_allclose(distance, np.sort(far, axis=1)[:, :5])
    outliers = np.vstack([rows, np.full((2, 4), 1e9), rows[:3]])
    assert len(distinct_rows(outliers)) == 2, "all rows are one beside so far an outlier"
    np.testing.assert_array_equal(distinct_rows(np.vstack([rows, rows[:9]])), rows)


def test_equal_rows_are_at_no_distance_in_spite_of_rounding(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(50, 33))
    [(_, squares)] = _blocks(np.vstack([rows, rows]))
    assert not np.diagonal(squares, offset=50).any()
    assert squares.min() == 0


def test_survivors_are_the_neighbours_found_without_the_rest(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(40, 3))
    left_out = rng.uniform(size=40) < 0.4
    index, _ = nearest_distances(rows, 39)
    kept = np.flatnonzero(~left_out)
    alone, _ = nearest_distances(rows[kept], 4)
    np.testing.assert_array_equal(index[surviving(index, left_out, 4)].reshape(-1, 4), kept[alone])


def test_sample_depends_on_content_and_seed_alone(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(300, 4)).astype(np.float32)

    def sample(rows: np.ndarray, seed: int = 0) -> Reservoir:
        return Reservoir(keys_of(row_hashes([rows]), seed), {0: rows}).lowest(50)

    whole = sample(rows)
    np.testing.assert_array_equal(sample(rng.permutation(rows)).rows[0], whole.rows[0])
    parts = sample(rows[:100]).merge(sample(rows[200:]).merge(sample(rows[100:200]), 50), 50)
    np.testing.assert_array_equal(parts.rows[0], whole.rows[0])
    assert len(np.intersect1d(sample(rows, seed=1).keys, whole.keys)) == 0
    assert not np.array_equal(sample(rows, seed=1).rows[0], whole.rows[0])


def test_every_row_is_as_likely_as_any_other_to_be_sampled(rng: np.random.Generator) -> None:
    # Neither the values nor their order may matter: half of the sorted grid lies in either half.
    rows = np.linspace(0, 1, 4000)[:, None]
    hashes = row_hashes([rows])
    assert len(np.unique(hashes)) == 4000
    for seed in range(5):
        low = np.argsort(keys_of(hashes, seed))[:1000] < 2000
        assert 0.45 < low.mean() < 0.55
    two = row_hashes([rows, rows[::-1]]), row_hashes([rows[::-1], rows])
    assert not np.array_equal(*two), "the order of layers counts"
    assert row_hashes([]).shape == (0,)
    assert mixed(np.array([0], dtype=np.uint64)).tolist() == [0xE220A8397B1DCDAF]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: two_nn(np.eye(9)), "`rows` must hold at least 10 distinct examples; got 9"),
        (lambda: two_nn(np.eye(12)), "must have first and second neighbours at unequal distances"),
        (lambda: two_nn(np.ones(5)), "`rows` must have axes (example, feature)"),
        (lambda: two_nn(np.full((20, 2), np.nan)), "`rows` must be finite everywhere"),
        (lambda: hubness_skew(np.eye(25)), "`rows` must hold at least 26 distinct examples"),
        (lambda: hubness_skew(np.eye(9), k=0), "`k` must be at least 1"),
        (lambda: uniformity(np.eye(2)), "`rows` must hold at least 3 examples; got 2"),
        (lambda: uniformity(np.eye(3), t=0), "`t` must be above 0"),
        (lambda: uniformity(np.zeros((4, 2))), "hold no zero vector"),
        (lambda: alignment(np.eye(3), np.eye(4)), "must have the same length"),
        (lambda: alignment(np.eye(3), np.eye(3)[:, :2]), "`second` must have 3 features"),
        (lambda: alignment(np.eye(3), np.eye(3), alpha=-1), "`alpha` must be above 0"),
        (lambda: partition_isotropy(np.eye(3), np.eye(2)), "`directions` must have 3 rows"),
        (lambda: partition_isotropy(np.eye(3), np.ones(3)), "`directions` must have axes"),
        (lambda: surviving(np.array([[1], [0]]), np.array([False, True]), 1), "list 1 neighbours"),
        (
            lambda: hubness_skew(unit_circle(30), k=2),
            "`rows` must differ in how often they are neighbours; got 2 times each",
        ),
    ],
)
def test_refusals(call, text: str) -> None:
    with pytest.raises(ValueError, match=r"must") as caught:
        call()
    assert text in str(caught.value)


def unit_circle(n: int) -> np.ndarray:
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
