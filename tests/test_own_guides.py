"""Guides for a user's own object: short, and every message that they quote is what is said."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

GUIDES = sorted((Path(__file__).parents[1] / "docs" / "how-to").glob("own-*.md"))
GUIDES = [path for path in GUIDES if path.stem != "own-probe"]
_PYTHON = re.compile(
    r"^(?P<fragment><!-- fragment: [^\n]+ -->\n+)?```python\n(?P<code>.*?)^```$", re.M | re.S
)
_QUOTED = re.compile(r"print\(error\)  # (?P<said>[^\n]+)")


def python(path: Path) -> list[str]:
    """The blocks that run."""
    text = path.read_text(encoding="utf-8")
    return [each["code"] for each in _PYTHON.finditer(text) if not each["fragment"]]


def test_each_family_has_a_guide() -> None:
    assert [path.stem.removeprefix("own-") for path in GUIDES] == [
        "encoder",
        "generator",
        "graph",
        "vision-language",
    ]


@pytest.mark.parametrize("path", GUIDES, ids=lambda p: p.stem)
def test_from_ones_own_object_to_a_page_takes_under_ten_lines(path: Path) -> None:
    section = re.search(r"^## From the \w+ to a page\n(.*?)^## ", path.read_text(), re.M | re.S)
    assert section is not None
    code = re.search(r"```python\n(.*?)```", section[1], re.S)
    assert code is not None
    lines = [line for line in code[1].splitlines() if line.strip()]
    assert len(lines) < 10
    assert any(".to_html(" in line for line in lines)


@pytest.mark.parametrize("path", GUIDES, ids=lambda p: p.stem)
def test_it_names_template_reference_command_and_mistakes(path: Path) -> None:
    text = path.read_text()
    assert "](../tutorials/" in text
    assert "](../reference/" in text
    assert "](../explanation/" in text
    assert "loupe inspect my_module:" in text
    assert len(_QUOTED.findall(text)) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("path", GUIDES, ids=lambda p: p.stem)
def test_what_it_quotes_is_what_is_said(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "empty"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    names: dict[str, object] = {"__name__": "guide"}
    with mpl.rc_context({"backend": "agg"}):
        for code in python(path):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(code, str(path), "exec"), names)
            for quoted in _QUOTED.findall(code):
                assert quoted in printed.getvalue()
    plt.close("all")
    assert list(tmp_path.glob("*.html")), "the page is written"
