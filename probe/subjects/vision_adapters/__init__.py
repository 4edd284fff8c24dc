"""Vision-and-language models of transformers as functions from grounded pairs to `Attended`.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import VisionLanguageAdapter
    from .choosing import FAMILIES, adapt

_HOME = {"FAMILIES": "choosing", "VisionLanguageAdapter": "adapter", "adapt": "choosing"}

__all__ = ["FAMILIES", "VisionLanguageAdapter", "adapt"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
