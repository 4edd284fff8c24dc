"""Topology imbalance of labelled graphs: where classes conflict, and ReNode's weights (2110.04099).

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cost import Estimate, estimate
    from .grid import conflict_map
    from .imbalance import topology_imbalance
    from .ranking import conflict_ranks, renode_weights
    from .scan import scan_splits
    from .setting import setting_of

_HOME = {
    "Estimate": "cost",
    "conflict_map": "grid",
    "conflict_ranks": "ranking",
    "estimate": "cost",
    "renode_weights": "ranking",
    "scan_splits": "scan",
    "setting_of": "setting",
    "topology_imbalance": "imbalance",
}

__all__ = [
    "Estimate",
    "conflict_map",
    "conflict_ranks",
    "estimate",
    "renode_weights",
    "scan_splits",
    "setting_of",
    "topology_imbalance",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
