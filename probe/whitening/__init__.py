"""The geometry of embeddings, layer by layer, and what whitening does to it (arXiv:2103.15316).

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .classification import classification_check
    from .effect import effect_of, whitening_effect
    from .film import aligned_maps
    from .geometry import Anisotropy, anisotropy
    from .named import make_transform, transform_family
    from .similarity import sts_evaluation
    from .tokens import contextuality
    from .topics import topic_retrieval
    from .transform import AllButTheTop, Whitening, numerical_rank

_HOME = {
    "AllButTheTop": "transform",
    "Anisotropy": "geometry",
    "Whitening": "transform",
    "aligned_maps": "film",
    "anisotropy": "geometry",
    "classification_check": "classification",
    "contextuality": "tokens",
    "effect_of": "effect",
    "make_transform": "named",
    "numerical_rank": "transform",
    "sts_evaluation": "similarity",
    "topic_retrieval": "topics",
    "transform_family": "named",
    "whitening_effect": "effect",
}

__all__ = [
    "AllButTheTop",
    "Anisotropy",
    "Whitening",
    "aligned_maps",
    "anisotropy",
    "classification_check",
    "contextuality",
    "effect_of",
    "make_transform",
    "numerical_rank",
    "sts_evaluation",
    "topic_retrieval",
    "transform_family",
    "whitening_effect",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
