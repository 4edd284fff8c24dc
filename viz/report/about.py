"""What a page says about itself, so that a gallery is built from the pages and nothing else."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .execution import fast_assignment

if TYPE_CHECKING:
    from nbformat import NotebookNode

# The element of a page that holds these lines, see templates/loupe/parts.html.j2.
ELEMENT = "loupe-page"
_PROJECT = Path(__file__).parents[2]
_CARD = 260  # characters of text that a card takes
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"(])")


@dataclass(frozen=True)
class About:
    """What is known of a page.

    Attributes
    ----------
    title
        The question that it asks, or its heading.
    summary
        One sentence or paragraph of plain text: its answer, or what it is about.
    answered
        Whether the summary is the page's own answer.
    small
        Whether it was made with small sizes, for a first look.
    command
        What makes the page in full; empty where that is not known.
    made_at
        Date and time (ISO 8601, UTC).
    made_from
        File name of the notebook, or what else it shows.
    source
        Hash of the notebook's cells, "" for other pages.
    seconds
        How long the notebook ran; 0.0 where it was not run.
    """

    title: str
    made_at: str
    made_from: str
    summary: str = ""
    answered: bool = False
    small: bool = False
    command: str = ""
    source: str = ""
    seconds: float = 0.0

    def embedded(self) -> str:
        """As JSON that may stand inside a ``<script>``: no text can end the element."""
        return json.dumps(asdict(self), ensure_ascii=False).replace("<", "\\u003c")


def read_about(text: str) -> About | None:
    """What `About.embedded` wrote; None if it is something else.

    Examples
    --------
    >>> about = About("Why?", "2026-01-01T00:00:00+00:00", "a.ipynb", summary="a < b")
    >>> read_about(about.embedded()) == about
    True
    >>> read_about("{}") is None
    True
    """
    try:
        about = About(**json.loads(text))
    except (ValueError, TypeError):
        return None
    like = About("", "", "")
    same = [type(getattr(about, name)) is type(value) for name, value in asdict(like).items()]
    return about if all(same) else None


def about_notebook(notebook: NotebookNode, path: Path, *, seconds: float = 0.0) -> About:
    """What an executed notebook says: its question, its answer, its sizes.

    Small sizes answer nothing, so that a notebook run with them is summed up by its first
    paragraph instead.
    """
    small = runs_small(notebook)
    answer = "" if small else first_sentence(_answer(notebook))
    return About(
        title=heading(notebook) or path.stem,
        made_at=now(),
        made_from=path.name,
        summary=answer or _opening(notebook),
        answered=bool(answer),
        small=small,
        command=full_command(path),
        source=cells_hash(notebook),
        seconds=round(seconds, 1),
    )


def now() -> str:
    """Date and time as `About` keeps it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def heading(notebook: NotebookNode) -> str:
    """The first heading, as plain text."""
    for cell in notebook.cells:
        found = re.search(r"^#\s+(.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and found:
            return re.sub(r"[*_`$]", "", found[1]).strip()
    return ""


def cells_hash(notebook: NotebookNode) -> str:
    """A hash of the cells as they are written, whichever sizes are set."""
    lines = "\0\n".join(f"{cell.cell_type}\n{cell.source}" for cell in notebook.cells)
    lines = re.sub(r"^FAST = (True|False)\b.*$", "FAST", lines, flags=re.MULTILINE)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def runs_small(notebook: NotebookNode) -> bool:
    """Whether ``FAST`` is set to True in the cell tagged ``parameters``."""
    found = fast_assignment(notebook)
    value = found[1].value if found else None
    return isinstance(value, ast.Constant) and value.value is True


def full_command(path: Path) -> str:
    """What a user types to have this notebook's page in full.

    Examples
    --------
    >>> full_command(Path("mine.ipynb"))
    'loupe report mine.ipynb -o mine.html'
    """
    if path.resolve().parent == _PROJECT / "notebooks":
        return f"make report NOTEBOOK={path.stem}"
    return f"loupe report {path.name} -o {path.stem}.html"


def plain_text(markdown: str) -> str:
    r"""Markdown as one line of plain text.

    Examples
    --------
    >>> plain_text("**Some** heads [join](http://a.example)\nwords to `what` they name.")
    'Some heads join words to what they name.'
    """
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"[*`$]|(?<!\w)_|_(?!\w)|^[#>]+\s*", "", text, flags=re.MULTILINE)
    return re.sub(r"\s+", " ", text).strip()


def first_sentence(markdown: str) -> str:
    """The first sentence of Markdown, as plain text.

    Examples
    --------
    >>> first_sentence("**Yes**: 0.5 of them do. **No** other does.")
    'Yes: 0.5 of them do.'
    """
    return _SENTENCE.split(plain_text(markdown), maxsplit=1)[0]


def _opening(notebook: NotebookNode) -> str:
    """What the first paragraph after the heading begins with: as many sentences as a card takes."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for paragraph in re.split(r"\n\s*\n", cell.source):
                if not paragraph.lstrip().startswith("#") and paragraph.strip():
                    return _short(plain_text(paragraph))
    return ""


def _short(text: str) -> str:
    """Whole sentences from the start, no more than fill a card, but at least one."""
    kept = ""
    for sentence in _SENTENCE.split(text):
        if kept and len(kept) + len(sentence) > _CARD:
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def _answer(notebook: NotebookNode) -> str:
    """What stands below ``## Answer``: prose of that cell, or the next cell's Markdown output."""
    cells: list[Any] = list(notebook.cells)
    for at, cell in enumerate(cells):
        if cell.cell_type != "markdown" or not cell.source.startswith("## Answer"):
            continue
        prose = cell.source.partition("\n")[2].strip()
        shown = cells[at + 1].get("outputs", []) if at + 1 < len(cells) else []
        texts = [output.get("data", {}).get("text/markdown", "") for output in shown]
        return next((text for text in [prose, *texts] if text), "")
    return ""
