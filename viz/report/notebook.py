"""A notebook as one HTML file: run, drawn with its explorers' twins, self-contained."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .about import about_notebook
from .execution import execute_notebook, read_notebook
from .mathml import put_formulas, take_formulas, to_mathml
from .page import LIMIT, TEMPLATES, shared, write_page
from .pictures import set_alternatives

if TYPE_CHECKING:
    from nbformat import NotebookNode

_THUMBNAIL = "thumbnail"  # tag of the cell whose picture stands for the page in a gallery
_LINK = re.compile(r"\]\(([\w-]+)\.ipynb\)")
_ANCHOR = re.compile(r'<a class="anchor-link" href="#[^"<>]*" ?(?:/>|></a>)')
_WIDGET = "application/vnd.jupyter.widget-view+json"
_TEX = re.compile(r"^\s*(\$\$?|\\\[|\\\(|\\displaystyle)|(\$\$?|\\\]|\\\))\s*$")


def export_notebook(
    path: str | Path,
    out: str | Path,
    *,
    execute: bool = True,
    fast: bool = False,
    timeout: float = 1200.0,
    limit: int = LIMIT,
) -> Path:
    """One HTML file of a notebook that needs no kernel and no network, explorers included.

    Parameters
    ----------
    path
        The notebook; it is not changed.
    out
        The HTML file to write; folders are made.
    execute
        Run it first, in a fresh kernel. Else the outputs that it holds are shown.
    fast
        Run with ``FAST = True`` in the cell tagged ``parameters``.
    timeout
        Seconds that one cell may take.
    limit
        Largest size in bytes.

    Returns
    -------
    pathlib.Path
        `out`.

    Raises
    ------
    FileNotFoundError
        If there is no such notebook.
    ValueError
        If it is no notebook, or the page would load something from outside or be too large.
    RuntimeError
        If a cell fails.
    """
    path = Path(path)
    started = time.perf_counter()
    notebook = (
        execute_notebook(path, fast=fast, timeout=timeout) if execute else read_notebook(path)
    )
    seconds = time.perf_counter() - started if execute else 0.0
    return write_page(_page(notebook, path, seconds), out, limit=limit)


def _page(notebook: NotebookNode, path: Path, seconds: float) -> str:
    from nbconvert import HTMLExporter

    sources = notebook.metadata.get("loupe", [])
    about = about_notebook(notebook, path, seconds=seconds)
    formulas = _prepare(notebook)
    exporter = HTMLExporter(
        template_name="loupe",
        extra_template_basedirs=[str(TEMPLATES)],
        embed_images=True,
        anchor_link_text="",
        require_js_url="",
        jquery_url="",
        mathjax_url="",
        mermaid_js_url="",
        html_manager_semver_range="",
        jupyter_widgets_base_url="",
        widget_renderer_url="",
    )
    resources: dict[str, Any] = {
        "metadata": {"name": path.stem, "path": str(path.resolve().parent)},
        "loupe": shared(sources, name=path.name, about=about),
        "title": about.title,
    }
    page, _ = exporter.from_notebook_node(notebook, resources)
    # Headings keep the ids that links go to; an empty link in each is a stop for the Tab key.
    return put_formulas(_ANCHOR.sub("", page), formulas)


def _prepare(notebook: NotebookNode) -> dict[str, str]:
    """Alternatives for pictures, no bare widgets, formulas taken out; gives the formulas."""
    notebook.metadata.pop("widgets", None)
    set_alternatives(notebook)
    formulas: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            # Pages lie side by side as their notebooks do.
            source = _LINK.sub(r"](\1.html)", cell.source)
            cell.source, found = take_formulas(source, first=len(formulas))
            formulas |= found
        elif cell.cell_type == "code":
            for output in cell.outputs:
                _plain_output(output)
                if "data" in output and _THUMBNAIL in cell.metadata.get("tags", []):
                    output.metadata["thumbnail"] = True
            cell.outputs = [output for output in cell.outputs if _is_seen(output)]
    return formulas


def _is_seen(output: NotebookNode) -> bool:
    """Whether anything is left to show of an output."""
    return bool(output.get("data")) or bool(output.get("text")) or output.output_type == "error"


def settled(text: str) -> str:
    r"""What a terminal shows in the end of text that overwrites itself, as progress bars do.

    Examples
    --------
    >>> settled("10%\r50%\r100%\ndone\n")
    '100%\ndone\n'
    """
    lines = []
    for line in text.split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        # A bar that wiped itself out leaves no empty line behind.
        if shown.strip() or "\r" not in line:
            lines.append(shown)
    found = "\n".join(lines)
    return found if found.strip() else ""


def _plain_output(output: NotebookNode) -> None:
    if output.output_type == "stream":
        output.text = settled(output.text)
    data = output.get("data", {})
    if _WIDGET in data:
        # Without its kernel a widget is nothing; an explorer leaves its twin, which is HTML.
        for kind in set(data) - {"text/html"}:
            del data[kind]
    # A formula that a cell shows; tables come with their own HTML beside their LaTeX.
    if "text/latex" in data and "text/html" not in data:
        tex = _TEX.sub("", _TEX.sub("", str(data.pop("text/latex")).strip()))
        data["text/html"] = to_mathml(tex, block=True)
