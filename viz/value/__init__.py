"""Pictures of what attention heads of vision-and-language models do.

Each takes a result of `probe.value`, where it helps that of a twin with random weights too, draws
it into ``ax`` or a new figure, and gives the Axes. Names are loaded on first use, so that importing
the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ablation import plot_ablation
    from .coreference import plot_coreference
    from .crossing import plot_cross_modal
    from .examples import plot_examples
    from .fusion import plot_fusion
    from .heads import plot_heads
    from .modality import plot_modality
    from .overview import plot_profile
    from .probers import plot_probers
    from .relations import plot_relations
    from .steps import plot_steps

_HOME = {
    "plot_ablation": "ablation",
    "plot_coreference": "coreference",
    "plot_cross_modal": "crossing",
    "plot_examples": "examples",
    "plot_fusion": "fusion",
    "plot_heads": "heads",
    "plot_modality": "modality",
    "plot_probers": "probers",
    "plot_profile": "overview",
    "plot_relations": "relations",
    "plot_steps": "steps",
}

__all__ = [
    "plot_ablation",
    "plot_coreference",
    "plot_cross_modal",
    "plot_examples",
    "plot_fusion",
    "plot_heads",
    "plot_modality",
    "plot_probers",
    "plot_profile",
    "plot_relations",
    "plot_steps",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
