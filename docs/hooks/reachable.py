"""What the theme leaves without a name or out of the keyboard's reach."""

from __future__ import annotations

from typing import Any

from mkdocs.exceptions import PluginError

_MENU = '<label class="md-header__button md-icon" for="__drawer"'
_SEARCH = '<div class="md-search" data-md-component="search" role="dialog"'
ADDED = {
    # On a narrow page it opens the navigation. The theme clicks a label with focus at Enter.
    _MENU: ' tabindex="0" role="button" aria-label="Navigation"',
    _SEARCH: ' aria-label="Search"',
}


def on_post_page(output: str, **_: Any) -> str:
    """Name the search and the button of the navigation."""
    for start, more in ADDED.items():
        if output.count(start) != 1:
            raise PluginError(f"the theme's pages have no `{start}` any more")
        output = output.replace(start, start + more)
    return output
