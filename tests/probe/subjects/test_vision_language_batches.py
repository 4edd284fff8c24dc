"""Pairs as tensors, and batches drawn from them."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from probe.subjects.pair_tensors import caption_ids, image_parts, linked_words, pair_tensors
from probe.subjects.scene_batches import PairBatch, mismatches, pair_batches
from probe.subjects.vision_language_model import MASK, SEP, caption_vocabulary
from probe.subjects.vocabulary import CLS, UNKNOWN
from tests.probe.subjects.vision_language_toys import CELLS, model_of, recoloured, squares

CHANGES = {"colour": recoloured}


def batches(n: int, **given: Any) -> list[PairBatch]:
    model = model_of("single")
    tensors = pair_tensors(squares(24), model, changes=CHANGES)
    return list(islice(pair_batches(tensors, **{"batch_size": 6, **given}), n))


def words_of(ids: torch.Tensor) -> list[str]:
    known = dict(enumerate(model_of("single").vocabulary.words, start=3))
    return [known[int(i)] for i in ids if int(i) > MASK]


def test_each_word_has_one_place() -> None:
    vocabulary = caption_vocabulary(["T", "shirt", "red"])
    assert vocabulary.words == ("[SEP]", "[MASK]", "red", "shirt", "t")
    # A word that would be split keeps one place, so that phrases stay where they are.
    found = caption_ids(["Red", "T-shirt", "t"], vocabulary, max_words=3)
    assert found.tolist() == [CLS, 5, UNKNOWN, 7, SEP]
    with pytest.raises(ValueError, match="`words` must be at most 2 words for this model; got 3"):
        caption_ids(["red"] * 3, vocabulary, max_words=2)


def test_pairs_are_encoded_with_their_own_lengths() -> None:
    pairs = squares(5)
    model = model_of("single")
    tensors = pair_tensors(iter(pairs), model, changes=CHANGES)
    assert len(tensors) == 5
    for row, pair in enumerate(pairs):
        kept = tensors.ids[row][tensors.mask[row]]
        assert kept.tolist() == caption_ids(pair.words, model.vocabulary, max_words=12).tolist()
        features, boxes = image_parts(pair, "regions")
        there = tensors.image_mask[row]
        np.testing.assert_allclose(tensors.features[row][there], features)
        np.testing.assert_allclose(tensors.boxes[row][there], boxes)
        assert int(tensors.group[row]) == len(pair.regions)
        ids, mask, valid = tensors.changed["colour"]
        assert valid[row]
        assert words_of(ids[row][mask[row]]) == recoloured(pair)
    assert not tensors.ids[~tensors.mask].any()


def test_links_join_words_of_a_phrase_to_what_it_names() -> None:
    pair = squares(1, seed=3)[0]
    found = linked_words(pair, "regions", len(pair.regions))
    for word in range(len(pair.words)):
        expected = np.zeros(len(pair.regions), bool)
        for number, phrase in enumerate(pair.phrases):
            if phrase.start <= word < phrase.end:
                expected[list(pair.regions_of(number))] = True
        np.testing.assert_array_equal(found[word], expected)
    in_cells = [CELLS.index([float(x) for x in box]) for box in pair.regions]
    patches = linked_words(pair, "patches", 4)
    np.testing.assert_array_equal(patches[:, in_cells], found)
    assert patches.sum() == found.sum()
    tensors = pair_tensors([pair], model_of("single"))
    np.testing.assert_array_equal(tensors.links[0, 1 : 1 + len(found)], found)
    assert not tensors.links[0, 0].any()


def test_patches_lie_row_by_row_in_half_precision() -> None:
    pair = squares(1)[0]
    model = model_of("single", "patches")
    tensors = pair_tensors([pair], model)
    assert tensors.features.dtype == torch.float16
    assert tensors.boxes[0].tolist() == CELLS
    inputs = tensors.inputs([0])
    assert inputs.features.dtype == torch.float32
    # A patch of one colour is that colour everywhere: red, green and blue one after the other.
    seen = (tensors.features[0].float().reshape(4, 3, 64).mean(-1) + 1) / 2
    shown = [pair.image[y, x] / 255 for y in (0, 8) for x in (0, 8)]
    np.testing.assert_allclose(seen, shown, atol=1e-6)
    assert torch.isfinite(model(inputs).match).all()


def test_inputs_are_as_wide_as_their_longest_row() -> None:
    pairs = squares(12)
    tensors = pair_tensors(pairs, model_of("single"))
    small = [i for i, pair in enumerate(pairs) if len(pair.regions) == 2]
    inputs = tensors.inputs(small)
    assert inputs.ids.shape == (len(small), 9)
    assert inputs.features.shape[1] == 2


def test_pairs_that_cannot_be_encoded_are_refused() -> None:
    model = model_of("single")
    with pytest.raises(TypeError, match="`pairs` must hold GroundedPair; got str"):
        pair_tensors(["pair"], model)  # pyright: ignore
    with pytest.raises(ValueError, match="`pairs` must hold at least one pair; got none"):
        pair_tensors([], model)
    pair = squares(1)[0]
    bare = replace(pair, regions=(), phrases=(), links=(), relations=(), region_names=())
    with pytest.raises(ValueError, match="`pairs` must have at least one region each; got none"):
        pair_tensors([bare], model)
    assert len(pair_tensors([bare], model_of("single", "patches"))) == 1
    with pytest.raises(ValueError, match="`positions` must be one of 'regions', 'patches'"):
        image_parts(pair, "pixels")


def test_mismatches_keep_to_their_group_and_never_to_themselves() -> None:
    group = np.array([3, 3, 4, 3, 5, 4])
    counts = np.zeros((6, 6), int)
    for seed in range(300):
        found = mismatches(group, np.random.default_rng(seed))
        counts[np.arange(6), found] += 1
    assert not counts.diagonal().any()
    alike = group[:, None] == group
    alike[4] = True  # alone in its group: any other one will do
    assert not counts[~alike].any()
    assert (counts[0, [1, 3]] > 100).all()
    assert (counts[4, [0, 1, 2, 3, 5]] > 30).all()
    with pytest.raises(ValueError, match="`pairs` must be at least two"):
        mismatches(np.array([3]), np.random.default_rng(0))


def test_a_batch_has_captions_that_fit_captions_that_do_not_and_hidden_parts() -> None:
    for batch in batches(4, hard=0.0, hide=0.5):
        inputs, n = batch.inputs, 6
        right, wrong, third = (inputs.ids[k * n : (k + 1) * n] for k in range(3))
        # Squares of two colours have few captions: another's may be the same, and then it fits.
        same = (right == wrong).all(dim=1)
        assert batch.fits.tolist() == [True] * n + same.tolist()
        assert not same.all()
        torch.testing.assert_close(inputs.boxes[:n], inputs.boxes[n : 2 * n])
        asked = batch.words >= 0
        torch.testing.assert_close(third[asked], torch.full_like(third[asked], MASK))
        torch.testing.assert_close(torch.where(asked, batch.words, third), right)
        assert not (asked & (right <= MASK)).any()
        # Of a row either words or regions are hidden.
        assert not (asked.any(dim=1) & batch.hidden.any(dim=1)).any()
        assert asked[5:].sum() == batch.hidden[:5].sum() == 0
        features = inputs.features
        assert not features[2 * n :][batch.hidden].any()
        torch.testing.assert_close(batch.features, features[:n])
        kept = ~batch.hidden
        torch.testing.assert_close(features[2 * n :][kept], features[:n][kept])
        assert not (batch.hidden & ~inputs.image_mask[:n]).any()
        assert not batch.links[n : 2 * n].any()
        torch.testing.assert_close(batch.links[:n], batch.links[2 * n :])


def test_hard_captions_take_the_place_of_others() -> None:
    for batch in batches(4, hard=1.0):
        right, wrong = batch.inputs.ids[:6], batch.inputs.ids[6:12]
        assert ((right != wrong).sum(dim=1) == 1).all()
    shares = [
        ((b.inputs.ids[:6] != b.inputs.ids[6:12]).sum(dim=1) == 1).float().mean()
        for b in batches(60, hard=0.5)
    ]
    assert 0.35 < np.mean(shares) < 0.75


def test_every_pair_comes_once_a_round_and_the_seed_decides() -> None:
    first, again, other = batches(8, seed=1), batches(8, seed=1), batches(8, seed=2)
    for a, b in zip(first, again, strict=True):
        for x, y in zip(a.inputs, b.inputs, strict=True):
            torch.testing.assert_close(x, y)
    assert any(
        a.inputs.ids.shape != b.inputs.ids.shape or not a.inputs.ids.equal(b.inputs.ids)
        for a, b in zip(first, other, strict=True)
    )
    seen = [tuple(row[row > 0].tolist()) for b in first[:4] for row in b.inputs.ids[:6]]
    model = model_of("single")
    whole = [caption_ids(p.words, model.vocabulary, max_words=12) for p in squares(24)]
    assert sorted(seen) == sorted(tuple(row.tolist()) for row in whole)


def test_wrong_batches_are_refused() -> None:
    tensors = pair_tensors(squares(4), model_of("single"))
    with pytest.raises(ValueError, match="`batch_size` must be between 2 and 4; got 5"):
        pair_batches(tensors, batch_size=5)
    with pytest.raises(ValueError, match="`hard` must be between"):
        pair_batches(tensors, batch_size=2, hard=1.5)
    with pytest.raises(ValueError, match="`hide` must be between"):
        pair_batches(tensors, batch_size=2, hide=-0.1)
