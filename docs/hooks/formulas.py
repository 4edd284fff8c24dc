"""LaTeX in the pages becomes MathML when the site is built; no script draws it in the browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError

from viz.report.mathml import put_formulas, take_formulas

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Take the formulas out before markdown reads them, and leave a word for each."""
    text, found = take_formulas(markdown)
    for each in found.values():
        if each.startswith("<code>"):
            raise PluginError(f"{page.file.src_uri}: this formula cannot be read: {each}")
    page.meta["formulas"] = found
    return text


def on_page_content(html: str, *, page: Page, **_: Any) -> str:
    """Put the MathML in; the search leaves it out, since its letters alone say nothing."""
    found = {
        word: each.replace("<math ", "<math data-search-exclude ", 1)
        for word, each in page.meta.get("formulas", {}).items()
    }
    # A block stands alone; inside a paragraph its margins would be the line's.
    html = re.sub(r"<p>(loupeformula\d+x)</p>", r'<div class="formula">\1</div>', html)
    return put_formulas(html, found)
