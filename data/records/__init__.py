"""Frozen records that loaders give and measures take: one file for each kind of data."""

from .attended import Attended
from .graph import Graph, Split
from .grounded import GroundedPair, Phrase, Relation
from .images import Faces, LabelledImages
from .text import Corpus, SentencePairs

__all__ = [
    "Attended",
    "Corpus",
    "Faces",
    "Graph",
    "GroundedPair",
    "LabelledImages",
    "Phrase",
    "Relation",
    "SentencePairs",
    "Split",
]
