"""Records of what small models attend to, against the models' own output and the pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from data.records import Attended, GroundedPair
from probe.subjects.pair_tensors import pair_tensors
from probe.subjects.vision_language_attended import attended
from tests.probe.subjects.vision_language_toys import CELLS, model_of, squares

KINDS = [(k, p) for k in ("single", "dual") for p in ("regions", "patches")]
PAIRS = squares(7)
every = pytest.mark.parametrize(("kind", "positions"), KINDS)


def record(kind: str, positions: str, pairs: list[GroundedPair] = PAIRS) -> Attended:
    (found,) = attended(model_of(kind, positions), pairs, batch_size=len(pairs))
    return found


@every
def test_an_example_is_what_the_model_gives_for_its_pair_alone(kind: str, positions: str) -> None:
    model = model_of(kind, positions)
    found = record(kind, positions)
    assert found.name == model.name
    torch.testing.assert_close(found.present, model.present)
    for row, pair in enumerate(PAIRS):
        alone = model(pair_tensors([pair], model).inputs([0]), detail=True)
        n = alone.hidden.shape[2]
        assert len(pair.words) + 2 + alone.image.shape[1] == n
        torch.testing.assert_close(found.attentions[row, ..., :n, :n], alone.attentions[0])
        torch.testing.assert_close(found.hidden_states[row, :, :n], alone.hidden[0], equal_nan=True)
        assert not found.attentions[row, ..., n:].any()
        assert (found.modality[row, n:] == -1).all()


@every
def test_positions_are_marks_words_and_parts_of_the_image(kind: str, positions: str) -> None:
    found = record(kind, positions)
    assert found.pool.tolist() == [0] * len(PAIRS)
    for row, pair in enumerate(PAIRS):
        words = len(pair.words)
        places = len(pair.regions) if positions == "regions" else 4
        expected = [0] * (words + 2) + [1] * places
        assert found.modality[row, : len(expected)].tolist() == expected
        assert found.special[row].nonzero()[:, 0].tolist() == [0, words + 1]
        assert found.tokens[row][: words + 2] == ("[CLS]", *pair.words, "[SEP]")
        assert found.text[row].sum() == words
        assert found.image[row].sum() == places
        boxes = pair.regions if positions == "regions" else CELLS
        start = words + 2
        np.testing.assert_allclose(found.boxes[row, start : start + places], boxes)
        assert found.boxes[row, :start].isnan().all()
        if positions == "regions":
            assert found.tokens[row][start : start + places] == pair.region_names


@every
def test_phrases_regions_links_relations_and_labels_are_the_pairs_own(
    kind: str, positions: str
) -> None:
    found = record(kind, positions)
    assert (found.kinds, found.relation_names) == (("square",), ("none",))
    np.testing.assert_array_equal(found.attrs["count"], [len(p.regions) for p in PAIRS])
    for row, pair in enumerate(PAIRS):
        for number, phrase in enumerate(pair.phrases):
            covered = found.phrases[row, number].nonzero()[:, 0].tolist()
            assert covered == list(range(1 + phrase.start, 1 + phrase.end))
            assert found.phrase_kind[row, number] == 0
            named = found.links[row, number].nonzero()[:, 0].tolist()
            assert tuple(named) == pair.regions_of(number)
        start = len(pair.words) + 2
        for region, box in enumerate(pair.regions):
            cell = CELLS.index([float(x) for x in box])
            own = found.regions[row, region].nonzero()[:, 0].tolist()
            assert own == [start + (region if positions == "regions" else cell)]
            np.testing.assert_allclose(found.region_boxes[row, region], box)
        assert found.relation[row, 0, 1] == 0
        assert (found.relation[row] == -1).sum() == found.relation[row].numel() - 1


@every
def test_rows_sum_to_one_over_what_a_model_looks_at_at_once(kind: str, positions: str) -> None:
    found = record(kind, positions)
    sides = (found.modality == 0, found.modality == 1)
    for layer in range(found.attentions.shape[1]):
        sums = torch.stack(
            [(found.attentions[:, layer] * keys[:, None, None]).sum(-1) for keys in sides], -1
        )
        for i, queries in enumerate(sides):
            own = sums.movedim(1, -1)[queries]  # (query, key side, head)
            if kind == "single":
                torch.testing.assert_close(own.sum(1), torch.ones_like(own.sum(1)))
            else:
                expected = found.present[layer, i].float()[None, :, None].expand_as(own)
                torch.testing.assert_close(own, expected)


def test_regions_that_overlap_still_belong_to_their_own_position_only() -> None:
    two = next(pair for pair in PAIRS if len(pair.regions) == 2)
    pair = replace(two, regions=[[0, 0, 1, 1], [0, 0, 1, 0.9]])
    found = record("single", "regions", [pair])
    start = len(pair.words) + 2
    np.testing.assert_array_equal(found.regions[0, :, start:], np.eye(2))


def test_batches_follow_the_order_and_their_size_does_not_matter() -> None:
    model = model_of("single")
    stream = attended(model, iter(PAIRS), batch_size=3, names=(("square", "x"), ("none",)))
    found = list(stream)
    assert [len(part) for part in found] == [3, 3, 1]
    assert found[0].kinds == ("square", "x")
    whole = record("single", "regions")
    row = 0
    for part in found:
        for one in part.attentions:
            n = one.shape[-1]
            torch.testing.assert_close(one, whole.attentions[row, ..., :n, :n])
            row += 1


def test_states_can_be_left_out_and_the_models_mode_stays() -> None:
    model = model_of("dual", dropout=0.5).train()
    first, again = (
        next(attended(model, PAIRS, batch_size=4, hidden_states=False)) for _ in range(2)
    )
    assert first.hidden_states is None
    torch.testing.assert_close(first.attentions, again.attentions)
    assert model.training
    assert not first.attentions.requires_grad


def test_wrong_streams_are_refused() -> None:
    model = model_of("single")
    with pytest.raises(TypeError, match="`names` must be given where `pairs` is no sequence"):
        attended(model, iter(PAIRS))
    with pytest.raises(ValueError, match="`batch_size` must be at least 1; got 0"):
        attended(model, PAIRS, batch_size=0)
    with pytest.raises(ValueError, match="`kind` must be one of 'circle'"):
        next(attended(model, PAIRS, names=(("circle",), ("none",))))
    short = model_of("single", max_words=3)
    with pytest.raises(ValueError, match="`words` must be at most 3 words for this model"):
        next(attended(short, PAIRS))
