"""What the VALUE measures refuse, in words; where they do not apply; and the profile."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr

import probe.value as value
from probe.value import (
    PROFILED,
    coreference,
    cross_modal,
    head_ablation,
    linguistic,
    modality_importance,
    part_of,
    profile,
    relations,
)

from .value_truth import batch_of, examples


def batch(n: int = 6, seed: int = 0, **changes):
    return batch_of(examples(n, seed=seed, features=3), **changes)


def test_a_profile_holds_each_measures_own_result() -> None:
    whole = profile([batch(9), batch(7, 1)])
    assert whole.attrs["probe"] == "value.profile"
    for name in PROFILED:
        own = getattr(value, name)([batch(9), batch(7, 1)])
        part = part_of(whole, name)
        assert part.attrs["probe"] == own.attrs["probe"]
        xr.testing.assert_allclose(part, own)
        assert set(part.coords) == set(own.coords)


def test_a_profile_asks_what_is_annotated() -> None:
    bare = batch(phrases=None, links=None, phrase_kind=None, relation=None)
    assert profile(bare).attrs["questions"] == '["modality_importance", "cross_modal"]'
    with pytest.raises(ValueError, match="`question` must be one of 'modality_importance'"):
        part_of(profile(bare), "coreference")
    with pytest.raises(ValueError, match="`questions` must be one of"):
        profile(bare, questions=["fusion"])
    with pytest.raises(ValueError, match="`questions` must name at least one"):
        profile(bare, questions=[])


@pytest.mark.parametrize("side", [0, 1])
def test_absent_blocks_are_not_applicable(side: int) -> None:
    present = np.ones((2, 2, 2), bool)
    present[0, side, 1 - side] = False
    found = coreference(batch(present=present))
    gone = ["text->image", "image->text"][side]
    assert np.isnan(found.hit.sel(layer=0, direction=gone)).all()
    assert np.isnan(found.p_corrected.sel(layer=0, direction=gone)).all()
    assert np.isfinite(found.hit.sel(layer=1, kind="all")).all()
    assert int(found.chosen_layer.sel(direction=gone, kind="all")) == 1
    crossing = cross_modal(batch(present=present))
    assert np.isnan(crossing.probability.sel(layer=0, direction=gone)).all()
    mass = modality_importance(batch(present=present)).mass
    assert np.isnan(mass.sel(layer=0, modality="image")).all() == (side == 0)


def test_nothing_is_chosen_where_no_layer_has_the_block() -> None:
    present = np.ones((2, 2, 2), bool)
    present[:, 0, 1] = False
    found = coreference(batch(present=present)).sel(direction="text->image", kind="all")
    assert (int(found.chosen_layer), int(found.chosen_head)) == (-1, -1)
    assert np.isnan(found.held_out)


def test_no_pool_position_is_not_applicable() -> None:
    found = modality_importance(batch(pool=np.full(6, -1)))
    assert np.isnan(found.mass).all()
    assert found.attrs["notes"].startswith("no example has a pool position")


def test_blocks_that_sum_apart_do_not_compete() -> None:
    whole = batch()
    apart = whole.attentions.copy()
    for own in (0, 1):
        keys = whole.modality == own
        total = (apart * keys[:, None, None, None]).sum(-1, keepdims=True)
        scaled = apart * keys[:, None, None, None] / np.maximum(total, 1e-9)
        apart = np.where(keys[:, None, None, None], scaled, apart)
    found = cross_modal(dataclasses.replace(whole, attentions=apart.astype(np.float32)))
    assert np.isnan(found.probability).all()
    assert "do not compete" in found.attrs["notes"]
    importance = modality_importance(dataclasses.replace(whole, attentions=apart))
    assert "do not compete" in importance.attrs["notes"]


def test_examples_without_a_name_are_told_apart_by_what_they_are() -> None:
    from probe.value._keys import example_keys

    rows = examples(8, seed=3)
    boxes = np.random.default_rng(0).random((8, 3, 4), dtype=np.float32)
    one = batch_of(rows, attrs={}, region_boxes=boxes)
    other = batch_of(rows, extra=4, attrs={}, region_boxes=boxes)
    assert len(set(example_keys(one).tolist())) == 8
    np.testing.assert_array_equal(example_keys(one), example_keys(other))
    twin = dataclasses.replace(one, attentions=one.attentions[:, :, ::-1])
    np.testing.assert_array_equal(example_keys(one), example_keys(twin))
    with pytest.raises(ValueError, match="`batch` must tell its examples apart"):
        example_keys(batch_of(rows, attrs={}, tokens=()))


def test_streams_are_refused_in_words() -> None:
    with pytest.raises(TypeError, match=r"`batch` must be a data\.records\.Attended; got ndarray"):
        coreference([np.zeros(3)])  # pyright: ignore
    with pytest.raises(ValueError, match="`stream` must hold at least one batch"):
        cross_modal([])
    with pytest.raises(ValueError, match="`batch` must hold at least one example"):
        cross_modal(empty())
    with pytest.raises(ValueError, match="`stream` must hold at least 2 examples; got 1"):
        cross_modal(batch(1))
    with pytest.raises(ValueError, match="`stream` must keep one `kinds`"):
        coreference([batch(), batch(kinds=("a", "b"))])
    with pytest.raises(ValueError, match="`batch` must hold `links` for this measure"):
        coreference(batch(links=None))
    with pytest.raises(ValueError, match="`batch` must hold `relation` for this measure"):
        relations(batch(relation=None))
    with pytest.raises(ValueError, match="`batch` must hold `hidden_states`"):
        linguistic(batch(hidden_states=None))
    with pytest.raises(ValueError, match="`tasks` must be among the labels"):
        linguistic(batch(), tasks=["tense"])
    with pytest.raises(ValueError, match=r"`attrs\['odd'\]` must have one label for each of 6"):
        linguistic(batch(attrs={"example": np.arange(6), "odd": np.arange(5)}))
    with pytest.raises(ValueError, match="`pairs` must be one of"):
        value.attention_prober(batch(), pairs="words")


def empty():
    whole = batch()
    held = {
        f.name: getattr(whole, f.name)[:0]
        for f in dataclasses.fields(whole)
        if isinstance(getattr(whole, f.name), np.ndarray) and f.name != "present"
    }
    return dataclasses.replace(whole, tokens=(), attrs={}, **held)


@pytest.mark.parametrize(
    "options", [{"n_boot": 5}, {"level": 1.0}, {"level": 0.0}, {"seed": -1}], ids=str
)
def test_options_are_checked(options) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(options))}` must"):
        coreference(batch(), **options)
    with pytest.raises(ValueError, match=f"`{next(iter(options))}` must"):
        value.attention_prober(batch(), **options)


def test_too_few_pairs_are_noted() -> None:
    found = value.attention_prober(batch(2, links=np.zeros((2, 3, 3), bool)))
    assert np.isnan(found.accuracy).all()
    assert "identification: too few pairs" in found.attrs["notes"]


def test_ablation_is_refused_in_words() -> None:
    def fine(mask):
        return mask.sum() + torch.zeros(3)

    scores = xr.DataArray(np.arange(4.0).reshape(2, 2), dims=("layer", "head"))
    with pytest.raises(TypeError, match="`score` must give a torch tensor"):
        head_ablation(lambda mask: 1.0, 2, 2)
    with pytest.raises(ValueError, match="`score` must give one number for each"):
        head_ablation(lambda mask: mask.sum(), 2, 2)
    with pytest.raises(ValueError, match="`score` must be finite"):
        head_ablation(lambda mask: fine(mask) * np.nan, 2, 2)
    with pytest.raises(TypeError, match="`against` must be a DataArray"):
        head_ablation(fine, 2, 2, against=np.ones((2, 2)))  # pyright: ignore
    with pytest.raises(ValueError, match=r"`against` must have dims \(layer, head\)"):
        head_ablation(fine, 2, 2, against=scores.expand_dims("kind"))
    with pytest.raises(ValueError, match=r"`against` must have shape \(3, 2\)"):
        head_ablation(fine, 3, 2, against=scores)
    with pytest.raises(ValueError, match="`against` must score at least 3 heads; got 2"):
        head_ablation(fine, 2, 2, against=scores.where(scores > 1))


def test_a_solver_that_stops_early_is_an_error() -> None:
    from probe.value._linear import Probing, Rows, probe_scores

    rng = np.random.default_rng(0)
    keys = rng.integers(2**62, size=60).astype(np.uint64)
    rows = Rows(rng.integers(3, size=60), keys, keys)
    how = Probing(n_boot=20, level=0.95, seed=0, max_iter=1)
    with pytest.raises(RuntimeError, match="not converged after 1 steps on layer 3"):
        probe_scores(rng.normal(size=(60, 5)), rows, how, place="layer 3")


def test_the_package_knows_its_names() -> None:
    assert set(value.__all__) <= set(dir(value))
    assert all(callable(getattr(value, name)) for name in value.__all__ if name != "PROFILED")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = value.nothing


def test_rows_of_zeros_count_as_even_and_not_at_all_where_all_heads_have_them() -> None:
    whole = batch(20)
    zeros = whole.attentions.copy()
    text, image = whole.modality == 0, whole.modality == 1
    crossing = text[:, :, None] & image[:, None]
    zeros[:, 0, 1][crossing] = 0
    zeros[:, 1][np.broadcast_to(crossing[:, None], zeros[:, 1].shape)] = 0
    changed = dataclasses.replace(whole, attentions=zeros)
    found = coreference(changed).sel(direction="text->image", kind="all")
    assert float(found.hit[0, 1]) == pytest.approx(float(found.share[0, 1]))
    assert float(found.p[0, 1]) == 1
    assert np.isnan(found.hit[1]).all()
    assert found.n_units[1].values.tolist() == [0, 0, 0]
