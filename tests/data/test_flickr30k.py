"""Flickr30k Entities on a small folder written by hand in its format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data import load_flickr30k_entities
from data._flickr30k_format import parse_sentence

ANNOTATION = """<annotation>
  <filename>1.jpg</filename>
  <size><width>200</width><height>100</height><depth>3</depth></size>
  <object><name>11</name>
    <bndbox><xmin>20</xmin><ymin>10</ymin><xmax>60</xmax><ymax>90</ymax></bndbox></object>
  <object><name>11</name><name>12</name>
    <bndbox><xmin>100</xmin><ymin>0</ymin><xmax>210</xmax><ymax>50</ymax></bndbox></object>
  <object><name>13</name><scene>1</scene><nobndbox>0</nobndbox></object>
  <object><name>14</name><scene>0</scene><nobndbox>1</nobndbox></object>
  <object><name>15</name>
    <bndbox><xmin>5</xmin><ymin>5</ymin><xmax>5</xmax><ymax>9</ymax></bndbox></object>
</annotation>
"""
SENTENCES = """[/EN#11/people Two young men] on [/EN#13/scene a street] .
[/EN#0/notvisual Nobody] sees [/EN#12/clothing/bodyparts the hat] of [/EN#14/other/x it] .
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("Annotations", "Sentences", "flickr30k-images"):
        (tmp_path / part).mkdir()
    (tmp_path / "Annotations" / "1.xml").write_text(ANNOTATION)
    (tmp_path / "Sentences" / "1.txt").write_text(SENTENCES)
    pixels = np.full((100, 200, 3), (200, 30, 90), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "flickr30k-images" / "1.jpg")
    (tmp_path / "val.txt").write_text("1\n")
    return tmp_path


def test_sentences_share_the_boxes_of_their_image(folder: Path) -> None:
    first, second = load_flickr30k_entities(folder)
    assert first.caption == "Two young men on a street ."
    assert first.phrases == ((0, 3, "people"), (4, 6, "scene"))
    # Cut at the border; what has no area is left out.
    np.testing.assert_allclose(first.regions, [[0.1, 0.1, 0.3, 0.9], [0.5, 0, 1, 0.5]])
    np.testing.assert_array_equal(first.regions, second.regions)
    assert [first.regions_of(i) for i in range(2)] == [(0, 1), ()]
    assert first.region_names == ("11", "11+12")
    assert [phrase.kind for phrase in second.phrases] == ["notvisual", "clothing", "other"]
    assert [second.regions_of(i) for i in range(3)] == [(), (1,), ()]
    assert (first.name, second.name) == ("flickr30k-1-0", "flickr30k-1-1")
    assert (first.attrs["scene_phrases"], second.attrs["scene_phrases"]) == (1, 0)
    assert np.abs(first.image.astype(int) - (200, 30, 90)).max() < 12


def test_a_split_is_its_list_of_images(folder: Path) -> None:
    assert {pair.attrs["split"] for pair in load_flickr30k_entities(folder, split="val")} == {"val"}
    assert len(load_flickr30k_entities(folder, limit=1)) == 2
    with pytest.raises(FileNotFoundError, match=r"needs the list of its images; .*test\.txt"):
        load_flickr30k_entities(folder, split="test")
    with pytest.raises(ValueError, match="`split` must be one of 'train', 'val', 'test'; got 'x'"):
        load_flickr30k_entities(folder, split="x")
    with pytest.raises(ValueError, match="`limit` must be at least 1; got 0"):
        load_flickr30k_entities(folder, limit=0)
    (folder / "val.txt").write_text("\n")
    with pytest.raises(ValueError, match=r"val\.txt must list images; got an empty file"):
        load_flickr30k_entities(folder, split="val")


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("Annotations", "must hold the folder Annotations"),
        ("Sentences", "must hold the folder Sentences"),
        ("flickr30k-images", "must hold the images in a folder flickr30k-images or images"),
        ("Annotations/1.xml", r"1\.xml is missing"),
        ("flickr30k-images/1.jpg", r"the image .*1\.jpg is missing"),
    ],
)
def test_what_is_missing_is_named(folder: Path, missing: str, message: str) -> None:
    (folder / missing).rename(folder / "elsewhere")
    with pytest.raises(FileNotFoundError, match=message):
        load_flickr30k_entities(folder)


