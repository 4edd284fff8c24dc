"""Whether relations among words agree with relations among regions (ISD, IAIS; arXiv:2105.13868).

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contrasting import contrast
    from .distance import relation_distance
    from .examples import relation_examples
    from .measuring import Isd, isd
    from .planting import planted_relations
    from .regulariser import IAIS_KINDS, iais_loss

_HOME = {
    "IAIS_KINDS": "regulariser",
    "Isd": "measuring",
    "contrast": "contrasting",
    "iais_loss": "regulariser",
    "isd": "measuring",
    "planted_relations": "planting",
    "relation_distance": "distance",
    "relation_examples": "examples",
}

__all__ = [
    "IAIS_KINDS",
    "Isd",
    "contrast",
    "iais_loss",
    "isd",
    "planted_relations",
    "relation_distance",
    "relation_examples",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
