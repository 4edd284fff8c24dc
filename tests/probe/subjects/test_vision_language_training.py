"""Training, resuming, matching accuracy, and measures while it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from data.records import Attended
from probe.subjects import vision_language_training
from probe.subjects.caption_matching import matching_accuracy
from probe.subjects.pair_tensors import pair_tensors
from probe.subjects.tensor_files import weights_hash
from probe.subjects.training import train
from probe.subjects.vision_language_model import VisionLanguageModel
from probe.subjects.vision_language_training import (
    adamw,
    fit_pairs,
    pair_training,
)
from probe.subjects.watching_heads import watch_heads
from tests.probe.subjects.vision_language_toys import model_of, recoloured, squares

CHANGES = {"colour": recoloured}
SHORT: dict[str, Any] = {"steps": 6, "batch_size": 8, "seed": 3}


def tensors_of(model: VisionLanguageModel, n: int = 40):
    return pair_tensors(squares(n), model, changes=CHANGES)


@pytest.mark.parametrize("kind", ["single", "dual"])
def test_the_same_seed_gives_the_same_weights(kind: str) -> None:
    hashes = []
    for seed in (0, 0, 1):
        model = model_of(kind)
        steps = list(pair_training(model, tensors_of(model), **{**SHORT, "seed": seed}))
        assert [step.step for step in steps] == list(range(1, 7))
        assert set(steps[0].metrics) == {"matching", "words", "regions", "alignment", "accuracy"}
        hashes.append(weights_hash(model))
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_run_that_was_interrupted_ends_like_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model_of("single", dropout=0.2)
    torch.manual_seed(0)
    history = fit_pairs(whole, tensors_of(whole), progress=False, **SHORT)

    class Stop(Exception):
        pass

    def stopping(*args: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stop
        return clipped(*args)

    clipped, left = vision_language_training._clipped, 4
    monkeypatch.setattr(vision_language_training, "_clipped", stopping)
    path = tmp_path / "run.safetensors"
    given = {"checkpoint": path, "every": 2, "progress": False, **SHORT}
    broken = model_of("single", dropout=0.2)
    torch.manual_seed(0)
    with pytest.raises(Stop):
        fit_pairs(broken, tensors_of(broken), **given)
    monkeypatch.undo()
    torch.manual_seed(9)
    resumed = model_of("single", dropout=0.2)
    found = fit_pairs(resumed, tensors_of(resumed), **given)
    assert weights_hash(resumed) == weights_hash(whole)
    for name in history.data_vars:
        np.testing.assert_array_equal(found[name], history[name])


def test_rates_rise_then_fall_and_vectors_do_not_decay() -> None:
    model = model_of("single")
    made, schedule = vision_language_training._optimizer(model, adamw, 1.0, 40)
    rates = []
    for _ in range(40):
        rates.append(made.param_groups[0]["lr"])
        made.step()
        schedule.step()
    np.testing.assert_allclose(rates[:3], [0.5, 1.0, 1.0])
    assert rates[-1] == pytest.approx(1 / 38)
    assert (np.diff(rates[2:]) < 0).all()
    decays = {p.ndim > 1: g["weight_decay"] for g in made.param_groups for p in g["params"]}
    assert decays == {True: 0.01, False: 0.0}
    count = sum(len(group["params"]) for group in made.param_groups)
    assert count == len(list(model.parameters()))


def test_the_optimiser_and_the_loss_can_be_exchanged() -> None:
    model = model_of("single")
    before = weights_hash(model)
    frozen = pair_training(
        model,
        tensors_of(model),
        loss=lambda subject, batch: subject(batch.inputs).match.mean(),
        optimizer=lambda subject, rate: torch.optim.SGD(subject.parameters(), lr=0.0 * rate),
        **SHORT,
    )
    assert [dict(step.metrics) for step in frozen] == [{}] * 6
    assert weights_hash(model) == before


def test_measures_of_heads_along_the_training() -> None:
    model = model_of("single")
    seen: list[int] = []

    def mass(stream: Any) -> xr.Dataset:
        parts: list[Attended] = list(stream)
        seen.append(sum(len(part) for part in parts))
        values = torch.cat([part.attentions[:, :, :, 0, 0] for part in parts]).mean(0)
        return xr.Dataset({"value": (("layer", "head"), values.numpy(), {"units": "share"})})

    pairs = squares(9, seed=4)
    training = pair_training(model, tensors_of(model), **{**SHORT, "steps": 5})
    found = watch_heads(
        model, training, pairs, probes={"mass": mass, "again": mass}, every=2, batch_size=4
    )
    assert seen == [9] * 8
    assert found.step.values.tolist() == [0, 2, 4, 5]
    assert found.mass_value.dims == ("step", "layer", "head")
    assert found.mass_value.attrs["units"] == found.again_value.attrs["units"] == "share"
    xr.testing.assert_equal(found.mass_value.rename("x"), found.again_value.rename("x"))
    assert found.step_update.values.tolist() == [1, 2, 3, 4, 5]
    assert found.loss.dims == found.accuracy.dims == ("step_update",)
    assert not np.allclose(found.mass_value[0], found.mass_value[-1])
    # Watching does not change what is learned.
    other = model_of("single")
    for _ in pair_training(other, tensors_of(other), **{**SHORT, "steps": 5}):
        pass
    assert weights_hash(other) == weights_hash(model)


def test_watching_needs_a_probe_and_a_training() -> None:
    model = model_of("single")
    with pytest.raises(ValueError, match="`probes` must hold at least one measure by name"):
        watch_heads(model, iter([]), squares(2), probes={})
    empty = train(model, [], lambda subject, batch: None, adamw(model, 0.1), steps=None)  # pyright: ignore
    with pytest.raises(RuntimeError, match="`training` gave no step"):
        watch_heads(model, empty, squares(2), probes={"none": lambda stream: xr.Dataset()})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["single", "dual"])
def test_a_tiny_model_learns_which_caption_is_whose(kind: str) -> None:
    model = model_of(kind, d_model=32)
    tensors = tensors_of(model, 600)
    fit_pairs(model, tensors, steps=500, batch_size=16, learning_rate=3e-3, progress=False)
    found = matching_accuracy(model, squares(200, seed=77), changes=CHANGES)
    assert float(found.accuracy_interval.sel(negative="mismatched", bound="low")) > 0.7
    assert float(found.accuracy_interval.sel(negative="colour", bound="low")) > 0.7
