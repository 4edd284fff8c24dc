"""Pictures of topology imbalance: conflict of labelled nodes, splits, and what weights gain.

Each takes a result of `probe.totoro` or of a training on a graph, draws it into ``ax`` or a new
figure, and gives the Axes. Names are loaded on first use, so that importing the package costs
nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conflict import plot_conflict
    from .graph import plot_graph
    from .history import plot_history
    from .imbalance import plot_imbalance
    from .layout import graph_layout
    from .matrix import plot_class_conflict
    from .nodes import plot_node
    from .splits import plot_splits
    from .study import plot_study

_HOME = {
    "graph_layout": "layout",
    "plot_class_conflict": "matrix",
    "plot_conflict": "conflict",
    "plot_graph": "graph",
    "plot_history": "history",
    "plot_imbalance": "imbalance",
    "plot_node": "nodes",
    "plot_splits": "splits",
    "plot_study": "study",
}

__all__ = [
    "graph_layout",
    "plot_class_conflict",
    "plot_conflict",
    "plot_graph",
    "plot_history",
    "plot_imbalance",
    "plot_node",
    "plot_splits",
    "plot_study",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
