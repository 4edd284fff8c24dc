"""Pictures of comparisons: two results and their difference, a series, and a film's frames.

Each takes a result of `probe.comparison` or `probe.whitening.aligned_maps`, draws it into ``ax``
or a new figure, and gives the Axes. Names are loaded on first use, so that importing the package
costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .course import plot_series
    from .pair import plot_difference
    from .strip import plot_film_strip

_HOME = {"plot_difference": "pair", "plot_film_strip": "strip", "plot_series": "course"}

__all__ = ["plot_difference", "plot_film_strip", "plot_series"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
