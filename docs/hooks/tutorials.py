"""Every notebook becomes a page: its prose, its code, and a link to its executed page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

FOLDERS = ("notebooks", "notebooks/templates")
# What the navigation calls a notebook, as the explanations are called; else the name of its file.
NAMES = {
    "value": "Heads (VALUE)",
    "isd": "Relations (ISD, IAIS)",
    "totoro": "Labelled graphs (Totoro)",
    "lowrank": "Edits (LowRankGAN)",
    "workbench": "Attribution workbench",
}
_NOTEBOOK_LINK = re.compile(r"\]\((?:[\w./-]*/)?(\w[\w-]*)\.ipynb\)")
_DOCS_LINK = re.compile(r"\]\((?:\.\./)+docs/")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the notebooks under Tutorials; one more notebook needs no line in mkdocs.yml."""
    for entry in config.nav or []:
        if "Tutorials" in entry:
            entry["Tutorials"] += [
                {_short(path): f"tutorials/{path.stem}.md"} for path in _notebooks(config)
            ]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the page of each notebook, and the exported pages that exist."""
    reports = _root(config) / config.extra.get("reports", "reports")
    for page in sorted(reports.glob("*.html")) if reports.is_dir() else []:
        files.append(
            File.generated(config, f"reports/{page.name}", abs_src_path=str(page.resolve()))
        )
    names = {Path(file.src_uri).name for file in files if file.src_uri.startswith("reports/")}
    rows = []
    for path in _notebooks(config):
        text = _page(path, _root(config), exported=f"{path.stem}.html" in names)
        files.append(File.generated(config, f"tutorials/{path.stem}.md", content=text))
        rows.append(f"- [{_question(path)}]({path.stem}.md)")
    listing = files.get_file_from_path("tutorials/index.md")
    if listing is not None:
        listed = listing.content_string + "\n" + "\n".join(rows) + "\n"
        if "index.html" in names:
            listed += "\nAll executed pages: [the gallery](../reports/index.html).\n"
        files.remove(listing)
        files.append(File.generated(config, "tutorials/index.md", content=listed))
    return files


def _root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).parent


def _notebooks(config: MkDocsConfig) -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((_root(config) / folder).glob("*.ipynb"))]


def _cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _question(path: Path) -> str:
    """The heading of a notebook."""
    first = next(_source(cell) for cell in _cells(path) if cell["cell_type"] == "markdown")
    return first.splitlines()[0].lstrip("# ").strip()


def _short(path: Path) -> str:
    """What the navigation calls it."""
    number, _, name = path.stem.partition("_")
    label = name.replace("_", " ") if number.isdigit() else path.stem.replace("_", " ")
    return (
        f"Template: {label}"
        if path.parent.name == "templates"
        else NAMES.get(label, label.capitalize())
    )


def _page(path: Path, root: Path, *, exported: bool) -> str:
    """The notebook as markdown, with the way to its executed page under its heading."""
    name = path.relative_to(root).as_posix()
    parts = []
    for cell in _cells(path):
        source = _source(cell).strip()
        if source:
            prose = cell["cell_type"] == "markdown"
            parts.append(_relinked(source) if prose else f"```python\n{source}\n```")
    first, _, rest = parts[0].partition("\n")
    return "\n\n".join([first, _where(name, path.stem, exported), rest.strip(), *parts[1:], ""])


def _relinked(prose: str) -> str:
    """Links between notebooks, and from them to this site, as links between its pages."""
    return _DOCS_LINK.sub("](../", _NOTEBOOK_LINK.sub(r"](\1.md)", prose))


def _where(name: str, stem: str, exported: bool) -> str:
    command = f"loupe report {name} -o reports/{stem}.html"
    if exported:
        return (
            f"This page is the source, `{name}`. "
            f"[**Open the executed page**](../reports/{stem}.html), with its pictures and "
            f"interactive views; `{command}` makes it again."
        )
    return (
        f"This page is the source, `{name}`. Its pictures and interactive views are in the "
        f"executed page, which is not here yet. This makes it:\n\n```bash\n{command}\n```"
    )
