"""Sentence pairs with the similarity that people gave them: the STS benchmarks and SICK."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from . import registry
from ._sts_conversion import HEADER
from .records import SentencePairs

# Name of the dataset and its splits; the published tables use the last one.
_SPLITS = {
    "stsb": ("train", "dev", "test"),
    "sts12": ("test",),
    "sts13": ("test",),
    "sts14": ("test",),
    "sts15": ("test",),
    "sts16": ("test",),
    "sickr": ("train", "trial", "test"),
}
STS_NAMES = tuple(_SPLITS)


def load_sts(name: str, split: str | None = None, *, progress: bool = True) -> SentencePairs:
    """One of the similarity datasets, downloaded on first use.

    | name | pairs |
    |---|---|
    | stsb | train 5749, dev 1500, test 1379 |
    | sts12 .. sts16 | 3108, 1500, 3750, 3000, 1186 (test only; lower-cased, tokenised) |
    | sickr | train 4500, trial 500, test 4927 |

    Parameters
    ----------
    name
        One of STS_NAMES.
    split
        One of the dataset's splits; None for "test".
    progress
        Show a bar while downloading.

    Returns
    -------
    SentencePairs
        `score` is similarity from 0 (unrelated) to 5 (equivalent), for SICK from 1 to 5. `subset`
        names the year's parts (`MSRpar`, `headlines`, ...), which the `wmean` protocol needs.

    Raises
    ------
    ValueError
        If there is no such dataset or split, or its file is corrupt.
    ConnectionError
        If the file is not in the cache folder and cannot be downloaded.

    Notes
    -----
    SentEval's version of STS13 leaves out the SMT subset, whose texts are not free: 1500 pairs.
    """
    if name not in _SPLITS:
        raise ValueError(f"`name` must be one of {_listed(STS_NAMES)}; got {name!r}.")
    splits = _SPLITS[name]
    chosen = "test" if split is None else split
    if chosen not in splits:
        raise ValueError(f"`split` must be one of {_listed(splits)} for {name!r}; got {split!r}.")
    key = f"{name}-{chosen}" if len(splits) > 1 else name
    source = registry.SOURCES[key]
    pairs = read_sentence_pairs(registry.fetch(key, progress=progress), name=name)
    attrs = {
        "source": source.url,
        "split": chosen,
        "licence": source.licence,
        "citation": source.citation,
        "sha256": source.sha256,
    }
    return SentencePairs(
        pairs.sentence1, pairs.sentence2, pairs.score, pairs.subset, pairs.name, attrs
    )


def read_sentence_pairs(path: str | Path, *, name: str | None = None) -> SentencePairs:
    r"""Sentence pairs from a table of your own, in the layout of the cache.

    Parameters
    ----------
    path
        UTF-8 text: the header `subset score sentence1 sentence2`, fields between tabs, one pair a
        line. Quotation marks are text.
    name
        What the pairs are called in results; None for the file's name.

    Raises
    ------
    ValueError
        If the file is not in that layout. The message names the file and the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mine.tsv"
    ...     _ = path.write_text(
    ...         'subset\tscore\tsentence1\tsentence2\nmine\t4.5\tA "cat".\tA cat.\n'
    ...     )
    ...     pairs = read_sentence_pairs(path)
    >>> pairs.name, pairs.sentence1, pairs.score.tolist()
    ('mine', ('A "cat".',), [4.5])
    """
    path = Path(path)
    rows = list(_rows(path))
    if not rows:
        raise ValueError(f"{path} must hold at least one pair; got the header alone.")
    subset, score, sentence1, sentence2 = zip(*rows, strict=True)
    called = path.stem if name is None else name
    attrs = {"source": path.name}
    return SentencePairs(sentence1, sentence2, np.array(score), subset, called, attrs)


def _rows(path: Path) -> Iterator[tuple[str, float, str, str]]:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8 text; got another byte at {error.start}.") from None
    # Not the csv module: a quotation mark that opens a sentence would swallow the lines below it.
    # Not splitlines: that would also split at control characters inside a sentence.
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        fields = tuple(line.rstrip("\r").split("\t"))
        where = f"{path}, line {number}"
        if number == 1:
            if fields != HEADER:
                raise ValueError(f"{where}: the header must be {HEADER}; got {fields}.")
            continue
        if len(fields) != len(HEADER):
            raise ValueError(
                f"{where}: a row must hold {len(HEADER)} fields between tabs; got {len(fields)}."
            )
        subset, score, sentence1, sentence2 = fields
        for column, value in zip(HEADER, fields, strict=True):
            if not value.strip():
                raise ValueError(f"{where}: {column} must not be blank.")
        yield subset, _score(score, where), sentence1, sentence2


def _score(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{where}: score must be a finite number; got {text!r}.")
    return value


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(repr(value) for value in values)
