"""What is refused, what cannot be combined, and that the model is left as it was."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from probe.attribution import METHODS, AttributionTask, attribute, grid
from tests.probe.attribution_truth import linear_task, only_attributions, pixel_task

X = torch.ones(2, 3, 1)
MODEL = nn.Linear(3, 1)
PARTS = {
    "model": MODEL,
    "forward": lambda x: MODEL(x[..., 0]),
    "inputs": {"x": X},
    "baselines": {"x": 0 * X},
    "units": {"x": "token"},
    "targets": ["score"],
}


@pytest.mark.parametrize(
    ("parts", "error", "text"),
    [
        ({"model": 3}, TypeError, "`model` must be a torch module; got int"),
        ({"forward": 3}, TypeError, "`forward` must be callable"),
        ({"inputs": {}}, ValueError, "`inputs` must hold at least one entry"),
        ({"targets": []}, ValueError, "`targets` must hold at least one entry"),
        ({"layers": ["no"]}, ValueError, "`layers` must be paths of the model's modules; got 'no'"),
        ({"units": {"x": "word"}}, ValueError, "`units['x']` must be one of 'token'"),
        ({"inputs": {"x": X[..., 0]}}, ValueError, "must be a float tensor of 3 axes"),
        ({"inputs": {"x": X.long()}}, ValueError, "must be a float tensor of 3 axes"),
        ({"inputs": {"x": X[:0]}}, ValueError, "`inputs['x']` must hold 1 examples; got 0"),
        ({"baselines": {}}, ValueError, "`baselines['x']` must have shape (2, 3, 1); got NoneType"),
        ({"baselines": {"x": X[:, :2]}}, ValueError, "`baselines['x']` must have shape (2, 3, 1)"),
        ({"inputs": {"x": X * torch.nan}}, ValueError, "`inputs['x']` must be finite everywhere"),
        ({"baselines": {"x": X / 0}}, ValueError, "`baselines['x']` must be finite everywhere"),
        ({"context": (X[:1],)}, ValueError, "`context` must hold tensors of 2 examples"),
        ({"valid": {"x": X}}, ValueError, "`valid['x']` must be bool of shape (2, 3)"),
        (
            {"valid": {"x": torch.zeros(2, 3, dtype=torch.bool)}},
            ValueError,
            "`valid['x']` must leave every example a unit",
        ),
        (
            {"inputs": {"x": X, "y": X}, "units": {"x": "token", "y": "token"}},
            ValueError,
            "`units` must name each kind once",
        ),
    ],
)
def test_a_task_of_wrong_parts(parts, error, text):
    with pytest.raises(error, match=re.escape(text)):
        AttributionTask(**{**PARTS, **parts})


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"methods": "saliency"}, TypeError, "`methods` must be a sequence of methods"),
        ({"methods": []}, ValueError, "`methods` must hold at least one method"),
        (
            {"methods": ["saliency"] * 2},
            ValueError,
            "`methods` must hold at least one method, each",
        ),
        ({"methods": ["lime"]}, ValueError, "`method` must be one of 'saliency'"),
        ({"methods": {"a": 3}}, TypeError, "`method` must be a name or a function; got int"),
        ({"methods": ["grad_cam"]}, ValueError, "none: grad_cam reads the channels of a layer"),
        ({"layers": []}, ValueError, "`layers` must hold at least one layer"),
        ({"layers": ["no"]}, ValueError, "`layer` must be a path of the model's modules; got 'no'"),
        ({"examples": []}, ValueError, "`examples` must hold at least one example"),
        ({"examples": [9]}, ValueError, "`examples` must be between 0 and 2"),
        ({"targets": []}, ValueError, "`targets` must be a sequence of targets"),
        ({"targets": ["no"]}, ValueError, "`target` must be one of 'up', 'down'"),
        ({"targets": [7]}, ValueError, "`target` must be from 0 to 1"),
        ({"targets": [0, "up"]}, ValueError, "`targets` must hold each target once"),
        ({"n_steps": 0}, ValueError, "`n_steps` must be at least 1"),
        ({"n_samples": 0}, ValueError, "`n_samples` must be at least 1"),
        ({"noise": -1.0}, ValueError, "`noise` must be at least 0"),
        ({"seed": -1}, ValueError, "`seed` must be at least 0"),
        ({"max_rows": 0}, ValueError, "`max_rows` must be at least 1"),
        ({"draws": 1}, ValueError, "`draws` must be at least 2"),
        ({"sensitivity_draws": -1}, ValueError, "`sensitivity_draws` must be at least 0"),
        ({"depths": -1}, ValueError, "`depths` must be at least 0"),
        ({"n_boot": 0}, ValueError, "`n_boot` must be at least 1"),
        ({"radius": 0}, ValueError, "`radius` must be above 0"),
        ({"level": 1.0}, ValueError, "`level` must be in (0, 1)"),
    ],
)
def test_a_grid_of_wrong_options(given, error, text):
    task, _ = linear_task()
    with pytest.raises(error, match=re.escape(text)):
        grid(task, **{"methods": ["saliency"], **given})


def test_one_cell_wants_a_target_and_says_why_it_cannot_be():
    with pytest.raises(TypeError, match="`task` must be an AttributionTask"):
        grid(MODEL, methods=["saliency"])  # pyright: ignore
    task, _ = linear_task()
    with pytest.raises(ValueError, match=r"`target` must be one of 2 targets; got None"):
        attribute(task, method="saliency")
    with pytest.raises(ValueError, match="`method` cannot be had here: grad_cam reads"):
        attribute(task, method="grad_cam", target=0, **only_attributions())


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.same, self.last, self.pairs = nn.Linear(2, 2), nn.Linear(2, 1), Pairs()

    def forward(self, x):
        return self.last(self.pairs(self.same(self.same(x)))["x"].sum(1))


class Pairs(nn.Module):
    def forward(self, x):
        return {"x": x}


def test_each_combination_that_cannot_be_says_why():
    pixels = pixel_task()
    ds = grid(pixels, methods=list(METHODS), layers=["input", "0", "5"], **only_attributions())
    why = {(str(m), str(k)): str(ds.why.sel(algorithm=m, layer=k).item())
           for m in ds.algorithm.values for k in ds.layer.values}  # fmt: skip
    assert "made for the input, not for a layer" in why["saliency", "0"]
    assert "choose one" in why["grad_cam", "input"]
    assert "5 gives 2 axes" in why["grad_cam", "5"]
    assert "belong to no unit" in why["input_x_gradient", "5"]
    assert why["random", "5"] == why["occlusion", "input"] == ""
    for (method, layer), reason in why.items():
        cell = ds.sel(algorithm=method, layer=layer)
        assert bool(np.isnan(cell.attribution_image).all()) == bool(reason)
        assert bool(np.isnan(cell.infidelity).all()) == bool(reason)
    model = Twice()
    x = torch.rand(2, 3, 2)
    task = AttributionTask(model, model, {"x": x}, {"x": 0 * x}, {"x": "token"}, ["a"])
    ds = grid(
        task,
        methods=["input_x_gradient", "shapley_sampling", "occlusion", "grad_cam", "saliency"],
        layers=["input", "same", "pairs"],
        max_rows=20,
        **only_attributions(),
    )
    table = ds.why.to_pandas()
    assert "is called 2 times in a pass" in table.loc["input_x_gradient", "same"]
    assert "gives dict, not a tensor" in table.loc["input_x_gradient", "pairs"]
    assert "takes 30 evaluations" in table.loc["shapley_sampling", "input"]
    assert "slides a window over pixels" in table.loc["occlusion", "input"]
    assert "there are no pixels here" in table.loc["grad_cam", "same"]
    own = grid(
        task,
        methods={"own": lambda task, part, target: {"x": part.inputs[0].sum(2)}},
        layers=["input", "same"],
        **only_attributions(),
    )
    assert "a function of one's own" in own.why.values[0, 1]


class Broken(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what, self.drop, self.norm = what, nn.Dropout(), nn.BatchNorm1d(3)
        self.line = nn.Linear(3, 1)

    def forward(self, x):
        scores = self.line(self.norm(self.drop(x[..., 0])))
        if self.what == "shape":
            return scores[:, 0]
        if self.what == "nan":
            return scores * torch.nan
        if self.what == "gradient":
            return scores + (x[..., 0] - x[..., 0]).abs().sum(1, keepdim=True).sqrt()
        return scores


def broken_task(what):
    model = Broken(what)
    model.line.weight.requires_grad_(False)
    model.norm.eval()
    return AttributionTask(**{**PARTS, "model": model, "forward": model})


def test_scores_and_attributions_are_finite_and_of_the_right_shape():
    with pytest.raises(ValueError, match=re.escape("of shape (row, target) (2, 1); got (2,)")):
        grid(broken_task("shape"), methods=["saliency"])
    with pytest.raises(ValueError, match="`forward` must give finite scores; got NaN"):
        grid(broken_task("nan"), methods=["saliency"])
    with pytest.raises(RuntimeError, match="saliency gave NaN or infinite attributions of 'x'"):
        grid(broken_task("gradient"), methods=["saliency"])


@pytest.mark.parametrize("what", ["", "gradient"])
def test_modes_flags_weights_and_random_states_are_as_before(what):
    task = broken_task(what)
    model = task.model
    modes = {path: module.training for path, module in model.named_modules()}
    held = {k: v.clone() for k, v in model.state_dict().items()}
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    try:
        grid(task, methods=["gradient_shap", "shapley_sampling"], **only_attributions(depths=2))
        grid(task, methods=["deep_lift"], **only_attributions(depths=2))
    except RuntimeError:
        assert what == "gradient"
    drawn = (float(torch.rand(())), float(np.random.rand()))  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    assert drawn == (float(torch.rand(())), float(np.random.rand()))  # noqa: NPY002
    assert modes == {path: module.training for path, module in model.named_modules()}
    assert modes["drop"]
    assert not modes["norm"]
    flags = {name: p.requires_grad for name, p in model.named_parameters()}
    assert not flags["line.weight"]
    assert flags["line.bias"]
    assert all(torch.equal(v, held[k]) for k, v in model.state_dict().items())
    assert not model._forward_hooks
    assert not model.line._forward_hooks
    assert all(p.grad is None for p in model.parameters())
    assert not task.inputs["x"].requires_grad


def test_dropout_is_off_and_the_same_call_gives_the_same():
    task = replace(broken_task(""))
    first, again = (
        grid(task, methods=["saliency", "gradient_shap"], depths=1, draws=5) for _ in range(2)
    )
    for name in first.data_vars:
        if name != "seconds":
            np.testing.assert_array_equal(first[name].values, again[name].values)
