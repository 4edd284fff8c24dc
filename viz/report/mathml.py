"""Formulas as MathML, which browsers draw by themselves."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

# Code, fenced or not, is left alone; so are escaped dollars and amounts of money ("$5 and $6").
_FORMULA = re.compile(
    r"(?P<fence>^(?P<ticks>```+|~~~+).*?^(?P=ticks)[^\n]*$)"
    r"|(?P<code>(?P<tick>`+)[^`].*?(?P=tick))"
    r"|(?P<heading>^\#{1,6}\s[^\n]*$)"
    r"|(?P<escaped>\\\$)"
    r"|\$\$(?P<block>.+?)\$\$"
    r"|\$(?P<inline>(?!\s)(?:\\.|[^$\n\\])+?(?<!\s))\$(?!\d)",
    re.MULTILINE | re.DOTALL,
)

_UNKNOWN = re.compile(r">\\[A-Za-z]+<")


def to_mathml(formula: str, *, block: bool = False) -> str:
    r"""One LaTeX formula as a MathML element; its source is kept as the text alternative.

    A formula that cannot be read is shown as its source, as code.

    Examples
    --------
    >>> to_mathml("x^2").startswith("<math")
    True
    >>> to_mathml(r"\unknown x")
    '<code>\\unknown x</code>'
    """
    from latex2mathml.converter import convert

    source = formula.strip()
    try:
        found = convert(source, display="block" if block else "inline")
    except Exception:
        # The converter raises whatever it stumbles on; a report is not lost for one formula.
        found = ""
    # A command that it does not know it would show by its name.
    if not found or _UNKNOWN.search(found):
        return f"<code>{html.escape(source)}</code>"
    return found.replace("<math ", f'<math alttext="{html.escape(source)}" ', 1)


def take_formulas(markdown: str, *, first: int = 0) -> tuple[str, dict[str, str]]:
    """Markdown with each formula replaced by a word, and those words' MathML.

    MathML inside markdown would be read as markdown (`*`, `_`), so it is put in afterwards by
    `put_formulas`. Headings are left as they are: their text also becomes an address.

    Parameters
    ----------
    markdown
        Source of one cell.
    first
        Number of the first word, so that the words of several cells differ.

    Examples
    --------
    >>> text, found = take_formulas("Let $k$ be `$5`.")
    >>> text, len(found)
    ('Let loupeformula0x be `$5`.', 1)
    """
    found: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        block, inline = match["block"], match["inline"]
        if block is None and inline is None:
            return match[0]
        word = f"loupeformula{first + len(found)}x"
        found[word] = to_mathml(block or inline, block=block is not None)
        return word

    return _FORMULA.sub(replace, markdown), found


def put_formulas(page: str, found: Mapping[str, str]) -> str:
    """The page with every word of `take_formulas` replaced by its MathML."""
    return re.sub(r"loupeformula\d+x", lambda match: found.get(match[0], match[0]), page)
