"""Records, loaders and generators with known truth.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .faces import (
        FACE_PARAMETERS,
        FACE_REGIONS,
        FaceOracle,
        draw_faces,
        face_oracle,
        face_regions,
        render_faces,
    )
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
    from .images import load_digits_images, load_fashion_mnist
    from .nlvr import link_coverage, load_nlvr
    from .python_prose import load_python_prose
    from .records import (
        Attended,
        Corpus,
        Faces,
        Graph,
        GroundedPair,
        LabelledImages,
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
    "FACE_PARAMETERS": "faces",
    "FACE_REGIONS": "faces",
    "GRAPH_NAMES": "graphs",
    "SCENE_WORDS": "scenes",
    "STS_NAMES": "sentences",
    "Attended": "records",
    "Corpus": "records",
    "FaceOracle": "faces",
    "Faces": "records",
    "Graph": "records",
    "GroundedPair": "records",
    "LabelledImages": "records",
    "Phrase": "records",
    "Relation": "records",
    "SentencePairs": "records",
    "Split": "records",
    "attribute_swapped": "scenes",
    "caption_holds": "scenes",
    "draw_faces": "faces",
    "face_oracle": "faces",
    "face_regions": "faces",
    "fetch": "registry",
    "link_coverage": "nlvr",
    "load_amazon": "graphs",
    "load_digits_graph": "graphs",
    "load_digits_images": "images",
    "load_fashion_mnist": "images",
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
    "render_faces": "faces",
    "render_scenes": "scenes",
    "step_imbalance_split": "splits",
}

__all__ = [
    "FACE_PARAMETERS",
    "FACE_REGIONS",
    "GRAPH_NAMES",
    "SCENE_WORDS",
    "STS_NAMES",
    "Attended",
    "Corpus",
    "FaceOracle",
    "Faces",
    "Graph",
    "GroundedPair",
    "LabelledImages",
    "Phrase",
    "Relation",
    "SentencePairs",
    "Split",
    "attribute_swapped",
    "caption_holds",
    "draw_faces",
    "face_oracle",
    "face_regions",
    "fetch",
    "link_coverage",
    "load_amazon",
    "load_digits_graph",
    "load_digits_images",
    "load_fashion_mnist",
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
    "render_faces",
    "render_scenes",
    "step_imbalance_split",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
