"""What an IAIS study's runs are worth: two-level bootstrap, Holm, seeds ahead, and the words."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from probe.statistics import correct
from probe.subjects._iais_summary import in_words, summarised, two_level

DIMS = ("arm", "seed", "query", "direction", "k")


def hits_of(*arms: str, gains: tuple[float, ...], seeds: int = 4) -> xr.DataArray:
    """Half of 60 queries found by none; a share more of them by each other arm."""
    rng = np.random.default_rng(0)
    values = np.zeros((len(arms), seeds, 60, 2, 3))
    for number, gain in enumerate(gains):
        for one in range(seeds):
            found = rng.permutation(60)[: round(60 * (0.5 + gain))]
            values[number, one, found] = 1.0
    return xr.DataArray(values, {"arm": list(arms)}, DIMS)


def test_two_levels_are_drawn_by_hand_alike() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(3, 40)) + np.array([0.0, 0.4, 0.8])[:, None]
    mean, bounds, _ = two_level(values, n_boot=4000, seed=2)
    assert mean == pytest.approx(values.mean())
    drawn = [
        values[np.ix_(rng.integers(3, size=3), rng.integers(40, size=40))].mean()
        for _ in range(4000)
    ]
    np.testing.assert_allclose(bounds, np.quantile(drawn, [0.025, 0.975]), atol=0.04)
    # Queries alone, as if these seeds were all there are, say too much.
    by_query = values.mean(axis=0)
    alone = [by_query[rng.integers(40, size=40)].mean() for _ in range(4000)]
    assert np.ptp(bounds) > 1.3 * np.ptp(np.quantile(alone, [0.025, 0.975]))


def test_two_levels_of_many_columns_are_those_of_each() -> None:
    values = np.random.default_rng(3).normal(size=(3, 20, 2, 2))
    mean, bounds, p = two_level(values, n_boot=250)
    assert mean.shape == (2, 2)
    one = two_level(values[:, :, 1, 0], n_boot=250)
    assert mean[1, 0] == pytest.approx(one[0])
    np.testing.assert_allclose(bounds[1, 0], one[1])
    assert p[1, 0] == one[2]


def test_p_of_what_is_always_so_and_of_what_is_not() -> None:
    assert two_level(np.ones((3, 9)), n_boot=99)[2] == pytest.approx(2 / 100)
    assert two_level(np.zeros((3, 9)), n_boot=99)[2] == 1
    rng = np.random.default_rng(0)
    found = [two_level(rng.normal(size=(1, 50)), n_boot=199, seed=i)[2] for i in range(200)]
    assert np.mean(np.array(found) <= 0.1) == pytest.approx(0.1, abs=0.06)


def test_differences_holm_and_seeds_ahead() -> None:
    hits = hits_of("none", "singular", "shuffled", gains=(0.0, 0.4, 0.1))
    found = summarised(hits, hits[..., 0, 0], n_boot=300, seed=0)
    assert found.recall_difference.dims == ("arm", "direction", "k")
    assert found.recall_difference_interval.dims == ("arm", "direction", "k", "bound")
    np.testing.assert_allclose(found.mean_recall_difference, [0, 0.4, 0.1], atol=1e-12)
    np.testing.assert_allclose(found.accuracy_difference, [0, 0.4, 0.1], atol=1e-12)
    np.testing.assert_array_equal(found.mean_recall_difference_wins, [np.nan, 4, 4])
    p = found.recall_difference_p.values[1:, 0, 0]
    expected = correct(p, method="holm")
    np.testing.assert_allclose(found.recall_difference_p_corrected.values[1:, 0, 0], expected)
    np.testing.assert_allclose(found.mean_recall_over_control[1], 0.3, atol=1e-12)
    low, high = found.mean_recall_difference_interval.sel(arm="singular").values
    assert 0.2 < low < 0.4 < high < 0.6


def test_without_the_control_nothing_is_compared_with_it() -> None:
    hits = hits_of("none", "singular", gains=(0.0, 0.0))
    found = summarised(hits, hits[..., 0, 0], n_boot=20, seed=0)
    assert "mean_recall_over_control" not in found


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [(0.4, "ahead with 4 of 4 seeds: better."), (0.0, "no difference established, nor that")],
)
def test_the_words_say_what_is_established(gain: float, verdict: str) -> None:
    hits = hits_of("none", "singular", "shuffled", gains=(0.0, gain, 0.0))
    found = summarised(hits, hits[..., 0, 0], n_boot=300, seed=0)
    found = found.assign(
        gap_difference=(("arm", "layer"), np.array([[0, 0], [0, 0.25], [0, 0]])),
        gap_wins=(("arm", "layer"), np.array([[0, 0], [0, 3], [0, 0]])),
    )
    found = found.assign_coords(seed=range(4), query=range(60))
    singular, control, gap, *_, last = in_words(found).splitlines()
    assert singular.startswith("Mean recall, singular against none: ")
    assert verdict in singular
    assert control.startswith("Mean recall, singular against the shuffled control: ")
    assert gap.endswith("singular against none: +0.250, larger with 3 of 4 seeds.")
    assert "4 seeds and 60 queries" in last


def test_two_seeds_establish_nothing() -> None:
    hits = hits_of("none", "singular", gains=(0.0, 0.4), seeds=2)
    found = summarised(hits, hits[..., 0, 0], n_boot=300, seed=0)
    assert found.mean_recall_difference_p_corrected.sel(arm="singular") < 0.05
    zero = ("arm", "layer"), np.zeros((2, 1))
    found = found.assign(gap_difference=zero, gap_wins=zero)
    said = in_words(found.assign_coords(seed=range(2), query=range(60)))
    assert "ahead with 2 of 2 seeds: no difference established" in said