def test_images_may_lie_in_a_folder_of_another_name(folder: Path) -> None:
    (folder / "flickr30k-images").rename(folder / "images")
    assert len(load_flickr30k_entities(folder)) == 2


def test_no_sentences_are_an_error(folder: Path) -> None:
    (folder / "Sentences" / "1.txt").write_text("\n\n")
    with pytest.raises(ValueError, match="must hold at least one sentence; got none"):
        load_flickr30k_entities(folder)
    (folder / "Sentences" / "1.txt").unlink()
    with pytest.raises(ValueError, match=r"must hold files <image>\.txt; got none"):
        load_flickr30k_entities(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</annotation>", "", r"1\.xml must be XML; "),
        ("<annotation>", '<!DOCTYPE a [<!ENTITY b "c">]><annotation>', "no document type or entit"),
        ("size>", "extent>", "must tell the image's size; it has no <size>"),
        ("<width>200", "<width>wide", "<size> must hold a whole number in <width>; got 'wide'"),
        ("<width>200", "<width>0", "the image's size must be positive; got 0 x 100"),
        ("<width>200", "<width>150", "the size that its annotation tells, 150 x 100 pixels"),
        ("<xmin>20</xmin>", "", "<bndbox> must hold a whole number in <xmin>; got ''"),
        ("<name>13</name>", "", r"an <object> must have ids in <name>; got \[\]"),
        ("<name>13</name>", "<name>x</name>", r"must have ids in <name>; got \['x'\]"),
        ("<scene>1</scene>", "", "object 13 must have a <bndbox>, or say <nobndbox> or <scene>"),
    ],
)
def test_broken_annotations_are_refused(folder: Path, old: str, new: str, message: str) -> None:
    assert old in ANNOTATION
    (folder / "Annotations" / "1.xml").write_text(ANNOTATION.replace(old, new))
    with pytest.raises(ValueError, match=message):
        load_flickr30k_entities(folder)


def test_what_is_no_text_and_no_image_is_refused(folder: Path) -> None:
    (folder / "flickr30k-images" / "1.jpg").write_bytes(b"GIF no")
    with pytest.raises(ValueError, match="must be an image file; it cannot be read"):
        load_flickr30k_entities(folder)
    (folder / "Annotations" / "1.xml").write_bytes(b"<\xff")
    with pytest.raises(ValueError, match="must be UTF-8 text; got another byte at 1"):
        load_flickr30k_entities(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[/EN#1/people A man sits .", "a bracket must be closed; that of id 1 is not"),
        ("A man] sits .", r"must be opened before it closes; got 'man\]'"),
        ("[/EN#1/people A [/EN#2/other big man] ]", "must not stand in one another"),
        ("[/EN#1 A man]", r"must open as in \[/EN#1/people; got '\[/EN#1'"),
        ("[A man]", r"must open as in \[/EN#1/people; got '\[A'"),
        ("[/EN#1/people ]", "must hold words; that of id 1 is empty"),
        ("[/EN#1/people A]man] .", r"got 'A\]man\]'"),
        ("", "a sentence must hold words; got none"),
    ],
)
def test_malformed_brackets_are_refused(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^here: .*{message}"):
        parse_sentence(line, "here")


def test_the_line_of_a_malformed_bracket_is_named(folder: Path) -> None:
    (folder / "Sentences" / "1.txt").write_text("A man .\n\n[/EN#1/people A man\n")
    with pytest.raises(ValueError, match=r"1\.txt, line 3: a bracket must be closed"):
        load_flickr30k_entities(folder)
