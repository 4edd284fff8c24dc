// The image of an example with its places and regions, and one line of attention over it.

const TALLEST = 420; // pixels
const KEEP_COLOUR = 0.35; // of the image's own colours under the overlay

/** `update` takes {example, line, possible, peak, query, lit, opacity, text}: `line.values` by
 *  position, `possible` whether image positions can be attended to, `lit` regions to outline. */
function imagePicture({ root, tip, onPick, onHover, label }) {
  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-roledescription": "image" });
  const element = h("div", { class: "lp-picture" }, canvas);
  const ask = palette(root);
  let content = null;
  let bitmap = null; // {of, canvas}: the image of the example that is shown
  let frame = { x: 0, y: 0, w: 0, h: 0 };
  let hovered = -1;

  const shape = () => content.example.image || { width: 1, height: 1 };
  const surface = paintable({ canvas, element, paint,
    heightOf: (width) => (content ? Math.min(TALLEST, (width * shape().height) / shape().width) : 0) });
  const spot = (box) => [frame.x + box[0] * frame.w, frame.y + box[1] * frame.h,
    (box[2] - box[0]) * frame.w, (box[3] - box[1]) * frame.h];

  function paint(ctx, width, height) {
    if (!content) return;
    const { example, line, possible, peak, query, lit, opacity } = content;
    const scale = Math.min(width / shape().width, height / shape().height);
    frame = { w: scale * shape().width, h: scale * shape().height };
    frame.x = (width - frame.w) / 2;
    frame.y = (height - frame.h) / 2;
    ctx.clearRect(0, 0, width, height);
    base(ctx, scale);
    if (!possible) {
      ctx.globalAlpha = 0.6;
      ctx.fillStyle = ask("bg");
      ctx.fillRect(frame.x, frame.y, frame.w, frame.h);
      ctx.globalAlpha = 1;
      hatch(ctx, frame.x, frame.y, frame.w, frame.h, ask("soft"), 12);
    } else overlay(ctx, example, line, peak, opacity);
    if (example.grid) lattice(ctx, example.grid);
    else example.places.forEach((j) => outline(ctx, example.boxOf(j), ask("control"), 1, 0.7));
    example.regions.forEach(({ r, box }) => {
      const bright = lit.includes(r);
      const phrase = example.phraseOfRegion(r);
      const code = phrase ? phrase.tone : 8;
      const tone = ask(phrase ? `code-${code}` : "ghost");
      if (bright) outline(ctx, box, ask("bg"), 6, 0.85);
      outline(ctx, box, tone, bright ? 3 : 1.5, bright ? 1 : 0.65, bright ? [] : [4, 3]);
      if (bright) tag(ctx, box, String(r + 1), tone, ask(`on-${code}`));
    });
    if (hovered >= 0) outline(ctx, example.boxOf(hovered), ask("ink"), 1.5, 0.8);
    if (example.isPlace(query)) {
      outline(ctx, example.boxOf(query), ask("bg"), 6, 0.9);
      outline(ctx, example.boxOf(query), ask("accent"), 3, 1);
    }
    if (!possible) caption(ctx, "not applicable in this layer");
    const focus = example.isPlace(query) ? spot(example.boxOf(query)) : [];
    canvas.dataset.frame = [frame.x, frame.y, frame.w, frame.h].map((v) => v.toFixed(1)).join(",");
    canvas.dataset.focus = focus.map((v) => v.toFixed(1)).join(",");
  }
  function base(ctx, scale) {
    const { image } = content.example;
    if (!image) {
      ctx.fillStyle = ask("grid");
      ctx.fillRect(frame.x, frame.y, frame.w, frame.h);
      return;
    }
    if (!bitmap || bitmap.of !== image) bitmap = { of: image, canvas: bitmapOf(image) };
    ctx.imageSmoothingEnabled = scale < 3; // pixels of a small image stay sharp
    ctx.drawImage(bitmap.canvas, frame.x, frame.y, frame.w, frame.h);
  }
  /** Shades over an image whose own colours step back, so that red on red is seen. */
  function overlay(ctx, example, line, peak, opacity) {
    const shades = heat(ask, "over");
    ctx.save();
    ctx.beginPath();
    ctx.rect(frame.x, frame.y, frame.w, frame.h);
    ctx.clip();
    ctx.globalCompositeOperation = "saturation";
    ctx.globalAlpha = opacity * (1 - KEEP_COLOUR);
    ctx.fillStyle = "#808080";
    ctx.fillRect(frame.x, frame.y, frame.w, frame.h);
    ctx.globalCompositeOperation = "source-over";
    for (const j of example.stacked) {
      const share = shareOf(line.values[j], peak);
      ctx.globalAlpha = opacity * (example.grid ? share : share * 0.8);
      ctx.fillStyle = shades.css(share);
      ctx.fillRect(...spot(example.boxOf(j)));
    }
    ctx.restore();
  }
  function lattice(ctx, { rows, columns }) {
    ctx.globalAlpha = 0.25;
    ctx.strokeStyle = ask("control");
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (let c = 0; c <= columns; c += 1) {
      ctx.moveTo(frame.x + (c * frame.w) / columns, frame.y);
      ctx.lineTo(frame.x + (c * frame.w) / columns, frame.y + frame.h);
    }
    for (let r = 0; r <= rows; r += 1) {
      ctx.moveTo(frame.x, frame.y + (r * frame.h) / rows);
      ctx.lineTo(frame.x + frame.w, frame.y + (r * frame.h) / rows);
    }
    ctx.stroke();
    ctx.globalAlpha = 1;
  }
  function outline(ctx, box, colour, weight, alpha, dash = []) {
    ctx.globalAlpha = alpha;
    ctx.strokeStyle = colour;
    ctx.lineWidth = weight;
    ctx.setLineDash(dash);
    ctx.strokeRect(...spot(box));
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
  }
  function tag(ctx, box, text, tone, ink) {
    const [x, y] = spot(box);
    ctx.font = "600 12px system-ui, sans-serif";
    const wide = ctx.measureText(text).width + 10;
    ctx.fillStyle = tone;
    ctx.fillRect(x, Math.max(0, y - 17), wide, 17);
    ctx.fillStyle = ink;
    ctx.fillText(text, x + 5, Math.max(0, y - 17) + 13);
  }
  function caption(ctx, text) {
    ctx.font = "600 13px system-ui, sans-serif";
    const wide = Math.min(frame.w, ctx.measureText(text).width + 20);
    const [x, y] = [frame.x + (frame.w - wide) / 2, frame.y + frame.h / 2 - 14];
    ctx.fillStyle = ask("bg");
    ctx.fillRect(x, y, wide, 28);
    ctx.fillStyle = ask("ink");
    ctx.fillText(text, x + 10, y + 19, wide - 20);
  }

  /** The smallest place under the pointer; -1 if none. */
  function under(event) {
    if (!content || !frame.w) return -1;
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left - frame.x) / frame.w;
    const y = (event.clientY - box.top - frame.y) / frame.h;
    const { example } = content;
    return example.stacked.findLast((j) => {
      const [x0, y0, x1, y1] = example.boxOf(j);
      return x >= x0 && x < x1 && y >= y0 && y < y1;
    }) ?? -1;
  }
  function hover(j, event) {
    if (j !== hovered) {
      hovered = j;
      onHover(j);
      surface.redraw();
    }
    if (j < 0) tip.hide();
    else tip.show(event, ...content.lines(j));
  }
  canvas.addEventListener("pointermove", (event) => hover(under(event), event));
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("click", (event) => {
    const j = under(event);
    if (j >= 0) onPick(j);
  });
  /** Read the weight of a place, as under a pointer, and leave the choice as it is. */
  function point(j) {
    if (j === undefined) return;
    hover(j, { clientX: 0, clientY: 0 });
    const [x, y, w] = spot(content.example.boxOf(j));
    tip.read(canvas, x + w / 2, y, ...content.lines(j));
  }
  canvas.addEventListener("blur", () => hover(-1));
  const ways = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  canvas.addEventListener("keydown", (event) => {
    const way = ways[event.key];
    if (!way || !content || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = beside(content.example, event.shiftKey && hovered >= 0 ? hovered : content.query, way);
    if (event.shiftKey) point(next);
    else if (next !== undefined) onPick(next);
    event.preventDefault();
    event.stopPropagation();
  });

  function update(next) {
    content = next;
    if (hovered >= next.example.n) hovered = -1;
    canvas.setAttribute("aria-label", `${label}. ${next.text} Arrow keys move through its places, with Shift they read weights.`);
    surface.redraw();
  }
  return { element, canvas, update, repaint: surface.redraw, stop: surface.stop, shades: () => heat(ask, "over") };
}

/** The place one step from another: on a grid in that direction, else the next or the last one. */
function beside({ places, isPlace, grid }, j, [down, right]) {
  if (!isPlace(j)) return places[0];
  if (!grid) return places[clamp(places.indexOf(j) + down + right, 0, places.length - 1)];
  return grid.at(clamp(grid.rowOf(j) + down, 0, grid.rows - 1), clamp(grid.columnOf(j) + right, 0, grid.columns - 1));
}

/** RGB bytes as a canvas of their size. */
function bitmapOf({ width, height, pixels }) {
  const bytes = decode(pixels);
  const picture = h("canvas", { width, height });
  const ctx = picture.getContext("2d");
  const found = ctx.createImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    found.data.set(bytes.subarray(3 * i, 3 * i + 3), 4 * i);
    found.data[4 * i + 3] = 255;
  }
  ctx.putImageData(found, 0, 0);
  return picture;
}
