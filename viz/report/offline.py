"""What an HTML page would fetch: a report must fetch nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

# Attributes whose value a browser fetches, by element; an <a href> is followed only by a reader.
_FETCHED = {
    "src": {"script", "img", "iframe", "frame", "embed", "audio", "video", "source", "track",
            "input"},
    "srcset": {"img", "source"},
    "href": {"link", "image", "use", "feimage", "base"},
    "xlink:href": {"image", "use", "feimage", "script"},
    "data": {"object"},
    "poster": {"video"},
    "background": {"body", "table", "td", "th"},
}  # fmt: skip
_INLINE = re.compile(r"\s*(data:|blob:|about:|#)", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*(['\"]?)(?P<url>.*?)\1\s*\)", re.IGNORECASE | re.DOTALL)
_CSS_IMPORT = re.compile(r"@import\s*['\"](?P<url>[^'\"]+)", re.IGNORECASE)
# An address in code is taken as one that code loads; the names of SVG and MathML are no addresses.
_CODE_ADDRESS = re.compile(r"(?:https?|wss?):\\?/\\?/[^\s'\"`)<>\\]+", re.IGNORECASE)
_CODE_LOOSE = re.compile(r"(?:from|import|import\(|fetch\()\s*['\"`](?P<url>[^'\"`]+)['\"`]")
_NAMESPACE = "http://www.w3.org/"
_CODE_TYPES = {"", "module", "text/javascript", "application/javascript", "text/ecmascript"}


def external_resources(page: str) -> list[str]:
    """Everything that a browser would fetch to show a page, each as ``where: address``.

    A conservative reading: elements that load, style sheets, addresses in scripts, and all of it
    again inside ``srcdoc`` frames. What is inlined (``data:``, ``blob:``) is not listed, nor are
    plain links, nor addresses in texts and in JSON data. Relative addresses are listed: the page
    would miss them once it is sent to somebody.

    Parameters
    ----------
    page
        An HTML document or fragment.

    Returns
    -------
    list of str
        Empty for a page that stands alone.

    Examples
    --------
    >>> external_resources('<a href="https://a.example">read</a><img src="data:image/png;base64,">')
    []
    >>> external_resources('<img src="//a.example/x.png">')
    ['<img src>: //a.example/x.png']
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    """Collects addresses while it reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside = ""  # the kind of raw text being read: "style", "script" or ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            if tag in _FETCHED.get(name, ()):
                addresses = [part.split()[0] for part in value.split(",") if part.split()]
                listed = addresses if name == "srcset" and "data:" not in value else [value]
                self._note(f"<{tag} {name}>", listed)
            elif name == "style":
                self._note(f"<{tag} style>", _in_css(value))
            elif name == "srcdoc":
                self.found += [f"in frame: {each}" for each in external_resources(value)]
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self._note("<meta refresh>", re.findall(r"url=(.+)", given.get("content", ""), re.I))
        if tag == "script":
            self._inside = tag if given.get("type", "").strip().lower() in _CODE_TYPES else ""
        elif tag == "style":
            self._inside = tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        # In SVG a script or style may close itself, and nothing follows that belongs to it.
        self._inside = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self._note("<style>", _in_css(data))
        elif self._inside == "script":
            self._note("<script>", _in_code(data))

    def _note(self, where: str, addresses: list[str] | Iterator[str]) -> None:
        for address in addresses:
            text = address.strip()
            if text and not _INLINE.match(text):
                self.found.append(f"{where}: {text[:200]}")


def _in_css(text: str) -> Iterator[str]:
    for pattern in (_CSS_URL, _CSS_IMPORT):
        for found in pattern.finditer(text):
            yield found["url"]


def _in_code(text: str) -> Iterator[str]:
    for found in _CODE_ADDRESS.finditer(text):
        if not found[0].startswith(_NAMESPACE):
            yield found[0]
    for found in _CODE_LOOSE.finditer(text):
        if not _CODE_ADDRESS.match(found["url"]):
            yield found["url"]
