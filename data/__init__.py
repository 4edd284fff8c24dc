"""Records, loaders and generators with known truth.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .graphs import (
        GRAPH_NAMES,
        load_amazon,
        load_digits_graph,
        load_graph,
        load_ogbn_arxiv,
        load_planetoid,
        public_split,
    )
    from .python_prose import load_python_prose
    from .records import Corpus, Graph, SentencePairs, Split
    from .registry import fetch
    from .sentences import STS_NAMES, load_sts, read_sentence_pairs
    from .splits import random_split, step_imbalance_split

_HOME = {
    "GRAPH_NAMES": "graphs",
    "STS_NAMES": "sentences",
    "Corpus": "records",
    "Graph": "records",
    "SentencePairs": "records",
    "Split": "records",
    "fetch": "registry",
    "load_amazon": "graphs",
    "load_digits_graph": "graphs",
    "load_graph": "graphs",
    "load_ogbn_arxiv": "graphs",
    "load_planetoid": "graphs",
    "load_python_prose": "python_prose",
    "load_sts": "sentences",
    "public_split": "graphs",
    "random_split": "splits",
    "read_sentence_pairs": "sentences",
    "step_imbalance_split": "splits",
}

__all__ = [
    "GRAPH_NAMES",
    "STS_NAMES",
    "Corpus",
    "Graph",
    "SentencePairs",
    "Split",
    "fetch",
    "load_amazon",
    "load_digits_graph",
    "load_graph",
    "load_ogbn_arxiv",
    "load_planetoid",
    "load_python_prose",
    "load_sts",
    "public_split",
    "random_split",
    "read_sentence_pairs",
    "step_imbalance_split",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
