// The path of one example over the frames of a film, drawn over its map.

/** Lay a path over a map made by `scatter`; `update` takes {xs, ys, at, span} with one place for
 *  each frame, in the map's units, or null for none. */
function pathOver(map) {
  const drawing = svg("svg", { class: "lp-film-path", "aria-hidden": "true",
    style: "position:absolute;inset:0;pointer-events:none" });
  map.element.append(drawing);
  let content = null;
  let width = 0;

  function draw() {
    drawing.replaceChildren();
    if (!content || !width) return;
    const height = map.element.clientHeight;
    const { xs, ys, at, span } = content;
    // The scale that the map itself uses.
    const scale = Math.min((width - 2 * MAP_PADDING) / span[0], (height - 2 * MAP_PADDING) / span[1]);
    const place = (i) => [width / 2 + xs[i] * scale, height / 2 - ys[i] * scale];
    const text = (i) => place(i).map((value) => value.toFixed(1)).join(",");
    const all = Array.from(xs, (_, i) => i);
    const stroke = (from, to, opacity) => svg("polyline", { points: all.slice(from, to).map(text).join(" "),
      style: `fill:none;stroke:var(--lp-ink);stroke-width:1.8;stroke-linejoin:round;opacity:${opacity}` });
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    // What lies behind is strong, what is still to come is faint.
    drawing.append(stroke(at, xs.length, 0.25), stroke(0, at + 1, 0.85),
      ...all.filter((i) => i !== at).map((i) => {
        const [x, y] = place(i);
        return svg("circle", { cx: x, cy: y, r: 2.6,
          style: `fill:var(--lp-ink);opacity:${i < at ? 0.85 : 0.3}` });
      }));
  }
  const stop = watchWidth(map.element, (now) => {
    width = now;
    draw();
  });
  return { update: (next) => { content = next; draw(); }, stop };
}
