"""The gallery: what pages say about themselves, their small pictures, cards, sizes, failures."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from probe.whitening import anisotropy
from viz.report import export_gallery, export_results, external_resources
from viz.report.about import (
    About,
    about_notebook,
    cells_hash,
    first_sentence,
    full_command,
    plain_text,
    read_about,
    runs_small,
)
from viz.report.gallery import read_page, reports_in
from viz.report.thumbnails import SIZE, thumbnail

from .pages import page, png, shown

HOSTILE = "</script><img src=x onerror=alert(1)>"
ROOT = Path(__file__).parents[2]


def decoded(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


# What a page says about itself


def test_a_page_says_its_question_its_answer_and_its_sizes(tmp_path: Path) -> None:
    found = read_page(page(tmp_path))
    assert found
    about = found.about
    assert (about.title, about.summary) == ("What is inside?", "Yes: half of them.")
    assert (about.answered, about.small, about.made_from) == (True, False, "01_value.ipynb")
    assert about.command == "loupe report 01_value.ipynb -o 01_value.html"
    assert about.seconds == 0.0
    assert found.alt == "A red sheet."
    assert np.asarray(decoded(found.picture).convert("RGB"))[0, 0].tolist() == [200, 30, 30]


def test_small_sizes_answer_nothing(tmp_path: Path) -> None:
    about = read_page(page(tmp_path, fast=True)).about  # type: ignore[union-attr]
    assert about.small
    assert not about.answered
    assert about.summary == "An opening that wraps."


def test_a_notebook_of_the_project_names_make() -> None:
    command = full_command(ROOT / "notebooks" / "03_totoro.ipynb")
    assert command == "make report NOTEBOOK=03_totoro"


def test_the_answer_may_be_prose_or_missing(tmp_path: Path) -> None:
    prose = new_notebook(cells=[new_markdown_cell("# Why?"), new_markdown_cell("## Answer\nSo. X")])
    about = about_notebook(prose, Path("a.ipynb"))
    assert (about.title, about.summary, about.answered) == ("Why?", "So.", True)
    about = about_notebook(new_notebook(cells=[]), Path("a.ipynb"))
    assert (about.title, about.summary, about.answered, about.small) == ("a", "", False, False)


def test_a_long_opening_is_cut_between_sentences() -> None:
    for first, wanted in (("One " * 60, 1), ("One " * 20, 3)):
        prose = " ".join([f"{first.strip()}."] + ["Two more words follow here."] * 9)
        cells = [new_markdown_cell(f"# Why?\n\n{prose}")]
        summary = about_notebook(new_notebook(cells=cells), Path("a.ipynb")).summary
        assert prose.startswith(summary)
        assert summary.endswith(".")
        assert summary.count(".") >= wanted
        assert len(summary) <= 261


def test_the_marked_picture_stands_for_the_page(tmp_path: Path) -> None:
    cells = [
        shown(png(), "First."),
        shown(png(colour=(0, 0, 250)), "Marked.", "thumbnail"),
        shown(png(), "Last.", "thumbnail"),
    ]
    found = read_page(page(tmp_path, cells=cells))
    assert found
    assert found.alt == "Marked."


def test_the_hash_is_of_the_cells_and_not_of_the_sizes(tmp_path: Path) -> None:
    texts = ["FAST = False  # small", "FAST = True", "FAST = False\nN = 3"]
    small, full, other = (new_notebook(cells=[new_code_cell(text)]) for text in texts)
    assert cells_hash(small) == cells_hash(full) != cells_hash(other)
    tagged = new_notebook(
        cells=[new_code_cell("FAST = bool(1)", metadata={"tags": ["parameters"]})]
    )
    assert not runs_small(tagged)


@pytest.mark.parametrize("text", ["", "[]", "no json", '{"title": "x"}', '{"other": 1}'])
def test_what_is_no_description_is_none(text: str) -> None:
    assert read_about(text) is None


def test_a_description_of_other_types_is_none() -> None:
    whole = json.loads(About("a", "b", "c").embedded())
    assert read_about(json.dumps(whole)) is not None
    assert read_about(json.dumps({**whole, "seconds": "long"})) is None


def test_text_of_a_page_cannot_end_its_element() -> None:
    about = About(HOSTILE, "2026-01-01T00:00:00+00:00", "a", summary=HOSTILE)
    assert "<" not in about.embedded()
    assert read_about(about.embedded()) == about


def test_sentences_and_plain_text() -> None:
    assert plain_text("> A [b](c.ipynb) of *d_e* and _f_\n# g") == "A b of d_e and f g"
    assert first_sentence("Gain 0.5 (95 %: 0.1 to 0.2). Then **more**.") == (
        "Gain 0.5 (95 %: 0.1 to 0.2)."
    )


def test_links_between_notebooks_become_links_between_pages(tmp_path: Path) -> None:
    cells = [new_markdown_cell("See [next](02_isd.ipynb) and [code](https://a.example/b.ipynb).")]
    text = page(tmp_path, cells=cells).read_text("utf-8")
    assert 'href="02_isd.html"' in text
    assert 'href="https://a.example/b.ipynb"' in text


# Small pictures


@pytest.mark.parametrize(("size", "wanted"), [((1280, 400), (640, 200)), ((100, 200), (200, 400))])
def test_a_thumbnail_keeps_its_proportions(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    small = decoded(thumbnail(f"data:image/png;base64,{png(*size)}"))
    assert small.size == wanted
    assert small.width <= SIZE[0]
    assert small.height <= SIZE[1]


def test_what_is_transparent_becomes_white() -> None:
    address = thumbnail(f"data:image/png;base64,{png(colour=(0, 0, 0, 0))}")
    assert np.asarray(decoded(address).convert("RGB")).min() == 255


@pytest.mark.parametrize(
    "address", ["data:image/png;base64,AAAA", "data:image/svg+xml;base64,AAAA", "a.png"]
)
def test_what_is_no_picture_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="`address` must hold a PNG or JPEG picture"):
        thumbnail(address)


# The gallery


def test_the_gallery_has_a_card_for_each_report(tmp_path: Path) -> None:
    first = page(tmp_path, "00_tour")
    page(tmp_path, "01_value", fast=True)
    (first.parent / "other.html").write_text("<title>not a report</title>")
    export_results([anisotropy(np.eye(6) + 1)], first.parent / "a b.html", title=HOSTILE)
    found = reports_in(first.parent)
    assert [one.path.name for one in found] == ["00_tour.html", "01_value.html", "a b.html"]
    out = export_gallery([one.path for one in found], first.parent / "index.html")
    text = out.read_text("utf-8")
    assert external_resources(text) == []
    assert text.count('<li class="card') == 3
    for address in ("00_tour.html", "01_value.html", "a%20b.html"):
        assert f'<a href="{address}">' in text
    assert text.count('<strong class="tag">Answer</strong> Yes: half of them.') == 1
    assert text.count("Preview, small sizes") == 1
    assert "1 of them is a preview" in text
    assert "loupe report 01_value.ipynb -o 01_value.html" in text
    assert text.count('alt="A red sheet."') == 2
    assert "<img src=x" not in text
    # The index is no report of its own: made again, it is the same list.
    assert reports_in(out.parent) == found


def test_a_picture_that_cannot_be_read_does_not_lose_the_card(tmp_path: Path) -> None:
    broken = base64.b64encode(b"\x89PNG").decode()
    made = page(tmp_path, cells=[shown(broken, "Broken.")])
    assert "no picture" in export_gallery([made], made.parent / "index.html").read_text("utf-8")


def test_pages_that_are_too_large_are_named(tmp_path: Path) -> None:
    small = page(tmp_path, "00_tour")
    noise = np.random.default_rng(0).bytes(120_000)
    Image.frombytes("RGB", (200, 200), noise).save(buffer := io.BytesIO(), "PNG")
    large = page(tmp_path, cells=[shown(base64.b64encode(buffer.getvalue()).decode(), "Noise.")])
    out = small.parent / "index.html"
    message = r"`pages` must add up to at most 0.2 MB; got .* of which 01_value.html has 0.2 MB"
    with pytest.raises(ValueError, match=message):
        export_gallery([small, large], out, limit=200_000)
    assert not out.exists()


def test_a_gallery_says_what_it_needs(tmp_path: Path) -> None:
    made = page(tmp_path)
    out = made.parent / "index.html"
    with pytest.raises(ValueError, match="`pages` must hold at least one report; got none"):
        export_gallery([], out)
    with pytest.raises(FileNotFoundError, match="`path` must be an HTML file; there is no"):
        export_gallery([tmp_path / "absent.html"], out)
    with pytest.raises(ValueError, match=r"`pages` must lie in the folder of index.html"):
        export_gallery([made], tmp_path / "index.html")
    (made.parent / "other.html").write_text("<p>x")
    with pytest.raises(ValueError, match=r"must be reports that say what they are; got other.html"):
        export_gallery([made.parent / "other.html"], out)
