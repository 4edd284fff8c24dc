from __future__ import annotations

import math
from functools import partial
from itertools import count, cycle

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from probe.subjects.checkpoint import load_checkpoint, save_checkpoint
from probe.subjects.tensor_files import save_tensors
from probe.subjects.training import Step, fit, gradient_step, train


def squared(subject: nn.Module, batch: Tensor) -> Tensor:
    return (subject(batch) - 1).square().mean()


def with_metric(subject: nn.Module, batch: Tensor):
    loss = squared(subject, batch)
    return loss, {"largest": batch.abs().max(), "two": 2.0}


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.3), nn.Linear(8, 1))


def batches():
    generator = torch.Generator().manual_seed(1)
    while True:
        yield torch.randn(4, 3, generator=generator)


def test_one_step_is_the_update_by_hand() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 3.0)
    sgd = torch.optim.SGD(layer.parameters(), lr=0.1)
    (step,) = train(layer, [torch.tensor([[2.0]])], squared, sgd)
    # loss (2w - 1)^2 = 25, gradient 2 (2w - 1) 2 = 20, w = 3 - 0.1 * 20
    assert step == Step(1, 25.0, {})
    assert layer.weight.item() == pytest.approx(1.0)


def test_the_caller_owns_the_loop() -> None:
    subject = net()
    taken = []
    source = (taken.append(number) or batch for number, batch in zip(count(), batches()))
    run = train(subject, source, squared, torch.optim.SGD(subject.parameters(), lr=0.1))
    assert taken == []
    assert [next(run).step, next(run).step] == [1, 2]
    # No batch is taken before it is asked for.
    assert taken == [0, 1]
    assert subject.training


def test_metrics_are_numbers_and_steps_are_frozen() -> None:
    subject = net()
    sgd = torch.optim.SGD(subject.parameters(), lr=0.1)
    (step,) = train(subject, [torch.full((1, 3), -7.0)], with_metric, sgd)
    assert step.metrics == {"largest": 7.0, "two": 2.0}
    with pytest.raises(AttributeError):
        step.loss = 0.0  # pyright: ignore


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_names_the_step_and_touches_nothing(bad) -> None:
    subject = net()
    sgd = torch.optim.SGD(subject.parameters(), lr=0.1)
    data = [torch.ones(1, 3), torch.ones(1, 3), torch.full((1, 3), bad)]
    run = train(subject, data, squared, sgd)
    next(run), next(run)
    before = [p.clone() for p in subject.parameters()]
    with pytest.raises(RuntimeError, match=r"the loss is .* at step 3; the weights are .* step 2"):
        next(run)
    for parameter, old in zip(subject.parameters(), before, strict=True):
        torch.testing.assert_close(parameter, old)


def test_a_loss_that_is_no_scalar_is_refused() -> None:
    subject = net()
    sgd = torch.optim.SGD(subject.parameters(), lr=0.1)
    with pytest.raises(
        TypeError, match=r"`loss` must give a scalar tensor; got Tensor\. Reduce it"
    ):
        next(train(subject, batches(), lambda s, b: s(b), sgd))
    with pytest.raises(TypeError, match="`loss` must give a scalar tensor; got float"):
        next(train(subject, batches(), lambda s, b: 1.0, sgd))  # pyright: ignore


def test_batches_that_end_early_are_an_error_only_where_steps_were_asked_for() -> None:
    subject = net()
    sgd = torch.optim.SGD(subject.parameters(), lr=0.1)
    two = [torch.ones(1, 3)] * 2
    assert len(list(train(subject, two, squared, sgd))) == 2
    with pytest.raises(RuntimeError, match="`batches` ended after step 2, before the 3"):
        list(train(subject, two, squared, sgd, steps=3))
    assert [s.step for s in train(subject, cycle(two), squared, sgd, steps=5, start=3)] == [4, 5]


def test_bad_counts_are_refused_before_the_first_step() -> None:
    subject = net()
    sgd = torch.optim.SGD(subject.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="`steps` must be at least 4; got 3"):
        train(subject, [], squared, sgd, steps=3, start=4)
    with pytest.raises(ValueError, match="`start` must be at least 0; got -1"):
        train(subject, [], squared, sgd, start=-1)
    with pytest.raises(ValueError, match="`every` must be at least 1; got 0"):
        fit(subject, [], squared, sgd, steps=3, every=0)
    with pytest.raises(ValueError, match="`steps` must be at least 1; got 0"):
        fit(subject, [], squared, sgd, steps=0)


def test_the_update_can_be_exchanged_and_clipped() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 3.0)
    sgd = torch.optim.SGD(layer.parameters(), lr=0.1)
    clipped = partial(gradient_step, clip=1.0)
    list(train(layer, [torch.tensor([[2.0]])], squared, sgd, train_step=clipped))
    assert layer.weight.item() == pytest.approx(2.9, abs=1e-5)
    seen = []

    def twice(subject, batch, loss, optimizer):
        seen.append(batch)
        gradient_step(subject, batch, loss, optimizer)
        return gradient_step(subject, batch, loss, optimizer)

    list(train(layer, [torch.tensor([[2.0]])], squared, sgd, train_step=twice))
    assert len(seen) == 1
    # w = 2.9 - 0.1 * 4 (2 * 2.9 - 1) = 0.98, then 0.98 - 0.4 (0.96)
    assert layer.weight.item() == pytest.approx(0.596, abs=1e-5)


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, amsgrad=True),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    "plain": lambda p: torch.optim.SGD(p, lr=0.01),
}


