"""Records, loaders and generators with known truth.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .python_prose import load_python_prose
    from .records import Corpus, SentencePairs
    from .registry import fetch
    from .sentences import STS_NAMES, load_sts, read_sentence_pairs

_HOME = {
    "STS_NAMES": "sentences",
    "Corpus": "records",
    "SentencePairs": "records",
    "fetch": "registry",
    "load_python_prose": "python_prose",
    "load_sts": "sentences",
    "read_sentence_pairs": "sentences",
}

__all__ = [
    "STS_NAMES",
    "Corpus",
    "SentencePairs",
    "fetch",
    "load_python_prose",
    "load_sts",
    "read_sentence_pairs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
