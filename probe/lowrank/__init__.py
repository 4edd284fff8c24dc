"""Latent directions that edit one region of an image and leave the rest alone (arXiv:2106.04488).

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .attributes import attribute_shares
    from .attribution import region_attribution
    from .baselines import baseline_directions
    from .decomposition import robust_pca
    from .derivative import jacobian
    from .directions import EmptyEditWarning, region_directions
    from .edits import locality
    from .frames import EditSource
    from .gram import region_gram
    from .subspaces import principal_angles

_HOME = {
    "EditSource": "frames",
    "EmptyEditWarning": "directions",
    "attribute_shares": "attributes",
    "baseline_directions": "baselines",
    "jacobian": "derivative",
    "locality": "edits",
    "principal_angles": "subspaces",
    "region_attribution": "attribution",
    "region_directions": "directions",
    "region_gram": "gram",
    "robust_pca": "decomposition",
}

__all__ = [
    "EditSource",
    "EmptyEditWarning",
    "attribute_shares",
    "baseline_directions",
    "jacobian",
    "locality",
    "principal_angles",
    "region_attribution",
    "region_directions",
    "region_gram",
    "robust_pca",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
