"""Tuning to rank: triplets, schedule, batches, hard negatives, and what the regulariser sees."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
import torch

from probe.isd import iais_loss
from probe.subjects import _iais_arms
from probe.subjects._iais_arms import ARMS, Arm, checked_layer, permuted_links, regulariser
from probe.subjects._iais_batches import RankingBatch, ranking_batches
from probe.subjects._iais_truth import Truth
from probe.subjects.iais_training import (
    IaisRecipe,
    iais_weight,
    ranking_loss,
    triplet_loss,
    tune_ranking,
)
from probe.subjects.pair_tensors import pair_tensors
from tests.probe.subjects.vision_language_toys import model_of, squares

PAIRS = squares(24, seed=5)
SHORT = IaisRecipe(steps=6, batch_size=4, hard=2, learning_rate=0.01)


def batches_of(pairs=PAIRS, **options) -> list[RankingBatch]:
    made = pair_tensors(pairs, model_of("single"))
    return list(islice(ranking_batches(made, Truth(pairs), **options), 14))


def test_the_weight_grows_as_in_the_paper() -> None:
    assert iais_weight(10, 10, 0.3) == pytest.approx(0.3)
    assert iais_weight(5, 10) == pytest.approx(math.exp(-2.5))
    found = [iais_weight(t, 8, 2.0) for t in range(9)]
    ratios = np.array(found[1:]) / found[:-1]
    np.testing.assert_allclose(ratios, math.exp(5 / 8))
    assert found[0] == pytest.approx(2 * math.exp(-5))


def test_triplets_in_closed_form() -> None:
    own = torch.tensor([0.9, 0.5], requires_grad=True)
    others = torch.tensor([[0.8, 0.1], [0.5, 0.9]])
    keep = torch.tensor([[True, True], [True, False]])
    found = triplet_loss(own, others, keep, margin=0.2)
    # Short of the margin by .1, nothing and .2; the fourth is not there.
    assert found.item() == pytest.approx((0.1 + 0.0 + 0.2) / 3)
    found.backward()
    np.testing.assert_allclose(own.grad, [-1 / 3, -1 / 3], rtol=1e-6)
    assert triplet_loss(own, others, torch.zeros_like(keep)).item() == 0
    assert triplet_loss(own, others, keep, margin=0.0).item() == 0


def test_a_round_has_every_pair_once_and_anchors_take_turns() -> None:
    found = batches_of(batch_size=4, seed=2)
    rows = torch.cat([batch.rows for batch in found[:6]])
    assert sorted(rows.tolist()) == list(range(24))
    assert [batch.step for batch in found] == list(range(1, 15))
    assert [batch.anchor for batch in found[:4]] == ["vision", "language"] * 2
    lengths = [[len(PAIRS[i].words) for i in batch.rows.tolist()] for batch in found[:6]]
    assert sum(len(set(each)) for each in lengths) <= 7  # of like length
    again = batches_of(batch_size=4, seed=2)
    other = batches_of(batch_size=4, seed=3)
    assert all(torch.equal(a.rows, b.rows) for a, b in zip(found, again, strict=True))
    assert all(torch.equal(a.order, b.order) for a, b in zip(found, again, strict=True))
    assert not all(torch.equal(a.rows, b.rows) for a, b in zip(found, other, strict=True))
    for batch in found:
        words = [PAIRS[i].words for i in batch.rows.tolist()]
        assert batch.true.tolist() == [[a == b for b in words] for a in words]


def test_orders_are_uniform_over_the_positions_that_are_kept() -> None:
    seen: dict[int, set] = {2: set(), 3: set()}
    for seed in range(12):
        for batch in batches_of(batch_size=4, seed=seed):
            for row, order in zip(batch.rows.tolist(), batch.order.tolist(), strict=True):
                kept = len(PAIRS[row].regions)
                assert sorted(order[:kept]) == list(range(kept))
                assert order[kept:] == list(range(kept, len(order)))
                seen[kept].add(tuple(order[:kept]))
    assert {kept: len(orders) for kept, orders in seen.items()} == {2: 2, 3: 6}


def test_permuted_links_move_the_cross_blocks_alone() -> None:
    rng = torch.Generator().manual_seed(0)
    attention = torch.rand(2, 3, 7, 7, generator=rng)
    order = torch.tensor([[2, 0, 1], [1, 0, 2]])
    found = permuted_links(attention, order, 4)
    for row in range(2):
        index = order[row] + 4
        expected = attention[row].clone()
        expected[:, :4, 4:] = attention[row][:, :4, index]
        expected[:, 4:, :4] = attention[row][:, index, :4]
        assert torch.equal(found[row], expected)
    assert torch.equal(permuted_links(attention, torch.arange(3).expand(2, 3), 4), attention)


@pytest.mark.parametrize("anchor", ["vision", "language"])
def test_the_regulariser_reads_words_and_positions_and_no_marks(anchor: str) -> None:
    model, pairs = model_of("dual"), PAIRS[:5]
    inputs = pair_tensors(pairs, model).inputs(torch.arange(5))
    attentions = model(inputs, detail=True).attentions
    assert attentions is not None
    order = torch.arange(inputs.boxes.shape[1]).expand(5, -1)
    for arm in ("singular", "distributed", "congruence"):
        given = {"layer": -1, "anchor": anchor}
        found = regulariser(ARMS[arm], attentions, inputs, order, **given)
        alone = []
        for row, pair in enumerate(pairs):
            text, width = len(pair.words), inputs.ids.shape[1]
            places = [*range(1, text + 1), *range(width, width + len(pair.regions))]
            one = attentions[row, -1][:, places][:, :, places][None]
            words = torch.arange(len(places))[None] < text
            alone.append(iais_loss(one, words, ~words, kind=arm, anchor=anchor).item())
        assert found.item() == pytest.approx(np.mean(alone), rel=1e-4)
    plain = regulariser(ARMS["singular"], attentions, inputs, order, layer=-1, anchor=anchor)
    assert torch.equal(
        regulariser(ARMS["shuffled"], attentions, inputs, order, layer=-1, anchor=anchor), plain
    )


@pytest.mark.parametrize(("anchor", "step"), [("vision", 1), ("language", 2)])
def test_the_loss_is_that_of_the_hardest_false_candidates(anchor: str, step: int) -> None:
    model = model_of("single")
    pairs = pair_tensors(PAIRS, model)
    batch = batches_of(batch_size=6, seed=1)[step - 1]
    assert batch.anchor == anchor
    recipe = IaisRecipe(steps=9, batch_size=6, hard=2, strength=0.7)
    total, parts = ranking_loss(pairs, ARMS["singular"], recipe)(model, batch)
    rows = batch.rows.tolist()
    scores = np.empty((6, 6))
    for c, i in np.ndindex(6, 6):
        given = pairs.ids[[rows[c]]], pairs.mask[[rows[c]]]
        scores[c, i] = model(pairs.inputs([rows[i]], given)).match.sigmoid().item()
    short = []
    for own in range(6):
        line = scores[:, own] if anchor == "vision" else scores[own]
        wrong = ~(batch.true.numpy()[:, own] if anchor == "vision" else batch.true.numpy()[own])
        hardest = sorted(line[wrong])[-2:]
        short += [max(0.0, 0.2 + other - scores[own, own]) for other in hardest]
    assert parts["ranking"].item() == pytest.approx(np.mean(short), rel=1e-4)
    assert parts["weight"] == pytest.approx(0.7 * math.exp(5 * (step / 9 - 1)))
    inputs = pairs.inputs(batch.rows)
    attentions = model(inputs, detail=True).attentions
    assert attentions is not None
    given = {"layer": -1, "anchor": anchor}
    extra = regulariser(ARMS["singular"], attentions, inputs, batch.order, **given)
    assert parts["iais"].item() == pytest.approx(extra.item(), rel=1e-5)
    assert total.item() == pytest.approx(
        (parts["ranking"] + parts["weight"] * extra).item(), rel=1e-5
    )


@pytest.mark.parametrize(
    ("anchor", "expected"),
    [
        ("both", ["vision", "language"] * 3),
        ("vision", ["vision"] * 6),
        ("language", ["language"] * 6),
    ],
)
def test_whose_relations_lead(anchor, expected, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def kept(attention, text, image, *, kind, anchor):
        seen.append((kind, anchor))
        return attention.sum() * 0 + 1

    monkeypatch.setattr(_iais_arms, "iais_loss", kept)
    recipe = IaisRecipe(steps=6, batch_size=4, anchor=anchor)
    found = tune_ranking(model_of("single"), PAIRS, recipe=recipe, progress=False)
    assert seen == [("singular", each) for each in expected]
    np.testing.assert_allclose(found.loss - found.ranking, found.weight, rtol=1e-4, atol=1e-6)


def tuned_weights(arm: str, recipe: IaisRecipe = SHORT) -> dict[str, torch.Tensor]:
    model = model_of("single", seed=3)
    found = tune_ranking(model, PAIRS, arm=arm, recipe=recipe, seed=1, progress=False)
    assert bool(np.isnan(found.iais).all()) == (arm == "none" or recipe.strength == 0)
    return model.state_dict()


def test_no_strength_is_no_regulariser_and_arms_differ() -> None:
    none = tuned_weights("none")
    idle = tuned_weights("singular", IaisRecipe(**{**vars(SHORT), "strength": 0.0}))
    assert all(torch.equal(none[name], idle[name]) for name in none)
    again = tuned_weights("none")
    assert all(torch.equal(none[name], again[name]) for name in none)
    changed = [tuned_weights(arm)["words.weight"] for arm in ARMS if arm != "none"]
    for number, one in enumerate(changed):
        assert not torch.equal(one, none["words.weight"])
        assert not any(torch.equal(one, other) for other in changed[number + 1 :])


def test_tuning_makes_relations_agree_where_it_is_asked_to() -> None:
    recipe = IaisRecipe(steps=30, batch_size=6, hard=1, learning_rate=0.01)
    found = tune_ranking(model_of("single"), PAIRS, recipe=recipe, progress=False)
    assert found.iais[-10:].mean() < 0.7 * found.iais[:10].mean()
    np.testing.assert_allclose(found.loss, found.ranking + found.weight * found.iais, rtol=1e-4)
    assert found.attrs["probe"] == "subjects.training"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"steps": 0}, "`steps` must be at least 1"),
        ({"batch_size": 1}, "`batch_size` must be at least 2"),
        ({"batch_size": 3, "hard": 3}, "`hard` must be between 1 and 2; got 3"),
        ({"margin": -1}, "`margin` must be at least 0"),
        ({"learning_rate": -1}, "`learning_rate` must be at least 0"),
        ({"strength": -1}, "`strength` must be at least 0"),
        ({"anchor": "image"}, "`anchor` must be one of 'both', 'vision', 'language'"),
        ({"batch_size": 25}, "`batch_size` must be between 2 and 24; got 25"),
        ({"layer": 2}, "`layer` must be between -2 and 1; got 2"),
    ],
)
def test_what_is_out_of_range_is_refused(options, text) -> None:
    with pytest.raises(ValueError, match=text):
        tune_ranking(model_of("single"), PAIRS, recipe=IaisRecipe(**options), progress=False)


def test_an_unknown_arm_and_a_layer_without_cross_attention_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`arm` must be one of 'none', 'singular', .*got 'soft'"):
        tune_ranking(model_of("single"), PAIRS, arm="soft", progress=False)
    with pytest.raises(ValueError, match=r"`layer` must have all four .*, as \[2, 3\] have; got 1"):
        checked_layer(model_of("dual"), 1)
    with pytest.raises(TypeError, match="`layer` must be an integer; got float"):
        IaisRecipe(layer=0.5)  # pyright: ignore[reportArgumentType]
    assert Arm(None).permuted is False
