"""Walking a page by the Tab key: where it stops, what is seen of it, and that it goes on."""

from __future__ import annotations

from typing import Any

# Everything in a frame that Tab should reach, in order; of each group of radio buttons one.
_STOPS = """() => {
  const kinds = "a[href], button, input, select, textarea, summary, [tabindex]";
  const able = [...document.querySelectorAll(kinds)].filter((e) => !e.disabled && e.tabIndex >= 0
    && e.checkVisibility({ visibilityProperty: true }) && (e.type !== "radio" || e.checked));
  window.stops = able;
  window.marked = (e) => (e.type === "radio" ? e.nextElementSibling || e : e);
  window.ring = (e) => {
    const s = getComputedStyle(marked(e));
    return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.outlineOffset, s.boxShadow].join();
  };
  window.atRest = able.map(ring);
  const labelled = (e) => [...(e.labels || [])].map((l) => l.textContent).join(" ").trim();
  const text = (e) => e.textContent.trim() || e.title;
  return able.map((e) => e.getAttribute("aria-label") || labelled(e) || text(e));
}"""
# Which stop has the focus, how it is seen, and its contrast with what lies behind (WCAG 2.2).
_HERE = """() => {
  const e = document.activeElement;
  const at = window.stops.indexOf(e);
  if (at < 0) return { at, what: e ? e.outerHTML.slice(0, 120) : "nothing" };
  const style = getComputedStyle(marked(e));
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  let behind = [255, 255, 255, 255];
  for (let p = marked(e).parentElement; p; p = p.parentElement) {
    const found = rgba(getComputedStyle(p).backgroundColor);
    if (found[3] === 255) { behind = found; break; }
  }
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const [low, high] = [light(rgba(style.outlineColor)), light(behind)].sort((a, b) => a - b);
  return { at, what: e.outerHTML.slice(0, 120), changed: ring(e) !== window.atRest[at],
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    contrast: (high + 0.05) / (low + 0.05), own: e.dataset.lmSuppressShortcuts };
}"""
_SETTLED = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 10)))"
# All that a view says: its text, labels of its pictures, and where its sliders stand.
_SAID = """(e) => {
  const view = e.closest(".lp");
  const labels = [...view.querySelectorAll("[aria-label], input, select")];
  const told = labels.map((one) => one.getAttribute("aria-label") || one.value);
  return [view.textContent, ...told].join("\\n");
}"""


def names_of(frame: Any) -> list[str]:
    """Names of the places where Tab should stop; notes how they look without the focus."""
    return frame.evaluate(_STOPS)


def walk(page: Any, frame: Any, key: str = "Tab", *, most: int = 200) -> list[dict[str, Any]]:
    """The stops that a key goes through in a frame, from where it enters to where it leaves."""
    found: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press(key)
        # A frame hears of its focus a moment after the page around it, and the other way round.
        page.evaluate(_SETTLED)
        frame.evaluate(_SETTLED)
        inside = page.evaluate("document.activeElement?.tagName") == "IFRAME"
        if inside:
            found.append(frame.evaluate(_HERE))
        elif found:
            return found
    raise AssertionError(f"{key} never leaves: {found[-3:]}")


def said(element: Any) -> str:
    """All that a view says, before or after a key."""
    return element.evaluate(_SAID)
