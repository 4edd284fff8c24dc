"""The static twin of a widget: one sandboxed frame that needs no kernel and no network."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_PRELUDE = ("_data.js", "_page.js", "_chart.js", "_scatter.js")
# Nothing may be fetched from inside a frame, whatever the data say.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"

LISTENER = """
addEventListener("message", (event) => {
  if (!event.data || !event.data.loupe) return;
  for (const frame of document.querySelectorAll("iframe[data-loupe-twin]")) {
    if (frame.contentWindow !== event.source) continue;
    if (event.data.loupe === "height") frame.style.height = `${Number(event.data.height) || 900}px`;
    const theme = document.documentElement.dataset.theme
      || { true: "light", false: "dark" }[document.body.dataset.jpThemeLight];
    if (event.data.loupe === "ready" && theme) {
      frame.contentWindow.postMessage({ loupe: "theme", theme }, "*");
    }
  }
});
"""


def script(views: Iterable[str], host: str) -> str:
    """The source of one view: what all views share, the view's own files, its host's start.

    Parameters
    ----------
    views
        File names in this folder that together define ``draw(data, root, host)``.
    host
        ``"_live.js"`` (an anywidget module) or ``"_static.js"`` (an exported page).

    Examples
    --------
    >>> "export default" in script(["whitening.js"], "_live.js")
    True
    """
    return "\n".join((_HERE / name).read_text("utf-8") for name in (*_PRELUDE, *views, host))


def style() -> str:
    """The style sheet that every view shares."""
    return (_HERE / "explorer.css").read_text("utf-8")


def as_script_json(value: Any) -> str:
    r"""JSON that may stand inside a script element: no `<`, `>` or `&` is left in it.

    Examples
    --------
    >>> as_script_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def twin_document(
    views: Iterable[str], payload: Mapping[str, Any], state: Mapping[str, Any], *, title: str
) -> str:
    """A whole HTML document that draws `payload`, for the inside of the frame."""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{html.escape(title)}</title><style>{style()}"
        "html{color-scheme:light dark}html[data-theme=dark]{color-scheme:dark}"
        "html[data-theme=light]{color-scheme:light}body{margin:0;background:transparent}</style>"
        f'</head><body><main id="lp-root" class="lp"></main>'
        f'<script type="application/json" id="lp-state">{as_script_json({"state": dict(state)})}'
        f'</script><script type="application/json" id="lp-payload">{as_script_json(dict(payload))}'
        f'</script><script type="module">{script(views, "_static.js")}</script></body></html>'
    )


def twin_frame(document: str, *, title: str, height: int) -> str:
    """The frame that holds a twin's document, and the listener that fits its height.

    `height`, in pixels, is used until the frame has told its own, and where nothing listens.

    The frame may run scripts and nothing else: no access to the page around it, no forms,
    no pop-ups, no navigation.
    """
    return (
        f'<iframe data-loupe-twin sandbox="allow-scripts" title="{html.escape(title)}" '
        f'style="display:block;width:100%;height:{height}px;border:0" '
        f'srcdoc="{html.escape(document)}"></iframe><script>{{{LISTENER}}}</script>'
    )
