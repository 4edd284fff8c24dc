"""Pictures of the geometry of embeddings and of what whitening does to it.

Each takes a result of `probe.whitening`, draws it into ``ax`` or a new figure, and gives the Axes.
Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contextuality import plot_contextuality
    from .cosines import plot_cosines
    from .effect import plot_effect
    from .maps import plot_map
    from .panel import plot_anisotropy
    from .rogue import plot_rogue_dimensions
    from .scores import plot_classification, plot_topics
    from .spectrum import plot_spectrum, plot_transformed_spectrum
    from .sts import plot_sts
    from .training import plot_training

_HOME = {
    "plot_anisotropy": "panel",
    "plot_classification": "scores",
    "plot_contextuality": "contextuality",
    "plot_cosines": "cosines",
    "plot_effect": "effect",
    "plot_map": "maps",
    "plot_rogue_dimensions": "rogue",
    "plot_spectrum": "spectrum",
    "plot_sts": "sts",
    "plot_topics": "scores",
    "plot_training": "training",
    "plot_transformed_spectrum": "spectrum",
}

__all__ = [
    "plot_anisotropy",
    "plot_classification",
    "plot_contextuality",
    "plot_cosines",
    "plot_effect",
    "plot_map",
    "plot_rogue_dimensions",
    "plot_spectrum",
    "plot_sts",
    "plot_topics",
    "plot_training",
    "plot_transformed_spectrum",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
