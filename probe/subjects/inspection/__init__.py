"""What a user's own object is, which probes apply to it, what is missing, and what they will take.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .inspecting import inspect_model
    from .loading import load_subject
    from .wording import inspection_json, inspection_text

_HOME = {
    "inspect_model": "inspecting",
    "inspection_json": "wording",
    "inspection_text": "wording",
    "load_subject": "loading",
}

__all__ = ["inspect_model", "inspection_json", "inspection_text", "load_subject"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
