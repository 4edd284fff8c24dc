"""Infidelity and sensitivity: exact cases, captum's own numbers on the same draws, controls."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from probe.attribution import grid
from probe.attribution._captum import Options
from probe.attribution._draws import (
    by_group,
    infidelity_cell,
    infidelity_of,
    largest,
    nearby,
    removals,
    shifts,
)
from probe.attribution._explain import Explainer
from probe.attribution._state import at_rest
from probe.attribution._units import spread
from tests.probe.attribution_truth import METHODS_OF_LINES, linear_task, pixel_task

OPTIONS = Options(n_steps=20, n_samples=5, noise=0.05, seed=0)


def explainer_of(task, size=64):
    rows = np.arange(task.n_examples)
    return Explainer(task, rows, options=OPTIONS, size=size, budget=2**26)


def test_exact_attributions_of_a_linear_score_have_no_infidelity():
    task, _ = linear_task()
    ds = grid(task, methods=[*METHODS_OF_LINES, "random"], depths=0, draws=60)
    exact = ds.sel(algorithm=list(METHODS_OF_LINES))
    assert float(exact.infidelity.max()) < 1e-9
    np.testing.assert_allclose(exact.infidelity_scale.values, 1, atol=1e-4)
    # The control is no better than itself in another order, and worse than nothing missed.
    control = ds.sel(algorithm="random")
    assert float((control.infidelity / ds.change).min()) > 0.2
    assert float((exact.infidelity_null / ds.change).mean()) > 0.3
    inside = (ds.infidelity_interval[..., 0] <= ds.infidelity + 1e-9) & (
        ds.infidelity <= ds.infidelity_interval[..., 1] + 1e-9
    )
    assert float(inside.mean()) > 0.9
    assert bool((ds.infidelity <= ds.change + 1e-6).all())


@pytest.mark.parametrize("normalise", [False, True])
def test_infidelity_is_captum_s_on_the_same_draws(normalise):
    from captum.metrics import infidelity

    task = pixel_task(examples=2)
    with at_rest(task.model):
        explainer = explainer_of(task)
        values, _ = explainer.explain("input_x_gradient", "input", 1, explainer.whole)
        removed = removals(explainer, ["image"], 12)
        ours, masks = [], []
        for e in range(2):
            owed = by_group(explainer, values, e, e)
            found = infidelity_cell(
                owed, removed[e], 1, normalise=normalise, level=0.9, n_boot=5, seed=0
            )
            ours.append(found[0])
            group = explainer.groups(e)[0]["image"].numpy()
            masks.append(torch.from_numpy(removed[e].gone[:, group]))
        gone = spread(task, "image", torch.cat(masks)).float()

        def take_away(x, base):
            return gone, torch.where(gone > 0, base, x)

        given = spread(task, "image", values["image"])
        theirs = infidelity(
            explainer.scored,
            take_away,
            task.inputs["image"],
            given.float(),
            baselines=torch.zeros_like(task.inputs["image"]),
            target=1,
            n_perturb_samples=12,
            normalize=normalise,
        )
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-4)


@pytest.mark.parametrize("method", ["input_x_gradient", "integrated_gradients"])
def test_sensitivity_is_captum_s_on_the_same_draws(method):
    from captum.metrics import sensitivity_max

    task = pixel_task(examples=2)
    with at_rest(task.model):
        explainer = explainer_of(task)
        values, _ = explainer.explain(method, "input", 0, explainer.whole)
        shifted = shifts(explainer, method, "input", 0, values, radius=0.1, draws=4)
        points = [nearby(explainer, 0.1, draw).inputs[0] for draw in range(4)]
        every = torch.stack(points, dim=1).flatten(0, 1)

        def explained(x):
            rows = x[0] if isinstance(x, tuple) else x
            at = np.repeat(np.arange(2), len(rows) // 2)
            part = explainer.part(at)._replace(inputs=(rows,))
            return (explainer.explain(method, "input", 0, part)[0]["image"],)

        theirs = sensitivity_max(
            explained, task.inputs["image"], perturb_func=lambda x: every, n_perturb_samples=4
        )
    value, ends = largest(shifted, level=0.95, n_boot=200, seed=0)
    np.testing.assert_allclose(value, theirs.numpy(), rtol=1e-4)
    assert (ends[:, 0] <= value).all()
    np.testing.assert_array_equal(ends[:, 1], value)


def test_points_nearby_are_no_further_than_said_and_padding_stays():
    task, _ = linear_task()
    valid = torch.ones(3, 5, dtype=torch.bool)
    valid[0, 2:] = False
    object.__setattr__(task, "valid", {"x": valid})
    with at_rest(task.model):
        explainer = explainer_of(task)
        moved = nearby(explainer, 0.1, 0).inputs[0] - task.inputs["x"]
    assert float(moved[0, 2:].abs().max()) == 0
    x = task.inputs["x"]
    for e, keep in enumerate(valid):
        size = 0.1 * x[e][keep].square().mean().sqrt()
        assert 0.5 * size < float(moved[e].abs().max()) <= size + 1e-6


def test_what_ignores_its_input_has_sensitivity_0_and_what_jumps_has_more():
    ds = grid(pixel_task(), methods=["random", "saliency", "integrated_gradients"], depths=0)
    means = ds.sensitivity.mean(("target", "example", "layer"))
    assert float(means.sel(algorithm="random")) == 0
    assert float(means.sel(algorithm="saliency")) > float(
        means.sel(algorithm="integrated_gradients")
    )


drawn = arrays(np.float64, 8, elements=st.floats(-5, 5, width=32))


@given(drawn, drawn, st.floats(0.125, 8, width=32))
@settings(max_examples=50, deadline=None)
def test_the_best_scale_makes_infidelity_least_and_blind_to_scale(owed, change, factor):
    best, scale = infidelity_of(owed, change, normalise=True)
    plain, one = infidelity_of(owed, change, normalise=False)
    assert one == 1
    assert best <= plain + 1e-9
    assert best <= (change**2).mean() + 1e-9
    again, scale_again = infidelity_of(factor * owed, change, normalise=True)
    if (owed**2).sum() > 1e-3:
        assert again == pytest.approx(best, abs=1e-6)
        assert scale_again * factor == pytest.approx(scale, abs=1e-6)


def test_nothing_owed_misses_all_of_the_change():
    value, scale = infidelity_of(np.zeros(3), np.array([1.0, 2.0, 2.0]), normalise=True)
    assert (value, scale) == (3.0, 0.0)
