"""The site as the tests build it, and the code that its pages hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
BUILT_WITHIN = 300.0  # seconds that a loaded machine may take
_BLOCK = re.compile(
    r"^(?P<mark><!-- fragment: [^\n]+ -->\n+)?```python[^\n]*\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A piece of Python in a page."""

    line: int
    code: str
    fragment: bool  # part of something that a page cannot run; the page says why


def blocks(page: Path) -> list[Block]:
    """The pieces of Python in a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(text[: found.start("code")].count("\n"), found["code"], found["mark"] is not None)
        for found in _BLOCK.finditer(text)
    ]


def build(site: Path, *, reports: Path) -> str:
    """Build the site as `make docs` does; gives what the build said, which fails on a warning."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(site)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "LOUPE_REPORTS": str(reports)},
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILT_WITHIN,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
