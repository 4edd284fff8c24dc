"""Two results of one probe, or a series of them, as one: what differs, and how surely.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .differing import difference
    from .recovery import recovered_difference
    from .resampling import paired_means
    from .stacking import series

_HOME = {
    "difference": "differing",
    "paired_means": "resampling",
    "recovered_difference": "recovery",
    "series": "stacking",
}

__all__ = ["difference", "paired_means", "recovered_difference", "series"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
