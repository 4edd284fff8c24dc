"""Frozen records that loaders give and measures take: one file for each kind of data."""

from .attended import Attended
from .graph import Graph, Split
from .grounded import GroundedPair, Phrase, Relation
from .text import Corpus, SentencePairs

__all__ = [
    "Attended",
    "Corpus",
    "Graph",
    "GroundedPair",
    "Phrase",
    "Relation",
    "SentencePairs",
    "Split",
]
