"""The randomisation check: what depends on weights loses its order, what does not keeps it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from probe.attribution import AttributionTask, grid
from probe.attribution._cascade import randomise, rank_agreement, weights_kept
from probe.attribution._state import at_rest
from tests.probe.attribution_truth import linear_task, pixel_task

QUICK = {"draws": 2, "sensitivity_draws": 0, "n_boot": 200}


def edges(task, part, target):
    """An edge detector: the input's own differences, whatever the weights."""
    x = part.inputs[0]
    return {"image": x.sum(1) - x.roll(1, -1).sum(1)}


def test_gradients_of_a_linear_score_lose_their_order_and_an_edge_detector_keeps_it():
    task, _ = linear_task(examples=12, units=60)
    ds = grid(task, methods=["input_x_gradient", "random"], **QUICK)
    assert ds.depth_name.values.tolist() == ["trained", ""]
    found = ds.randomised.values[:, 0]
    assert found[:, 0].tolist() == [1.0, 1.0]
    assert abs(found[0, 1]) < 0.15
    assert found[1, 1] == pytest.approx(1.0)
    low, high = ds.randomised_interval.values[0, 0, 1]
    assert low <= found[0, 1] <= high
    images = grid(
        pixel_task(), methods={"edges": edges, "ig": "integrated_gradients"}, depths=3, **QUICK
    )
    kept, lost = images.randomised.values[:, 0]
    np.testing.assert_allclose(kept, 1.0)
    assert np.abs(lost[1:]).max() < 0.6


def test_weights_are_renewed_from_the_output_down():
    task = pixel_task()
    ds = grid(task, methods=["saliency"], depths=9, **QUICK)
    assert ds.depth_name.values.tolist() == ["trained", "5", "2", "0"]
    two = grid(task, methods=["saliency"], depths=2, **QUICK)
    assert two.depth_name.values.tolist() == ["trained", "2", "0"]


class Odd(nn.Module):
    """Weights in a module that is not called by itself, one that is never called, and a table."""

    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
        self.unused = nn.Linear(2, 2)
        self.head = nn.Linear(4, 1)
        self.table = nn.Embedding(3, 4)

    def forward(self, x):
        x = x + self.table(torch.zeros(1, dtype=torch.long))
        return self.head(self.attend(x, x, x, need_weights=False)[0].sum(1))


def test_modules_that_are_never_called_or_make_the_input_are_left_alone():
    model = Odd()
    x = torch.randn(2, 3, 4)
    task = AttributionTask(
        model, model, {"x": x}, {"x": 0 * x}, {"x": "token"}, ["a"], made_by=["table"]
    )
    ds = grid(task, methods=["input_x_gradient"], depths=9, **QUICK)
    assert set(ds.depth_name.values) == {"trained", "head", "attend", "attend.out_proj"}


def test_weights_and_buffers_come_back_also_after_an_error():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    before = {k: v.clone() for k, v in model.state_dict().items()}

    def fail():
        with at_rest(model), weights_kept(model):
            randomise(list(model), 0)
            model[1].running_mean += 3
            assert not torch.equal(model[0].weight, before["0.weight"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    task = pixel_task()
    held = {k: v.clone() for k, v in task.model.state_dict().items()}
    grid(task, methods=["saliency"], **QUICK)
    assert all(torch.equal(v, held[k]) for k, v in task.model.state_dict().items())


def test_weights_without_a_rule_keep_their_mean_and_spread():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(5000) * 3 + 7)
            self.one = nn.Parameter(torch.tensor([2.0]))

    model = Own()
    before = model.weight.detach().clone()
    with at_rest(model):
        randomise([model], 0)
    assert abs(float(np.corrcoef(before, model.weight.detach())[0, 1])) < 0.05
    after = model.weight.detach()
    assert float(after.mean()) == pytest.approx(7, abs=0.3)
    assert float(after.std()) == pytest.approx(3, abs=0.2)
    assert float(model.one.detach()) != 2.0


def test_rank_agreement_is_spearman_s_over_all_units():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, (2, 3, 6)).astype(float)
    a[1, 4:], b[1, 4:] = np.nan, np.nan
    b[2] = 5.0
    found = rank_agreement({"x": torch.from_numpy(a)}, {"x": torch.from_numpy(b)})
    expected = [spearmanr(a[0], b[0])[0], spearmanr(a[1, :4], b[1, :4])[0], 0.0]
    np.testing.assert_allclose(found, expected)
