// A map of labelled points on a canvas: pointer, keyboard, linked selection.

const POINT = 4;
const MAP_PADDING = 20;

/** Trace the shape that belongs to a colour, so that colour is never the only sign. */
function trace(ctx, code, x, y, r) {
  const corners = { 1: [3, -90], 2: [4, -45], 3: [4, 0], 4: [3, 90], 5: [5, -90], 6: [6, 0] }[code];
  ctx.beginPath();
  if (!corners) {
    ctx.arc(x, y, code === 7 ? r * 0.75 : r * 0.95, 0, 2 * Math.PI);
    return;
  }
  const [n, start] = corners;
  for (let i = 0; i < n; i += 1) {
    const angle = ((start + (360 / n) * i) * Math.PI) / 180;
    ctx.lineTo(x + 1.2 * r * Math.cos(angle), y + 1.2 * r * Math.sin(angle));
  }
  ctx.closePath();
}

/** The same shape for a legend, as an SVG element. */
function symbol(code) {
  const steps = [];
  const pen = { beginPath() {}, closePath() {}, lineTo: (x, y) => steps.push(`${x},${y}`),
    arc: () => {} };
  trace(pen, code, 7, 7, 4.4);
  const mark = steps.length ? svg("polygon", { points: steps.join(" ") })
    : svg("circle", { cx: 7, cy: 7, r: 4.2 });
  mark.setAttribute("class", `lp-fill lp-code-${code}`);
  return svg("svg", { viewBox: "0 0 14 14", class: "lp-symbol", "aria-hidden": "true" }, mark);
}

/** A scatter plot of `codes.length` points. `update` takes
 *  {xs, ys, span: [width, height], selected, linked, lit, names: [x label, y label], text} with
 *  coordinates around 0; points move there smoothly. */
