"""A corpus of real English that every Python carries: its own documentation.

No download: the sentences come from `pydoc_data.topics` (the language reference) and from the
docstrings of the standard library, read from source with `ast` and never imported.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from ._prose_cleaning import sentences
from .records import Corpus

# Tests, demos and vendored or generated code: their docstrings describe nothing, or repeat.
_SKIPPED_NAMES = """
    __phello__ _pyrepl antigravity distutils encodings ensurepip idlelib lib2to3 pydoc_data test
    this turtledemo
"""
_SKIPPED_MODULES = frozenset(_SKIPPED_NAMES.split())
_SKIPPED_FOLDERS = frozenset({"test", "tests", "idle_test", "_bundled", "_vendor"})
# Modules in Python of what users import by another name.
_PUBLIC_NAME = {
    "_collections_abc": "collections",
    "_pydatetime": "datetime",
    "_pydecimal": "decimal",
    "_pyio": "io",
}


def load_python_prose(
    *,
    limit: int | None = None,
    n_topics: int | None = None,
    min_words: int = 5,
    max_words: int = 60,
) -> Corpus:
    """Sentences of Python's own documentation, each with its topic; nothing is downloaded.

    A topic is a top-level module of the standard library (`asyncio`, `email`) or a page of the
    language reference (`language: with`). A sentence that occurs twice, whatever its case and
    spacing, is kept once, under the shorter page. The order is that of the topics' names and of
    the text. The corpus depends on the version of Python, which `attrs` names beside the hash of
    the content; about 11,000 sentences on Python 3.11, of technical English only.

    Parameters
    ----------
    limit
        At most so many sentences, evenly spaced over the whole corpus. None for all.
    n_topics
        Only the so many topics that have the most sentences (a tie goes to the name that comes
        first). None for all.
    min_words, max_words
        Bounds on the number of words of a sentence, both included.

    Raises
    ------
    ImportError
        If this Python was installed without `pydoc_data`.
    ValueError
        If an option is out of range, or nothing is left.

    Examples
    --------
    >>> corpus = load_python_prose(limit=1000, n_topics=12)
    >>> len(corpus), len(set(corpus.topics))
    (1000, 12)
    """
    for name, value in {"limit": limit, "n_topics": n_topics}.items():
        if value is not None and value < 1:
            raise ValueError(f"`{name}` must be at least 1, or None for all; got {value}.")
    if not 1 <= min_words <= max_words:
        raise ValueError(
            "`min_words` must be at least 1 and at most `max_words`; "
            f"got min_words {min_words} and max_words {max_words}."
        )
    corpus = _python_prose(min_words, max_words)
    if n_topics is not None:
        # The sort is stable and the topics come by name, so a tie goes to the first name.
        largest = sorted(corpus.topic_sizes.items(), key=lambda item: -item[1])[:n_topics]
        kept = {topic for topic, _ in largest}
        corpus = corpus.subset([i for i, topic in enumerate(corpus.topics) if topic in kept])
    if limit is not None and limit < len(corpus):
        corpus = corpus.subset(np.linspace(0, len(corpus) - 1, limit).round().astype(int))
    return Corpus(corpus.texts, corpus.topics, corpus.name, _attrs(corpus.texts, corpus.topics))


@cache
def _python_prose(min_words: int, max_words: int) -> Corpus:
    pages: dict[str, list[str]] = {}
    for topic, text in [*_language_pages(), *_docstrings()]:
        pages.setdefault(topic, []).append(text)
    found: dict[str, tuple[str, str]] = {}
    # Pages of the reference contain one another: the shorter one is the one about the sentence.
    for topic in sorted(pages, key=lambda t: (sum(map(len, pages[t])), t)):
        for page in pages[topic]:
            for sentence in sentences(page, min_words=min_words, max_words=max_words):
                found.setdefault(sentence.casefold(), (topic, sentence))
    kept = sorted(found.values(), key=lambda item: item[0])
    if not kept:
        raise ValueError(
            f"`min_words` and `max_words` must leave some sentence; got {min_words} to {max_words}."
        )
    topics, texts = zip(*kept, strict=True)
    return Corpus(texts, topics, "python_prose", {})


def _attrs(texts: tuple[str, ...], topics: tuple[str, ...]) -> dict[str, str]:
    content = "".join(f"{topic}\t{text}\n" for topic, text in zip(topics, texts, strict=True))
    return {
        "source": "pydoc_data.topics and docstrings of the standard library",
        "licence": "PSF-2.0",
        "python_version": platform.python_version(),
        "n_sentences": str(len(texts)),
        "n_topics": str(len(set(topics))),
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
    }


def _language_pages() -> Iterator[tuple[str, str]]:
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise ImportError(
            "the corpus of Python's documentation needs the module `pydoc_data.topics`, which this "
            f"Python ({sys.executable}) was installed without. Install your system's full Python "
            "package, or use load_sts() or sentences of your own."
        ) from None
    for key in sorted(topics):
        yield f"language: {key}", topics[key]


def _docstrings() -> Iterator[tuple[str, str]]:
    """Top-level module and docstring of everything documented in the standard library."""
    root = Path(sysconfig.get_path("stdlib"))
    for module in sorted(sys.stdlib_module_names - _SKIPPED_MODULES):
        topic = _PUBLIC_NAME.get(module, module.strip("_"))
        for path in _source_files(root, module):
            for docstring in _docstrings_in(path):
                yield topic, docstring


def _source_files(root: Path, module: str) -> list[Path]:
    """Sources of a module, by path; empty where it is built in or came without sources."""
    single = root / f"{module}.py"
    if single.is_file():
        return [single]
    files = (root / module).rglob("*.py")
    return sorted(f for f in files if not _SKIPPED_FOLDERS & set(f.relative_to(root).parts))


def _docstrings_in(path: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old escapes in a stranger's source are not our news
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # unreadable, or written for another Python
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            if docstring:
                yield docstring
        # Only statements can hold definitions; walking every expression would cost twice the time.
        blocks = (getattr(node, block, []) for block in ("body", "orelse", "handlers", "finalbody"))
        waiting += reversed([child for block in blocks for child in block])
