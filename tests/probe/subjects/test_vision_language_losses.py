"""Objectives against values by hand and against the best transport found by other means."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch.nn import functional

from probe.subjects.pair_tensors import pair_tensors
from probe.subjects.scene_batches import PairBatch, pair_batches
from probe.subjects.vision_language_losses import (
    link_alignment,
    pair_loss,
    transport_alignment,
    transport_plan,
)
from probe.subjects.vision_language_model import Output
from tests.probe.subjects.vision_language_toys import model_of, recoloured, squares


def one_batch(**given) -> PairBatch:
    tensors = pair_tensors(squares(12), model_of("single"), changes={"colour": recoloured})
    return next(islice(pair_batches(tensors, batch_size=6, **given), 1))


def test_the_plan_moves_everything_at_the_least_cost() -> None:
    rng = torch.Generator().manual_seed(0)
    cost = torch.rand(3, 5, 4, generator=rng, dtype=torch.float64)
    text, image = torch.ones(3, 5, dtype=torch.bool), torch.ones(3, 4, dtype=torch.bool)
    text[1, 3:], image[2, 2:] = False, False
    plan = transport_plan(cost, text, image, beta=0.05, iterations=400)
    for c, p, t, i in zip(cost, plan, text, image, strict=True):
        inner, own = c[t][:, i].numpy(), p[t][:, i].numpy()
        assert p.sum() == pytest.approx(own.sum())
        rows, columns = inner.shape
        marginals = np.concatenate([np.full(rows, 1 / rows), np.full(columns, 1 / columns)])
        sums = np.zeros((rows + columns, rows * columns))
        for k in range(rows):
            sums[k, k * columns : (k + 1) * columns] = 1
        for k in range(columns):
            sums[rows + k, k::columns] = 1
        best = linprog(inner.ravel(), A_eq=sums, b_eq=marginals).fun
        assert (own * inner).sum() == pytest.approx(best, abs=2e-3)
        np.testing.assert_allclose(own.sum(axis=1), 1 / rows, atol=2e-3)
        np.testing.assert_allclose(own.sum(axis=0), 1 / columns, atol=1e-9)


def test_wrong_settings_of_the_plan_are_refused() -> None:
    keep = torch.ones(1, 2, dtype=torch.bool)
    with pytest.raises(ValueError, match="`beta` must be at least"):
        transport_plan(torch.ones(1, 2, 2), keep, keep, beta=0.0)
    with pytest.raises(ValueError, match="`iterations` must be at least 1; got 0"):
        transport_plan(torch.ones(1, 2, 2), keep, keep, iterations=0)


def test_transport_alignment_is_lower_where_words_are_what_regions_are() -> None:
    batch = one_batch()
    rows, text = batch.inputs.ids.shape
    places = batch.inputs.features.shape[1]
    image = torch.eye(places).expand(rows, -1, -1).repeat(1, 1, 2)
    fitting = image[:, torch.arange(text) % places]
    other = -fitting
    aligned = torch.where(torch.arange(rows)[:, None, None] < 6, fitting, other)
    good = transport_alignment(Output(torch.zeros(rows), aligned, image), batch)
    bad = transport_alignment(Output(torch.zeros(rows), -aligned, image), batch)
    same = transport_alignment(Output(torch.zeros(rows), fitting, image), batch)
    assert good < same.abs() + 0.1 < bad
    torch.testing.assert_close(good, -bad)


def test_link_alignment_equals_a_loop_over_words() -> None:
    batch = one_batch()
    rng = torch.Generator().manual_seed(1)
    rows, text = batch.inputs.ids.shape
    places = batch.inputs.features.shape[1]
    words = torch.randn(rows, text, 8, generator=rng)
    image = torch.randn(rows, places, 8, generator=rng)
    costs = []
    for row in range(rows):
        count = int(batch.inputs.image_mask[row].sum())
        for word in range(text):
            named = batch.links[row, word, :count]
            if not named.any():
                continue
            cosine = functional.cosine_similarity(words[row, word], image[row, :count])
            costs.append(-(cosine / 0.1).log_softmax(0)[named].mean())
    found = link_alignment(Output(torch.zeros(rows), words, image), batch)
    torch.testing.assert_close(found, torch.stack(costs).mean())


@pytest.mark.parametrize("kind", ["single", "dual"])
def test_the_loss_is_the_weighted_sum_of_its_parts(kind: str) -> None:
    model, batch = model_of(kind), one_batch(hide=0.5)
    total, parts = pair_loss(matching=2.0, words=0.5, regions=0.25, alignment=3.0)(model, batch)
    weights = {"matching": 2.0, "words": 0.5, "regions": 0.25, "alignment": 3.0}
    assert list(parts) == [*weights, "accuracy"]
    expected = sum(weight * float(parts[name]) for name, weight in weights.items())
    assert float(total.detach()) == pytest.approx(expected, rel=1e-5)

    output = model(batch.inputs)
    odds = output.match[:12]
    by_hand = -torch.cat([odds[:6].sigmoid().log(), (1 - odds[6:].sigmoid()).log()]).mean()
    torch.testing.assert_close(parts["matching"], by_hand.detach())
    right = torch.cat([odds[:6] > 0, odds[6:] <= 0]).float().mean()
    torch.testing.assert_close(parts["accuracy"], right)
    logits = model.word_logits(output.text[12:]).log_softmax(-1)
    asked = batch.words >= 0
    chosen = logits[asked].gather(1, batch.words[asked][:, None])
    torch.testing.assert_close(parts["words"], -chosen.mean().detach())
    guessed = model.guessed_features(output.image[12:])
    error = (guessed - batch.features)[batch.hidden].square().mean()
    shown = batch.features[batch.inputs.image_mask[12:]]
    variance = shown.var(dim=0, unbiased=False).mean()
    torch.testing.assert_close(parts["regions"], (error / variance).detach())


def test_nothing_hidden_costs_nothing_and_every_part_teaches() -> None:
    model, batch = model_of("single"), one_batch(hide=0.0)
    _, parts = pair_loss(alignment=0.0)(model, batch)
    assert (float(parts["words"]), float(parts["regions"]), float(parts["alignment"])) == (0, 0, 0)
    assert math.isclose(float(parts["matching"]), math.log(2), rel_tol=0.3)
    batch = one_batch(hide=0.5)
    for align in (transport_alignment, link_alignment):
        model.zero_grad()
        pair_loss(align=align)(model, batch)[0].backward()
        without = [name for name, p in model.named_parameters() if p.grad is None]
        assert without == []


def test_negative_weights_are_refused() -> None:
    for name in ("matching", "words", "regions", "alignment"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 0"):
            pair_loss(**{name: -1.0})
