"""A live view without Jupyter: a widget's messages carried by hand between page and Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from viz.explorers._base import Explorer
from viz.explorers._twin import as_script_json, script, style

# A model like anywidget's, whose questions go to the Python function `askKernel`.
MODEL = """
const state = JSON.parse(document.getElementById("state").textContent);
const heard = {};
const tell = (event, value) => (heard[event] || []).forEach((each) => each(value));
const model = {
  get: (name) => state[name],
  set(name, value) { state[name] = value; tell(`change:${name}`); },
  save_changes: () => window.tellKernel(state),
  on: (event, callback) => { (heard[event] = heard[event] || []).push(callback); },
  off: () => {},
  send: async (message) => tell("msg:custom", await window.askKernel(message)),
};
window.model = model;
"""


def open_live(widget: Explorer, folder: Path, open_page: Callable[..., Any]) -> Any:
    """The page of a widget's live view, written into `folder` and opened."""
    replies: list[dict[str, Any]] = []
    widget.send = replies.append  # type: ignore[method-assign]
    state = {**widget.state(), "_payload": widget._payload}
    source = script(type(widget).views, "_live.js").replace("export default", "const widget =")
    file = folder / "live.html"
    file.write_text(
        f"<!DOCTYPE html><meta charset=utf-8><style>{style()}</style><div id=here></div>"
        f"<script type=application/json id=state>{as_script_json(state)}</script>"
        f"<script type=module>{MODEL}{source}"
        "window.start = () => widget.render({ model, el: document.getElementById('here') });"
        "</script>",
        encoding="utf-8",
    )
    watched = open_page(file.as_uri())

    def ask(message: dict[str, Any]) -> dict[str, Any]:
        widget._handle_custom_msg(message, [])
        return json.loads(json.dumps(replies.pop()))

    def tell(state: dict[str, Any]) -> None:
        with widget.hold_trait_notifications():
            for name in widget.state_names:
                setattr(widget, name, state[name])

    watched.page.expose_function("askKernel", ask)
    watched.page.expose_function("tellKernel", tell)
    watched.page.evaluate("() => { window.start(); }")
    return watched