function scatter({ root, label, height = 330, codes, tip, lines, onPick, onHover }) {
  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-roledescription": "map" });
  const element = h("div", { class: "lp-picture", style: `height:${height}px` }, canvas);
  const colour = palette(root);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let content = null;
  let shown = null; // where the points are drawn now, in content's units
  let hovered = -1;
  let width = 0;
  let frame = 0;

  // One scale for both directions: a wide canvas never distorts distances.
  function toPixels(i) {
    const scale = Math.min((width - 2 * MAP_PADDING) / shown.span[0],
      (height - 2 * MAP_PADDING) / shown.span[1]);
    return [width / 2 + shown.xs[i] * scale, height / 2 - shown.ys[i] * scale];
  }

  function draw() {
    if (!content || !shown || !width) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    ctx.clearRect(0, 0, width, height);
    const { selected, linked, lit } = content;
    ctx.lineWidth = 1.2;
    if (selected >= 0) {
      ctx.strokeStyle = colour("ink");
      ctx.globalAlpha = 0.45;
      for (const i of linked) line(ctx, toPixels(selected), toPixels(i));
    }
    const colours = Array.from({ length: 9 }, (_, code) => colour(`code-${code}`));
    const edge = colour("bg");
    for (let i = 0; i < codes.length; i += 1) {
      if (i !== selected) dot(ctx, i, colours, edge, lit >= 0 && codes[i] !== lit ? 0.13 : 0.85, POINT);
    }
    ctx.globalAlpha = 1;
    for (const i of selected >= 0 ? linked : []) ring(ctx, i, colours, edge, POINT + 1, 1.5);
    if (hovered >= 0) ring(ctx, hovered, colours, edge, POINT + 2, 1.5);
    if (selected >= 0) ring(ctx, selected, colours, edge, POINT + 3, 2.5);
    axes(ctx);
  }
  function dot(ctx, i, colours, edge, alpha, r) {
    const [x, y] = toPixels(i);
    trace(ctx, codes[i], x, y, r);
    ctx.globalAlpha = alpha;
    ctx.fillStyle = colours[codes[i]];
    ctx.fill();
    ctx.lineWidth = 0.7;
    ctx.strokeStyle = edge;
    ctx.stroke();
  }
  function ring(ctx, i, colours, edge, r, weight) {
    dot(ctx, i, colours, edge, 1, r);
    const [x, y] = toPixels(i);
    ctx.beginPath();
    ctx.arc(x, y, r + 3.5, 0, 2 * Math.PI);
    ctx.lineWidth = weight;
    ctx.strokeStyle = colour("ink");
    ctx.stroke();
  }
  function line(ctx, from, to) {
    ctx.beginPath();
    ctx.moveTo(...from);
    ctx.lineTo(...to);
    ctx.stroke();
  }
  function axes(ctx) {
    ctx.fillStyle = colour("soft");
    ctx.font = `11px ${getComputedStyle(root).fontFamily}`;
    ctx.textAlign = "left";
    ctx.fillText(`${content.names[0]} →`, 22, height - 6);
    ctx.save();
    ctx.translate(12, height - 18);
    ctx.rotate(-Math.PI / 2);
    ctx.fillText(`${content.names[1]} →`, 0, 0);
    ctx.restore();
  }

  function moveTo(next) {
    cancelAnimationFrame(frame);
    const from = shown;
    const begun = performance.now();
    if (!from || still.matches || document.hidden) {
      shown = { xs: next.xs, ys: next.ys, span: next.span };
      draw();
      return;
    }
    const step = (now) => {
      const part = clamp((now - begun) / 260, 0, 1);
      const eased = 1 - (1 - part) ** 3;
      const mix = (a, b) => a.map((value, i) => value + eased * (b[i] - value));
      shown = { xs: mix(from.xs, next.xs), ys: mix(from.ys, next.ys),
        span: mix(from.span, next.span) };
      draw();
      if (part < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  }
  function update(next) {
    const moved = !content || content.xs !== next.xs;
    content = next;
    canvas.setAttribute("aria-label", `${label}. ${next.text} Arrow keys move to the next sentence `
      + "in that direction, Escape lets go.");
    if (moved) moveTo(next);
    else draw();
  }

  function under(event) {
    const box = canvas.getBoundingClientRect();
    const at = [event.clientX - box.left, event.clientY - box.top];
    return closest(at, () => true, 12);
  }
  function closest(at, allowed, reach) {
    let best = -1;
    let near = reach;
    for (let i = 0; i < codes.length; i += 1) {
      const [x, y] = toPixels(i);
      const distance = Math.hypot(x - at[0], y - at[1]);
      if (distance < near && allowed(x - at[0], y - at[1], i)) [best, near] = [i, distance];
    }
    return best;
  }
  function hover(i, event) {
    if (i !== hovered) {
      hovered = i;
      draw();
      onHover(i);
    }
    canvas.style.cursor = i >= 0 ? "pointer" : "default";
    if (i >= 0 && event) tip.show(event, ...lines(i));
    else tip.hide();
  }
  canvas.addEventListener("pointermove", (event) => shown && hover(under(event), event));
  canvas.addEventListener("pointerleave", () => hover(-1));
  // What is highlighted is what a click takes; a finger has not hovered before.
  canvas.addEventListener("click", (event) => shown && onPick(hovered >= 0 ? hovered : under(event)));
  canvas.addEventListener("keydown", (event) => {
    const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (event.key === "Escape") onPick(-1);
    else if (way && content.selected < 0) onPick(closest([width / 2, height / 2], () => true, 1e9));
    else if (way) {
      // Within 45 degrees of the arrow, so that every point can be reached from some neighbour.
      const ahead = (dx, dy, i) => i !== content.selected
        && dx * way[0] + dy * way[1] >= Math.abs(dx * way[1] + dy * way[0]) && (dx !== 0 || dy !== 0);
      const found = closest(toPixels(content.selected), ahead, 1e9);
      if (found >= 0) onPick(found);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const stopWidth = watchWidth(element, (now) => {
    width = now;
    draw();
  });
  function stop() {
    cancelAnimationFrame(frame);
    stopWidth();
  }
  function point(i) {
    if (i !== hovered) {
      hovered = i;
      draw();
    }
  }
  return { element, canvas, update, point, redraw: draw, stop };
}
