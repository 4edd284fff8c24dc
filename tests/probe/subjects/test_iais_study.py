"""The IAIS study: paired, resumable, and its statistics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from data.scenes import render_scenes
from probe.isd import isd
from probe.statistics import correct
from probe.subjects import _iais_runs
from probe.subjects._iais_arms import ARMS
from probe.subjects._iais_batches import ranking_batches
from probe.subjects._iais_runs import HELD_OUT_SEED, TUNING_SEED, Runner
from probe.subjects._iais_truth import Truth
from probe.subjects.caption_matching import matching_accuracy
from probe.subjects.iais_study import IaisRecipe, Start, iais_model, iais_study
from probe.subjects.iais_training import tune_ranking
from probe.subjects.pair_tensors import pair_tensors
from probe.subjects.retrieval import retrieval
from probe.subjects.vision_language import attended, trained
from probe.subjects.worker_processes import one_thread

SHORT = IaisRecipe(steps=3, batch_size=4, learning_rate=0.01)
SMALL = Start(parts={"d_model": 8, "n_layers": 2, "n_heads": 2}, n_scenes=16, steps=2, batch_size=4)
OPTIONS = {"recipe": SHORT, "start": SMALL, "n_train": 12, "n_held_out": 14}


def study(folder: Path, **options) -> xr.Dataset:
    given = {**OPTIONS, "seeds": 2, "n_boot": 60, "workers": 1, "progress": False}
    return iais_study(folder=folder, **{**given, **options})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("iais")


@pytest.fixture(scope="module")
def whole(home: Path) -> xr.Dataset:
    return study(home)


def test_what_is_given(whole: xr.Dataset, tmp_path: Path) -> None:
    assert whole.attrs["probe"] == "isd.study"
    sizes = {"arm": 5, "seed": 2, "direction": 2, "k": 3, "query": 14, "layer": 2}
    assert dict(whole.sizes) == {**sizes, "step": 3, "bound": 2}
    assert whole.attrs["resumed"] == 0
    assert all(variable.attrs["units"] for variable in whole.data_vars.values())
    np.testing.assert_array_equal(whole.iais.isnull().all(("seed", "step")), whole.arm == "none")
    assert whole.iais.sel(arm=whole.arm[1:]).notnull().all()
    whole.to_netcdf(tmp_path / "study.nc")
    xr.testing.assert_equal(xr.load_dataset(tmp_path / "study.nc"), whole)


@one_thread()  # as the runs of a study: sums in another order give other numbers
def test_a_run_is_tuning_and_measuring_by_hand(whole: xr.Dataset, home: Path) -> None:
    start = {"parts": SMALL.parts, "n_scenes": 16, "steps": 2, "batch_size": 4, "hard": 0.0}
    begun = trained(
        "single", **start, learning_rate=2e-3, seed=1, folder=home / "starts", progress=False
    )
    pairs = render_scenes(12, seed=TUNING_SEED + 1)
    model = begun.model
    history = tune_ranking(model, pairs, arm="congruence", recipe=SHORT, seed=1, progress=False)
    held = render_scenes(14, seed=HELD_OUT_SEED)
    here = whole.sel(arm="congruence", seed=1)
    np.testing.assert_allclose(here.loss, history.loss, rtol=1e-5)
    np.testing.assert_allclose(here.iais, history.iais, rtol=1e-4)
    found = retrieval(model, held, n_boot=20)
    np.testing.assert_array_equal(here["rank"], found["rank"])
    np.testing.assert_allclose(here.recall, found.recall)
    np.testing.assert_allclose(here.recall_strict, found.recall_strict)
    assert here.mean_recall == pytest.approx(found.recall.mean().item())
    matching = matching_accuracy(model, held)
    assert here.accuracy == pytest.approx(matching.accuracy[0].item())
    assert here.above == pytest.approx(matching.ranking[0].item())
    relations = isd(attended(model, held), n_permutations=0)
    np.testing.assert_allclose(here.isd, relations["isd"], rtol=1e-4)
    np.testing.assert_allclose(here.gap, relations.gap, rtol=1e-3, atol=1e-5)
    kept = iais_model("congruence", **OPTIONS, seed=1, folder=home, progress=False)
    states = zip(kept.parameters(), model.parameters(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in states)


def test_arms_of_a_seed_share_start_and_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list] = {}
    true = _iais_runs.tuned

    def watching(model, pairs, batches, *, arm, recipe, progress):
        weights = [p.detach().clone() for p in model.parameters()]
        made = [next(batches) for _ in range(recipe.steps)]
        seen.setdefault("weights", []).append(weights)
        seen.setdefault("batches", []).append(made)
        return true(model, pairs, iter(made), arm=arm, recipe=recipe, progress=progress)

    monkeypatch.setattr(_iais_runs, "tuned", watching)
    study(tmp_path, seeds=1, seed=1, arms=("none", "singular", "shuffled"))
    assert len(seen["weights"]) == 3
    for weights, batches in zip(seen["weights"][1:], seen["batches"][1:], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(weights, seen["weights"][0], strict=True))
        for one, first in zip(batches, seen["batches"][0], strict=True):
            assert one.anchor == first.anchor
            for name in ("rows", "true", "order"):
                assert torch.equal(getattr(one, name), getattr(first, name))
    # And they are those of the seed.
    pairs = render_scenes(12, seed=TUNING_SEED + 1)
    tensors = pair_tensors(pairs, SMALL.untrained(1))
    mine = next(ranking_batches(tensors, Truth(pairs), batch_size=4, seed=1))
    assert torch.equal(mine.rows, seen["batches"][0][0].rows)


def test_an_interrupted_study_goes_on_and_a_larger_one_adds_to_it(
    whole: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    true = Runner.run
    arms = ("none", "singular", "shuffled")

    def stopping(self, task):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(task)
        return true(self, task)

    monkeypatch.setattr(Runner, "run", stopping)
    threads = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        study(tmp_path, seeds=1, arms=arms)
    assert torch.get_num_threads() == threads
    monkeypatch.setattr(Runner, "run", true)
    (folder,) = [entry for entry in tmp_path.iterdir() if entry.name != "starts"]
    files = sorted(folder.iterdir())
    assert [file.name.partition("-")[0] for file in files] == ["none", "singular"]
    files[0].write_bytes(b"{")  # damaged: made again
    found = study(tmp_path, arms=arms)
    assert found.attrs["resumed"] == 1
    for name in ("rank", "loss", "gap", "mean_recall_over_control_interval"):
        xr.testing.assert_allclose(found[name], whole[name].sel(arm=list(arms)))
    weaker = study(tmp_path, recipe=replace(SHORT, strength=0.5), arms=("none", "singular"))
    assert weaker.attrs["resumed"] == 2  # those without a regulariser
    other = study(tmp_path, recipe=replace(SHORT, margin=0.1), arms=("none",), seeds=1)
    assert other.attrs["resumed"] == 0


def test_no_strength_is_the_arm_without(tmp_path: Path) -> None:
    idle = replace(SHORT, strength=0.0)
    found = study(tmp_path, recipe=idle, arms=("none", "singular"), seeds=1)
    none, singular = found.sel(arm="none"), found.sel(arm="singular")
    for name in ("rank", "loss", "isd", "gap", "accuracy"):
        np.testing.assert_array_equal(none[name], singular[name])
    assert found.mean_recall_difference.sel(arm="singular") == 0
    assert found.mean_recall_difference_p.sel(arm="singular") == 1


def test_differences_are_paired_with_none(whole: xr.Dataset) -> None:
    none = whole.sel(arm="none")
    gain = (whole.recall - none.recall).mean("seed")
    np.testing.assert_allclose(whole.recall_difference, gain, atol=1e-12)
    ahead = (whole.mean_recall > none.mean_recall + 1e-9).sum("seed")
    np.testing.assert_array_equal(whole.mean_recall_difference_wins[1:], ahead[1:])
    over = (whole.mean_recall - whole.mean_recall.sel(arm="shuffled")).mean("seed")
    compared = ["singular", "distributed", "congruence"]
    np.testing.assert_allclose(
        whole.mean_recall_over_control.sel(arm=compared), over.sel(arm=compared), atol=1e-12
    )
    assert whole.mean_recall_over_control.sel(arm=["none", "shuffled"]).isnull().all()
    for name in ("recall", "mean_recall", "accuracy"):
        assert (whole[f"{name}_difference"].sel(arm="none") == 0).all()
        assert whole[f"{name}_difference_p"].sel(arm="none").isnull().all()
        low, high = (
            whole[f"{name}_difference_interval"].values[..., 0],
            whole[f"{name}_difference_interval"].values[..., 1],
        )
        assert (low <= high).all()
    p = whole.mean_recall_difference_p.values[1:]
    expected = correct(p, method="holm")
    np.testing.assert_allclose(whole.mean_recall_difference_p_corrected[1:], expected)
    change = (whole.gap - none.gap).mean("seed")
    np.testing.assert_allclose(whole.gap_difference, change, atol=1e-12)


@pytest.mark.slow
def test_the_number_of_processes_does_not_matter(whole: xr.Dataset, tmp_path: Path) -> None:
    found = study(tmp_path, workers=2, seeds=1, arms=("none", "singular"))
    first = whole.sel(arm=["none", "singular"], seed=[0])
    xr.testing.assert_equal(found["rank"], first["rank"])
    xr.testing.assert_equal(found.loss, first.loss)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"arms": ("none", "soft")}, "`arms` must be one of 'none', .*; got 'soft'"),
        ({"arms": ("singular",)}, "`arms` must hold 'none' and no name twice; got"),
        ({"arms": ("none", "none")}, "`arms` must hold 'none' and no name twice; got"),
        ({"seeds": 0}, "`seeds` must be at least 1"),
        ({"workers": 0}, "`workers` must be at least 1"),
        ({"n_train": 3}, "`n_train` must be at least 4; got 3"),
        ({"n_held_out": 1}, "`n_held_out` must be at least 2"),
        ({"n_boot": 1}, "`n_boot` must be at least 2"),
        ({"ks": (5, 1)}, "`ks` must be cut-offs in ascending order"),
        ({"recipe": replace(SHORT, layer=2)}, "`layer` must be between -2 and 1; got 2"),
        ({"start": Start(kind="triple")}, "`kind` must be one of 'single', 'dual'"),
    ],
)
def test_what_does_not_suit_is_refused_before_any_training(options, text, tmp_path) -> None:
    with pytest.raises(ValueError, match=text):
        study(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_wrong_types_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="`arms` must be a sequence of names; got str"):
        study(tmp_path, arms="none")
    with pytest.raises(TypeError, match="`recipe` must be an IaisRecipe; got dict"):
        study(tmp_path, recipe={})
    with pytest.raises(TypeError, match="`start` must be a Start; got dict"):
        study(tmp_path, start={})
    with pytest.raises(ValueError, match=r"`arm` must be one of 'none', .*; got 'soft'"):
        iais_model("soft", folder=tmp_path)


def test_a_training_that_fails_is_named(home: Path, whole: xr.Dataset) -> None:
    wild = replace(SHORT, learning_rate=1e30)
    with pytest.raises(RuntimeError, match=r"arm 'none' of seed 0: the loss is nan at step"):
        study(home, recipe=wild)
    assert set(ARMS) == set(whole.arm.values)
