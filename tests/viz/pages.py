"""Small pages for tests of reports: notebooks that were run, and what they show."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from viz.report import export_notebook


def png(width: int = 60, height: int = 40, colour: tuple[int, ...] = (200, 30, 30)) -> str:
    """A picture of one colour, base64."""
    target = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", (width, height), colour).save(target, "PNG")
    return base64.b64encode(target.getvalue()).decode()


def shown(picture: str, alt: str, *tags: str) -> Any:
    """A cell that shows a picture."""
    output = new_output("display_data", {"image/png": picture}, metadata={"alt": alt})
    return new_code_cell("draw()", outputs=[output], metadata={"tags": list(tags)})


def notebook(
    folder: Path, name: str = "01_value", *, fast: bool = False, cells: list[Any] | None = None
) -> Path:
    """A notebook that was run: a question, sizes, a picture, an answer."""
    answer = new_output(
        "execute_result", {"text/markdown": "**Yes**: *half* of `them`. No others."}
    )
    made = [
        new_markdown_cell("# What is *inside*?\n\nAn opening that\nwraps.\n\nMore."),
        new_code_cell(f"FAST = {fast}  # sizes", metadata={"tags": ["parameters"]}),
        *(cells if cells is not None else [shown(png(), "A red sheet.")]),
        new_markdown_cell("## Answer"),
        new_code_cell("say()", outputs=[answer]),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=made), path)
    return path


def page(folder: Path, name: str = "01_value", **options: Any) -> Path:
    """Its page, from the outputs at hand."""
    source = notebook(folder / "notebooks", name, **options)
    return export_notebook(source, folder / "reports" / f"{name}.html", execute=False)
