from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data._prose_cleaning import sentences

GOOD = "The file is closed before it is read."


def cleaned(text: str, **options: int) -> list[str]:
    return list(sentences(text, **options))


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        (
            "Use :func:`open` or :meth:`~io.IOBase.close` on it.",
            "Use open or close on it.",
        ),
        ("Set :py:class:`Foo <a.b.Foo>` to this value.", "Set Foo to this value."),
        ("The ``limit`` is the size of `it`.", "The limit is the size of it."),
        (
            "The `limit' is one of it, not the `other' one.",
            "The limit is one of it, not the other one.",
        ),
        ("The `limit' is the *only* size of **it**.", "The limit is the only size of it."),
        ("This is a footnote [1]_ to the text.", "This is a footnote to the text."),
        ('The operator "**" is a part of "2**3".', None),
        ('A ""string"" is also one of these.', 'A "string" is also one of these.'),
        ("Note: the file is not closed here.", None),
        ("Note: The file is not closed here.", "The file is not closed here."),
        ("Changed in version 3.6: The file is now closed.", "The file is now closed."),
        (
            "It cannot be split in a non-\nnumeric value.",
            "It cannot be split in a non-numeric value.",
        ),
        ("Pre- and post-order are\nthe same to it.", "Pre- and post-order are the same to it."),
    ],
)
def test_markup_is_taken_off(marked: str, plain: str | None) -> None:
    assert cleaned(marked) == ([] if plain is None else [plain])


@pytest.mark.parametrize(
    "text",
    [
        ">>> f(x) is a thing of the kind.\nThe output is a thing of it.",
        "spam(a, b) -> the thing that is in it.",
        "The value is x = 1 and that is it.",
        "The grammar of it ::= a thing or another.",
        "| The cell | is one of the table. |",
        "The name of it     the thing that it is.",
        ":param x: The thing that is to be read.",
        "A heading of the text that follows",
        "a fragment that begins in the middle of it.",
        "Frame, Label, Entry, Text, Canvas, Button, Scale, Menu, Wm, Image, Spinbox, "
        "Toplevel, Message, Listbox, Misc and the Grid.",
        "The f_locals of tb_frame and co_names is in sys.modules or on sys.path.",
        "XXX This is to be done in the future.",
        "The list ends with a colon as it is:",
        "THE FILE IS CLOSED BEFORE IT IS READ.",
        "The bracket (is not closed before the end.",
        'The "quotation is not closed before the end.',
        "Copyright of the file is with the author of it.",
        "In other words, a line that contains a .'",
        "Too short it is.",
        "",
    ],
)
def test_what_is_no_sentence_is_dropped(text: str) -> None:
    assert cleaned(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"It is::\n\n    This is a block of the code.\n\n    So is this line of it.\n\n{GOOD}",
        f"For example:\n    This is a code block of the text.\n{GOOD}",
        f"Usage\n=====\n{GOOD}",
        f">>> f()\nThe output of it is this line.\n\n{GOOD}",
        f"    {GOOD}\n    ",
        f"+-----+\n| a b |\n+-----+\n\n{GOOD}",
    ],
)
def test_prose_around_code_is_kept(text: str) -> None:
    assert cleaned(text) == [GOOD]


def test_lines_are_joined_and_sentences_split() -> None:
    text = """The first line ends
    in the middle.  The second (e.g. this one) is by
    Mr. Smith of the U.S. Army.  Is it the third?  It is the fourth!
    """
    assert cleaned(text, min_words=4) == [
        "The first line ends in the middle.",
        "The second (e.g. this one) is by Mr. Smith of the U.S. Army.",
        "Is it the third?",
        "It is the fourth!",
    ]


def test_bullets_are_kept_where_they_are_whole_sentences() -> None:
    text = """* The first item is a whole
      sentence of the list.
    * second item
    1. The third item is one of the list.
    (b) The fourth item is one of the list."""
    assert cleaned(text) == [
        "The first item is a whole sentence of the list.",
        "The third item is one of the list.",
        "The fourth item is one of the list.",
    ]


def test_a_function_name_that_opens_a_sentence_ends_the_one_before() -> None:
    assert cleaned("This is the end of it. close() is called by the system.") == [
        "This is the end of it."
    ]


@pytest.mark.parametrize(("low", "high", "kept"), [(8, 8, 1), (9, 60, 0), (1, 7, 0), (5, 60, 1)])
def test_bounds_on_words_are_included(low: int, high: int, kept: int) -> None:
    assert len(GOOD.split()) == 8
    assert len(cleaned(GOOD, min_words=low, max_words=high)) == kept


@given(st.text(alphabet=" \n\tTheaisfo.*`:\"'()-=>[]1", max_size=200))
def test_any_text_gives_clean_sentences_or_none(text: str) -> None:
    for sentence in cleaned(text):
        assert 5 <= len(sentence.split()) <= 60
        assert sentence == " ".join(sentence.split())
        assert not set(sentence) & set("`*=>[]")
        assert sentence.rstrip("\"')")[-1] == "."


@given(
    st.lists(st.sampled_from([GOOD, "It is not the end of the world.", ">>> x", "", "====", "- a"]))
)
def test_cleaning_twice_changes_nothing(lines: list[str]) -> None:
    once = cleaned("\n\n".join(lines))
    assert cleaned("\n\n".join(once)) == once
