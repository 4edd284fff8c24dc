"""What every report has: its look, its footer, and the checks before it is written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..explorers._twin import LISTENER
from .about import About
from .offline import external_resources
from .sources import all_versions

TEMPLATES = Path(__file__).parents[1] / "templates"
_LOOK = TEMPLATES / "loupe"
# What a report may hold, in bytes: it must travel by mail.
LIMIT = 5_000_000


def shared(
    sources: Sequence[Mapping[str, str]], *, name: str, about: About | None = None
) -> dict[str, Any]:
    """What all templates are filled with: style, script, and the lines of the footer.

    Parameters
    ----------
    sources
        Of the results in the page, see `source`.
    name
        What the page was made from, such as the notebook's file name.
    about
        What the page tells a gallery; None for a page that is no report.
    """
    return {
        "page_css": (_LOOK / "page.css").read_text("utf-8"),
        "page_js": (_LOOK / "page.js").read_text("utf-8") + LISTENER,
        "about": about.embedded() if about else "",
        "made_from": name,
        "made_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "sources": [dict(each) for each in sources],
        "versions": all_versions(sources),
    }


def fill(template: str, **values: Any) -> str:
    """One of the templates, filled; what is not marked as safe there is escaped."""
    from jinja2 import Environment, FileSystemLoader

    jinja = Environment(loader=FileSystemLoader(_LOOK), autoescape=True)
    return jinja.get_template(template).render(**values)


def write_page(page: str, out: str | Path, *, limit: int = LIMIT) -> Path:
    """Write a page, whole or not at all, after checking that it stands alone.

    Raises
    ------
    ValueError
        If it would fetch anything, is larger than `limit` bytes, or `out` is a folder.
    """
    out = Path(out)
    if out.is_dir():
        raise ValueError(f"`out` must be a file; got the folder {out}.")
    fetched = external_resources(page)
    if fetched:
        listed = "; ".join(fetched[:5])
        raise ValueError(
            f"`page` must not load anything from outside; got {len(fetched)} such places, first "
            f"{listed}. Put the data into the page instead."
        )
    content = page.encode("utf-8")
    if len(content) > limit:
        raise ValueError(
            f"`page` must be at most {limit / 1e6:g} MB; got {len(content) / 1e6:.1f} MB. Show "
            "fewer or smaller pictures, or give a smaller sample to the explorers."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-")
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp gives the owner alone; a report is read by others, as any new file would be.
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return out
