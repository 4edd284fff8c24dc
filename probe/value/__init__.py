"""What the attention heads of a vision-and-language model do (VALUE, arXiv:2005.07310).

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ablation import head_ablation
    from .crossing import CrossModal, cross_modal
    from .examples import attention_examples
    from .fusion import FusionDegree, fusion_degree
    from .grounding import Coreference, coreference
    from .importance import ModalityImportance, modality_importance
    from .linguistics import Linguistic, linguistic
    from .overview import PROFILED, part_of, profile
    from .pair_attention import AttentionProber, attention_prober
    from .pair_states import EmbeddingProber, embedding_prober
    from .relating import Relations, relations

_HOME = {
    "PROFILED": "overview",
    "AttentionProber": "pair_attention",
    "Coreference": "grounding",
    "CrossModal": "crossing",
    "EmbeddingProber": "pair_states",
    "FusionDegree": "fusion",
    "Linguistic": "linguistics",
    "ModalityImportance": "importance",
    "Relations": "relating",
    "attention_examples": "examples",
    "attention_prober": "pair_attention",
    "coreference": "grounding",
    "cross_modal": "crossing",
    "embedding_prober": "pair_states",
    "fusion_degree": "fusion",
    "head_ablation": "ablation",
    "linguistic": "linguistics",
    "modality_importance": "importance",
    "part_of": "overview",
    "profile": "overview",
    "relations": "relating",
}

__all__ = [
    "PROFILED",
    "AttentionProber",
    "Coreference",
    "CrossModal",
    "EmbeddingProber",
    "FusionDegree",
    "Linguistic",
    "ModalityImportance",
    "Relations",
    "attention_examples",
    "attention_prober",
    "coreference",
    "cross_modal",
    "embedding_prober",
    "fusion_degree",
    "head_ablation",
    "linguistic",
    "modality_importance",
    "part_of",
    "profile",
    "relations",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
