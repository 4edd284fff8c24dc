// The picture with its numbered objects, and the relations of one of them as lines.

const LINE = { thin: 1.2, thick: 11 }; // pixels of a share of 0 and of 1

/** `update` takes {example, values, focus, chosen, text}: `values` relations among regions, or null. */
function objectPicture({ root, tip, onPick, onHover, says }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const over = svg("svg", { tabindex: 0, role: "application", "aria-roledescription": "image with numbered boxes" });
  const element = h("div", { class: "lp-picture lp-rel-image" }, canvas, over);
  const ask = palette(root);
  let content = null;
  let bitmap = null;
  const shape = () => content.example.image || { width: 1, height: 1 };
  const surface = paintable({ canvas, element, paint,
    heightOf: (width) => (content ? Math.min(TALLEST, (width * shape().height) / shape().width) : 0) });

  function paint(ctx, width, height) {
    const { image } = content.example;
    const scale = Math.min(width / shape().width, height / shape().height);
    const frame = { w: scale * shape().width, h: scale * shape().height };
    frame.x = (width - frame.w) / 2;
    frame.y = (height - frame.h) / 2;
    ctx.clearRect(0, 0, width, height);
    if (image) {
      if (!bitmap || bitmap.of !== image) bitmap = { of: image, canvas: bitmapOf(image) };
      ctx.imageSmoothingEnabled = scale < 3;
      ctx.drawImage(bitmap.canvas, frame.x, frame.y, frame.w, frame.h);
    } else {
      ctx.fillStyle = ask("grid");
      ctx.fillRect(frame.x, frame.y, frame.w, frame.h);
    }
    over.setAttribute("viewBox", `0 0 ${width} ${height}`);
    over.replaceChildren(...overlay(frame));
  }
  function overlay(frame) {
    const { example, values, focus } = content;
    const { count } = example;
    const spots = Array.from({ length: count }, (_, k) => {
      const [x0, y0, x1, y1] = example.boxOf(k);
      return { k, x: frame.x + x0 * frame.w, y: frame.y + y0 * frame.h, w: (x1 - x0) * frame.w, h: (y1 - y0) * frame.h };
    });
    const known = spots.filter(({ x }) => Number.isFinite(x));
    // Large boxes first, so that what lies inside them is pointed at.
    const stacked = [...known].sort((a, b) => b.w * b.h - a.w * a.h);
    const from = known.find(({ k }) => k === focus);
    const lines = values && from ? known.filter(({ k }) => k !== focus) : [];
    return [...stacked.flatMap((spot) => boxOf(spot, spot.k === focus)),
      ...lines.flatMap((to) => lineOf(from, to, values[focus * count + to.k])),
      ...known.map((spot) => tagOf(spot, values ? values[focus * count + spot.k] : NaN, frame))];
  }
  function boxOf({ k, x, y, w, h: t }, bright) {
    const tone = `lp-code-${content.example.codeOf(k)}`;
    const place = { x, y, width: w, height: t };
    return [svg("rect", { ...place, fill: "none", stroke: "var(--lp-bg)", "stroke-width": bright ? 7 : 4, opacity: 0.85 }),
      svg("rect", { ...place, class: `lp-rel-box ${tone}`, style: "fill:transparent", stroke: "var(--lp-tone)",
        "stroke-width": bright ? 4 : 2, "data-object": k })];
  }
  function lineOf(from, to, share) {
    if (!Number.isFinite(share)) return [];
    const middle = ({ x, y, w, h: t }) => [x + w / 2, y + t / 2];
    const [[x1, y1], [x2, y2]] = [middle(from), middle(to)];
    const thick = LINE.thin + share * (LINE.thick - LINE.thin);
    const way = { x1, y1, x2, y2, "stroke-linecap": "round" };
    return [svg("line", { ...way, class: "lp-rel-line", stroke: "var(--lp-bg)", "stroke-width": thick + 3, opacity: 0.8 }),
      svg("line", { ...way, class: `lp-rel-line lp-code-${content.example.codeOf(from.k)}`, stroke: "var(--lp-tone)",
        "stroke-width": thick, "data-to": to.k, "data-share": share.toFixed(4) })];
  }
  function tagOf({ k, x, y }, share, frame) {
    const text = Number.isFinite(share) ? `${k + 1} · ${percent(share)}` : String(k + 1);
    const wide = 8 + 7 * text.length;
    const left = clamp(x, frame.x, frame.x + frame.w - wide);
    const top = clamp(y - 18, frame.y, frame.y + frame.h - 18);
    return svg("g", { class: `lp-rel-tag lp-code-${content.example.codeOf(k)}` },
      svg("rect", { x: left, y: top, width: wide, height: 18, rx: 3, stroke: "var(--lp-bg)" }),
      svg("text", { x: left + wide / 2, y: top + 13, "text-anchor": "middle" }, text));
  }
  const under = (event) => Number(event.target.closest("[data-object]")?.dataset.object ?? -1);
  // Listened for here and not by boxes, since a change of the object draws new ones.
  over.addEventListener("pointermove", (event) => {
    const k = under(event);
    onHover(k);
    if (k >= 0) tip.show(event, ...says(k));
    else tip.hide();
  });
  over.addEventListener("pointerleave", () => { onHover(-1); tip.hide(); });
  over.addEventListener("click", (event) => {
    if (under(event) >= 0) onPick(under(event));
  });
  over.addEventListener("keydown", (event) => {
    const next = content && stepOf(event, content.chosen, content.example.count);
    if (next >= 0) onPick(next);
  });

  function update(next) {
    const moved = !content || content.example !== next.example;
    content = next;
    over.setAttribute("aria-label", `Image. ${next.text} Arrow keys choose another object.`);
    if (moved) delete canvas.dataset.ready;
    surface.redraw();
  }
  return { element, update, repaint: surface.redraw, stop: surface.stop };
}
