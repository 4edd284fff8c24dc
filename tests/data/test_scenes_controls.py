"""False captions, and what small models see of a scene."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.records import GroundedPair
from data.scenes import (
    HELD_OUT_COMBINATIONS,
    attribute_swapped,
    caption_holds,
    mismatched,
    patches,
    region_features,
    relation_flipped,
    render_scenes,
    words_shifted,
)
from data.scenes.drawing import tight_boxes
from data.scenes.facts import only_relation, relation_table
from data.scenes.plan import OPENINGS, Clause, Plan
from data.scenes.truth import named_by, plan_holds, plan_of
from data.scenes.words import DENIALS, RELATIONS, Item, Spec, item_of

worlds = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
RED, BLUE = Item("big", "plain", "red", "star"), Item("small", "dotted", "blue", "star")


@worlds
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["none", "only", "any"]))
def test_hard_negatives_are_false_of_the_same_picture(seed: int, index: int, held_out: str) -> None:
    (pair,) = render_scenes(1, seed=seed, start=index, held_out=held_out)
    flipped, swapped = relation_flipped(pair), attribute_swapped(pair)
    for name, new in (("relation_flipped", flipped), ("attribute_swapped", swapped)):
        assert not caption_holds(new)
        assert not caption_holds(pair, caption=new)
        assert new.attrs["control"] == name
        assert new.caption != pair.caption
        np.testing.assert_array_equal(new.image, pair.image)
        assert new.relations == pair.relations
    # All phrases of a flipped caption still name what they named.
    assert [flipped.regions_of(i) for i in range(len(flipped.phrases))] == [
        pair.regions_of(i) for i in range(len(pair.phrases))
    ]
    colour_shape = {(c[1][3], c[1][4]) for c in _specs(swapped)}
    known = colour_shape & HELD_OUT_COMBINATIONS
    assert held_out != "none" or not known  # or words alone would tell that it is false


def _specs(pair: GroundedPair) -> list[tuple[int, list]]:
    clauses = json.loads(pair.attrs["plan"])[3]
    return [(k, spec) for k, c in enumerate(clauses) for spec in (c[0], c[2]) if spec]


def test_one_relation_is_flipped_and_one_attribute_swapped() -> None:
    names = Counter()
    for pair in render_scenes(80, seed=2):
        old, new = plan_of(pair).clauses, plan_of(relation_flipped(pair)).clauses
        changed = [(a.predicate, b.predicate) for a, b in zip(old, new, strict=True) if a != b]
        assert len(changed) == 1
        names.update(changed)
        new = attribute_swapped(pair)
        key = new.attrs["swapped"]
        before, after = _specs(pair), _specs(new)
        column = ("number", "size", "texture", "colour", "shape").index(key)
        values = [sorted(str(spec[column]) for _, spec in each) for each in (before, after)]
        rest = [
            [v for _, spec in each for i, v in enumerate(spec) if i != column]
            for each in (before, after)
        ]
        assert rest[0] == rest[1]
        assert values[0] == values[1] or len(set(values[0]) ^ set(values[1])) <= 2
    assert {(b, a) for a, b in names} >= {
        pair for pair in names if pair[0] in ("left of", "above", "same colour")
    }
    assert ("touches", "apart") in names


def test_flips_are_as_frequent_one_way_as_the_other() -> None:
    true: Counter[str] = Counter()
    for pair in render_scenes(600, seed=21):
        true.update(clause.predicate for clause in plan_of(pair).clauses)
    for one, other in (("left of", "right of"), ("above", "below"), *DENIALS.items()):
        assert abs(true[one] - true[other]) < 4 * np.sqrt(true[one] + true[other]), (one, true)


def test_mismatched_captions_are_of_another_scene_with_as_many_objects() -> None:
    pairs = render_scenes(60, seed=6)
    by_name = {pair.name: pair for pair in pairs}
    for old, new in zip(pairs, mismatched(pairs, seed=1), strict=True):
        source = by_name[new.attrs["caption"]]
        assert source.name != old.name
        assert new.words == source.words
        assert new.phrases == source.phrases or [p[:2] for p in new.phrases] == [
            p[:2] for p in source.phrases
        ]
        assert len(source.regions) == len(new.regions) == new.attrs["n_objects"]
        assert not caption_holds(new)
        assert not len(new.links)
        assert new.attrs["control"] == "mismatched"
        assert new.relations == old.relations
    again = [pair.caption for pair in mismatched(pairs, seed=2)]
    assert again != [pair.caption for pair in mismatched(pairs, seed=1)]


def test_shifted_words_leave_phrases_in_place() -> None:
    pairs = render_scenes(40, seed=12)
    new = words_shifted(pairs, seed=3)
    share = np.mean([pair.attrs["shifted"] for pair in new])
    assert 0.25 < share < 0.75
    for old, shifted in zip(pairs, new, strict=True):
        moved = [i for i, (a, b) in enumerate(zip(old.words, shifted.words, strict=True)) if a != b]
        assert len(moved) == 2 * shifted.attrs["shifted"]
        assert not moved or moved[1] == moved[0] + 1
        for start, end, _ in old.phrases:
            assert sorted(old.words[start:end]) == sorted(shifted.words[start:end])


def test_what_is_no_scene_is_refused() -> None:
    (pair,) = render_scenes(1)
    with pytest.raises(ValueError, match="whose caption is false of"):
        mismatched([pair])
    for broken, message in (
        (replace(pair, masks=None), "got one without masks"),
        (replace(pair, attrs={}), r'without attrs\["plan"\]'),
        (replace(pair, region_names=["x"] * len(pair.regions)), "small striped red star"),
    ):
        for change in (relation_flipped, attribute_swapped, caption_holds):
            with pytest.raises(ValueError, match=message):
                change(broken)
    counted = Plan("counted", "past", 0, (Clause(Spec(2, colour="red"), "count"),) * 2)
    with pytest.raises(ValueError, match="must have a relation that can be flipped"):
        relation_flipped(replace(pair, attrs={"plan": counted.to_text()}))
    nothing = Plan("counted", "past", 0, (Clause(Spec(2), "count"),) * 2)
    with pytest.raises(ValueError, match="must have an attribute that can be swapped"):
        attribute_swapped(replace(pair, attrs={"plan": nothing.to_text()}))


def test_relations_agree_with_counting_pixels_by_hand() -> None:
    for pair in render_scenes(12, seed=31):
        assert pair.masks is not None
        items = [item_of(name) for name in pair.region_names]
        table = relation_table(pair.regions, pair.masks, items)
        pixels = [{(int(y), int(x)) for y, x in np.argwhere(mask)} for mask in pair.masks]
        around = [
            {(y + j, x + i) for y, x in each for i in (-1, 0, 1) for j in (-1, 0, 1)} - each
            for each in pixels
        ]
        size = len(pair.image)
        for s in range(len(items)):
            for o in range(len(items)):
                ring = {p for p in around[s] if min(p) >= 0 and max(p) < size}
                inside = s != o and ring <= pixels[o]
                back = {p for p in around[o] if min(p) >= 0 and max(p) < size} <= pixels[s]
                assert table["inside"][s, o] == inside
                near = s != o and bool(around[s] & pixels[o]) and not inside and not back
                assert table["touches"][s, o] == near
                a, b = pair.regions[s], pair.regions[o]
                dx, dy = (b[0] + b[2] - a[0] - a[2]) / 2, (b[1] + b[3] - a[1] - a[3]) / 2
                assert table["left of"][s, o] == (a[2] <= b[0] and abs(dy) <= abs(dx) / 2)
                assert table["above"][s, o] == (a[3] <= b[1] and abs(dx) <= abs(dy) / 2)
        only = only_relation(table)
        np.testing.assert_array_less(np.sum(list(only.values()), axis=0), 2)


def test_the_truth_of_phrases_with_the_and_with_there_is() -> None:
    items = [RED, BLUE, RED._replace(size="small", shape="cross")]
    table = {name: np.zeros((3, 3), bool) for name in (*RELATIONS, *DENIALS.values())}
    table["left of"][0, 1] = True

    def holds(form: str, *clauses: Clause) -> bool:
        return plan_holds(Plan(form, "present", 0, clauses), items, table)

    star, blue = Spec(1, colour="red", shape="star"), Spec(1, colour="blue")
    assert holds("conjoined", Clause(star, "left of", blue))
    assert not holds("conjoined", Clause(blue, "left of", star))
    assert not holds("conjoined", Clause(Spec(1, colour="red"), "left of", blue))  # which one?
    assert holds("existential", Clause(Spec(1, colour="red"), "left of", blue))
    assert holds("counted", Clause(Spec(2, colour="red"), "count"))
    assert not holds("counted", Clause(Spec(3, colour="red"), "count"))
    assert holds("plural", Clause(Spec(2, size="small"), "small"))
    assert not holds("plural", Clause(Spec(2, size="small"), "dotted"))
    assert holds("pronoun", Clause(star, "left of", blue), Clause(None, "left of", blue))
    assert named_by(Spec(2, shape="star"), items) == (0, 1)


def test_plans_survive_their_text() -> None:
    clauses = (Clause(Spec(1, colour="red"), "around", Spec(2, shape="cross"), 1),)
    plan = Plan("pronoun", "past", 2, (*clauses, Clause(None, "small")))
    assert Plan.from_text(plan.to_text()) == plan
    assert OPENINGS[0] == ("", 0, 0)


def test_region_features_are_the_pixels_of_the_boxes() -> None:
    (pair,) = render_scenes(1, seed=4)
    found = region_features(pair, crop=2)
    assert found.dtype == np.float32
    assert found.shape == (len(pair.regions), 2 * 2 * 3 + 7)
    np.testing.assert_allclose(found[:, 12:16], pair.regions)
    np.testing.assert_allclose(found[:, 16] * found[:, 17], found[:, 18], rtol=1e-5)
    # A box of one colour, painted over, has that colour in all of its cells.
    image = np.array(pair.image)
    x0, y0, x1, y1 = np.round(pair.regions[0] * 64).astype(int)
    image[y0:y1, x0:x1] = (255, 0, 51)
    cells = region_features(replace(pair, image=image), crop=2)[0, :12].reshape(4, 3)
    np.testing.assert_allclose(cells, [[1, -1, -0.6]] * 4, atol=1e-6)


def test_patches_lie_row_by_row_with_channels_first() -> None:
    (pair,) = render_scenes(1, seed=4)
    found = patches(pair, patch=16)
    assert found.shape == (16, 3 * 16 * 16)
    square = pair.image[16:32, 32:48].astype(float) / 127.5 - 1  # second row, third column
    np.testing.assert_allclose(found[6].reshape(3, 16, 16), square.transpose(2, 0, 1), atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: patches(p, patch=7), "`patch` must divide the image, 64 x 64 pixels; got 7"),
        (lambda p: patches(p, patch=0), "`patch` must be at least 1; got 0"),
        (lambda p: region_features(p, crop=0), "`crop` must be at least 1; got 0"),
    ],
)
def test_wrong_sizes_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(render_scenes(1)[0])


def test_a_box_holds_its_pixels_and_no_more() -> None:
    mask = np.zeros((1, 8, 8), bool)
    mask[0, 2:5, 3:4] = True
    np.testing.assert_allclose(tight_boxes(mask) * 8, [[3, 2, 4, 5]])
