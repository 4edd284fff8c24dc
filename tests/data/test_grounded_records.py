"""Records of grounded pairs and of what models attend to: shapes, copies and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from data.records import Attended, GroundedPair, Phrase, Relation

IMAGE = np.zeros((8, 6, 3), np.uint8)
BASE: dict[str, Any] = {
    "image": IMAGE,
    "words": ("two", "red", "squares", "."),
    "regions": [[0.1, 0.1, 0.5, 0.5], [0.5, 0.5, 1, 1]],
    "phrases": [(0, 3, "square"), Phrase(1, 2, "colour")],
    "links": [[0, 1], [0, 0]],
    "relations": [(0, 1, "left of")],
    "masks": np.zeros((2, 8, 6), bool),
}


def test_fields_are_read_only_copies() -> None:
    given = {
        key: np.array(value) if key in ("regions", "links") else value
        for key, value in BASE.items()
    }
    given["image"], given["masks"] = IMAGE.copy(), BASE["masks"].copy()
    attrs = {"n": 1}
    pair = GroundedPair(**given, attrs=attrs)
    for name in ("image", "regions", "links", "masks"):
        kept, mine = getattr(pair, name), given[name]
        before = kept.copy()
        with pytest.raises(ValueError, match="read-only"):
            kept[0] = 1
        mine[...] = 1
        np.testing.assert_array_equal(kept, before)
    attrs["n"] = 2
    assert pair.attrs == {"n": 1}


def test_what_is_left_out_is_empty_and_what_is_given_gets_names() -> None:
    bare = GroundedPair(image=IMAGE, words=["a"], regions=())
    assert bare.regions.shape == (0, 4)
    assert bare.links.shape == (0, 2)
    assert (bare.masks, bare.phrases, bare.relations, bare.region_names) == (None, (), (), ())
    pair = GroundedPair(**BASE, name="x")
    assert pair.region_names == ("", "")
    assert pair.phrases[0].kind == "square"
    assert pair.relations == (Relation(0, 1, "left of"),)
    assert pair.relations[0].label == "left of"
    assert pair.caption == "two red squares ."
    assert (pair.regions_of(0), pair.regions_of(1)) == ((0, 1), ())
    assert repr(pair) == "GroundedPair('x', 'two red squares .', 2 regions, 2 links)"
    assert pair.regions.dtype == np.float32


@pytest.mark.parametrize(
    ("field", "value", "error", "message"),
    [
        ("image", IMAGE.astype(float), ValueError, "`image` must have axes .*; got float64"),
        ("image", IMAGE[..., 0], ValueError, r"`image` must have axes .* shape \(8, 6\)"),
        ("image", np.zeros((8, 6, 4), np.uint8), ValueError, r"of shape \(8, 6, 4\)"),
        ("words", "a cat", TypeError, "`words` must be a sequence of words; got one string"),
        ("words", (), ValueError, "`words` must hold at least one word; got none"),
        ("words", ("a", 1, "b", "c"), TypeError, "`words` must hold strings; got int at 1"),
        ("words", ("a", " ", "b", "c"), ValueError, "must hold no blank word; got ' ' at 1"),
        ("regions", [[0.5, 0.1, 0.5, 0.5]] * 2, ValueError, r"`regions` must be boxes .* at 0"),
        ("regions", [[0, 0, 1, 1], [0, 0, 1.2, 1]], ValueError, r"1\.2, 1\.0\] at 1"),
        ("regions", [[0, 0, 1, 1], [-0.1, 0, 1, 1]], ValueError, r"got \[-0\.1"),
        ("regions", [[0, 0, 1, np.nan]] * 2, ValueError, r"nan\] at 0"),
        ("phrases", [(0, 5, "x")], ValueError, "spans within 4 words; got 0 to 5 at 0"),
        ("phrases", [(2, 2, "x")], ValueError, "spans within 4 words; got 2 to 2 at 0"),
        ("links", [[2, 0]], ValueError, r"`links\[:, 0\]` must be one of 2 phrases; got phrase 2"),
        ("links", [[0, -1]], ValueError, r"`links\[:, 1\]` must be one of 2 regions; got region"),
        ("relations", [(0, 2, "x")], ValueError, "`relations` must be one of 2 regions; got .* 2"),
        ("region_names", ("x",), ValueError, "`region_names` must name each of 2 regions; got 1"),
        ("masks", np.zeros((2, 8, 6)), ValueError, r"`masks` must hold booleans .* got float64"),
        ("masks", np.zeros((1, 8, 6), bool), ValueError, r"of shape \(2, 8, 6\); got bool of sh"),
    ],
)
def test_wrong_fields_are_refused(
    field: str, value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        GroundedPair(**{**BASE, field: value})


def attended(**changes: Any) -> Attended:
    n, layers, heads, positions, phrases, regions = 2, 3, 4, 5, 2, 3
    fields: dict[str, Any] = {
        "attentions": np.zeros((n, layers, heads, positions, positions)),
        "present": np.ones((layers, 2, 2), bool),
        "modality": np.tile(np.array([0, 0, 1, 1, -1], np.int8), (n, 1)),
        "special": np.tile(np.array([True, False, False, False, False]), (n, 1)),
        "boxes": np.full((n, positions, 4), np.nan),
        "pool": np.zeros(n, np.int64),
        "hidden_states": np.zeros((n, layers + 1, positions, 7)),
        "phrases": np.zeros((n, phrases, positions), bool),
        "phrase_kind": np.zeros((n, phrases), np.int16),
        "regions": np.zeros((n, regions, positions)),
        "region_boxes": np.zeros((n, regions, 4)),
        "links": np.zeros((n, phrases, regions), bool),
        "relation": np.zeros((n, regions, regions), np.int16),
        "tokens": (("a",) * positions,) * n,
    }
    return Attended(**{**fields, **changes})


def test_text_and_image_are_told_apart_without_marks_and_padding() -> None:
    record = attended(name="toy", attrs={"x": np.arange(2)})
    assert record.text[0].tolist() == [False, True, False, False, False]
    assert record.image[0].tolist() == [False, False, True, True, False]
    assert len(record) == 2
    assert repr(record) == "Attended('toy', 2 examples, 3 layers x 4 heads, 5 positions)"
    least = attended(
        **dict.fromkeys(
            ("hidden_states", "phrases", "phrase_kind", "regions", "region_boxes", "links")
        ),
        relation=None,
        tokens=(),
    )
    assert least.links is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("attentions", np.zeros((2, 3, 5, 5)), r"`attentions` must have axes .*\(2, 3, 5, 5\)"),
        ("attentions", np.zeros((2, 3, 4, 5, 6)), "square over positions; got 5 queries, 6 keys"),
        ("hidden_states", np.zeros((2, 3, 5, 7)), r"`hidden_states` must have axes \(2, 4, 5, fe"),
        ("tokens", (("a",) * 5, ("a",) * 4), "`tokens` must hold 5 texts for each of 2 examples"),
        ("present", np.ones((2, 2, 2)), r"`present` must have shape \(3, 2, 2\)"),
        ("modality", np.ones((2, 4)), r"`modality` must have shape \(2, 5\)"),
        ("special", np.ones((1, 5)), r"`special` must have shape \(2, 5\)"),
        ("boxes", np.ones((2, 5, 2)), r"`boxes` must have shape \(2, 5, 4\)"),
        ("pool", np.ones(3), r"`pool` must have shape \(2,\)"),
        ("phrases", np.ones((2, 2, 4)), r"`phrases` must have shape \(2, 2, 5\)"),
        ("phrase_kind", np.ones((2, 3)), r"`phrase_kind` must have shape \(2, 2\)"),
        ("regions", np.ones((3, 3, 5)), r"`regions` must have shape \(2, 3, 5\)"),
        ("region_boxes", np.ones((2, 2, 4)), r"`region_boxes` must have shape \(2, 3, 4\)"),
        ("links", np.ones((2, 3, 2)), r"`links` must have shape \(2, 2, 3\)"),
        ("relation", np.ones((2, 3, 2)), r"`relation` must have shape \(2, 3, 3\)"),
    ],
)
def test_shapes_that_disagree_are_refused(field: str, value: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        attended(**{field: value})
