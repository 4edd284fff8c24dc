from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from probe.statistics import correct, paired_difference
from probe.subjects import _renode_runs, worker_processes
from probe.subjects._renode_arms import ARMS, Labelled, arm_weights
from probe.subjects._renode_summary import in_words, summarised
from probe.subjects.graph import Recipe, train_gnn
from probe.subjects.renode import renode_study
from probe.totoro import renode_weights, topology_imbalance
from tests.probe.subjects.graph_toys import block_graph, block_split

GRAPH = block_graph(n=48)
SPLITS = [block_split(GRAPH, seed=seed) for seed in range(4)]
SHORT = Recipe(hidden=4, epochs=5, learning_rate=0.05)


def study(**options) -> xr.Dataset:
    given = {"splits": SPLITS, "seeds": 2, "recipe": SHORT, "workers": 1, "progress": False}
    return renode_study(options.pop("graph", GRAPH), **{**given, **options})


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return study()


def test_what_is_given(whole: xr.Dataset, tmp_path: Path) -> None:
    assert whole.attrs["probe"] == "totoro.study"
    assert dict(whole.sizes) == {"arm": 5, "split": 4, "seed": 2, "metric": 2, "bound": 2}
    assert whole.score.dims == ("arm", "split", "seed", "metric")
    assert whole.split_name.values.tolist() == [f"blocks {i}" for i in range(4)]
    assert (whole.epochs <= 5).all()
    assert whole.attrs["resumed"] == 0
    whole.to_netcdf(tmp_path / "study.nc")
    xr.testing.assert_equal(xr.load_dataset(tmp_path / "study.nc"), whole)


def test_an_arm_is_the_training_with_its_weights(whole: xr.Dataset) -> None:
    imbalance = topology_imbalance(GRAPH, GRAPH.labels, SPLITS[2].train)
    assert whole.graph_totoro.values[2] == pytest.approx(imbalance.attrs["graph_totoro"])
    seed = int(np.random.SeedSequence([2, 1]).generate_state(1)[0])
    for arm, weights in (("plain", None), ("renode", imbalance.weight.values)):
        one = train_gnn(GRAPH, SPLITS[2], weights=weights, recipe=SHORT, seed=seed, progress=False)
        here = whole.sel(arm=arm, split=2, seed=1)
        np.testing.assert_array_equal(here.score, one.score)
        assert int(here.best_step) == int(one.best_step)


def test_the_weights_of_the_arms() -> None:
    nodes = Labelled(np.array([0.3, 0.0, 0.1, 0.2]), np.array([1.0, 2, 3, 4]), 0.5, 1.5)
    train = np.array([True, True, False, True, True])
    found = {arm: arm_weights(arm, nodes, train, np.random.default_rng(2)) for arm in ARMS}
    assert found.pop("plain") is None
    assert all(np.isnan(weights[2]) for weights in found.values())
    found = {arm: weights[train] for arm, weights in found.items()}
    ladder = renode_weights(np.arange(4.0))
    np.testing.assert_allclose(found["renode"], ladder[[3, 0, 1, 2]])
    np.testing.assert_allclose(found["reversed"], ladder[[0, 3, 2, 1]])
    np.testing.assert_allclose(found["degree"], ladder)
    np.testing.assert_allclose(np.sort(found["shuffled"]), np.sort(ladder))
    assert not np.array_equal(found["shuffled"], found["renode"])


def test_the_shuffle_differs_between_seeds_and_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def keep(setting, tasks, **options):
        seen.update({(t.split, t.seed): t.weights for t in tasks if t.arm == "shuffled"})
        raise KeyboardInterrupt

    monkeypatch.setattr("probe.subjects.renode.run_all", keep)
    with pytest.raises(KeyboardInterrupt):
        study(splits=[SPLITS[0]] * 2)
    assert len({tuple(weights[SPLITS[0].train]) for weights in seen.values()}) == 4


