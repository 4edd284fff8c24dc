// Line charts with axes, as SVG: text stays text and colours follow the page's theme.

const CHART_MARGIN = { top: 8, right: 14, bottom: 38, left: 54 };

/** Round positions for about `wanted` ticks between two numbers. */
function ticksOf(low, high, wanted) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const raw = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((candidate) => candidate >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * span; i += 1) {
    found.push(i * step);
  }
  // A lone tick has no neighbour that tells its scale.
  return found.length > 1 || wanted > 64 ? found : ticksOf(low, high, 2 * wanted);
}

/** Text for ticks: as many decimals as their spacing needs. */
function tickText(ticks) {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1;
  const places = clamp(Math.ceil(-Math.log10(step) - 1e-9), 0, 6);
  return (value) => value.toFixed(places).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");
}

/** Powers of ten between two logarithms, thinned to about `wanted`. */
function decades(low, high, wanted) {
  const stride = Math.max(1, Math.ceil((high - low) / Math.max(1, wanted)));
  const found = [];
  for (let p = Math.ceil(low - 1e-9); p <= high + 1e-9; p += 1) if (p % stride === 0) found.push(p);
  return found;
}

/** A power of ten as text with superscript digits. */
function powerText(power) {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return `10${[...String(power)].map((c) => (c === "-" ? "⁻" : digits[c])).join("")}`;
}

