"""Walking a page by the Tab key: where it stops, what is seen of it, and that it goes on."""

from __future__ import annotations

from typing import Any

# Everything in a frame that Tab should reach, in order; of each group of radio buttons one.
_STOPS = """() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const able = all.filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true })
    && (e.type !== "radio" || e.checked));
  window.stops = able;
  window.marked = (e) => (e.type === "radio" ? e.nextElementSibling || e : e);
  window.ring = (e) => { const s = getComputedStyle(marked(e));
    return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.outlineOffset, s.boxShadow].join("|"); };
  window.atRest = able.map(ring);
  return able.map((e) => e.getAttribute("aria-label") || [...(e.labels || [])].map((l) => l.textContent).join(" ").trim()
    || e.textContent.trim() || e.title);
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
# What a view says of itself: labels of its pictures, its summary, what was read by keys.
_SAID = """(e) => [...e.closest(".lp").querySelectorAll("[aria-label], .lp-summary, .lp-said, input, svg [aria-label]")]
  .map((one) => one.getAttribute("aria-label") || one.value || one.textContent).join("\\n")"""


def names_of(frame: Any) -> list[str]:
    """Names of the places where Tab should stop; notes how they look without the focus."""
    return frame.evaluate(_STOPS)


def walk(page: Any, frame: Any, key: str = "Tab", *, most: int = 200) -> list[dict[str, Any]]:
    """The stops that a key goes through in a frame, from where it enters to where it leaves."""
    found: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press(key)
        inside = page.evaluate("document.activeElement && document.activeElement.tagName") == "IFRAME"
        if inside:
            found.append(frame.evaluate(_HERE))
        elif found:
            return found
    raise AssertionError(f"{key} never leaves: {found[-3:]}")


def said(element: Any) -> str:
    """All that a view says, before or after a key."""
    return element.evaluate(_SAID)
