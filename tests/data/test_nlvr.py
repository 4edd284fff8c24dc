"""NLVR: links by words, pictures drawn or read, and how far the links reach."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data import link_coverage, load_nlvr
from data._nlvr_format import KINDS, noun_phrases, words_of


def item(kind: str, colour: str, x: int, y: int, size: int) -> dict[str, Any]:
    return {"type": kind, "color": colour, "x_loc": x, "y_loc": y, "size": size}


ROW: dict[str, Any] = {
    "sentence": "There is a small yellow circle and two black items in a box touching the wall.",
    "label": "true",
    "identifier": "7-0",
    "directory": "2",
    "structured_rep": [
        [item("circle", "Yellow", 10, 20, 10), item("circle", "Yellow", 40, 40, 30)],
        [],
        [item("square", "Black", 0, 80, 20), item("triangle", "Black", 50, 80, 20)],
    ],
}


def write(folder: Path, *rows: Any) -> Path:
    (folder / "dev.json").write_text("\n".join(json.dumps(row) for row in rows))
    return folder


def test_phrases_are_linked_to_all_that_they_fit(tmp_path: Path) -> None:
    (pair,) = load_nlvr(write(tmp_path, ROW))
    said = {" ".join(pair.words[p.start : p.end]): i for i, p in enumerate(pair.phrases)}
    assert {text: pair.regions_of(i) for text, i in said.items()} == {
        "a small yellow circle": (3,),
        "two black items": (5, 6),
        "a box": (0, 2),  # the second one is empty
        "the wall": (),
    }
    assert [p.kind for p in pair.phrases] == ["circle", "item", "container", "place"]
    np.testing.assert_allclose(pair.regions[:3, [0, 2]] * 400, [[0, 100], [150, 250], [300, 400]])
    np.testing.assert_allclose(pair.regions[6] * (400, 100, 400, 100), [350, 80, 370, 100])
    assert pair.region_names[3:5] == ("small yellow circle", "big yellow circle")
    assert pair.attrs["label"] == 1
    assert pair.attrs["picture"] == "drawn"
    assert not pair.relations  # black and side by side: more than one holds


def test_relations_are_between_items_of_one_box(tmp_path: Path) -> None:
    boxes = [*ROW["structured_rep"][:2], [*ROW["structured_rep"][2]]]
    boxes[2][1] = {**boxes[2][1], "color": "#0099ff"}
    (pair,) = load_nlvr(write(tmp_path, {**ROW, "structured_rep": boxes}))
    assert set(pair.relations) == {(5, 6, "left of"), (6, 5, "right of")}


def test_a_picture_is_drawn_as_it_is_described(tmp_path: Path) -> None:
    (pair,) = load_nlvr(write(tmp_path, ROW), pictures="drawn")
    assert pair.image.shape == (100, 400, 3)
    assert pair.image[50, 5].tolist() == [211, 211, 211]
    assert pair.image[50, 120].tolist() == [128, 128, 128]
    assert pair.image[55, 55].tolist() == [255, 255, 0]
    assert pair.image[81, 351].tolist() == [211, 211, 211]  # beside the triangle's tip
    assert pair.image[98, 352].tolist() == [0, 0, 0]


def test_pictures_are_read_where_they_lie(tmp_path: Path) -> None:
    write(tmp_path, ROW, {**ROW, "identifier": "8-1"})
    with pytest.raises(ValueError, match=r"must hold an example with a picture in .*images"):
        load_nlvr(tmp_path, pictures="files")
    (tmp_path / "images" / "2").mkdir(parents=True)
    seen = np.full((100, 400, 4), (9, 8, 7, 255), np.uint8)
    seen[0, 0] = 0  # transparent: white
    Image.fromarray(seen).save(tmp_path / "images" / "2" / "dev-8-1-0.png")
    (pair,) = load_nlvr(tmp_path, pictures="files")
    assert pair.name == "nlvr-8-1"
    assert pair.image[5, 5].tolist() == [9, 8, 7]
    assert pair.image[0, 0].tolist() == [255, 255, 255]
    assert [p.attrs["picture"] for p in load_nlvr(tmp_path)] == ["drawn", "file"]
    assert len(load_nlvr(tmp_path, limit=1)) == 1
    Image.fromarray(seen[:50]).save(tmp_path / "images" / "dev-7-0-0.png")
    with pytest.raises(ValueError, match="must have 400 x 100 pixels; got 400 x 50"):
        load_nlvr(tmp_path)


@pytest.mark.parametrize(
    ("sentence", "phrases"),
    [
        ("There is a Black square block", [("a Black square block", "item")]),
        ("one of the grey square", [("the grey square", "container")]),
        ("2 blue squeres over no blccks", [("2 blue squeres", "square"), ("no blccks", "item")]),
        ("items of the same color", [("items", "item"), ("color", "property")]),
        ("towers, boxes", [("towers", "container"), ("boxes", "container")]),
        ("it is touching", []),
    ],
)
def test_noun_phrases_are_read_from_words(sentence: str, phrases: list[tuple[str, str]]) -> None:
    words = words_of(sentence)
    found = noun_phrases(words)
    assert [(" ".join(words[p.start : p.end]), p.kind) for p in found] == phrases


def test_coverage_counts_sentences_phrases_and_words(tmp_path: Path) -> None:
    pairs = load_nlvr(write(tmp_path, ROW, {**ROW, "sentence": "touch the wall", "label": "false"}))
    found = link_coverage(pairs)
    assert pairs[1].attrs["label"] == 0
    assert found == {
        "sentences": 1 / 2,
        "phrases": 3 / 5,
        "words": 9 / 20,
        "links_per_phrase": 5 / 3,
    }
    with pytest.raises(ValueError, match="`pairs` must hold at least one pair; got none"):
        link_coverage([])


def test_the_development_set_of_the_cache(nlvr_cache: Path) -> None:
    pairs = load_nlvr(progress=False)
    assert len(pairs) == 989
    assert Counter(pair.attrs["picture"] for pair in pairs) == {"file": 300, "drawn": 689}
    assert {phrase.kind for pair in pairs for phrase in pair.phrases} <= set(KINDS)
    found = link_coverage(pairs)
    # Measured; the phrases left are words of place and property.
    assert found["sentences"] == pytest.approx(0.992, abs=0.001)
    assert found["phrases"] == pytest.approx(0.761, abs=0.001)
    assert sum(pair.attrs["label"] for pair in pairs) == 547


def test_drawn_pictures_are_the_files_but_for_smooth_edges(nlvr_cache: Path) -> None:
    files = load_nlvr(nlvr_cache / "nlvr", pictures="files", limit=60)
    drawn = {pair.name: pair for pair in load_nlvr(nlvr_cache / "nlvr", pictures="drawn")}
    apart = [(pair.image != drawn[pair.name].image).any(axis=2).mean() for pair in files]
    assert np.mean(apart) < 0.004
    assert max(apart) < 0.02


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("nonsense", "line 2: must be an object with the keys sentence, label"),
        ({"sentence": "x"}, "line 2: must be an object with the keys sentence, label"),
        ({**ROW, "label": 1}, "line 2: label must be 'true' or 'false'; got 1"),
        ({**ROW, "sentence": " "}, "line 2: sentence must not be blank"),
        ({**ROW, "structured_rep": [[]]}, "line 2: structured_rep must hold 3 boxes"),
        ({**ROW, "structured_rep": [[{}], [], []]}, r"\{\} is no item of NLVR \(KeyError"),
        (
            {**ROW, "structured_rep": [[item("star", "Black", 0, 0, 10)], [], []]},
            "'star'.* is no item of NLVR",
        ),
        (
            {**ROW, "structured_rep": [[item("circle", "Black", 100, 0, 10)], [], []]},
            "100.* is no item of NLVR",
        ),
    ],
)
def test_broken_rows_are_refused(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_nlvr(write(tmp_path, ROW, row))


def test_broken_files_and_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"`folder` must hold dev.json; .* is missing"):
        load_nlvr(tmp_path)
    (tmp_path / "dev.json").write_text("{")
    with pytest.raises(ValueError, match="line 1: must be one JSON object"):
        load_nlvr(tmp_path)
    (tmp_path / "dev.json").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="must be UTF-8 text; got another byte at 0"):
        load_nlvr(tmp_path)
    with pytest.raises(ValueError, match="`pictures` must be one of 'any', 'files', 'drawn'"):
        load_nlvr(tmp_path, pictures="all")
    with pytest.raises(ValueError, match="`limit` must be at least 1; got 0"):
        load_nlvr(tmp_path, limit=0)
