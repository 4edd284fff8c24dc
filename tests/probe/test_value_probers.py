"""Probers, fusion, labels and ablation: what they must find, what they must not, and their laws."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from probe.value import (
    AttentionProber,
    EmbeddingProber,
    FusionDegree,
    Linguistic,
    attention_prober,
    coreference,
    embedding_prober,
    fusion_degree,
    head_ablation,
    linguistic,
)
from probe.value._linear import Rows, random_labels
from probe.value._two_means import agreement, two_means

from .value_truth import Plant, batch_of, examples


def test_the_attention_prober_finds_a_planted_head() -> None:
    rows = examples(80, seed=1, planted=[Plant(1, 2, "text->image")])
    found = attention_prober(batch_of(rows)).sel(task="identification")
    assert float(found.accuracy) > 0.95
    assert float(found.majority) == pytest.approx(0.5, abs=0.02)
    assert float(found.control) < 0.7
    weight = np.abs(found.weight.values)
    assert np.unravel_index(weight.argmax(), weight.shape) == (1, 2, 0)
    assert float(found.selectivity) == pytest.approx(float(found.accuracy - found.control))


def test_the_attention_prober_finds_nothing_in_random_attention() -> None:
    found = attention_prober(batch_of(examples(80, seed=2))).sel(task="identification")
    low, high = found.accuracy_interval.values
    assert low < 0.5 < high
    low, high = found.selectivity_interval.values
    assert low < 0 < high


def test_related_regions_are_classified_by_a_planted_head() -> None:
    rows = examples(80, seed=3)
    for row in rows:
        start = int((row["modality"] == 0).sum())
        for s, o in np.argwhere(row["relation"] >= 0):
            strength = (0.9, 0.0, 0.4)[row["relation"][s, o]]
            row["attentions"][0, 1, start + 2 * s, start + 2 * o] = strength
            row["attentions"][0, 1, start + 2 * s + 1, start + 2 * o] = strength
    found = attention_prober(batch_of(rows), pairs="region-region")
    assert float(found.accuracy.sel(task="classification")) > 0.9
    assert float(found.accuracy.sel(task="identification")) > 0.9


def test_control_labels_are_one_for_each_type_and_keep_the_shares() -> None:
    types = np.repeat(np.arange(50, dtype=np.uint64), 4)
    codes = (np.arange(200) % 4 == 0).astype(int)
    drawn = random_labels(Rows(codes, types, types), np.arange(200))
    assert all(len(set(drawn[types == t])) == 1 for t in range(50))
    assert drawn.mean() == pytest.approx(0.25, abs=0.02)


def planted_states(n: int, seed: int) -> list[dict]:
    """States in which linked phrase and region share a random code, and kinds a direction."""
    rows = examples(n, seed=seed, features=8)
    rng = np.random.default_rng(seed)
    for row in rows:
        code = rng.choice([-3.0, 3.0], size=(3, 4))
        for phrase, region in np.argwhere(row["links"]):
            row["hidden"][1, row["phrases"][phrase], :4] = code[region]
            row["hidden"][1, row["phrases"][phrase], 4] = 5 * row["phrase_kind"][phrase]
        for region in range(3):
            row["hidden"][1, row["regions"][region] > 0, :4] = code[region]
    return rows


def test_the_embedding_prober_compares_states_and_shows_what_leaks() -> None:
    found = embedding_prober(batch_of(planted_states(80, 4)))
    accuracy = found.accuracy.sel(task="identification")
    assert float(accuracy.sel(layer=1)) > 0.9
    assert float(accuracy.sel(layer=0)) < 0.65
    assert float(found.alone.sel(layer=1, task="identification")) < 0.65
    # The phrase alone names its kind: the trap that this control is there to show.
    assert float(found.alone.sel(layer=1, task="classification")) > 0.9


def test_k_means_is_as_good_as_scikit_learns_and_nmi_is_equal() -> None:
    rng = np.random.default_rng(5)
    points = rng.normal(size=(12, 15, 3))
    points[:, :6] += rng.normal(size=(12, 1, 3)) * 2
    mask = np.ones((12, 15), bool)
    mask[:6, 13:] = False
    points[:6, 13:] = 1e3  # what is masked must not count
    keys = rng.integers(2**62, size=12).astype(np.uint64)
    member = two_means(torch.tensor(points), torch.tensor(mask), keys)
    label = torch.tensor(np.arange(15) < 6).expand(12, 15)
    found = agreement(member, label, torch.tensor(mask))
    for i in range(12):
        x, own = points[i, mask[i]], member[i].numpy()[mask[i]]
        inertia = sum(((x[own == k] - x[own == k].mean(0)) ** 2).sum() for k in (0, 1))
        best = KMeans(2, n_init=20, random_state=0).fit(x).inertia_
        assert inertia <= best * (1 + 1e-6)
        truth = normalized_mutual_info_score(label[i].numpy()[mask[i]], own)
        assert float(found[i]) == pytest.approx(truth, abs=1e-9)


def test_fusion_falls_as_modalities_come_together() -> None:
    rows = examples(30, seed=6, features=6)
    for row in rows:
        image = row["modality"] == 1
        for layer, shift in enumerate((8.0, 1.0, 0.0)):
            row["hidden"][layer, image] += shift
    found = fusion_degree(batch_of(rows))
    assert float(found.nmi[0]) == pytest.approx(1.0)
    assert all(a > b for a, b in pairwise(found.nmi.values.tolist()))
    assert all(a > b for a, b in pairwise(found.gap.values.tolist()))
    assert float(found.separability[0]) == 1.0
    assert found.separability_interval[2, 0] < 0.5 < found.separability_interval[2, 1]
    assert (found.nmi_interval[:, 0] <= found.nmi).all()


def test_a_stream_without_states_is_not_applicable() -> None:
    batch = batch_of(examples(10, seed=7, features=4))
    hidden = batch.hidden_states.copy()
    hidden[:, 0][batch.modality == 0] = np.nan
    found = fusion_degree(dataclasses.replace(batch, hidden_states=hidden))
    assert np.isnan(found.nmi[0])
    assert np.isfinite(found.nmi[1:]).all()
    assert found.n_examples.values.tolist() == [0, 10, 10]


def labelled(n: int, seed: int, **changes) -> xr.Dataset:
    rows = examples(n, seed=seed, features=8)
    tense = np.where(np.arange(n) % 3 == 0, "past", "present")
    for row, name in zip(rows, tense, strict=True):
        row["hidden"][2, 0, 0] += 8.0 * (name == "past")
    names = {"example": [row["name"] for row in rows], "tense": tense, "constant": np.ones(n, int)}
    batch = batch_of(rows, attrs={k: np.array(v) for k, v in names.items()})
    return linguistic(dataclasses.replace(batch, **changes))


def test_a_label_is_read_where_it_is_written() -> None:
    found = labelled(120, 8)
    tense = found.sel(task="tense")
    assert float(tense.accuracy.sel(layer=2)) > 0.95
    assert float(tense.selectivity.sel(layer=2)) > 0.2
    assert tense.selectivity_interval.sel(layer=0)[0] < 0.05
    assert np.isnan(found.accuracy.sel(task="constant")).all()
    assert "constant: 1 different labels" in found.attrs["notes"]


def test_without_a_pool_position_text_is_averaged() -> None:
    found = labelled(60, 9, pool=np.full(60, -1))
    assert float(found.accuracy.sel(task="tense", layer=2)) < 0.95


@pytest.mark.parametrize("probe", [AttentionProber, EmbeddingProber, FusionDegree, Linguistic])
def test_any_batching_and_order_of_merging_give_the_same(probe) -> None:
    rows = planted_states(40, 10)
    batches = [
        batch_of(rows[a:b], attrs={"example": np.arange(a, b), "odd": np.arange(a, b) % 2})
        for a, b in ((0, 40), (0, 7), (7, 8), (8, 40))
    ]
    options = {} if probe is FusionDegree else {"sample": 60}
    whole = probe(**options).update(batches[0])
    parts = [probe(**options).update(batch) for batch in batches[1:]]
    merged = parts[2].absorb(parts[0]).absorb(parts[1])
    again = probe(**options)
    again.load_state_dict(merged.state_dict())
    for name, values in whole.compute().data_vars.items():
        np.testing.assert_allclose(again.compute()[name], values, rtol=1e-5, atol=1e-6)
    if probe is not FusionDegree:
        assert len(merged.state_dict()["keys"]) <= 60


def test_ablation_is_the_loss_of_each_head_and_follows_the_scores() -> None:
    gain = torch.arange(6.0).view(2, 3)
    noise = torch.tensor(np.random.default_rng(0).normal(size=(40, 2, 3)))
    against = xr.DataArray(gain.numpy().T, dims=("head", "layer"))

    def score(mask: torch.Tensor) -> torch.Tensor:
        return ((gain + noise) * mask).sum((1, 2))

    found = head_ablation(score, 2, 3, against=against, n_boot=200)
    truth = (gain + noise).mean(0)
    np.testing.assert_allclose(found.effect, truth, rtol=1e-6)
    np.testing.assert_allclose(found.effects, gain + noise, rtol=1e-6)
    assert float(found.rank_correlation) == pytest.approx(1.0)
    assert float(found.rank_correlation_p) < 0.02
    assert found.rank_correlation_interval[0] > 0.8
    assert float(found.full) == pytest.approx(float(truth.sum()))


def test_ablation_keeps_the_scores_that_it_was_compared_with() -> None:
    rows = batch_of(examples(20, layers=2, heads=3))
    hit = coreference(rows, n_boot=20).hit.sel(direction="text->image", kind="all")

    def score(mask: torch.Tensor) -> torch.Tensor:
        return torch.zeros(4) + mask.sum()

    kept = head_ablation(score, 2, 3, against=hit.T, n_boot=50)
    assert kept.against.dims == ("layer", "head")
    np.testing.assert_array_equal(kept.against, hit)
    assert kept.against.attrs["statistic"] == "hit"
    assert kept.against.attrs["chosen"] == "direction text->image, kind all"
    for name in ("long_name", "units", "range"):
        assert kept.against.attrs[name] == hit.attrs[name]
    assert set(kept.coords) == {"layer", "head", "bound"}
    bare = head_ablation(score, 2, 3, against=xr.DataArray(hit.values, dims=hit.dims), n_boot=50)
    assert (bare.against.attrs["statistic"], bare.against.attrs["chosen"]) == ("score", "")
    assert "against" not in head_ablation(score, 2, 3, n_boot=50)


def test_ablation_that_changes_nothing_has_no_correlation() -> None:
    found = head_ablation(
        lambda mask: torch.zeros(5) + 0 * mask.sum(),
        1,
        4,
        against=xr.DataArray(np.arange(4.0)[None], dims=("layer", "head")),
        n_boot=50,
    )
    assert float(found.rank_correlation) == 0
    assert float(found.rank_correlation_p) == 1
