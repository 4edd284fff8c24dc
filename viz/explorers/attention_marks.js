// How weights are shown: one ramp for words, places and heads, and hatching for "not applicable".

const RAMPS = { heat: 8, over: 4 }; // name and number of colours

/** A ramp of the view as it is now: `at(share)` as numbers, `css(share, alpha)` as a colour. "heat"
 *  follows the theme; "over" does not, since it lies over images, which do not either. */
function heat(ask, ramp = "heat") {
  const last = RAMPS[ramp] - 1;
  const stops = Array.from({ length: last + 1 }, (_, i) =>
    ask(`${ramp}-${i}`).match(/[\d.]+/g).slice(0, 3).map(Number));
  function at(share) {
    const place = clamp(share, 0, 1) * last;
    const low = Math.min(last - 1, Math.floor(place));
    return stops[low].map((value, c) => Math.round(value + (place - low) * (stops[low + 1][c] - value)));
  }
  return { at, css: (share, alpha = 1) => `rgb(${at(share).join(" ")} / ${alpha})` };
}

/** Black or white, whichever is read better on a colour (WCAG 2.2). */
function inkOn(rgb) {
  const [r, g, b] = rgb.map((value) => value / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

/** Small weights are seen by their square root. */
function shareOf(weight, most) {
  return most > 0 ? Math.sqrt(clamp(weight / most, 0, 1)) : 0;
}

/** Diagonal lines: nothing was measured here, which is not the same as 0. */
function hatch(ctx, x, y, w, t, colour, step = 7) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, w, t);
  ctx.clip();
  ctx.beginPath();
  for (let s = -t; s < w; s += step) {
    ctx.moveTo(x + s, y + t);
    ctx.lineTo(x + s + t, y);
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.stroke();
  ctx.restore();
}

/** A canvas that fits its element's width; `paint(ctx, width, height)` draws it, when asked to. */
function paintable({ canvas, element, heightOf, paint }) {
  let width = 0;
  let frame = 0;
  function now() {
    frame = 0;
    if (!width) return;
    const height = Math.round(heightOf(width));
    if (!(height > 0)) return;
    const ratio = window.devicePixelRatio || 1;
    const begun = performance.now();
    element.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const ctx = canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint(ctx, width, height);
    canvas.dataset.milliseconds = (performance.now() - begun).toFixed(1);
    canvas.dataset.since = canvas.dataset.since || performance.now().toFixed(0);
    canvas.dataset.ready = "true";
  }
  function redraw() {
    if (!frame) frame = requestAnimationFrame(now);
  }
  const stop = watchWidth(element, (wide) => {
    width = wide;
    now();
  });
  return { redraw, stop: () => { stop(); cancelAnimationFrame(frame); } };
}

/** The ramp with its ends in words, for a panel's header. */
function rampKey(colourOf, low, high) {
  const picture = svg("svg", { viewBox: "0 0 64 10", class: "lp-ramp", "aria-hidden": "true" },
    Array.from({ length: 16 }, (_, i) =>
      svg("rect", { x: 4 * i, y: 0, width: 4.5, height: 10, fill: colourOf(i / 15) })));
  return h("span", { class: "lp-key-entry lp-key-drawn" }, low, picture, high);
}

/** A share as percent: whole ones, finer where small. */
function percent(value) {
  if (!Number.isFinite(value)) return "not applicable";
  if (value > 0 && value < 0.001) return "<\u00a00.1\u00a0%";
  return `${(100 * value).toFixed(value < 0.0995 && value > 0 ? 1 : 0)}\u00a0%`;
}