def test_differences_are_paired_by_split_with_seeds_averaged(whole: xr.Dataset) -> None:
    mean = whole.score.mean("seed")
    names = ["renode", "shuffled", "reversed", "degree"]
    for metric in whole.metric.values:
        base = mean.sel(arm="plain", metric=metric)
        p = []
        for arm in names:
            gain = (mean.sel(arm=arm, metric=metric) - base).values
            found = whole.sel(arm=arm, metric=metric)
            assert found.difference == pytest.approx(gain.mean())
            assert found.wins == np.count_nonzero(gain > 0)
            # All 16 flips of 4 splits, exactly; the library's are drawn.
            signs = np.array(np.meshgrid(*[[1, -1]] * 4)).reshape(4, -1)
            flipped = np.abs((signs * gain[:, None]).mean(axis=0))
            exact = np.mean(flipped >= abs(gain.mean()) - 1e-12)
            assert found.p_value.item() == pytest.approx(exact, abs=0.03)
            low, high = found.difference_interval.values
            assert low <= found.difference <= high
            p.append(found.p_value.item())
        np.testing.assert_allclose(
            whole.p_corrected.sel(arm=names, metric=metric), correct(p, method="holm")
        )
    assert (whole.difference.sel(arm="plain") == 0).all()
    for name in ("p_value", "p_corrected", "wins"):
        assert whole[name].sel(arm="plain").isnull().all()


def test_renode_is_compared_with_its_controls_too(whole: xr.Dataset) -> None:
    mean = whole.score.mean("seed").sel(metric="macro_f1")
    theirs = paired_difference(
        mean.sel(arm="renode").values, mean.sel(arm="reversed").values, n_permutations=9999
    )
    ours = whole.sel(arm="reversed", metric="macro_f1")
    assert ours.renode_difference == pytest.approx(theirs.estimate)
    assert ours.renode_p_value == pytest.approx(theirs.p)
    assert "renode_difference" not in study(arms=("plain", "renode"), splits=SPLITS[:2])


def test_the_notes_say_what_is_established(whole: xr.Dataset) -> None:
    notes = whole.attrs["notes"]
    assert "Weighted-F1, renode against plain: " in notes
    assert "no difference established, nor that there is none" in notes
    assert "the sum of T" in notes
    assert "it establishes nothing about others" in notes
    few = study(splits=SPLITS[:2], arms=("plain", "degree"))
    assert "too few or equal values for a correlation" in few.attrs["notes"]


def test_clear_scores_are_called_so() -> None:
    """12 splits: one arm 0.1 better on each, T in the order of the scores."""
    scores = np.linspace(0.5, 0.6, 12)
    values = np.stack([scores, scores + 0.1 + np.arange(12) % 3 / 100])[:, :, None, None]
    dims, arms = ("arm", "split", "seed", "metric"), ["plain", "degree"]
    score = xr.DataArray(values, {"arm": arms, "metric": ["macro_f1"]}, dims)
    found = summarised(score, xr.DataArray(scores**2, dims="split"))
    assert found.difference.values.ravel() == pytest.approx([0, 0.11])
    assert found.wins.sel(arm="degree").item() == 12
    assert found.deviation.values[0, 0] == pytest.approx(scores.std(ddof=1))
    assert found.correlation.item() == pytest.approx(1.0)
    better, together, _ = in_words(found, 12).splitlines()
    assert better.startswith("Macro-F1, degree against plain: +11.00 points [")
    assert better.endswith("p < 0.001 after Holm: better.")
    assert together.endswith("+1.00 [+1.00, +1.00], p < 0.001: they go together here.")


def test_random_splits_are_drawn_from_the_seed() -> None:
    options = {"arms": ("plain",), "seeds": 1, "per_class": 3, "valid_per_class": 3}
    one, two = study(splits=3, seed=0, **options), study(splits=2, seed=1, **options)
    assert one.split_name.values[1:].tolist() == two.split_name.values.tolist()
    np.testing.assert_allclose(one.graph_totoro[1:], two.graph_totoro)


