"""Pictures of relation consistency: whether relations among words agree with those among regions.

Each takes a result of `probe.isd` or of the study with IAIS, draws it into ``ax`` or a new figure,
and gives the Axes. Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .change import plot_before_after
    from .contrast import plot_contrast
    from .heads import plot_isd_heads
    from .layers import plot_isd
    from .pair import plot_relation_pair
    from .study import plot_iais_study

_HOME = {
    "plot_before_after": "change",
    "plot_contrast": "contrast",
    "plot_iais_study": "study",
    "plot_isd": "layers",
    "plot_isd_heads": "heads",
    "plot_relation_pair": "pair",
}

__all__ = [
    "plot_before_after",
    "plot_contrast",
    "plot_iais_study",
    "plot_isd",
    "plot_isd_heads",
    "plot_relation_pair",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
