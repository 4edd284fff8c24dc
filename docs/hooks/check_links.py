"""Check every link and anchor of the built site: `python docs/hooks/check_links.py site`.

LinkChecker follows the links, from a server on this machine, as a reader's browser would. Anchors
are compared here: LinkChecker reads a page again for each of its anchors. Addresses elsewhere are
not fetched.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

_SETTINGS = Path(__file__).with_name("linkcheckerrc")
_WITHIN = 300.0  # seconds


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Leave the terminal to LinkChecker."""


class _Anchors(HTMLParser):
    """The anchors that a page has, and those that its links want."""

    def __init__(self) -> None:
        super().__init__()
        self.has: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an id, a name or a link."""
        given = dict(attrs)
        self.has |= {each for each in (given.get("id"), tag == "a" and given.get("name")) if each}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")


def dead_links(site: Path) -> str:
    """What LinkChecker has to say about the links of a built site; empty if all lead somewhere."""
    serve = partial(_Quiet, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}/index.html"
        done = subprocess.run(
            [sys.executable, "-m", "linkcheck", "-f", str(_SETTINGS), address],
            capture_output=True,
            text=True,
            check=False,
            timeout=_WITHIN,
        )
    finally:
        server.shutdown()
        server.server_close()
    return "" if done.returncode == 0 else done.stdout + done.stderr


def dead_anchors(site: Path) -> list[str]:
    """Links to a place in a page that has no such place, each as ``page: link``."""
    pages = {}
    for path in site.rglob("*.html"):
        pages[path.resolve()] = reader = _Anchors()
        reader.feed(path.read_text(encoding="utf-8"))
    found = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not parts.fragment:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target in pages and unquote(parts.fragment) not in pages[target].has:
                found.append(f"{path.relative_to(site.resolve())}: {link}")
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    said = dead_links(folder) + "\n".join(dead_anchors(folder))
    sys.stdout.write(said[-8000:] or f"All links and anchors below {folder} lead somewhere.\n")
    raise SystemExit(bool(said))
