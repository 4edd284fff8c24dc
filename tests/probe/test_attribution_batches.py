"""Batch sizes: measured, within the budget, halved when memory runs out, never of consequence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from probe.attribution import METHODS, AttributionTask, attribute, grid
from probe.attribution._sizes import batch_size, halving, saved_bytes
from tests.probe.attribution_truth import linear_task, only_attributions, pixel_task


def test_the_size_changes_no_result():
    task = pixel_task(examples=3)
    asked = {"methods": list(METHODS), "layers": ["input", "2"], "targets": [1], "n_steps": 7}
    more = {"draws": 7, "sensitivity_draws": 1, "depths": 1, "n_boot": 5, "n_samples": 6}
    whole = grid(task, **asked, **more)
    for size in (1, 5):
        part = grid(task, **asked, **more, internal_batch_size=size)
        for name in ("attribution_image", "infidelity", "sensitivity", "randomised"):
            np.testing.assert_allclose(
                part[name].values,
                whole[name].values,
                rtol=2e-3,
                atol=2e-5,
                err_msg=f"{name} {size}",
            )
        assert set(part.internal_batch_size.values.ravel()) == {0, size}


class Counted(nn.Module):
    """A linear score that knows the largest batch it was given, and has too little memory."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(4.0)[None, :, None])
        self.limit, self.most = limit, 0

    def forward(self, x):
        if len(x) > self.limit:
            raise torch.OutOfMemoryError("out of memory")
        self.most = max(self.most, len(x))
        return (x * self.weight).exp().sum((1, 2))[:, None]


def counted_task(limit: int, examples: int = 6) -> AttributionTask:
    model = Counted(limit)
    x = torch.rand(examples, 4, 2)
    return AttributionTask(model, model, {"x": x}, {"x": 0 * x}, {"x": "token"}, ["score"])


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "feature_ablation"])
def test_the_budget_is_kept(method):
    task = counted_task(10_000)
    task.model.requires_grad_(False)  # as it is while attributions are made
    row = saved_bytes(
        task.forward, (task.inputs["x"][:1].clone().requires_grad_(),), task.model.parameters()
    )
    assert row >= 4 * 2 * 4
    ds = attribute(task, method=method, memory_budget=3 * row + 1, **only_attributions())
    assert ds.internal_batch_size.item() == 3
    assert task.model.most == 3


def test_memory_that_runs_out_halves_the_size_and_changes_nothing():
    asked = {"method": "integrated_gradients", "n_steps": 8} | only_attributions()
    torch.manual_seed(0)
    task = counted_task(5)
    with pytest.warns(UserWarning, match=r"Memory ran out; going on with \d+ rows at once"):
        ds = attribute(task, **asked)
    assert ds.internal_batch_size.item() == 4
    task.model.limit = 1000
    np.testing.assert_allclose(
        ds.attribution_x.values, attribute(task, **asked).attribution_x.values, rtol=1e-5
    )


def test_one_row_that_is_too_much_is_an_error_and_so_is_a_size_of_ones_own():
    with pytest.raises(RuntimeError, match=r"Memory ran out with 4 rows at once\. Give fewer"):
        attribute(counted_task(3), method="saliency", internal_batch_size=4, **only_attributions())

    def never(size):
        raise MemoryError

    with (
        pytest.warns(UserWarning, match="with 1 rows"),
        pytest.raises(RuntimeError, match="Memory ran out with 1 rows"),
    ):
        halving(never, 2, may_halve=True)

    def other(size):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")

    with pytest.raises(RuntimeError, match="Memory ran out with 2 rows"):
        halving(other, 2, may_halve=False)

    def wrong(size):
        raise RuntimeError("another error")

    with pytest.raises(RuntimeError, match="another error"):
        halving(wrong, 2, may_halve=True)


def test_weights_cost_no_row_anything():
    layer = nn.Linear(1000, 1)
    x = torch.zeros(1, 1000, requires_grad=True)
    assert saved_bytes(lambda x: layer(x.sin()), (x,), layer.parameters()) <= 3 * 4000


@pytest.mark.parametrize(
    ("size", "budget", "error", "text"),
    [
        ("big", 100, ValueError, "`internal_batch_size` must be 'auto' or a positive integer"),
        (0, 100, ValueError, "`internal_batch_size` must be at least 1"),
        (1.5, 100, TypeError, "`internal_batch_size` must be an integer"),
        ("auto", 0, ValueError, "`memory_budget` must be at least 1"),
    ],
)
def test_sizes_that_are_none(size, budget, error, text):
    with pytest.raises(error, match=text):
        batch_size(size, 10, budget)
    assert (batch_size("auto", 0, 10), batch_size("auto", 100, 10)) == (10, 1)


def test_seconds_and_sizes_are_told_for_each_combination():
    task, _ = linear_task()
    ds = grid(task, methods=["saliency", "grad_cam"], **only_attributions())
    assert ds.seconds.values[0, 0] > 0
    assert np.isnan(ds.seconds.values[1, 0])
    assert ds.internal_batch_size.values[1, 0] == 0
