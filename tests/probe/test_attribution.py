"""Attributions against closed forms: linear scores, a product, masks, layers, several inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from probe.attribution import METHODS, AttributionTask, attribute, grid
from tests.probe.attribution_truth import (
    METHODS_OF_LINES,
    linear_task,
    only_attributions,
    pixel_task,
    product_task,
)


@pytest.mark.parametrize("method", METHODS_OF_LINES)
@pytest.mark.parametrize("baseline", [0.0, 0.7])
def test_of_a_linear_score_each_unit_is_owed_its_weight_times_its_change(method, baseline):
    if method == "input_x_gradient" and baseline:
        baseline = 0.0  # it knows no baseline
    task, exact = linear_task(baseline=baseline)
    ds = grid(task, methods=[method], **only_attributions())
    np.testing.assert_allclose(ds.attribution_x.values[0, 0], exact.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ds.completeness_gap.values, 0, atol=1e-4)


def test_gradient_shap_without_noise_is_exact_on_a_linear_score():
    task, exact = linear_task(baseline=0.4)
    ds = grid(task, methods=["gradient_shap"], noise=0.0, **only_attributions())
    np.testing.assert_allclose(ds.attribution_x.values[0, 0], exact.numpy(), rtol=1e-4, atol=1e-5)


def test_saliency_sums_magnitudes_of_the_gradient_and_has_no_sign():
    task, _ = linear_task()
    ds = grid(task, methods=["saliency", "input_x_gradient"], **only_attributions())
    expected = task.model.weight.detach().abs().sum(2).numpy()
    found = ds.attribution_x.sel(algorithm="saliency").values[0]
    np.testing.assert_allclose(found, np.repeat(expected[:, None], 3, 1), rtol=1e-5)
    assert ds.signed.values.tolist() == [False, True]


def test_shapley_values_share_a_product_equally():
    ds = attribute(product_task(), method="shapley_sampling", n_samples=400, **only_attributions())
    # Of x1 x2 each has x1 x2 / 2; sampled orders come near, and their sum is exact.
    expected = np.array([[3.0, 3.0, 2.0], [-2.0, -2.0, 1.0]])
    found = ds.attribution_x.values[0, 0, 0]
    np.testing.assert_allclose(found, expected, atol=0.35)
    np.testing.assert_allclose(found[:, :2].sum(1), [6.0, -4.0], atol=1e-5)
    np.testing.assert_allclose(found[:, 2], [2.0, 1.0], atol=1e-5)


def test_integrated_gradients_of_a_product_are_its_halves_and_ablation_counts_it_twice():
    ds = grid(
        product_task(), methods=["integrated_gradients", "feature_ablation"], **only_attributions()
    )
    np.testing.assert_allclose(
        ds.attribution_x.values[:, 0, 0],
        [[[3, 3, 2], [-2, -2, 1]], [[6, 6, 2], [-4, -4, 1]]],
        atol=1e-4,
    )
    # The gap is the sum less the change of the score: ablation counts x1 x2 once more.
    np.testing.assert_allclose(ds.completeness_gap.values[:, 0, 0], [[0, 0], [6, -4]], atol=1e-4)


def test_squares_of_pixels_share_what_taking_them_away_does():
    task = pixel_task(examples=2)
    ds = attribute(task, method="feature_ablation", target="b", **only_attributions())
    found = ds.attribution_image.values[0, 0, 0]
    x = task.inputs["image"]
    with torch.no_grad():
        for y in range(0, 8, 2):
            without = x.clone()
            without[:, :, y : y + 2, 4:6] = 0
            change = (task.model(x) - task.model(without))[:, 1].numpy()
            square = found[:, y : y + 2, 4:6]
            np.testing.assert_allclose(square.sum((1, 2)), change, atol=1e-6)
            np.testing.assert_allclose(square, square[:, :1, :1] + np.zeros((1, 2, 2)), atol=1e-7)


def test_occlusion_is_the_mean_over_windows_per_pixel():
    task = pixel_task(examples=1)
    found = attribute(task, method="occlusion", target=0, **only_attributions())
    found = found.attribution_image.values[0, 0, 0, 0]
    x, score = task.inputs["image"], task.model(task.inputs["image"])[0, 0]
    effect = np.zeros((7, 7))
    with torch.no_grad():
        for y, z in np.ndindex(7, 7):
            without = x.clone()
            without[:, :, y : y + 2, z : z + 2] = 0
            effect[y, z] = float(score - task.model(without)[0, 0])
    assert found[0, 0] == pytest.approx(effect[0, 0] / 4, abs=1e-6)
    assert found[3, 3] == pytest.approx(effect[2:4, 2:4].mean() / 4, abs=1e-6)


def test_padding_has_no_attribution_and_no_say():
    task, _ = linear_task()
    valid = torch.ones(3, 5, dtype=torch.bool)
    valid[1, 3:] = False
    padded = AttributionTask(
        task.model, task.forward, task.inputs, task.baselines, task.units, task.targets,
        valid={"x": valid}, tokens=[list("abcde"), list("abc"), list("abcde")],
    )  # fmt: skip
    ds = grid(padded, methods=[*METHODS_OF_LINES, "random"], **only_attributions())
    found = ds.attribution_x.values
    assert np.isnan(found[..., 1, 3:]).all()
    assert np.isfinite(found[..., 1, :3]).all()
    assert np.isfinite(found[..., [0, 2], :]).all()
    complete = ["integrated_gradients", "deep_lift", "feature_ablation", "shapley_sampling"]
    gaps = ds.completeness_gap.sel(algorithm=complete)
    np.testing.assert_allclose(gaps.values, 0, atol=1e-4)
    assert ds["token"].values[1].tolist() == ["a", "b", "c", "", ""]


def test_a_layer_of_a_linear_net_passes_on_what_the_input_is_owed():
    task = pixel_task()
    ds = grid(
        task,
        methods=["integrated_gradients", "input_x_gradient", "grad_cam", "random"],
        layers=["input", "0"],
        n_steps=100,
        **only_attributions(),
    )
    at = ds.sel(layer="0", algorithm="integrated_gradients")
    moved = (ds.score - ds.baseline_score).values
    # Stretching a layer's map over the pixels keeps its sum.
    total = at.attribution_image.sum(("row", "column")).values
    np.testing.assert_allclose(total, moved, atol=2e-3)
    np.testing.assert_allclose(at.completeness_gap.values, total - moved, atol=1e-6)
    layer = task.model[0](task.inputs["image"]).detach().requires_grad_()
    score = task.model[1:](layer)[:, 2].sum()
    expected = (layer * torch.autograd.grad(score, layer)[0]).sum((1, 2, 3)).detach()
    found = ds.attribution_image.sel(layer="0", algorithm="input_x_gradient", target="c")
    np.testing.assert_allclose(found.sum(("row", "column")).values, expected.numpy(), atol=1e-5)
    assert ds.why.sel(layer="input", algorithm="grad_cam").item().startswith("grad_cam reads")


class Two(nn.Module):
    """A sum over tokens times a sum over regions."""

    def forward(self, words, regions):
        return (words.sum((1, 2)) * regions.sum((1, 2)))[:, None]


def test_two_inputs_share_one_score():
    model = Two()
    words, regions = torch.ones(2, 3, 2), 2 * torch.ones(2, 4, 1)
    task = AttributionTask(
        model,
        model,
        {"text": words, "image": regions},
        {"text": 0 * words, "image": 0 * regions[:1]},
        {"text": "token", "image": "region"},
        ["match"],
        boxes=np.zeros((2, 4, 4)),
    )
    ds = attribute(task, method="integrated_gradients", **only_attributions())
    # 6 * 8 in all, half to each side.
    np.testing.assert_allclose(ds.attribution_text.values, 8.0, atol=1e-3)
    np.testing.assert_allclose(ds.attribution_image.values, 6.0, atol=1e-3)
    assert ds.attribution_image.dims[-1] == "region"
    assert ds.box.shape == (2, 4, 4)
    assert (ds.attrs["inputs"], ds.attrs["units"]) == ("text,image", "token,region")


def test_a_function_of_ones_own_stands_beside_the_methods():
    task, _ = linear_task()

    def edges(task, part, target):
        return {"x": part.inputs[0].abs().sum(2)}

    ds = grid(task, methods={"edges": edges, "ig": "integrated_gradients"}, **only_attributions())
    expected = task.inputs["x"].abs().sum(2).numpy()
    found = ds.attribution_x.sel(algorithm="edges").values[0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_examples_and_targets_are_chosen_and_one_cell_is_the_grid_s():
    task, _ = linear_task()
    whole = grid(task, methods=list(METHODS_OF_LINES), **only_attributions(seed=3))
    part = attribute(
        task, method="shapley_sampling", target="down", examples=[2], **only_attributions(seed=3)
    )
    assert part.attrs["probe"] == "attribution.attribution"
    assert part.example.values.tolist() == [2]
    assert part.target.values.tolist() == ["down"]
    same = whole.attribution_x.sel(algorithm="shapley_sampling", target="down", example=2)
    np.testing.assert_array_equal(part.attribution_x.values.squeeze(), same.values[0])


def test_a_result_is_written_and_read(tmp_path):
    import xarray as xr

    task = pixel_task()
    ds = grid(task, methods=["saliency"], layers=["input", "0"], **only_attributions())
    ds.to_netcdf(tmp_path / "grid.nc")
    with xr.open_dataset(tmp_path / "grid.nc") as again:
        xr.testing.assert_equal(again.load(), ds)
    assert all(ds[name].attrs.get("long_name") for name in ds.data_vars)
    assert set(METHODS) >= {"saliency", "grad_cam", "random"}
