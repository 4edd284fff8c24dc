"""Similarity datasets as they are upstream, turned into the one layout that the loaders read.

That layout is a table of UTF-8 text: the header `subset score sentence1 sentence2`, fields between
tabs, no quoting, one pair a line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from ._source import Part

HEADER = ("subset", "score", "sentence1", "sentence2")


def from_stsb_csv(files: Sequence[tuple[Part, bytes]]) -> bytes:
    r"""Convert the layout of stsb-multi-mt: quoted CSV without a header, sentences then score.

    Raises
    ------
    ValueError
        If a part is no UTF-8 text, or a row does not hold two sentences and a number.

    Examples
    --------
    >>> part = Part("https://example.org/test.csv", "STS-B")
    >>> from_stsb_csv([(part, b'"Yes, a cat.",A dog.,2.50\r\n')]).decode().splitlines()
    ['subset\tscore\tsentence1\tsentence2', 'STS-B\t2.5\tYes, a cat.\tA dog.']
    """
    rows = []
    for part, content in files:
        reader = csv.reader(io.StringIO(_text(part, content), newline=""))
        for fields in reader:
            rows.append(_row(part, reader.line_num, fields, wanted=3, order=(2, 0, 1)))
    return _table(rows)


def from_senteval(files: Sequence[tuple[Part, bytes]]) -> bytes:
    r"""Convert SentEval's layout: tabs, four unused columns, score, sentences; one file a subset.

    Raises
    ------
    ValueError
        If a part is no UTF-8 text, or a row does not hold a number and two sentences.

    Examples
    --------
    >>> part = Part("https://example.org/sts.csv", "images")
    >>> row = b"PAD\tPAD\tPAD\tPAD\t5\ta cat .\tthe cat .\n"
    >>> from_senteval([(part, row)]).decode().splitlines()[1]
    'images\t5.0\ta cat .\tthe cat .'
    """
    return _table(
        _row(part, number, line.split("\t"), wanted=7, order=(4, 5, 6))
        for part, content in files
        for number, line in _lines(part, content)
    )


def from_sick(files: Sequence[tuple[Part, bytes]]) -> bytes:
    r"""Convert SICK's layout: a header, then tabs between number, sentences, score and judgement.

    Raises
    ------
    ValueError
        If a part is no UTF-8 text, or a row does not hold two sentences and a number.

    Examples
    --------
    >>> part = Part("https://example.org/SICK.txt", "SICK-R")
    >>> text = b"pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
    >>> from_sick([(part, text + b"1\tA cat\tA dog\t3\tNEUTRAL\n")]).decode().splitlines()[1]
    'SICK-R\t3.0\tA cat\tA dog'
    """
    return _table(
        _row(part, number, line.split("\t"), wanted=5, order=(3, 1, 2))
        for part, content in files
        for number, line in _lines(part, content)
        if number > 1
    )


def _text(part: Part, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{part.url} is no UTF-8 text (byte {error.start}).") from None


def _lines(part: Part, content: bytes) -> Iterator[tuple[int, str]]:
    # Not splitlines: that would also split at control characters inside a sentence.
    for number, line in enumerate(_text(part, content).split("\n"), start=1):
        if line.strip():
            yield number, line


def _row(
    part: Part, number: int, fields: Sequence[str], *, wanted: int, order: tuple[int, int, int]
) -> tuple[str, ...]:
    if len(fields) != wanted:
        raise ValueError(
            f"{part.url}, line {number}: expected {wanted} columns, found {len(fields)}."
        )
    score, sentence1, sentence2 = (fields[i] for i in order)
    try:
        # The same score is written 5, 5.0, 5.00 and 5.000 in different files.
        score = str(float(score))
    except ValueError:
        raise ValueError(
            f"{part.url}, line {number}: the score must be a number, found {score!r}."
        ) from None
    # A run of white space is no part of what was scored, and a tab would break the table.
    return part.subset, score, " ".join(sentence1.split()), " ".join(sentence2.split())


def _table(rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in [HEADER, *rows]).encode()
