"""Templates: one short cell to replace, the inspection, a widget and an export, in that order.

That they run, are stripped sources and ask and answer is tested with all notebooks.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_notebooks import TEMPLATES, cells

FAMILIES = ["encoder", "generator", "graph", "vision_language"]
MOST = 9  # under ten lines from a user's own object


def test_each_family_has_a_template() -> None:
    assert [path.stem for path in TEMPLATES] == FAMILIES


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_one_cell_of_under_ten_lines_holds_the_users_own(path: Path) -> None:
    tagged = [c for c in cells(path, "code") if "your-model" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    lines = [line for line in tagged[0].source.splitlines() if line.strip()]
    assert len(lines) <= MOST, tagged[0].source
    prose = [cell.source for cell in cells(path, "markdown")]
    assert any(text.startswith("## Your ") and "Replace these lines" in text for text in prose)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_it_inspects_probes_looks_and_exports(path: Path) -> None:
    code = [cell.source for cell in cells(path, "code")]
    places = []
    for wanted in ("inspect_model(", "plot", ".viz.explore()", ".viz.to_html(PAGE)"):
        found = [i for i, source in enumerate(code[2:], start=2) if wanted in source]
        assert found, wanted
        places.append(found[0])
    inspected, plotted, explored, exported = places
    assert inspected < min(plotted, explored)
    assert exported > max(plotted, explored)
    own = next(
        i
        for i, cell in enumerate(cells(path, "code"))
        if "your-model" in cell.metadata.get("tags", [])
    )
    assert own < inspected


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_every_plot_is_followed_by_a_sentence_from_its_numbers(path: Path) -> None:
    code = [cell.source for cell in cells(path, "code")]
    for i, source in enumerate(code):
        if "plot" in source and source.endswith(";"):
            assert "Read**" in code[i + 1], source


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_nothing_is_written_unless_a_page_is_named(path: Path) -> None:
    (sizes,) = [c for c in cells(path, "code") if "parameters" in c.metadata.get("tags", [])]
    assert "PAGE = None" in sizes.source
