from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from data.records import Split
from probe.subjects import graph as subject_file
from probe.subjects.graph import GraphData, Recipe, gnn_training, make_gnn, train_gnn
from probe.subjects.graph_recipe import adam
from probe.subjects.node_losses import focal
from probe.subjects.node_scores import f1_scores
from tests.probe.subjects.graph_toys import block_graph, block_split

GRAPH = block_graph()
SPLIT = block_split(GRAPH)
SHORT = Recipe(hidden=8, epochs=12, learning_rate=0.05)
CURVES = ("loss", "valid_loss", "valid_weighted_f1", "valid_macro_f1")
CURVES += ("test_weighted_f1", "test_macro_f1")


def trained(**options):
    options = {"recipe": SHORT, "progress": False, **options}
    return train_gnn(options.pop("graph", GRAPH), options.pop("split", SPLIT), **options)


def test_a_model_learns_the_blocks() -> None:
    result = trained(recipe=Recipe(learning_rate=0.05))
    assert result.score.sel(metric="weighted_f1") > 0.85
    assert result.loss[-1] < 0.5 * result.loss[0]
    assert set(CURVES) < set(result.data_vars)
    assert result.attrs["probe"] == "totoro.training"


def test_the_result_is_the_best_epochs() -> None:
    model = make_gnn("gcn", 8, 3, hidden=8, seed=3)
    result = trained(model=model, seed=3)
    best = int(result.valid_weighted_f1.argmax("step"))
    assert int(result.best_step) == result.step.values[best]
    assert not model.training
    logits = model(GraphData.of(GRAPH))
    predicted = logits.argmax(dim=1).numpy()
    np.testing.assert_array_equal(result.prediction, predicted)
    scores = f1_scores(GRAPH.labels[SPLIT.test], predicted[SPLIT.test], 3)
    assert result.score.values.tolist() == list(scores.values())
    assert scores["macro_f1"] == result.test_macro_f1.values[best]
    valid = torch.tensor(SPLIT.valid)
    loss = functional.cross_entropy(logits[valid], torch.tensor(GRAPH.labels)[valid])
    assert result.valid_loss.values[best] == pytest.approx(loss.item())


def test_one_epoch_by_hand() -> None:
    """Weights, the loss and the mean over labelled nodes, at the initial weights."""
    weights = np.full(60, np.nan)
    weights[SPLIT.train] = np.linspace(0.5, 1.5, 15)
    recipe = replace(SHORT, dropout=0.0, epochs=1)
    result = trained(recipe=recipe, weights=weights, loss="focal")
    logits = make_gnn("gcn", 8, 3, hidden=8, dropout=0.0)(GraphData.of(GRAPH))
    train = torch.tensor(SPLIT.train)
    losses = focal(logits[train], torch.tensor(GRAPH.labels)[train]).detach().numpy()
    expected = (losses * np.linspace(0.5, 1.5, 15)).sum() / 15
    assert result.loss.values.tolist() == [pytest.approx(expected)]


def test_the_same_seed_gives_the_same_and_the_random_state_stays() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    one = trained(seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(8)
    for name in CURVES:
        np.testing.assert_array_equal(one[name], trained(seed=1)[name])
    assert not np.array_equal(one.loss, trained(seed=2).loss)
    # Equal weights are none: the arms of a study differ in the weights alone.
    np.testing.assert_array_equal(one.loss, trained(seed=1, weights=np.ones(60)).loss)


def test_shared_tensors_give_what_the_graph_gives() -> None:
    data = GraphData.of(GRAPH)
    np.testing.assert_array_equal(trained(graph=data).loss, trained().loss)


def test_early_stop() -> None:
    recipe = Recipe(epochs=200, patience=4, learning_rate=0.05)
    result = trained(recipe=recipe)
    steps = result.sizes["step"]
    assert steps == int(result.best_step) + 4 < 200
    later = trained(recipe=replace(recipe, least_epochs=steps + 3))
    assert later.sizes["step"] >= steps + 3
    by_loss = trained(recipe=replace(recipe, criterion="loss", epochs=30))
    assert int(by_loss.best_step) == 1 + int(by_loss.valid_loss.argmin("step"))


def test_the_rate_falls_after_the_epochs_said() -> None:
    recipe = Recipe()
    assert [recipe.rate_factor(done) for done in (0, 20, 21, 22)] == [1, 1, 0.95, 0.95**2]


def test_weight_decay_is_the_first_layers() -> None:
    model = make_gnn("gcn", 8, 3)
    first, rest = adam(model, Recipe()).param_groups
    assert (first["weight_decay"], rest["weight_decay"]) == (5e-4, 0.0)
    assert [tuple(p.shape) for p in first["params"]] == [(8, 32), (32,)]
    assert len(adam(make_gnn("sgc", 8, 3), Recipe()).param_groups) == 1
    (all_of_it,) = adam(nn.Linear(2, 2), Recipe()).param_groups
    assert (len(all_of_it["params"]), all_of_it["weight_decay"]) == (2, 5e-4)


def test_model_loss_and_optimiser_can_be_exchanged() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Linear(8, 3)

        def forward(self, data: GraphData) -> torch.Tensor:
            return data.adjacency @ self.map(data.dense_features())

    seen = []

    def sgd(model, recipe):
        seen.append((model, recipe))
        return torch.optim.SGD(model.parameters(), lr=recipe.learning_rate)

    own = Own()
    result = trained(model=own, loss=lambda x, y: focal(x, y, gamma=1.0), optimizer=sgd)
    assert seen == [(own, SHORT)]
    assert result.loss[-1] < result.loss[0]


def test_training_is_a_generator_of_steps() -> None:
    data, model = GraphData.of(GRAPH), make_gnn("gcn", 8, 3, hidden=8)
    run = gnn_training(model, data, SPLIT, adam(model, SHORT), epochs=12)
    first = next(run)
    assert (first.step, model.training) == (1, True)
    assert set(first.metrics) == set(CURVES[1:])
    rest = [first.loss, *(step.loss for step in run)]
    recipe = replace(SHORT, decay=1.0, patience=99)
    np.testing.assert_array_equal(trained(recipe=recipe).loss, rest)


@pytest.mark.parametrize("every", [2, 5])
def test_an_interrupted_run_goes_on_as_if_it_had_not_stopped(tmp_path, monkeypatch, every) -> None:
    whole = trained()
    path = tmp_path / "run.safetensors"
    true = subject_file.gnn_training

    def cut(*args, **options):
        for step in true(*args, **options):
            if step.step == 8:
                raise KeyboardInterrupt
            yield step

    monkeypatch.setattr(subject_file, "gnn_training", cut)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint=path, every=every)
    monkeypatch.setattr(subject_file, "gnn_training", true)
    # Once to go on, once to find the end.
    for _ in range(2):
        resumed = trained(checkpoint=path, every=every)
        for name in (*CURVES, "score", "prediction", "best_step"):
            np.testing.assert_array_equal(resumed[name], whole[name])
    for other in ({"seed": 1}, {"weights": np.ones(60)}, {"split": block_split(GRAPH, seed=1)}):
        with pytest.raises(ValueError, match=r"`checkpoint` must be of this graph, .*Delete the"):
            trained(checkpoint=path, **other)


