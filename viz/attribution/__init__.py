"""Pictures of attributions: what a model looked at, and the checks that say whether to believe it.

Each takes a result of `probe.attribution`, draws it into ``ax`` or a new figure, and gives the
Axes. Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agreement import plot_agreement
    from .cell import plot_attribution
    from .faithfulness import plot_faithfulness
    from .randomisation import plot_randomisation

_HOME = {
    "plot_agreement": "agreement",
    "plot_attribution": "cell",
    "plot_faithfulness": "faithfulness",
    "plot_randomisation": "randomisation",
}

__all__ = [
    "plot_agreement",
    "plot_attribution",
    "plot_faithfulness",
    "plot_randomisation",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
