"""Examples for the attention explorer: what batches held, without padding, and scores of heads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from probe.value.examples import attention_examples
from tests.viz.attention_examples import (
    SCENES,
    attended,
    batches,
    pair_of,
    pairs_of,
    planted_examples,
    planted_scores,
)


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    return planted_examples()


def test_every_weight_is_the_batch_s_own_without_its_padding(found: xr.Dataset) -> None:
    at = 0
    for batch in batches(3):
        for i in range(len(batch)):
            kept = np.flatnonzero(batch.modality[i] >= 0)
            n = len(kept)
            one = found.isel(example=at)
            np.testing.assert_array_equal(
                one.attention.values[:, :, :n, :n],
                batch.attentions[i][:, :, kept][:, :, :, kept],
            )
            assert one.attention.values[:, :, n:].sum() == one.attention.values[..., n:].sum() == 0
            np.testing.assert_array_equal(one.modality.values[:n], batch.modality[i, kept])
            np.testing.assert_array_equal(one.modality.values[n:], -1)
            np.testing.assert_array_equal(one.special.values[:n], batch.special[i, kept])
            np.testing.assert_array_equal(one.boxes.values[:n], batch.boxes[i, kept])
            np.testing.assert_array_equal(one.batch_position.values[:n], kept)
            assert one.token.values[:n].tolist() == [batch.tokens[i][j] for j in kept]
            p, r = batch.phrases.shape[1], batch.regions.shape[1]
            np.testing.assert_array_equal(one.in_phrase.values[:p, :n], batch.phrases[i][:, kept])
            np.testing.assert_array_equal(one.in_region.values[:r, :n], batch.regions[i][:, kept])
            np.testing.assert_array_equal(one.region_box.values[:r], batch.region_boxes[i])
            np.testing.assert_array_equal(one.link.values[:p, :r], batch.links[i])
            np.testing.assert_array_equal(one.present, batch.present)
            at += 1
    assert found.sizes["example"] == at == 3


def test_pairs_give_images_captions_and_names(found: xr.Dataset) -> None:
    for i, pair in enumerate(pairs_of(3)):
        np.testing.assert_array_equal(found.image[i], pair.image)
        assert str(found.caption[i].values) == pair.caption
        assert found.region_name[i].values[: len(pair.regions)].tolist() == list(pair.region_names)
        kinds = ["first", "second", "third"][: len(pair.phrases)]
        assert found.phrase_kind[i].values[: len(kinds)].tolist() == kinds
        assert not any(found.phrase_kind[i].values[len(kinds) :])


def test_images_of_several_sizes_keep_theirs_at_the_top_left() -> None:
    pairs = [pair_of(SCENES[0], size=24), pair_of(SCENES[2], size=48)]
    found = attention_examples([attended(pairs)], pairs)
    assert found.image.shape == (2, 48, 48, 3)
    assert found.image_size.values.tolist() == [[24, 24], [48, 48]]
    np.testing.assert_array_equal(found.image[0, :24, :24], pairs[0].image)
    assert int(found.image[0, 24:].sum()) == int(found.image[0, :, 24:].sum()) == 0


def test_without_pairs_the_caption_is_the_words_that_the_model_read() -> None:
    found = attention_examples(batches(1))
    assert str(found.caption[0].values) == pairs_of(1)[0].caption
    assert "image" not in found
    assert not any(found.region_name.values.ravel())


def test_no_more_is_read_than_asked_for() -> None:
    def stream() -> Any:
        yield from batches(2, size=1)
        raise AssertionError("the stream was read too far")

    assert attention_examples(stream(), limit=2).sizes["example"] == 2
    assert attention_examples(batches(3, size=3), limit=2).sizes["example"] == 2


@given(st.integers(1, 4))
def test_any_batching_gives_the_same(size: int) -> None:
    pairs = pairs_of(4)
    whole = attended(pairs)
    names = ("modality", "special", "boxes", "pool", "phrases", "phrase_kind", "regions")
    names += ("region_boxes", "links", "attentions")
    parts = [
        replace(
            whole,
            tokens=whole.tokens[at : at + size],
            **{name: getattr(whole, name)[at : at + size] for name in names},
        )
        for at in range(0, 4, size)
    ]
    xr.testing.assert_equal(attention_examples(parts), attention_examples([whole]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_tensors_of_any_precision_are_read(dtype: torch.dtype) -> None:
    batch = attended(pairs_of(1))
    names = ("attentions", "present", "modality", "special", "boxes", "phrases", "phrase_kind")
    names += ("regions", "region_boxes", "links", "pool")
    tensors = {name: torch.tensor(getattr(batch, name)) for name in names}
    tensors["attentions"] = tensors["attentions"].to(dtype).requires_grad_()
    found = attention_examples([replace(batch, **tensors)])
    expected = attention_examples([batch])
    assert found.attention.dtype == np.float32
    np.testing.assert_allclose(found.attention, expected.attention, rtol=0.01, atol=1e-7)
    xr.testing.assert_equal(found.drop_vars("attention"), expected.drop_vars("attention"))


def test_a_batch_without_phrases_regions_and_tokens_is_an_example_all_the_same() -> None:
    batch = replace(
        attended(pairs_of(1)),
        **dict.fromkeys(
            ("phrases", "phrase_kind", "regions", "region_boxes", "links"),
        ),
        tokens=(),
    )
    found = attention_examples([batch])
    assert (found.sizes["phrase"], found.sizes["region"]) == (0, 0)
    assert not any(found.token.values.ravel())


# Scores


def test_scores_by_direction_become_tables_of_heads_and_choices_become_marks(
    found: xr.Dataset,
) -> None:
    scores = planted_scores()
    assert found.score.values.tolist() == ["hit, text->image", "hit, image->text", "importance"]
    for k, way in enumerate(scores.direction.values):
        np.testing.assert_array_equal(found.head_score[k], scores.hit.sel(direction=way))
    np.testing.assert_array_equal(found.head_score[2], scores.importance.T)
    assert found.mark.values.tolist() == ["selected, text->image", "selected, image->text"]
    assert np.argwhere(found.head_mark.values).tolist() == [[0, 1, 2]]


def test_several_results_keep_their_names() -> None:
    scores = planted_scores()
    several = {"random": scores[["importance"]], "trained": scores[["importance", "selected"]]}
    found = attention_examples(batches(1), scores=several)
    assert found.score.values.tolist() == ["random importance", "trained importance"]
    assert found.mark.values.tolist()[0] == "trained selected, text->image"


def test_kinds_modalities_and_heads_that_a_measure_chose_are_understood() -> None:
    rng = np.random.default_rng(0)
    at = ("layer", "head", "direction", "kind")
    coreference = xr.Dataset(
        {
            "hit": (at, rng.uniform(size=(3, 4, 2, 2))),
            "hit_interval": ((*at, "bound"), rng.uniform(size=(3, 4, 2, 2, 2))),
            "chosen_layer": (("direction", "kind"), [[0, 1], [2, -1]]),
            "chosen_head": (("direction", "kind"), [[0, 2], [3, -1]]),
        },
        coords={"direction": ["there", "back"], "kind": ["noun", "all"]},
    )
    by_modality = (("modality", "layer", "head"), rng.uniform(size=(2, 3, 4)))
    importance = xr.Dataset({"mass": by_modality}, coords={"modality": ["text", "image"]})
    found = attention_examples(batches(1), scores={"": coreference, "pool": importance})
    names = ["hit, there", "hit, back", "pool mass, text", "pool mass, image"]
    assert found.score.values.tolist() == names
    np.testing.assert_array_equal(found.head_score[1], coreference.hit[:, :, 1, 1])
    np.testing.assert_array_equal(found.head_score[3], importance.mass[1])
    assert found.mark.values.tolist() == ["chosen, there", "chosen, back"]
    assert np.argwhere(found.head_mark.values).tolist() == [[0, 1, 2]]


def test_a_result_can_be_written_and_read_back(found: xr.Dataset, tmp_path: Any) -> None:
    file = tmp_path / "examples.nc"
    found.to_netcdf(file)
    with xr.open_dataset(file) as again:
        xr.testing.assert_equal(again.load(), found)
    assert found.attrs["probe"] == "value.examples"
    assert found.attrs["model"] == "planted"


# What is refused


def test_what_is_no_batch_no_pair_or_no_score_is_refused() -> None:
    pairs: list[Any] = pairs_of(1)
    with pytest.raises(TypeError, match=r"`batches` must hold Attended records; got dict"):
        attention_examples([{}])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"`pairs` must hold GroundedPair records; got str"):
        attention_examples(batches(1), ["a red square"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"`scores` must be a Dataset, or Datasets by name; got li"):
        attention_examples(batches(1), scores=[planted_scores()])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"`scores` must be a Dataset, or Datasets by name; got fl"):
        attention_examples(batches(1), scores={"x": 1.0})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match=r"`limit` must be at least 1; got 0"):
        attention_examples(batches(1), limit=0)
    with pytest.raises(ValueError, match=r"`batches` must hold at least one example; got none"):
        attention_examples([])
    with pytest.raises(ValueError, match=r"`pairs` must hold one pair for each of 2 examples; go"):
        attention_examples(batches(2), pairs)


def test_examples_of_other_models_pairs_and_heads_are_refused() -> None:
    other = [attended(pairs_of(1)), attended(pairs_of(1), heads=5)]
    with pytest.raises(ValueError, match=r"`batches` must come from one model; got other .* at 1"):
        attention_examples(other)
    with pytest.raises(ValueError, match=r"`pairs` must be what was attended to.*4 regions beside"):
        attention_examples(batches(1), [pair_of(SCENES[1])])
    with pytest.raises(ValueError, match=r"`scores` must have 3 layers x 4 heads; got 'hit, text-"):
        attention_examples(batches(1), scores=planted_scores(layers=2))
    with pytest.raises(ValueError, match=r"`scores` must hold a number by \(layer, head\)"):
        attention_examples(batches(1), scores=planted_scores()[["by_kind"]])


@pytest.mark.parametrize(
    ("value", "why"),
    [(-0.1, r"`attentions` must be at least 0; got -0.1 in example 0"), (np.nan, "finite")],
)
def test_weights_that_cannot_be_are_refused(value: float, why: str) -> None:
    batch = attended(pairs_of(1))
    batch.attentions[0, 1, 2, 3, 4] = value
    with pytest.raises(ValueError, match=why):
        attention_examples([batch])
