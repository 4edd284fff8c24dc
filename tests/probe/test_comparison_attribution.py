"""Attributions of two models compared: the size of a model's scores is no difference."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import xarray as xr

import viz
from probe.attribution import grid
from probe.comparison import difference, series
from probe.subjects.attributable import image_task
from probe.subjects.digits_classifier import DigitsClassifier, TrainedDigits, trained_digits
from tests.viz.drawn import no_figure_is_left  # noqa: F401
from viz import style

N = 8


def attributed(model: DigitsClassifier, images: torch.Tensor) -> xr.Dataset:
    return grid(
        image_task(model, images),
        methods=["saliency", "integrated_gradients"],
        targets=["3", "7"],
        n_steps=8,
        draws=20,
        sensitivity_draws=2,
        depths=1,
        n_boot=100,
    )


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> TrainedDigits:
    return trained_digits(steps=30, folder=tmp_path_factory.mktemp("digits"), progress=False)


@pytest.fixture(scope="module")
def trained(digits: TrainedDigits) -> xr.Dataset:
    return attributed(digits.model, digits.images[:N])


@pytest.fixture(scope="module")
def renewed(digits: TrainedDigits) -> xr.Dataset:
    return attributed(DigitsClassifier(seed=5), digits.images[:N])


def test_shares_of_the_same_examples_are_paired(trained: xr.Dataset, renewed: xr.Dataset) -> None:
    found = difference(renewed, trained, names=("new weights", "trained"))
    share = found.infidelity_share_difference
    assert share.attrs["pairing"] == f"paired over {N} examples"
    assert share.dims == ("algorithm", "layer", "target")
    for kind, ds in (("a", renewed), ("b", trained)):
        expected = (ds.infidelity / ds.change).mean("example")
        np.testing.assert_allclose(found[f"infidelity_share_{kind}"], expected)
    # Magnitudes of saliency are in no unit of the score, so nothing is complete there.
    gap = found.completeness_gap_difference
    assert np.isnan(gap.sel(algorithm="saliency")).all()
    assert np.isfinite(gap.sel(algorithm="integrated_gradients")).all()
    course = series({"new weights": renewed, "trained": trained})
    np.testing.assert_allclose(course.infidelity_share[1], found.infidelity_share_b)


def test_scores_three_times_as_large_are_as_faithful(
    digits: TrainedDigits, trained: xr.Dataset
) -> None:
    louder = copy.deepcopy(digits.model)
    with torch.no_grad():
        for each in louder.last.parameters():
            each.mul_(3)
    found = difference(trained, attributed(louder, digits.images[:N]))
    np.testing.assert_allclose(found.infidelity_share_difference, 0, atol=1e-4)
    raw = difference(trained, attributed(louder, digits.images[:N]), variables="infidelity")
    np.testing.assert_allclose(raw.infidelity_b, 9 * raw.infidelity_a, rtol=1e-3)


def test_other_pictures_at_the_same_places_are_not_paired(
    digits: TrainedDigits, trained: xr.Dataset
) -> None:
    other = attributed(digits.model, digits.images[N : 2 * N])
    words = difference(trained, other).sensitivity_difference.attrs["pairing"]
    assert words == "independent, MOVER; not paired: rows along example are not the same ones"
    same = difference(trained, trained.isel(example=[5, 2, 3]))
    assert "paired over 3 examples" in same.sensitivity_difference.attrs["pairing"]
    bare = difference(trained.drop_vars("image"), other.drop_vars("image"))
    assert "nothing says that rows" in bare.sensitivity_difference.attrs["pairing"]


def test_they_are_drawn_by_method_and_target(trained: xr.Dataset, renewed: xr.Dataset) -> None:
    axes = viz.compare(renewed, trained, names=("new weights", "trained"))
    found = difference(renewed, trained)
    drawn = axes[2].collections[0].get_array()
    np.testing.assert_allclose(drawn, found.infidelity_share_difference.squeeze("layer"))
    assert "2 algorithm by 2 target" in style.describe(axes[2])
    assert "Infidelity as a share of the change" in style.describe(axes[0])
