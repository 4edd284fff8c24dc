"""What a model's output is owed to, by captum's methods, and how far each answer can be trusted.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agreeing import agreement
    from .cells import attribute, grid
    from .methods import METHODS
    from .task import AttributionTask

_HOME = {
    "METHODS": "methods",
    "AttributionTask": "task",
    "agreement": "agreeing",
    "attribute": "cells",
    "grid": "cells",
}

__all__ = ["METHODS", "AttributionTask", "agreement", "attribute", "grid"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