/** The extent of all finite values, widened by a share on both sides. */
function extent(arrays, widen = 0.05) {
  let low = Infinity;
  let high = -Infinity;
  for (const values of arrays) {
    for (const value of values) {
      if (Number.isFinite(value)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  if (low > high) return [0, 1];
  const pad = (high - low || Math.abs(high) || 1) * widen;
  return [low - pad, high + pad];
}

/** A chart that is redrawn whole on `update`. `content` is
 *  {x: {label, domain, ticks?}, y: {label, domain, log?}, series, marks, text}
 *  with series {name, kind: line|area|band|dots, xs, ys, lows?, tone} and marks {x, tone}.
 *  A log axis takes values that are logarithms already. */
function chart({ label, height = 210, tip, read, onPick }) {
  const keys = tip && read ? { tabindex: 0, role: "application", "aria-roledescription": "chart" } : { role: "img" };
  const drawing = svg("svg", { class: "lp-chart", ...keys, "aria-label": label });
  const element = h("div", { class: "lp-picture", style: `height:${height}px` }, drawing);
  let content = null;
  let toX = null;
  let width = 0;
  let at = -1; // the point that keys read

  const hint = !(tip && read) ? "" : onPick ? " Arrow keys read its points, Enter takes one." : " Arrow keys read its points.";
  function draw() {
    if (!content || !width) return;
    const { x, y, series, marks = [] } = content;
    const inner = { w: width - CHART_MARGIN.left - CHART_MARGIN.right,
      h: height - CHART_MARGIN.top - CHART_MARGIN.bottom };
    const scale = (domain, size) => (value) =>
      ((value - domain[0]) / (domain[1] - domain[0] || 1)) * size;
    toX = scale(x.domain, inner.w);
    const up = scale(y.domain, inner.h);
    const toY = (value) => inner.h - clamp(up(value), -2, inner.h + 2);
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.setAttribute("aria-label", `${label}. ${content.text || ""}${hint}`);
    const place = `translate(${CHART_MARGIN.left},${CHART_MARGIN.top})`;
    drawing.replaceChildren(svg("g", { transform: place },
      axisX(x, toX, inner), axisY(y, toY, inner),
      series.map((one) => shape(one, toX, toY, inner)),
      marks.filter((mark) => Number.isFinite(mark.x)).map((mark) => svg("line", {
        class: `lp-mark lp-${mark.tone}`, x1: toX(mark.x), x2: toX(mark.x), y1: 0, y2: inner.h })),
      at >= 0 && at < points().length ? svg("line", { class: "lp-read", x1: toX(points()[at]), x2: toX(points()[at]),
        y1: 0, y2: inner.h }) : null));
  }
  const points = () => (content.series.length ? content.series[content.series.length - 1].xs : []);

  function nearest(event) {
    const place = event.clientX - drawing.getBoundingClientRect().left - CHART_MARGIN.left;
    const xs = points();
    let best = 0;
    for (let i = 1; i < xs.length; i += 1) {
      if (Math.abs(toX(xs[i]) - place) < Math.abs(toX(xs[best]) - place)) best = i;
    }
    return best;
  }
  /** What a pointer does over a chart, by keys: read one point after another, take one, let go. */
  function pressed(event) {
    if (!content || !toX || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = points().length - 1;
    const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, PageUp: at + 10,
      PageDown: at - 10, Home: 0, End: last }[event.key];
    if (to !== undefined && last >= 0) {
      at = clamp(to, 0, last);
      draw();
      tip.read(drawing, CHART_MARGIN.left + toX(points()[at]), CHART_MARGIN.top + 24, ...read(at));
    } else if (onPick && at >= 0 && (event.key === "Enter" || event.key === " ")) onPick(at);
    else if (event.key === "Escape") letGo();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  function letGo() {
    at = -1;
    tip.hide();
    draw();
  }
  if (tip && read) {
    drawing.addEventListener("pointermove", (event) => {
      if (content && toX && content.series.length) tip.show(event, ...read(nearest(event)));
    });
    drawing.addEventListener("pointerleave", () => tip.hide());
    drawing.addEventListener("keydown", pressed);
    drawing.addEventListener("blur", letGo);
  }
  if (onPick) {
    drawing.classList.add("lp-pickable");
    drawing.addEventListener("click", (event) => content && toX && onPick(nearest(event)));
  }
  const stop = watchWidth(element, (now) => {
    width = now;
    draw();
  });
  return { element, stop, update: (next) => { content = next; draw(); } };
}

function axisX({ label, domain, ticks, texts }, toX, inner) {
  const at = ticks || ticksOf(domain[0], domain[1], inner.w / 80);
  const text = texts || tickText(at);
  return svg("g", { class: "lp-axis" },
    svg("line", { class: "lp-base", x1: 0, x2: inner.w, y1: inner.h, y2: inner.h }),
    at.map((value) => svg("text", { x: toX(value), y: inner.h + 15, "text-anchor": "middle" },
      text(value))),
    svg("text", { class: "lp-axis-label", x: inner.w / 2, y: inner.h + 33,
      "text-anchor": "middle" }, label));
}

function axisY({ label, domain, log }, toY, inner) {
  const at = log ? decades(domain[0], domain[1], inner.h / 34)
    : ticksOf(domain[0], domain[1], inner.h / 40);
  const text = log ? powerText : tickText(at);
  return svg("g", { class: "lp-axis" },
    at.map((value) => [
      svg("line", { class: "lp-grid", x1: 0, x2: inner.w, y1: toY(value), y2: toY(value) }),
      svg("text", { x: -7, y: toY(value) + 3.5, "text-anchor": "end" }, text(value))]),
    svg("text", { class: "lp-axis-label", "text-anchor": "middle",
      transform: `translate(${-CHART_MARGIN.left + 12},${inner.h / 2}) rotate(-90)` }, label));
}

function shape(one, toX, toY, inner) {
  const tone = `lp-${one.tone}`;
  if (one.kind === "band") {
    const forth = path(one.xs, one.ys, toX, toY);
    const back = path(Array.from(one.xs).reverse(), Array.from(one.lows).reverse(), toX, toY);
    return svg("path", { class: `lp-band ${tone}`, d: `${forth}L${back.slice(1)}Z` });
  }
  const line = svg("path", { class: `lp-line ${tone}`, d: path(one.xs, one.ys, toX, toY) });
  if (one.kind === "dots") {
    const dots = Array.from(one.xs, (x, i) => (Number.isFinite(one.ys[i])
      ? svg("circle", { class: `lp-dot ${tone}`, cx: toX(x), cy: toY(one.ys[i]), r: 3.5 }) : null));
    return svg("g", {}, line, dots);
  }
  if (one.kind !== "area") return line;
  const foot = `L${toX(one.xs[one.xs.length - 1])},${inner.h}L${toX(one.xs[0])},${inner.h}Z`;
  return svg("g", {},
    svg("path", { class: `lp-area ${tone}`, d: path(one.xs, one.ys, toX, toY) + foot }), line);
}

/** SVG path through the finite points; a gap starts a new stroke. */
function path(xs, ys, toX, toY) {
  let d = "";
  let pen = "M";
  for (let i = 0; i < xs.length; i += 1) {
    if (Number.isFinite(ys[i])) {
      d += `${pen}${toX(xs[i]).toFixed(1)},${toY(ys[i]).toFixed(1)}`;
      pen = "L";
    } else pen = "M";
  }
  return d || "M0,0";
}
