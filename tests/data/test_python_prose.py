from __future__ import annotations

import hashlib
import re
import sys
import sysconfig
from pathlib import Path

import pytest

from data import load_python_prose, python_prose


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every corpus made anew, the one that other tests share left alone."""
    monkeypatch.setattr(python_prose, "_python_prose", python_prose._python_prose.__wrapped__)


def test_the_corpus_is_large_and_every_sentence_is_within_bounds() -> None:
    corpus = load_python_prose()
    assert len(corpus) >= 5000
    lengths = [len(text.split()) for text in corpus.texts]
    assert min(lengths) == 5
    assert max(lengths) <= 60
    assert len({" ".join(text.split()).casefold() for text in corpus.texts}) == len(corpus)
    assert list(corpus.topics) == sorted(corpus.topics)


def test_nothing_looks_like_code_or_markup() -> None:
    bad = re.compile(r"[`*=<>{}\[\]|@$%#^~\\]|::|>>>|\s\s|:(func|meth|class|mod):")
    assert [text for text in load_python_prose().texts if bad.search(text)] == []


def test_topics_are_modules_and_pages_of_the_reference() -> None:
    sizes = load_python_prose().topic_sizes
    assert sum(size > 1 for size in sizes.values()) > 150
    assert sum(size >= 50 for size in sizes.values()) > 30
    for topic in ("asyncio", "email", "decimal", "io", "language: with", "language: naming"):
        assert sizes[topic] > 5
    for topic in sizes:
        assert not topic.startswith("_")
        assert not topic.startswith(("test", "idlelib", "lib2to3"))


def test_a_sentence_of_two_pages_belongs_to_the_one_about_it() -> None:
    # The page "compound" contains the page "with".
    corpus = load_python_prose()
    found = [
        i for i, text in enumerate(corpus.texts) if text.startswith('The "with" statement is used')
    ]
    assert [corpus.topics[i] for i in found] == ["language: with"]


def test_made_twice_it_is_the_same() -> None:
    shared = load_python_prose()
    anew = python_prose._python_prose.__wrapped__(5, 60)
    assert anew.texts == shared.texts
    assert anew.topics == shared.topics


def test_attrs_say_what_it_is() -> None:
    corpus = load_python_prose(limit=500)
    lines = [f"{topic}\t{text}\n" for topic, text in zip(corpus.topics, corpus.texts, strict=True)]
    assert corpus.attrs["sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert corpus.attrs["n_sentences"] == "500"
    assert corpus.attrs["n_topics"] == str(len(set(corpus.topics)))
    assert corpus.attrs["licence"] == "PSF-2.0"
    assert corpus.attrs["python_version"] == ".".join(map(str, sys.version_info[:3]))
    assert corpus.name == "python_prose"


def test_limit_takes_evenly_from_the_whole() -> None:
    whole = load_python_prose()
    part = load_python_prose(limit=1000)
    assert len(part) == len(set(part.texts)) == 1000
    assert (part.texts[0], part.texts[-1]) == (whole.texts[0], whole.texts[-1])
    assert set(part.texts) <= set(whole.texts)
    for topic in ("tkinter", "asyncio"):
        share = whole.topic_sizes[topic] / len(whole)
        assert abs(part.topic_sizes[topic] - 1000 * share) <= 1
    assert load_python_prose(limit=10**9).texts == whole.texts


def test_n_topics_keeps_the_largest() -> None:
    whole = load_python_prose()
    part = load_python_prose(n_topics=7)
    largest = sorted(whole.topic_sizes.values(), reverse=True)[:7]
    assert sorted(part.topic_sizes.values(), reverse=True) == largest
    assert len(part) == sum(largest)
    assert len(load_python_prose(n_topics=7, limit=100).topic_sizes) == 7


def test_a_tie_between_topics_goes_to_the_first_name(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [(topic, f"This is the page of {topic}.") for topic in ("b", "c", "a")]
    monkeypatch.setattr(python_prose, "_language_pages", lambda: iter(pages))
    monkeypatch.setattr(python_prose, "_docstrings", lambda: iter(()))
    assert load_python_prose(n_topics=2).topics == ("a", "b")


def test_bounds_on_words_are_the_callers(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_prose, "_docstrings", lambda: iter(()))
    corpus = load_python_prose(min_words=20, max_words=21)
    assert {len(text.split()) for text in corpus.texts} == {20, 21}
    with pytest.raises(ValueError, match="must leave some sentence; got 1 to 1"):
        load_python_prose(min_words=1, max_words=1)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"limit": 0}, "`limit` must be at least 1, or None for all; got 0"),
        ({"n_topics": -1}, "`n_topics` must be at least 1, or None for all; got -1"),
        ({"min_words": 0}, "`min_words` must be at least 1 .* got min_words 0"),
        ({"min_words": 9, "max_words": 8}, "got min_words 9 and max_words 8"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, int], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        load_python_prose(**options)


def test_without_the_language_reference_the_error_says_what_to_do(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ImportError, match=r"`pydoc_data\.topics`, which this Python .* without"):
        load_python_prose()


def test_sources_that_are_missing_or_broken_are_skipped(
    fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "abc.py").write_text('"""This is the only module of the library."""\n')
    (tmp_path / "ast.py").write_text('"""This is a module that is of no use."""\nx = = 1\n')
    (tmp_path / "bdb.py").write_bytes(b'"""This is of another encoding \xff than it says."""\n')
    (tmp_path / "json" / "tests").mkdir(parents=True)
    (tmp_path / "json" / "tests" / "x.py").write_text('"""This is a test of the library."""\n')
    (tmp_path / "json" / "tool.py").write_text(
        "import missing\n"
        "if True:\n"
        "    class Tool:\n"
        '        """This is a class of the tool."""\n'
        "        try:\n"
        "            async def run(self):\n"
        '                r"""This is a method with an \\escape.\n\n'
        '                This is the second paragraph of it."""\n'
        "        finally:\n"
        "            pass\n"
    )
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    corpus = load_python_prose()
    library = {
        text: topic
        for text, topic in zip(corpus.texts, corpus.topics, strict=True)
        if not topic.startswith("language: ")
    }
    assert library == {
        "This is the only module of the library.": "abc",
        "This is a class of the tool.": "json",
        "This is the second paragraph of it.": "json",
    }
    assert len(corpus) > 1000
