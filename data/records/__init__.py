"""Frozen records that loaders give and measures take: one file for each kind of data."""

from .graph import Graph, Split
from .text import Corpus, SentencePairs

__all__ = ["Corpus", "Graph", "SentencePairs", "Split"]