def masks(**changes: np.ndarray) -> Split:
    return replace(SPLIT, **changes)


NONE = np.zeros(60, dtype=bool)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"split": Split(*np.eye(3, dtype=bool))},
            "`split` must be one of this graph's nodes; got",
        ),
        ({"split": masks(valid=NONE)}, "`split` must have valid nodes; got none"),
        ({"split": masks(test=NONE)}, "`split` must have test nodes; got none"),
        (
            {"split": masks(train=SPLIT.train & (GRAPH.labels != 1))},
            "`split` must have a training node of every class; got none of class 1",
        ),
        (
            {"graph": replace(GRAPH, labels=np.where(SPLIT.test, -1, GRAPH.labels))},
            "`split` must select nodes with a known label only; got 30 test nodes without",
        ),
        ({"weights": np.ones(15)}, r"`weights` must have axes \(node\) with 60; got \(15,\)"),
        (
            {"weights": np.full(60, np.nan)},
            "`weights` must be finite at every training node; got 15 NaN",
        ),
        ({"weights": -np.ones(60)}, "`weights` must be at least 0, and above it somewhere; got"),
        ({"weights": np.zeros(60)}, "`weights` must be at least 0, and above it somewhere; got"),
        ({"model": "mlp"}, "`model` must be one of gcn, appnp, .* or a torch module; got 'mlp'"),
        ({"loss": "mse"}, "`loss` must be one of 'cross_entropy'"),
        ({"seed": -1}, "`seed` must be at least 0; got -1"),
        ({"every": 0}, "`every` must be at least 1; got 0"),
    ],
)
def test_what_does_not_suit_is_refused(options, text) -> None:
    with pytest.raises(ValueError, match=text):
        trained(**options)


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match=r"`split` must be a data\.records\.Split; got ndarray"):
        trained(split=SPLIT.train)
    with pytest.raises(TypeError, match="`model` must be a name or a torch module; got int"):
        trained(model=3)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1; got 0"),
        ({"least_epochs": -1}, "`least_epochs` must be at least 0; got -1"),
        ({"learning_rate": -1.0}, "`learning_rate` must be at least 0"),
        ({"decay": 2.0}, "`decay` must be between"),
        ({"dropout": -0.1}, "`dropout` must be between"),
        ({"criterion": "accuracy"}, "`criterion` must be one of 'weighted_f1'"),
    ],
)
def test_a_recipe_is_checked(option, text) -> None:
    with pytest.raises(ValueError, match=text):
        Recipe(**option)


def test_a_loss_that_is_not_finite_names_the_epoch() -> None:
    with pytest.raises(RuntimeError, match="the loss is nan at step 1"):
        trained(loss=lambda logits, labels: logits.sum(dim=1) * float("nan"))


@pytest.mark.parametrize("name", ["gat", "sage", "cheb", "appnp", "sgc"])
def test_every_model_trains(name: str) -> None:
    pytest.importorskip("torch_geometric.nn")
    result = trained(model=name, recipe=replace(SHORT, epochs=30))
    assert result.loss[-1] < result.loss[0]
    assert result.score.sel(metric="weighted_f1") > 0.6
