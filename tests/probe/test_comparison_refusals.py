"""What cannot be compared is refused in words, and what falls out is said."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from probe.comparison import difference, paired_means, recovered_difference, series
from tests.probe.test_comparison import per_example, result
from tests.viz import isd_results, lowrank_results, value_results, whitening_results

A = result([1.0, 2.0])


@pytest.mark.parametrize(
    ("a", "b", "options", "kind", "text"),
    [
        (A, 3, {}, TypeError, "`b` must be a result, an xarray.Dataset; got int"),
        (A, xr.Dataset(), {}, ValueError, "`b.attrs` must say which probe made it; got none"),
        (
            *(A, whitening_results.geometry(), {}, ValueError),
            "`b` must come from the same probe as the first, value.head_ablation; got whitening.an",
        ),
        (A, A, {"names": ("x", "x")}, ValueError, "`names` must be two different names"),
        (A, A, {"variables": "nmi"}, ValueError, "`variables` must be one of 'effect'; got 'nmi'"),
        (A, A, {"variables": []}, ValueError, "`variables` must name at least one variable"),
        (A, A, {"level": 1.0}, ValueError, "`level` must be in"),
        (A, A, {"pair_by": "seed"}, ValueError, "`pair_by` must be one of"),
        (A, A, {"n_boot": 1}, ValueError, "`n_boot` must be at least 2"),
        (
            *(A, A.assign_coords(layer=[5, 6]), {}, ValueError),
            "`labels of layer` must have something in common; got a 0, 1 and b 5, 6",
        ),
        (
            *(A, A.assign_coords(layer=[5, 5]), {}, ValueError),
            "`b` must have distinct labels along layer; got 5, 5",
        ),
        (
            *(A, A.rename(layer="head"), {}, ValueError),
            "effect left out: dims ('layer',) against ('head',)",
        ),
        (
            *(per_example(np.ones((3, 2))), per_example(np.ones((3, 1))), {}, ValueError),
            "pair_isd left out: sizes {'example': 0, 'layer': 2} against",
        ),
        (
            *(per_example(np.ones(3)), per_example(np.ones(4)), {"pair_by": "example"}, ValueError),
            "`pair_by` must name a dim of equal size in both, or one with labels; got 3 and 4",
        ),
        (xr.Dataset(attrs={"probe": "x"}),) * 2
        + ({}, ValueError, "`a` must share a numeric variable with the others"),
    ],
)
def test_what_has_no_difference_is_refused(a, b, options, kind, text) -> None:
    with pytest.raises(kind) as caught:
        difference(a, b, **options)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (isd_results.related, "probe.isd.isd"),
        (lowrank_results.edits, "probe.lowrank.locality"),
        (lambda: difference(A, A), "It is a comparison already"),
    ],
)
def test_examples_and_comparisons_name_what_to_compare_instead(make, hint: str) -> None:
    ds = make()
    with pytest.raises(ValueError, match="`a` must hold a measure") as caught:
        difference(ds, ds)
    assert hint in str(caught.value)


def test_intervals_of_another_level_are_not_mixed() -> None:
    found = difference(A, A.assign_attrs(parameters='{"level": 0.9}'))
    words = found.effect_difference.attrs["pairing"]
    assert words == "no interval: those of the results have level 0.95 and 0.9, not 0.95"
    assert np.isnan(found.effect_difference_interval).all()
    both = [A.assign_attrs(level=0.9)] * 2
    assert difference(*both, level=0.9).effect_difference.attrs["pairing"] == "independent, MOVER"


def test_a_variable_without_intervals_says_that_there_is_none() -> None:
    found = difference(value_results.watched(), value_results.watched())
    words = found.links_hit_difference.attrs["pairing"]
    assert words == "no interval: the results hold none"


def test_shapes_and_options_of_the_two_kinds_of_interval() -> None:
    with pytest.raises(ValueError, match="`a` must have the shape of `b`, and intervals"):
        recovered_difference(np.ones(2), np.ones((2, 2)), np.ones(3), np.ones((3, 2)))
    with pytest.raises(ValueError, match="`level` must be in"):
        recovered_difference(1.0, [0, 2], 1.0, [0, 2], level=2)
    with pytest.raises(ValueError, match="`a` must have the shape of `b`, units first"):
        paired_means(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="`n_permutations` must be at least 1"):
        paired_means(np.ones(3), np.ones(3), n_permutations=0)


@pytest.mark.parametrize(
    ("results", "kind", "text"),
    [
        ([A, A], TypeError, "`results` must be a mapping of names or steps to results; got list"),
        ({1: A}, ValueError, "`results` must hold at least two results; got 1"),
        (
            {1: A, 2: value_results.fused()},
            ValueError,
            "`results[2]` must come from the same probe",
        ),
        (
            {1: whitening_results.training(), 2: whitening_results.training()},
            *(ValueError, "`results` must have no dim step of their own"),
        ),
        (
            {1: A, 2: A.rename(layer="head")},
            *(ValueError, "`results` must share a variable that can be compared"),
        ),
    ],
)
def test_what_is_no_series_is_refused(results, kind, text) -> None:
    with pytest.raises(kind) as caught:
        series(results)
    assert text in str(caught.value)
