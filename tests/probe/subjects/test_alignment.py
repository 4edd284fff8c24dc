"""Positions, phrases and regions: closed forms, a slow reference, laws and errors."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records import GroundedPair, Phrase, Relation
from probe.subjects.alignment import (
    collate,
    grounding,
    grounding_names,
    patch_grid,
    phrase_membership,
    region_membership,
)

NAMES = (("shape",), ("left of", "none"))


def pair(**changes):
    given_ = {
        "image": np.zeros((8, 8, 3), np.uint8),
        "words": ("a", "red", "square"),
        "regions": [[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]],
        "phrases": (Phrase(1, 3, "shape"),),
        "links": [[0, 1]],
        "relations": (Relation(0, 1, "left of"),),
        "attrs": {"sentence_length": 3, "tense": "past", "tree": [1, 2]},
        "name": "one",
    }
    return GroundedPair(**given_ | changes)


def example(positions=3, **changes):
    given_ = {
        "attentions": torch.full((2, 1, positions, positions), 1 / positions),
        "hidden_states": torch.ones(3, positions, 5),
        "modality": [0] * (positions - 1) + [1],
        "special": [False] * positions,
        "boxes": np.full((positions, 4), np.nan, np.float32),
        "tokens": tuple("abcdef"[:positions]),
        "pool": 0,
    }
    return given_ | changes


def test_patch_grid_goes_row_by_row_and_covers_the_image_once():
    grid = patch_grid(2, 3)
    np.testing.assert_allclose(grid[4], [1 / 3, 1 / 2, 2 / 3, 1], rtol=1e-6)
    area = (grid[:, 2:] - grid[:, :2]).prod(axis=1)
    np.testing.assert_allclose(area.sum(), 1, rtol=1e-6)


boxes = st.tuples(*[st.integers(0, 20)] * 4).filter(lambda b: b[0] < b[2] and b[1] < b[3])


@settings(max_examples=40, deadline=None)
@given(box=boxes, rows=st.sampled_from([1, 2, 4, 5]), columns=st.sampled_from([1, 2, 5, 10]))
def test_shares_equal_counted_pixels(box, rows, columns):
    x0, y0, x1, y1 = box
    inside = np.zeros((20, 20))
    inside[y0:y1, x0:x1] = 1
    counted = inside.reshape(rows, 20 // rows, columns, 20 // columns).mean(axis=(1, 3))
    share = region_membership(patch_grid(rows, columns), np.array([box]) / 20)
    np.testing.assert_allclose(share[0], counted.ravel(), atol=1e-5)


def test_detector_regions_belong_from_half_an_overlap_on():
    detected = [[0.0, 0.0, 0.2, 1.0], [0.0, 0.0, 0.19, 1.0], [0.0, 0.0, 0.8, 1.0], [np.nan] * 4]
    found = region_membership(detected, [[0.0, 0.0, 0.4, 1.0]], kind="detector")
    assert found.tolist() == [[1, 0, 1, 0]]


def test_positions_without_a_box_belong_nowhere_and_no_region_is_no_row():
    assert region_membership([[np.nan] * 4], [[0, 0, 1, 1]]).tolist() == [[0]]
    assert region_membership(patch_grid(2, 2), np.zeros((0, 4))).shape == (0, 4)


def test_phrases_cover_all_pieces_of_their_words_only():
    covers = phrase_membership([(0, 1), (1, 3, "shape")], [-1, 0, 0, 1, 2, -1])
    assert covers.tolist() == [[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0]]
    assert phrase_membership([], [0, 1]).shape == (0, 2)


def test_names_of_a_stream_are_sorted_and_complete():
    other = pair(phrases=(Phrase(0, 1, "colour"),), relations=(Relation(0, 1, "none"),))
    assert grounding_names([pair(), other]) == (("colour", "shape"), ("left of", "none"))


def test_grounding_codes_phrases_links_and_relations():
    where = np.concatenate([np.full((3, 4), np.nan), patch_grid(2, 2)])
    word = [0, 1, 2, -1, -1, -1, -1]
    found = grounding(pair(), boxes=where, word_of_position=word, kind="patch", names=NAMES)
    assert found["phrases"].astype(int).tolist() == [[0, 1, 1, 0, 0, 0, 0]]
    assert found["regions"].tolist() == [[0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1]]
    assert found["links"].tolist() == [[False, True]]
    assert found["relation"].tolist() == [[-1, 0], [-1, -1]]
    assert found["phrase_kind"].tolist() == [0]


def test_collate_pads_and_leaves_every_example_as_it_was():
    word, where = [0, 1, 2, -1], np.full((4, 4), np.nan)
    marked = grounding(pair(), boxes=where, word_of_position=word, kind="patch", names=NAMES)
    bare = grounding(
        pair(phrases=(), links=(), relations=()),
        boxes=where[:3],
        word_of_position=word[:3],
        kind="patch",
        names=NAMES,
    )
    batch = collate(
        [example(4) | marked, example(3, pool=2) | bare],
        present=np.ones((2, 2, 2), bool),
        names=NAMES,
        derived=("text->image",),
    )
    assert batch.attentions[1, :, :, :3, :3].eq(1 / 3).all()
    assert batch.attentions[1, :, :, 3].eq(0).all()
    assert batch.attentions[1, ..., 3].eq(0).all()
    assert batch.modality.tolist() == [[0, 0, 0, 1], [0, 0, 1, -1]]
    assert batch.pool.tolist() == [0, 2]
    assert batch.tokens[1] == ("a", "b", "c", "")
    assert batch.phrase_kind.tolist() == [[0], [-1]]
    assert batch.links.shape == (2, 1, 2)
    assert batch.attrs["sentence_length"].tolist() == [3, 3]
    assert set(batch.attrs) == {"example", "sentence_length", "tense"}
    assert batch.kinds, batch.relation_names == NAMES
    assert batch.derived == ("text->image",)


def test_a_word_without_a_position_is_a_truncated_caption():
    with pytest.raises(ValueError, match=r"none for word 2 \('square'\). A truncated caption"):
        grounding(
            pair(),
            boxes=np.zeros((2, 4)),
            word_of_position=[0, 1],
            kind="patch",
            names=NAMES,
        )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: patch_grid(0, 1), "`rows` must be at least 1; got 0"),
        (lambda: region_membership([[0, 1]], [[0, 0, 1, 1]]), r"`position_boxes` must have axes"),
        (lambda: region_membership(patch_grid(1, 1), [1, 2]), r"`region_boxes` must have axes"),
        (lambda: region_membership([], [], kind="pixel"), "`kind` must be one of 'patch'"),
        (lambda: collate([], present=[]), "`examples` must hold at least one"),
        (lambda: collate([{}], present=[]), "got no 'attentions'"),
        (
            lambda: collate(
                [example(), example(hidden_states=None)], present=np.ones((2, 2, 2), bool)
            ),
            r"`examples\[1\]` must hold 'hidden_states' as the others do",
        ),
        (
            lambda: collate(
                [example(), example(attentions=torch.ones(1, 1, 3, 3))],
                present=np.ones((2, 2, 2), bool),
            ),
            "agree in layers and heads",
        ),
        (
            lambda: collate(
                [example(), example(hidden_states=torch.ones(3, 3))],
                present=np.ones((2, 2, 2), bool),
            ),
            "agree in the axes of 'hidden_states'",
        ),
        (
            lambda: grounding(
                pair(),
                boxes=np.zeros((3, 4)),
                word_of_position=[0, 1, 2],
                kind="patch",
                names=((), ()),
            ),
            "`relation` must be one of",
        ),
    ],
)
def test_errors_say_what_was_wanted(call, message):
    with pytest.raises(ValueError, match=message):
        call()
