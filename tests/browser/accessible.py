"""What every page must keep to, asked of the browser: axe-core, reflow, names and focus.

Other pages (a gallery, the docs) are held to the same: open one, then `assert_accessible` and
`assert_reflows`.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

# 1280 CSS pixels; the same at 200 % zoom; and 400 % (WCAG 2.2, 1.4.10).
SIZES: dict[str, dict[str, Any]] = {
    "100 %": {"viewport": {"width": 1280, "height": 900}},
    "200 %": {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
    "400 %": {"viewport": {"width": 320, "height": 450}},
}
GRAVE = ("serious", "critical")
# Targets of at least 24 pixels (2.5.8) are asked of nobody unless they are named.
_ASKED = {
    "resultTypes": ["violations"],
    "iframes": False,
    "rules": {"target-size": {"enabled": True}},
}
_AXE = """([context, options]) => axe.run(context || document, options)
  .then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact,
    nodes: nodes.map(({ html, any, all, none }) => [html.slice(0, 200),
      [...any, ...all, ...none].map(({ message }) => message)]) })))"""
_CUT = """() => {
  const found = [];
  const shown = (e) => e.checkVisibility({ visibilityProperty: true });
  const boxed = (e, test) => {
    for (let p = e; p; p = p.parentElement) if (test(getComputedStyle(p), p)) return true;
    return false;
  };
  const scrolls = (style) => ["auto", "scroll"].includes(style.overflowX);
  const aside = (style, e) => style.clipPath !== "none" || e.matches(".skip:not(:focus)");
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !shown(e) || boxed(e, scrolls) || boxed(e, aside)) continue;
    if (e.matches("script, style, option")) continue;
    const { left, right, width } = e.getBoundingClientRect();
    const name = `${e.tagName} ${e.getAttribute("class")}: ${e.textContent.trim().slice(0, 60)}`;
    if (width && (left < -1 || right > innerWidth + 1)) found.push(`beyond the page: ${name}`);
    const style = getComputedStyle(e);
    const hides = style.overflowX !== "visible" && style.textOverflow !== "ellipsis";
    if (hides && e.scrollWidth > e.clientWidth + 1) found.push(`cut: ${name}`);
    const picture = e instanceof SVGElement && e.closest(".lp-picture");
    if (picture) {
      const frame = picture.getBoundingClientRect();
      const out = left < frame.left - 1 || right > frame.right + 1;
      if (out) found.push(`beyond its picture: ${name}`);
    }
  }
  return found;
}"""


def run_axe(frame: Any, *, context: Any = None) -> list[dict[str, Any]]:
    """Violations found by axe-core in one frame, or in a part of it (a selector)."""
    home = importlib.util.find_spec("axe_playwright_python")
    assert home is not None, "the tests of accessibility need axe-playwright-python"
    assert home.origin is not None
    frame.evaluate((Path(home.origin).parent / "axe.min.js").read_text("utf-8"))
    return frame.evaluate(_AXE, [context, _ASKED])


def assert_accessible(page: Any, *, context: Any = None) -> None:
    """No serious or critical violation in a page, nor in any frame within it."""
    found = [
        (each["id"], each["impact"], each["nodes"][:3])
        for frame in page.frames
        for each in run_axe(frame, context=context)
        if each["impact"] in GRAVE
    ]
    # Said in full: pytest words only what test files assert.
    assert found == [], found


def assert_reflows(page: Any) -> None:
    """Nothing scrolls sideways but marked boxes, and no text is cut off or lies outside."""
    for frame in page.frames:
        wide, room = frame.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
        assert wide <= room, f"the page is {wide} pixels wide where there are {room}"
        cut = frame.evaluate(_CUT)
        assert cut == [], cut


def load_all(page: Any) -> None:
    """Scroll through a page once, so that every frame in it is drawn."""
    for frame in page.locator("iframe").all():
        frame.scroll_into_view_if_needed()
        view = frame.content_frame.locator(".lp")
        view.locator(".lp-summary:not(:empty)").first.wait_for()
        view.evaluate("() => new Promise((done) => setTimeout(done, 300))")
    page.evaluate("scrollTo(0, 0)")
