"""Pictures of edits of a region: directions, what they change inside and outside, and attributes.

Each takes a result of `probe.lowrank`, draws it into ``ax`` or a new figure, and gives the Axes.
Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .attributes import plot_attributes
    from .attribution import plot_attribution
    from .change import plot_change
    from .comparison import plot_locality
    from .spectra import plot_spectra
    from .strips import plot_directions

_HOME = {
    "plot_attributes": "attributes",
    "plot_attribution": "attribution",
    "plot_change": "change",
    "plot_directions": "strips",
    "plot_locality": "comparison",
    "plot_spectra": "spectra",
}

__all__ = [
    "plot_attributes",
    "plot_attribution",
    "plot_change",
    "plot_directions",
    "plot_locality",
    "plot_spectra",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
