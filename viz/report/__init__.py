"""Reports: notebooks, results and a gallery of both, as HTML that needs no network."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .execution import execute_notebook
    from .gallery import export_gallery, reports_in
    from .notebook import export_notebook
    from .offline import external_resources
    from .results import export_results, results_page

__all__ = [
    "execute_notebook",
    "export_gallery",
    "export_notebook",
    "export_results",
    "external_resources",
    "reports_in",
    "results_page",
]

_HOME = {
    "execute_notebook": "execution",
    "export_gallery": "gallery",
    "export_notebook": "notebook",
    "export_results": "results",
    "external_resources": "offline",
    "reports_in": "gallery",
    "results_page": "results",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