def arms(optimizer: str):
    subject = net()
    chosen = OPTIMIZERS[optimizer](subject.parameters())
    return subject, chosen, torch.optim.lr_scheduler.StepLR(chosen, 3, 0.5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("stopped", [3, 4, 8])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path, optimizer, stopped) -> None:
    """Dropout draws from torch's global state, so this also tests that that is restored."""
    path = tmp_path / "run.safetensors"
    subject, chosen, schedule = arms(optimizer)
    whole = fit(
        subject, batches(), with_metric, chosen, steps=9, scheduler=schedule, progress=False
    )
    calls = []

    def failing(subject, batch):
        calls.append(batch)
        if len(calls) > stopped:
            raise KeyboardInterrupt
        return with_metric(subject, batch)

    other, chosen, schedule = arms(optimizer)
    options = {"steps": 9, "scheduler": schedule, "progress": False}
    options |= {"checkpoint": path, "every": 2}
    with pytest.raises(KeyboardInterrupt):
        fit(other, batches(), failing, chosen, **options)
    fresh, chosen, schedule = arms(optimizer)
    torch.manual_seed(12345)  # a new process begins elsewhere
    options["scheduler"] = schedule
    resumed = fit(fresh, batches(), with_metric, chosen, **options)
    assert resumed.step.values.tolist() == list(range(1, 10))
    for name in ("loss", "largest", "two"):
        np.testing.assert_array_equal(resumed[name].values, whole[name].values)
    for mine, theirs in zip(fresh.parameters(), subject.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert schedule.get_last_lr() == pytest.approx([0.01 * 0.5**3])
    # A finished run is loaded, not trained further, and one of more steps cannot be cut.
    done = fit(fresh, batches(), with_metric, chosen, **options)
    np.testing.assert_array_equal(done.loss.values, whole.loss.values)
    with pytest.raises(ValueError, match="`steps` must be at least the 9 of the checkpoint; got 8"):
        fit(fresh, batches(), with_metric, chosen, **{**options, "steps": 8})


def test_a_result_says_what_it_is() -> None:
    subject = net()
    sgd = torch.optim.SGD(subject.parameters(), lr=0.1)
    result = fit(subject, batches(), with_metric, sgd, steps=2, progress=False)
    assert result.attrs["probe"] == "subjects.training"
    assert result.loss.attrs == {"long_name": "loss", "units": "1"}


def test_metrics_of_some_steps_only_are_an_error() -> None:
    subject = net()
    turn = count()

    def sometimes(subject, batch):
        return squared(subject, batch), ({"odd": 1.0} if next(turn) % 2 else {})

    sgd = torch.optim.SGD(subject.parameters(), lr=0.1)
    with pytest.raises(RuntimeError, match="the loss function gave odd at some steps only"):
        fit(subject, batches(), sometimes, sgd, steps=3, progress=False)


def test_a_checkpoint_of_something_else_is_refused(tmp_path) -> None:
    path = tmp_path / "run.safetensors"
    subject, chosen, schedule = arms("adamw")
    save_checkpoint(path, subject, chosen, step=1)
    other = nn.Linear(2, 2)
    text = "`path` must be a checkpoint of this model and optimiser; .*Delete the file to begin"
    with pytest.raises(ValueError, match=rf"(?s){text}"):
        load_checkpoint(path, other, torch.optim.SGD(other.parameters(), lr=0.1))
    with pytest.raises(ValueError, match="`scheduler` must be given if and only if"):
        load_checkpoint(path, subject, chosen, scheduler=schedule)
    save_tensors(path, {"x": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"`path` must be a checkpoint; got .* holds tensors only"):
        load_checkpoint(path, subject, chosen)
    path.write_bytes(b"cut")
    with pytest.raises(ValueError, match="`path` must be a whole safetensors file"):
        load_checkpoint(path, subject, chosen)


def test_a_state_that_is_not_plain_is_refused(tmp_path) -> None:
    subject, chosen, _ = arms("plain")
    chosen.param_groups[0]["odd"] = object()
    with pytest.raises(TypeError, match="`optimizer/param_groups/0/odd` must be a tensor, number"):
        save_checkpoint(tmp_path / "x", subject, chosen, step=1)


def test_nested_optimiser_states_come_back(tmp_path) -> None:
    """LBFGS keeps lists of tensors in its state."""
    subject = nn.Linear(3, 1)
    lbfgs = torch.optim.LBFGS(subject.parameters(), max_iter=3)
    batch = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))

    def closure():
        lbfgs.zero_grad()
        loss = squared(subject, batch)
        loss.backward()
        return loss

    lbfgs.step(closure)
    before = lbfgs.state_dict()
    save_checkpoint(tmp_path / "x", subject, lbfgs, step=1)
    again = torch.optim.LBFGS(subject.parameters(), max_iter=3)
    load_checkpoint(tmp_path / "x", subject, again)
    mine, theirs = again.state_dict()["state"][0], before["state"][0]
    assert mine.keys() == theirs.keys()
    for one, other in zip(mine["old_dirs"], theirs["old_dirs"], strict=True):
        assert torch.equal(one, other)
    assert type(again.param_groups[0]["lr"]) is type(lbfgs.param_groups[0]["lr"])
