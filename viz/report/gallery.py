"""A folder of reports as one page: a card for each, with a small picture and what it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .about import ELEMENT, About, read_about
from .page import TEMPLATES, fill, shared, write_page
from .thumbnails import thumbnail

INDEX = "index.html"
# What a folder of reports may hold, in bytes: it is copied to a memory stick, or sent.
LIMIT = 20_000_000


@dataclass(frozen=True)
class Page:
    """A report on disk: where it lies, what it says about itself, its picture and that one's alt.

    `picture` is the ``data:`` address of the picture that was marked, or else of the first.
    """

    path: Path
    about: About
    picture: str = ""
    alt: str = ""


def export_gallery(
    pages: Sequence[str | Path | Page],
    out: str | Path,
    *,
    title: str = "What is inside?",
    limit: int = LIMIT,
) -> Path:
    """One self-contained page with a card for each report, which lie next to it.

    A card has the report's question, its answer, a small picture, its size, when it was made, and
    whether with full or small sizes. All of that is read from the reports themselves.

    Parameters
    ----------
    pages
        HTML files that `export_notebook` or `export_results` wrote, in the folder of `out`; or
        what `reports_in` read of them.
    out
        The HTML file to write.
    title
        Heading of the page.
    limit
        Largest size in bytes of the reports and this page together.

    Returns
    -------
    pathlib.Path
        `out`.

    Raises
    ------
    FileNotFoundError
        If a page is not there.
    ValueError
        If there is none, one lies in another folder or is no report, or they are too large.
    """
    out = Path(out)
    found = [_checked(page, out) for page in pages]
    if not found:
        hint = "Make some with `loupe report`."
        raise ValueError(f"`pages` must hold at least one report; got none. {hint}")
    written = _gallery(found, title=title)
    _check_size(found, len(written.encode("utf-8")), limit)
    return write_page(written, out, limit=limit)


def reports_in(folder: str | Path) -> list[Page]:
    """The reports of a folder, by file name; other HTML files are left out.

    Examples
    --------
    >>> reports_in("no such folder")
    []
    """
    return list(_reports(Path(folder)))


def read_page(path: str | Path) -> Page | None:
    """What a report says about itself, and its picture; None if it is no report.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"`path` must be an HTML file; there is no {path}.")
    reader = _Reader()
    reader.feed(path.read_text("utf-8", "replace"))
    about = read_about(reader.told)
    return Page(path, about, *reader.picture) if about else None


def _reports(folder: Path) -> Iterator[Page]:
    for path in sorted(folder.glob("*.html")):
        page = read_page(path) if path.name != INDEX else None
        if page:
            yield page


def _checked(given: str | Path | Page, out: Path) -> Page:
    page = given if isinstance(given, Page) else read_page(given)
    path = given.path if isinstance(given, Page) else Path(given)
    if path.resolve().parent != out.resolve().parent:
        raise ValueError(f"`pages` must lie in the folder of {out.name}; got {path}.")
    if page is None:
        raise ValueError(
            f"`pages` must be reports that say what they are; got {path.name}. Make it again with "
            "`loupe report`."
        )
    return page


def _check_size(pages: Sequence[Page], own: int, limit: int) -> None:
    sizes = {page.path.name: page.path.stat().st_size for page in pages}
    total = own + sum(sizes.values())
    if total > limit:
        name = max(sizes, key=lambda one: sizes[one])
        raise ValueError(
            f"`pages` must add up to at most {limit / 1e6:g} MB; got {total / 1e6:.1f} MB, of which"
            f" {name} has {sizes[name] / 1e6:.1f} MB. Show less in it, or move a page elsewhere."
        )


def _gallery(pages: Sequence[Page], *, title: str) -> str:
    cards = [_card(page) for page in pages]
    return fill(
        "gallery.html",
        title=title,
        cards=cards,
        small=[card for card in cards if card["small"]],
        total=_megabytes(sum(page.path.stat().st_size for page in pages)),
        css=(TEMPLATES / "loupe" / "gallery.css").read_text("utf-8"),
        loupe=shared([], name=f"{len(cards)} report{'s' * (len(cards) != 1)}"),
    )


def _card(page: Page) -> dict[str, Any]:
    about = page.about
    try:
        image = thumbnail(page.picture) if page.picture else ""
    except ValueError:
        image = ""  # a picture that cannot be read is no reason to lose the gallery
    return {
        "title": about.title,
        "summary": about.summary,
        "answered": about.answered,
        "small": about.small,
        "command": about.command,
        "made_at": about.made_at,
        "made_on": _day(about.made_at),
        "made_from": about.made_from,
        "ran": _duration(about.seconds),
        "size": _megabytes(page.path.stat().st_size),
        "address": quote(page.path.name),
        "image": image,
        "alt": page.alt,
    }


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _day(when: str) -> str:
    try:
        return datetime.fromisoformat(when).strftime("%d %B %Y, %H:%M UTC").lstrip("0")
    except (TypeError, ValueError):
        return ""


def _duration(seconds: float) -> str:
    if seconds < 0.5:
        return ""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class _Reader(HTMLParser):
    """Takes the lines about the page, and its marked or first picture, out of its HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.told = ""
        self.picture: tuple[str, str] = ("", "")
        self._marked = False
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._inside = tag == "script" and given.get("id") == ELEMENT
        source = given.get("src", "")
        if tag != "img" or not source.startswith(("data:image/png", "data:image/jpeg")):
            return
        marked = "data-loupe-thumbnail" in given
        if not self.picture[0] or (marked and not self._marked):
            self.picture, self._marked = (source, given.get("alt", "")), marked

    def handle_data(self, data: str) -> None:
        # The first such element counts: what a notebook shows later may not take its place.
        if self._inside and not self.told:
            self.told = data
