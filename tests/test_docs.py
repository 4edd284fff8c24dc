"""The documentation builds without a warning, its links lead somewhere, what it quotes is there."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs_site import DOCS, ROOT, build
from viz.report import external_resources

TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
NOTEBOOKS = {path.stem for path in (ROOT / "notebooks").rglob("*.ipynb")}
# Elements that fetch; what they name must lie in the site.
ELSEWHERE = re.compile(r"(?:https?:)?//", re.IGNORECASE)


def _tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / "hooks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site with one exported notebook, and what the build said."""
    base = tmp_path_factory.mktemp("docs")
    reports = base / "reports"
    reports.mkdir()
    for name in ("03_totoro", "index"):
        page = "<!doctype html><html lang=en><title>Executed</title><h1>Executed</h1></html>"
        (reports / f"{name}.html").write_text(page, encoding="utf-8")
    said = build(base / "site", reports=reports)
    return base / "site", said


@pytest.mark.slow
def test_it_builds_without_a_warning(built: tuple[Path, str]) -> None:
    site, said = built
    assert "WARNING" not in said
    assert "end of life" not in said
    assert (site / "index.html").is_file()
    assert (site / "search" / "search_index.json").is_file()
    assert not list(site.rglob("*.py")), "the hooks are no part of the site"


@pytest.mark.slow
def test_every_link_and_anchor_leads_somewhere(built: tuple[Path, str]) -> None:
    tool = _tool("check_links")
    assert tool.dead_anchors(built[0]) == []
    assert tool.dead_links(built[0]) == ""


@pytest.mark.slow
def test_dead_links_and_anchors_are_found(built: tuple[Path, str], tmp_path: Path) -> None:
    tool = _tool("check_links")
    page = '<title>x</title><a href="b.html">b</a><a href="#nowhere">c</a><a href="#d" id="d">d</a>'
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    assert "b.html" in tool.dead_links(tmp_path)
    assert tool.dead_anchors(tmp_path) == ["index.html: #nowhere"]


@pytest.mark.slow
def test_no_page_loads_anything_from_elsewhere(built: tuple[Path, str]) -> None:
    site, _ = built
    for page in site.rglob("*.html"):
        fetched = external_resources(page.read_text(encoding="utf-8"))
        assert [each for each in fetched if ELSEWHERE.search(each)] == [], page
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"url\(['\"]?(?:https?:)?//", text), sheet
        assert not re.search(r"@import\s*['\"]?(?:https?:)?//", text), sheet


@pytest.mark.slow
def test_every_notebook_has_a_page_and_the_way_to_its_executed_one(built: tuple[Path, str]) -> None:
    site, _ = built
    for path in [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("notebooks/templates/*.ipynb")]:
        page = (site / "tutorials" / f"{path.stem}.html").read_text(encoding="utf-8")
        if path.stem == "03_totoro":
            assert 'href="../reports/03_totoro.html"' in page
        else:
            assert f"../reports/{path.stem}.html" not in page
            command = f"loupe report {path.relative_to(ROOT).as_posix()}"
            assert command in re.sub(r"<[^>]+>", "", page)  # without the colours of code
    assert (site / "reports" / "03_totoro.html").is_file()
    listing = (site / "tutorials" / "index.html").read_text(encoding="utf-8")
    assert 'href="../reports/index.html"' in listing
    assert "does re-weighting relieve it?" in listing


@pytest.mark.slow
def test_formulas_are_mathml_and_not_searched_for(built: tuple[Path, str]) -> None:
    site, _ = built
    pages = "".join(page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    assert pages.count("<math ") > 40
    assert "loupeformula" not in pages
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    assert "loupeformula" not in index
    assert "<math" not in index


@pytest.mark.slow
def test_lazily_exported_names_show_their_own_docstrings(built: tuple[Path, str]) -> None:
    page = (built[0] / "reference" / "whitening.html").read_text(encoding="utf-8")
    assert 'id="probe.whitening.anisotropy"' in page or 'id="probe.whitening.geometry' in page
    assert "how far from filling space evenly they are" in page


def test_a_theme_that_has_changed_is_noticed() -> None:
    tool = _tool("reachable")
    page = "".join(f"{start}>" for start in tool.ADDED)
    assert tool.on_post_page(page).count("aria-label=") == len(tool.ADDED)
    with pytest.raises(Exception, match="have no `<label"):
        tool.on_post_page("<p>")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_text_links_to_are_there(path: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name = target.partition("#")[0]
        if name and "://" not in name:
            place = (path.parent / name).resolve()
            # The pages of notebooks are made when the site is built.
            made = place.parent == DOCS / "tutorials" and place.stem in NOTEBOOKS
            assert made or place.exists(), f"{path.name}: {target}"


def _constants() -> str:
    """Every text in the library's source, with … where a value is put in."""
    found = []
    for path in [
        ROOT / "loupe.py",
        *(p for r in ("data", "probe", "viz") for p in (ROOT / r).rglob("*.py")),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else "…" for p in node.values]
                found.append("".join(map(str, parts)))
    return "\n".join(found)


def test_the_messages_that_the_gotchas_quote_are_in_the_source() -> None:
    said = _constants()
    page = (DOCS / "gotchas.md").read_text(encoding="utf-8")
    quotes = re.findall(r"```text\n(.*?)\n```", page, re.DOTALL)
    assert len(quotes) > 15
    for quote in quotes:
        # `probe._check` puts "`name` must <wanted>; got <value>. <hint>" together from its parts.
        parts = re.split(r"…|^`[^`]+` must | must |; got | got |(?<=\.) (?=[A-Z])", quote)
        pieces = [part.strip(" .;,:()") for part in parts]
        told = [piece for piece in pieces if len(piece) > 9]
        assert told, quote
        assert [piece for piece in told if piece not in said] == [], quote


def test_intervals_in_the_readme_and_the_explanations_are_the_measured_ones() -> None:
    measured = " ".join((DOCS / "measured.md").read_text(encoding="utf-8").split())
    for page in (ROOT / "README.md", *sorted((DOCS / "explanation").glob("*.md"))):
        text = " ".join(page.read_text(encoding="utf-8").split())
        for interval in re.findall(r"\[[+−]?[\d.]+, [+−]?[\d.]+\](?!\()", text):
            assert interval in measured or interval == "[0, 1]", f"{page.name}: {interval}"
