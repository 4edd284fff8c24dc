"""Records, loaders and generators with known truth.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .flickr30k import load_flickr30k_entities
    from .graphs import (
        GRAPH_NAMES,
        load_amazon,
        load_digits_graph,
        load_graph,
        load_ogbn_arxiv,
        load_planetoid,
        public_split,
    )
    from .nlvr import link_coverage, load_nlvr
    from .python_prose import load_python_prose
    from .records import (
        Attended,
        Corpus,
        Graph,
        GroundedPair,
        Phrase,
        Relation,
        SentencePairs,
        Split,
    )
    from .registry import fetch
    from .scenes import (
        SCENE_WORDS,
        attribute_swapped,
        caption_holds,
        mismatched,
        patches,
        region_features,
        relation_flipped,
        render_scenes,
    )
    from .sentences import STS_NAMES, load_sts, read_sentence_pairs
    from .splits import random_split, step_imbalance_split

_HOME = {
    "GRAPH_NAMES": "graphs",
    "SCENE_WORDS": "scenes",
    "STS_NAMES": "sentences",
    "Attended": "records",
    "Corpus": "records",
    "Graph": "records",
    "GroundedPair": "records",
    "Phrase": "records",
    "Relation": "records",
    "SentencePairs": "records",
    "Split": "records",
    "attribute_swapped": "scenes",
    "caption_holds": "scenes",
    "fetch": "registry",
    "link_coverage": "nlvr",
    "load_amazon": "graphs",
    "load_digits_graph": "graphs",
    "load_flickr30k_entities": "flickr30k",
    "load_graph": "graphs",
    "load_nlvr": "nlvr",
    "load_ogbn_arxiv": "graphs",
    "load_planetoid": "graphs",
    "load_python_prose": "python_prose",
    "load_sts": "sentences",
    "mismatched": "scenes",
    "patches": "scenes",
    "public_split": "graphs",
    "random_split": "splits",
    "read_sentence_pairs": "sentences",
    "region_features": "scenes",
    "relation_flipped": "scenes",
    "render_scenes": "scenes",
    "step_imbalance_split": "splits",
}

__all__ = [
    "GRAPH_NAMES",
    "SCENE_WORDS",
    "STS_NAMES",
    "Attended",
    "Corpus",
    "Graph",
    "GroundedPair",
    "Phrase",
    "Relation",
    "SentencePairs",
    "Split",
    "attribute_swapped",
    "caption_holds",
    "fetch",
    "link_coverage",
    "load_amazon",
    "load_digits_graph",
    "load_flickr30k_entities",
    "load_graph",
    "load_nlvr",
    "load_ogbn_arxiv",
    "load_planetoid",
    "load_python_prose",
    "load_sts",
    "mismatched",
    "patches",
    "public_split",
    "random_split",
    "read_sentence_pairs",
    "region_features",
    "relation_flipped",
    "render_scenes",
    "step_imbalance_split",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
