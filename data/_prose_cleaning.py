"""English sentences out of Python documentation: what is code, markup or layout is left behind."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

# Words that carry English grammar: text without two of them is a title, a signature or a list.
_GRAMMAR_WORDS = """
    a about after all also an and any are as at be because been before but by can could do does each
    either every for from had has have how if in instead into is it its may more most must no not of
    on only or other our over same should so some such than that the their them then there these
    they this those through to too under until up used was we were what when where whether which
    while who whose will with within without would you your
"""
# A full stop after one of these does not end a sentence.
_ABBREVIATED_WORDS = """
    al. approx. arg. args. cf. def. dr. e.g. eg. eq. etc. ex. fig. i.e. ie. incl. mr. mrs. no. nos.
    p. param. pp. ref. resp. sec. st. vs.
"""
_GRAMMAR = frozenset(_GRAMMAR_WORDS.split())
_ABBREVIATIONS = frozenset(_ABBREVIATED_WORDS.split())

_ROLE = re.compile(r":(?:\w+:)?\w+:`~?(?:[^`<]*<)?[!~]?([^`<>]+)>?`")
_LITERAL = re.compile(r"``([^`]*)``")
_INTERPRETED = re.compile(r"(?<!\w)`([^`]+)`_?_?")
_GNU_QUOTE = re.compile(r"`([^`']+)'")
_EMPHASIS = re.compile(r"(?<![\w*\"'])(\*{1,2})(?![\s*])([^*\"]+?)(?<![\s*])\1(?![\w*])")
_HYPHENATED = re.compile(
    r"(?<=[a-z])- (?=[a-z])(?!(?:and|or|to)\b)"
)  # a compound cut by a line's end
_QUOTED_TWICE = re.compile(r'""(\w[^"]*)""')
_FOOTNOTE = re.compile(r"\s?\[(?:#?\w{0,3}|CIT\w+)\]_?(?=[\s.,;:)]|$)")
_VERSION = re.compile(
    r"^(?:\.\. )?(?:Changed in version|New in version|Added in version|Deprecated since version|"
    r"versionchanged::|versionadded::|deprecated::)\s*[\d.]+[^:]{0,40}:?\s*"
)
_LABEL = re.compile(
    r"^(?:CPython implementation detail|Note|NOTE|N\.B\.|NB|Warning|WARNING|Caution|Tip|Important|"
    r"Hint|BEWARE|Beware|Rationale|TODO|XXX|Bug|Bugs|Example|Examples|Programmer's note|"
    r"Implementation note|Security note|Availability):\s+"
)
_BULLET = re.compile(r"^( *)((?:[*\-+•]|\(?(?:\d{1,2}|[a-z])[.)]|\[\d+\]|#\.)\s+)(?=\S)")
_RULE = re.compile(r"^\s*([=\-~^*#_+.\"'`:])\1{2,}[\s=\-~^*#_+]*$")
_COLUMNS = re.compile(r"\S {3,}\S|[^.!?:)\"'] {2,}\S|\t")
_FIELD = re.compile(r"^\s*(?::\w[^:]*:(?!`)|@\w+|\.\. )")
_BOUNDARY = re.compile(r"[.!?][\"')\]”’]*\s+(?=[\"'(“‘]*[A-Za-z_])")
_INITIALS = re.compile(r"(?:[a-hj-z]\.|[a-z]\.(?:[a-z]\.)+)")  # "I." is the end of a sentence
_WORD = re.compile(
    r"^[\"'(“‘]*"
    r"(?:[A-Za-z]+(?:['’\-/][A-Za-z]+)*|[A-Za-z](?:\.[A-Za-z])+|\d[\d,]*(?:\.\d+)?)"
    r"[.,;:!?)\"'”’]*$"
)
_START = re.compile(
    r"^[\"'(“]?(?!XXX|TODO|That (?:the|a|all|it)\b)[A-Z][A-Za-z'’\-]*[\",')”]*(?:\s|$)"
)
_CODE = re.compile(
    r"[=<>{}\[\]|@$%#^~\\`*]|::|\+\+|\.\.|-->?|--|__\w*\(|\w\(\w[^)]*[,=]|/\w+/|\w+://|\"\"|''"
)
_END = re.compile(r"[^\W_][\"')\]”’]*[.!?][\"')\]”’]*$")
_LEGAL = re.compile(
    r"copyright|all rights reserved|warrant(?:y|ies)|licen[cs]ed? |permission |"
    r"merchantability|e-?mail me|see also|\bpep[ -]\d|\brfc|sourceforge|\bauthors?:|"
    r"^written by|contributed by|\bthanks to\b",
    re.IGNORECASE,
)
_OPENERS, _CLOSERS = "([", ")]"


def sentences(text: str, *, min_words: int = 5, max_words: int = 60) -> Iterator[str]:
    """English sentences of a docstring or a documentation page, in order, markup removed.

    Whatever is not a whole sentence is dropped: code, doctests, signatures, grammars, tables,
    field lists, headings, fragments of bullet lists. The rules are heuristics: they lose many good
    sentences in order to let few bad ones through.

    Parameters
    ----------
    text
        A docstring or a page of plain-text documentation.
    min_words, max_words
        Bounds on the number of words of a sentence, both included.

    Examples
    --------
    >>> page = '''Close the :class:`~io.TextIOWrapper` if it is open.  x -> int
    ...
    ...     >>> x.close()
    ...     True
    ...
    ... This *flushes* what was written before the file is closed.
    ... '''
    >>> list(sentences(page))
    ['Close the TextIOWrapper if it is open.',
     'This flushes what was written before the file is closed.']
    """
    for paragraph in _paragraphs(text):
        plain = _without_markup(paragraph)
        for sentence in _split(plain):
            trimmed = _LABEL.sub("", _VERSION.sub("", sentence))
            if min_words <= len(trimmed.split()) <= max_words and _is_prose(trimmed):
                yield trimmed


def _paragraphs(text: str) -> Iterator[str]:
    """Runs of lines that belong together; literal blocks, doctests, tables and rules left out."""
    lines = inspect.cleandoc(text).expandtabs(4).splitlines()
    current: list[str] = []
    indent = 0
    literal_below: int | None = None  # a literal block lasts while lines are indented deeper
    in_doctest = False
    for line in [*lines, ""]:
        depth = len(line) - len(line.lstrip())
        bare = line.strip()
        if literal_below is not None and bare and depth <= literal_below:
            literal_below = None
        in_doctest = bool(bare) and (in_doctest or bare.startswith((">>>", "...")))
        bullet = _BULLET.match(line)
        # A bullet's text stands where its marker ends, as the lines that continue it do.
        column = len(bullet.group(0)) if bullet else depth
        skipped = literal_below is not None or in_doctest or _is_layout(line)
        if current and (not bare or skipped or bullet or column != indent):
            joined = _HYPHENATED.sub("-", " ".join(current))
            if joined.endswith("::") or _introduces_code(joined, column if bare else None, indent):
                literal_below = indent
                skipped = skipped or depth > indent
            yield joined
            current = []
        if bare and not skipped:
            if not current:
                indent = column
            current.append(line[column:].strip() if bullet else bare)


def _introduces_code(paragraph: str, column: int | None, indent: int) -> bool:
    # "For example:" and then deeper lines without a blank between.
    return paragraph.endswith(":") and column is not None and column > indent


def _is_layout(line: str) -> bool:
    return bool(
        _RULE.match(line) or _FIELD.match(line) or _COLUMNS.search(line.strip()) or "::=" in line
    )


def _without_markup(text: str) -> str:
    text = _ROLE.sub(lambda m: m.group(1).rsplit(".", 1)[-1].strip(), text)
    for pattern in (_LITERAL, _GNU_QUOTE, _INTERPRETED):
        text = pattern.sub(r"\1", text)
    text = _QUOTED_TWICE.sub(r'"\1"', _EMPHASIS.sub(r"\2", text))
    text = _FOOTNOTE.sub("", text)
    return re.sub(r"\s+", " ", text).strip()


def _split(text: str) -> Iterator[str]:
    start = 0
    for match in _BOUNDARY.finditer(text):
        last = text[start : match.start() + 1].rsplit(" ", 1)[-1].lstrip("(\"'").lower()
        if last in _ABBREVIATIONS or _INITIALS.fullmatch(last):
            continue
        yield text[start : match.end()].strip()
        start = match.end()
    yield text[start:].strip()


def _is_prose(sentence: str) -> bool:
    if not _START.match(sentence) or not _END.search(sentence):
        return False
    if _CODE.search(sentence) or _LEGAL.search(sentence) or not _balanced(sentence):
        return False
    tokens = sentence.split()
    words = sum(bool(_WORD.match(token)) for token in tokens)
    grammar = sum(token.strip(".,;:!?()\"'").lower() in _GRAMMAR for token in tokens)
    shouted = sum(len(token) > 3 and token.isupper() for token in tokens)
    # A long sentence with little grammar is a list of names.
    is_english = words >= 0.85 * len(tokens) and grammar >= max(2, 0.12 * len(tokens))
    return is_english and shouted <= 0.2 * len(tokens)


def _balanced(sentence: str) -> bool:
    if sentence.count('"') % 2 or sentence.count("“") != sentence.count("”"):
        return False
    depth = 0
    for character in sentence:
        depth += (character in _OPENERS) - (character in _CLOSERS)
        if depth < 0:
            return False
    return depth == 0