def test_finished_runs_are_taken_up_and_a_larger_study_adds_to_them(
    whole: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    true = _renode_runs.Runner.run

    def stopping(self, task):
        if len(made) == 7:
            raise KeyboardInterrupt
        made.append(task)
        return true(self, task)

    monkeypatch.setattr(_renode_runs.Runner, "run", stopping)
    threads = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        study(folder=tmp_path, splits=SPLITS[:2])
    assert torch.get_num_threads() == threads
    monkeypatch.setattr(_renode_runs.Runner, "run", true)
    (home,) = tmp_path.iterdir()
    files = sorted(home.iterdir())
    assert len(files) == 7
    assert set(json.loads(files[0].read_text())) == set(_renode_runs.Run._fields)
    files[0].write_text("{")  # damaged: made again
    found = study(folder=tmp_path)
    assert found.attrs["resumed"] == 6
    xr.testing.assert_equal(found, whole)
    assert study(folder=tmp_path, recipe=replace(SHORT, epochs=2)).attrs["resumed"] == 0
    assert study(folder=tmp_path, w_max=1.2).attrs["resumed"] == 8  # the plain ones


@pytest.mark.slow
def test_the_number_of_processes_does_not_matter(whole: xr.Dataset, tmp_path: Path) -> None:
    """Two spawned workers, from a program that is no file, give the very same numbers."""
    program = f"""
from tests.probe.subjects.graph_toys import block_graph, block_split
from probe.subjects.graph import Recipe
from probe.subjects.renode import renode_study
graph = block_graph(n=48)
splits = [block_split(graph, seed=seed) for seed in range(4)]
recipe = Recipe(hidden=4, epochs=5, learning_rate=0.05)
study = renode_study(graph, splits=splits, seeds=2, recipe=recipe, workers=2, progress=False)
study.to_netcdf({str(tmp_path / "two.nc")!r})
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3])
    xr.testing.assert_equal(xr.load_dataset(tmp_path / "two.nc"), whole)


@pytest.mark.slow
def test_an_interrupt_ends_the_workers_and_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self, n=1):
        raise KeyboardInterrupt

    monkeypatch.setattr(_renode_runs.tqdm, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study(folder=tmp_path, workers=2, progress=False)
    assert multiprocessing.active_children() == []
    (home,) = tmp_path.iterdir()
    kept = [_renode_runs.kept_run(path) for path in home.iterdir()]
    # At least the first; what ran then was let finish, and what waited was dropped.
    assert 1 <= len(kept) < 40
    assert None not in kept


@pytest.mark.slow
def test_an_unguarded_script_is_told_what_to_do(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from tests.probe.subjects.graph_toys import block_graph\n"
        "from probe.subjects.renode import renode_study\n"
        "renode_study(block_graph(), splits=2, seeds=1, workers=2, per_class=3, valid_per_class=3)"
    )
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": root, "PATH": ""},
        check=False,
    )
    assert done.returncode
    assert "call renode_study under `if __name__ == '__main__':`" in done.stderr


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"graph": replace(GRAPH, features=None)}, "`graph` must have features to learn from"),
        ({"model": "mlp"}, "`model` must be one of 'gcn'"),
        ({"loss": "mse"}, "`loss` must be one of 'cross_entropy'"),
        ({"arms": ("plain", "random")}, "`arms` must be one of 'plain', .*; got 'random'"),
        ({"arms": ("renode",)}, "`arms` must hold 'plain' and no name twice; got"),
        ({"arms": ("plain", "plain")}, "`arms` must hold 'plain' and no name twice; got"),
        ({"splits": 1}, "`splits` must be at least 2; got 1"),
        ({"splits": SPLITS[:1]}, "`splits` must hold at least 2 splits; got 1"),
        ({"splits": [block_split(block_graph())] * 2}, "`split` must be one of this graph's nodes"),
        ({"seeds": 0}, "`seeds` must be at least 1"),
        ({"workers": 0}, "`workers` must be at least 1"),
        ({"model": "gat"}, "`hidden` must be a multiple of GAT's 8 heads; got 4"),
    ],
)
def test_what_does_not_suit_is_refused_before_any_training(options, text) -> None:
    with pytest.raises(ValueError, match=text):
        study(**options)


def test_a_training_that_fails_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"arm 'plain' on split 0: the loss is .* at step"):
        study(recipe=replace(SHORT, learning_rate=1e30))


def test_a_directed_graph_needs_a_decision() -> None:
    edges = GRAPH.edge_index
    graph = replace(GRAPH, edge_index=edges[:, edges[0] < edges[1] + 20])
    options = {"graph": graph, "arms": ("plain",), "seeds": 1}
    with pytest.raises(ValueError, match="directed"):
        study(**options)
    assert study(**options, directed="symmetrise").score.notnull().all()


def test_workers_are_as_many_as_there_is_work_for() -> None:
    processes = worker_processes.how_many
    assert [processes(4, 9, "cpu"), processes(4, 2, "cpu")] == [4, 2]
    assert 1 <= processes(None, 99, "cpu") <= worker_processes.MOST_WORKERS
    assert processes(None, 99, "cuda") == 1


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match=r"`graph` must be a data\.records\.Graph; got ndarray"):
        study(graph=GRAPH.labels)
    with pytest.raises(TypeError, match="`arms` must be a sequence of names; got str"):
        study(arms="plain")
