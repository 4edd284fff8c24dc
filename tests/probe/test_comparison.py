"""Differences of two results: closed forms, coverage, laws of pairing and of many cells."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from probe.comparison import difference, paired_means, recovered_difference, series
from probe.statistics import correct, paired_difference
from tests.viz import isd_results, totoro_results, value_results, whitening_results


def result(values: np.ndarray, half: float = 0.05, **attrs: object) -> xr.Dataset:
    """A made-up result with an interval beside its one variable."""
    values = np.asarray(values, dtype=float)
    dims = ("layer", "head")[: values.ndim]
    variables = {
        "effect": (dims, values),
        "effect_interval": ((*dims, "bound"), np.add.outer(values, [-half, half])),
    }
    coords = {dim: np.arange(size) for dim, size in zip(dims, values.shape, strict=True)}
    given_ = {"probe": "value.head_ablation", **attrs}
    return xr.Dataset(variables, coords | {"bound": ["low", "high"]}, given_)


def per_example(values: np.ndarray, **attrs: object) -> xr.Dataset:
    values = np.asarray(values, dtype=float)
    dims = ("example", "layer")[: values.ndim]
    return xr.Dataset({"pair_isd": (dims, values)}, attrs={"probe": "isd.contrast", **attrs})


# MOVER


@given(
    st.floats(-5, 5), st.floats(-5, 5), st.floats(0.01, 3), st.floats(0.01, 3), st.floats(0.5, 0.99)
)
def test_symmetric_intervals_add_in_squares(
    a: float, b: float, half_a: float, half_b: float, level: float
) -> None:
    ends = ([a - half_a, a + half_a], [b - half_b, b + half_b])
    found = recovered_difference(a, ends[0], b, ends[1], level=level)
    reach = np.sqrt(half_a**2 + half_b**2)
    np.testing.assert_allclose([found.low, found.high], [b - a - reach, b - a + reach], atol=1e-9)
    # The p of a normal whose interval this is.
    error = reach / stats.norm.ppf((1 + level) / 2)
    np.testing.assert_allclose(found.p, 2 * stats.norm.sf(abs(b - a) / error), rtol=1e-6)


def test_skew_intervals_take_the_far_sides() -> None:
    # Zou & Donner's equation by hand: low takes b's lower and a's upper half, high the others.
    found = recovered_difference(0.2, [0.1, 0.5], 0.6, [0.2, 0.7])
    np.testing.assert_allclose(found.low, 0.4 - np.hypot(0.4, 0.3))
    np.testing.assert_allclose(found.high, 0.4 + np.hypot(0.1, 0.1))


@given(st.floats(-3, 3), st.floats(0.05, 2), st.floats(0.05, 2), st.floats(0.05, 2))
def test_p_is_small_just_where_the_interval_leaves_zero_out(
    b: float, down: float, up: float, half: float
) -> None:
    found = recovered_difference(0.0, [-half, half], b, [b - down, b + up])
    outside = found.low > 0 or found.high < 0
    edge = min(abs(float(found.low)), abs(float(found.high))) < 1e-9
    assert edge or (float(found.p) < 0.05) == outside


def test_points_for_intervals_and_gaps_have_no_p() -> None:
    found = recovered_difference(
        np.array([1.0, np.nan]), [[1, 1], [0, 1]], np.array([2.0, 1.0]), [[2, 2], [0, 2]]
    )
    assert np.isnan(found.p).all()


def test_an_estimate_beyond_its_own_interval_does_not_widen_the_difference() -> None:
    found = recovered_difference(0.0, [0.1, 0.3], 0.0, [0.0, 0.0])
    np.testing.assert_allclose([found.low, found.high], [-0.3, 0.0])


# Pairs


def test_paired_intervals_cover_a_known_shift_at_the_level() -> None:
    """400 studies of 25 pairs at once: each is one cell of the same call."""
    rng = np.random.default_rng(0)
    studies, n, shift = 400, 25, 0.3
    common = rng.normal(size=(n, studies)) * 3
    a = common + rng.normal(size=(n, studies))
    b = common + shift + rng.normal(size=(n, studies))
    found = paired_means(a, b, n_boot=1000, n_permutations=99)
    covered = float(np.mean((found.low <= shift) & (shift <= found.high)))
    # Three standard errors of a share of 400 around 95 %, and one point for the bootstrap.
    assert abs(covered - 0.95) < 3 * np.sqrt(0.95 * 0.05 / studies) + 0.01
    # Not pairing would hide it behind the spread between examples.
    assert np.median(found.high - found.low) < 0.5 * 2 * 1.96 * np.sqrt(2 * 10 / n)


def test_flips_reject_as_often_as_their_level_says() -> None:
    rng = np.random.default_rng(1)
    found = paired_means(np.zeros((12, 600)), rng.normal(size=(12, 600)), n_permutations=499)
    assert abs(float(np.mean(found.p <= 0.05)) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 600)


def test_one_cell_agrees_with_the_general_paired_difference() -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(size=40)
    b = a + 0.2 + rng.normal(size=40)
    found, slow = paired_means(a, b), paired_difference(b, a, n_boot=4000, n_permutations=4000)
    np.testing.assert_allclose(found.estimate, slow.estimate)
    np.testing.assert_allclose([found.low, found.high], [slow.low, slow.high], atol=0.06)
    assert abs(float(found.p) - slow.p) < 0.02


def test_few_pairs_flip_exactly() -> None:
    # All signs agree: of 2^5 ways to flip two are as extreme.
    found = paired_means(np.zeros(5), np.array([1.0, 2.0, 3.0, 4.0, 5.0]), n_permutations=20_000)
    assert abs(float(found.p) - 2 / 32) < 0.006


@pytest.mark.parametrize("cell", [0, 1])
def test_gaps_are_left_out_of_their_own_cell_only(cell: int) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 30, 2))
    holed = b.copy()
    holed[:7, cell] = np.nan
    whole, found = paired_means(a, b), paired_means(a, holed)
    assert found.pairs[cell] == 23
    np.testing.assert_allclose(found.estimate[cell], (b - a)[7:, cell].mean())
    for one, two in zip(whole, found, strict=True):
        np.testing.assert_array_equal(one[1 - cell], two[1 - cell])


def test_equal_differences_have_a_point_and_one_pair_has_nothing() -> None:
    found = paired_means(np.arange(8.0), np.arange(8.0) + 0.1)
    np.testing.assert_allclose([found.low, found.high], 0.1)
    alone = paired_means(np.zeros(1), np.ones(1))
    assert np.isnan([alone.low, alone.high, alone.p]).all()


# Results


@pytest.mark.parametrize(
    "make",
    [
        *(whitening_results.geometry, whitening_results.effect, whitening_results.topics),
        *(whitening_results.classes, whitening_results.sts, whitening_results.training),
        *(value_results.hits, value_results.profiled, value_results.fused, value_results.ablated),
        *(value_results.of_states, value_results.importance, value_results.watched),
        *(totoro_results.imbalance, totoro_results.conflicts, totoro_results.scan),
        *(totoro_results.study, totoro_results.training),
        *(isd_results.measured, isd_results.contrasted, isd_results.study),
    ],
    ids=lambda make: f"{make.__module__.split('.')[-1]}.{make.__name__}",
)
def test_a_result_differs_from_itself_by_nothing(make) -> None:
    found = difference(make(), make(), n_boot=50, n_permutations=99)
    for name in json.loads(found.attrs["variables"]):
        assert not np.nan_to_num(found[f"{name}_difference"].values).any()
        assert not found[f"{name}_called"].values.any()
        p = found[f"{name}_p"].values
        assert np.all(np.isnan(p) | (p == 1))
        assert found[f"{name}_difference"].attrs["pairing"]


def test_the_difference_is_the_second_less_the_first_joined_by_labels() -> None:
    a, b = result([[1.0, 2.0], [3.0, 4.0]]), result([[1.0, 2.5], [3.0, 4.0], [9.0, 9.0]])
    found = difference(a, b.isel(layer=[2, 1, 0], head=[1, 0]), names=("old", "new"))
    np.testing.assert_allclose(found.effect_difference, [[0.0, 0.5], [0.0, 0.0]])
    assert found.attrs["notes"] == "layer 2 of new left out: not in all of them"
    np.testing.assert_allclose(found.effect_a_interval, a.effect_interval)
    turned = difference(b, a)
    np.testing.assert_allclose(turned.effect_difference, -found.effect_difference)
    np.testing.assert_allclose(
        turned.effect_difference_interval.values[..., ::-1], -found.effect_difference_interval
    )


def test_marks_are_holms_over_all_cells() -> None:
    shift = np.array([[0.0, 0.08], [0.075, 0.3]])
    found = difference(result(np.zeros((2, 2))), result(shift))
    np.testing.assert_allclose(found.effect_p_corrected, correct(found.effect_p.values))
    alone = found.effect_difference_interval.sel(bound="low") > 0
    assert alone.values.tolist() == [[False, True], [True, True]]
    assert found.effect_called.values.tolist() == [[False, False], [False, True]]
    one = difference(result(np.zeros((2, 2))), result(shift).isel(layer=[0], head=[1]))
    assert one.effect_called.values.all()


def test_shared_examples_are_paired_and_others_are_not() -> None:
    rng = np.random.default_rng(4)
    a = rng.normal(size=(60, 3)) * 5
    b = a + 0.2 + 0.1 * rng.normal(size=a.shape)
    paired = difference(per_example(a, data_hash="x"), per_example(b, data_hash="x"))
    assert paired.pair_isd_difference.attrs["pairing"] == "paired over 60 examples"
    assert paired.pair_isd_called.values.all()
    np.testing.assert_allclose(paired.pair_isd_difference, (b - a).mean(0))
    apart = difference(per_example(a, data_hash="x"), per_example(b[:50], data_hash="y"))
    words = apart.pair_isd_difference.attrs["pairing"]
    assert words.startswith("independent, MOVER; not paired: 60 against 50 unlabelled")
    assert not apart.pair_isd_called.values.any()
    assert apart.pair_isd_b_interval.sizes == {"layer": 3, "bound": 2}
    told = difference(per_example(a), per_example(b), pair_by="example")
    xr.testing.assert_equal(told, paired)


def test_labelled_examples_are_joined_and_texts_that_differ_forbid_pairs() -> None:
    rng = np.random.default_rng(5)
    a = per_example(rng.normal(size=(12, 2)), data_hash="x").assign_coords(example=np.arange(12))
    b = (a + 1).assign_attrs(a.attrs).isel(example=slice(None, 2, -1))
    found = difference(a, b)
    assert "paired over 9 examples" in found.pair_isd_difference.attrs["pairing"]
    np.testing.assert_allclose(found.pair_isd_difference, 1)
    # Places of examples are the same in any data.
    words = difference(a, b.assign_attrs(data_hash="y")).pair_isd_difference.attrs["pairing"]
    assert "nothing says that rows along example are the same ones" in words
    one = per_example(rng.normal(size=(12, 2))).assign_coords(
        text=("example", list("abcdefghijkl"))
    )
    other = one.assign_coords(text=("example", list("bacdefghijkl")))
    words = difference(one, other).pair_isd_difference.attrs["pairing"]
    assert "rows along example are not the same ones" in words
    assert "paired over 12" in difference(one, one).pair_isd_difference.attrs["pairing"]


def test_seeds_within_splits_are_averaged_and_few_pairs_are_said() -> None:
    study = totoro_results.study()
    found = difference(study, study.assign(score=study.score + 0.1).assign_attrs(study.attrs))
    assert found.score_difference.dims == ("arm", "metric")
    np.testing.assert_allclose(found.score_difference, 0.1)
    assert found.score_difference.attrs["pairing"] == "paired over 6 splits, too few for a call"


def test_pairs_of_nodes_say_that_neighbours_are_not_independent() -> None:
    nodes = totoro_results.conflicts()
    found = difference(nodes, nodes)
    assert "paired over" in found.totoro_difference.attrs["pairing"]
    assert "nodes for independent, which neighbours are not" in found.attrs["notes"]
    study = totoro_results.study()
    assert "independent" not in difference(study, study).attrs["notes"]


def test_steps_of_a_training_are_a_series() -> None:
    history = whitening_results.training()
    found = series({int(step): history.sel(step=step) for step in (100, 0, 50)})
    assert found.step.values.tolist() == [0, 50, 100]
    for name in ("average_cosine", "average_cosine_interval", "effective_rank"):
        np.testing.assert_array_equal(found[name], history[name])
    named = series({"b": value_results.fused(), "a": value_results.twin_fused()})
    assert named.result.values.tolist() == ["b", "a"]
    nodes = series({1: totoro_results.imbalance(), 2: totoro_results.imbalance()})
    assert nodes.totoro.dims == ("step",)
    np.testing.assert_allclose(nodes.totoro, float(totoro_results.imbalance().totoro.mean()))
