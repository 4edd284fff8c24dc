// A picture in grey under the attributions of its pixels and regions.

const TALL = 340; // pixels
const KEYS_PIXELS = "Arrow keys move over the pixels, N and P step through the regions.";
const KEYS_REGIONS = "Arrow keys step through the regions.";

/** `update` takes {pixels, regions, example, reaches, opacity, text}; parts may be null.
 *  `onRead(part, i)` hears which pixel or region is looked at. */
function attributedPicture({ root, shape, onRead }) {
  const ask = palette(root);
  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-roledescription": "heat map", "aria-label": "Attributions over the picture" });
  const element = h("div", { class: "lp-picture" }, canvas);
  const sheets = new Map(); // example to its picture, opened once
  let content = null;
  let frame = { x: 0, y: 0, w: 0, h: 0 };
  let lit = { pixel: -1, region: -1 };
  let size = { width: shape[1] || 1, height: shape[0] || 1 };
  const surface = paintable({ canvas, element, heightOf: (width) => Math.min(TALL, (width * size.height) / size.width), paint });

  async function update(next) {
    content = next;
    const { example } = next;
    if (example.image && !sheets.has(example)) {
      const sheet = await openSheet(example.image);
      sheets.set(example, sheet);
    }
    if (content !== next) return;
    if (example.image) size = example.image;
    const keys = content.pixels ? KEYS_PIXELS : KEYS_REGIONS;
    canvas.setAttribute("aria-label", `Picture of example ${example.name} under its attributions. ${next.text} ${content.regions || content.pixels ? keys : ""}`);
    canvas.dataset.of = `${next.key}`;
    surface.redraw();
  }
  function paint(ctx, width, height) {
    if (!content) return;
    const scale = Math.min(width / size.width, height / size.height);
    frame = { w: scale * size.width, h: scale * size.height, x: 0, y: 0 };
    frame.x = (width - frame.w) / 2;
    ctx.clearRect(0, 0, width, height);
    ctx.save();
    ctx.beginPath();
    ctx.rect(frame.x, frame.y, frame.w, frame.h);
    ctx.clip();
    ground(ctx);
    if (content.pixels) pixels(ctx, content.pixels);
    ctx.restore();
    if (content.regions) regions(ctx, content.regions);
    if (lit.pixel >= 0 && content.pixels) mark(ctx, cell(lit.pixel), ask("accent"));
    canvas.dataset.frame = [frame.x, frame.y, frame.w, frame.h].map((v) => v.toFixed(1)).join(",");
  }
  function ground(ctx) {
    const sheet = sheets.get(content.example);
    ctx.fillStyle = "#9aa0a8";
    ctx.fillRect(frame.x, frame.y, frame.w, frame.h);
    if (!sheet) return;
    sheet.show(ctx, 0, 0, frame);
    // Its own colours step back, so that colour is attribution; and its blacks, so that it is seen.
    ctx.globalCompositeOperation = "saturation";
    ctx.fillStyle = "#808080";
    ctx.fillRect(frame.x, frame.y, frame.w, frame.h);
    ctx.globalCompositeOperation = "source-over";
    ctx.fillStyle = `rgb(255 255 255 / ${0.75 * content.opacity})`;
    ctx.fillRect(frame.x, frame.y, frame.w, frame.h);
  }
  const cell = (i) => {
    const [rows, columns] = shape;
    const [w, t] = [frame.w / columns, frame.h / rows];
    return [frame.x + (i % columns) * w, frame.y + Math.floor(i / columns) * t, w, t];
  };
  function pixels(ctx, part) {
    const small = h("canvas", { width: shape[1], height: shape[0] });
    const own = small.getContext("2d");
    const image = own.createImageData(shape[1], shape[0]);
    part.values.forEach((value, i) => {
      const share = clamp(shareIn(value, content.reaches[part.name]), -1, 1);
      image.data.set(share > 0 ? FOR : AGAINST, 4 * i);
      image.data[4 * i + 3] = Math.round(255 * content.opacity * Math.abs(share));
    });
    own.putImageData(image, 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(small, frame.x, frame.y, frame.w, frame.h);
  }
  function regions(ctx, part) {
    const order = ranked(part.values).reverse();
    for (const i of order) {
      const box = spot(i);
      if (!box) continue;
      const share = clamp(shareIn(part.values[i], content.reaches[part.name]), -1, 1);
      ctx.fillStyle = overCss(share, 0.65 * content.opacity * Math.abs(share));
      ctx.fillRect(...box);
      for (const [tone, weight] of [["#fff", 4], [overCss(share, 1), 2]]) {
        ctx.strokeStyle = tone;
        ctx.lineWidth = weight;
        ctx.strokeRect(...box);
      }
    }
    for (const i of order) if (spot(i)) tag(ctx, spot(i), `${i + 1}: ${worded(part.values[i])}`);
    if (lit.region >= 0 && spot(lit.region)) mark(ctx, spot(lit.region), ask("accent"));
  }
  function spot(i) {
    const box = (content.example.boxes || [])[i];
    if (!box || !Number.isFinite(content.regions.values[i])) return null;
    return [frame.x + box[0] * frame.w, frame.y + box[1] * frame.h, (box[2] - box[0]) * frame.w, (box[3] - box[1]) * frame.h];
  }
  function mark(ctx, box, tone) {
    for (const [colour, weight] of [["#fff", 5], [tone, 2.5]]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = weight;
      ctx.strokeRect(...box);
    }
  }
  function tag(ctx, [x, y], text) {
    ctx.font = "600 11.5px system-ui, sans-serif";
    const wide = ctx.measureText(text).width + 8;
    const [left, top] = [clamp(x, 0, frame.x + frame.w - wide), Math.max(0, y - 8)];
    ctx.fillStyle = "#1a2130";
    ctx.fillRect(left, top, wide, 16);
    ctx.fillStyle = "#fff";
    ctx.fillText(text, left + 4, top + 12);
  }

  /** What lies under the pointer: the smallest region there, else the pixel. */
  function under(event) {
    const box = canvas.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    if (content.regions) {
      const inside = ranked(content.regions.values).filter((i) => {
        const at = spot(i);
        return at && px >= at[0] && py >= at[1] && px <= at[0] + at[2] && py <= at[1] + at[3];
      });
      inside.sort((a, b) => spot(a)[2] * spot(a)[3] - spot(b)[2] * spot(b)[3]);
      if (inside.length) return [content.regions, inside[0]];
    }
    const [x, y] = [(px - frame.x) / frame.w, (py - frame.y) / frame.h];
    if (!content.pixels || x < 0 || y < 0 || x >= 1 || y >= 1) return null;
    return [content.pixels, Math.floor(y * shape[0]) * shape[1] + Math.floor(x * shape[1])];
  }
  for (const kind of ["pointermove", "click"]) {
    canvas.addEventListener(kind, (event) => {
      const found = content && under(event);
      if (found) onRead(...found);
    });
  }
  canvas.addEventListener("keydown", (event) => {
    if (!content || event.altKey || event.ctrlKey || event.metaKey) return;
    const ways = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: content.pixels ? shape[1] : 1, ArrowUp: content.pixels ? -shape[1] : -1 };
    const by = ways[event.key];
    const next = { n: 1, p: -1 }[event.key.toLowerCase()];
    if (by && content.pixels) move(by);
    else if (content.regions && (by || next)) step(by || next);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  function move(by) {
    const n = shape[0] * shape[1];
    const from = lit.pixel >= 0 ? lit.pixel : ranked(content.pixels.values)[0] ?? 0;
    const to = lit.pixel >= 0 ? from + by : from;
    const wraps = Math.abs(by) === 1 && Math.floor(to / shape[1]) !== Math.floor(from / shape[1]);
    if (to >= 0 && to < n && !(lit.pixel >= 0 && wraps)) onRead(content.pixels, to);
  }
  function step(by) {
    const order = ranked(content.regions.values);
    const at = order.indexOf(lit.region);
    if (order.length) onRead(content.regions, order[at < 0 ? 0 : clamp(at + Math.sign(by), 0, order.length - 1)]);
  }
  function light(kind, i) {
    lit = { pixel: -1, region: -1, [kind]: i };
    surface.redraw();
  }
  return { element, canvas, update, light, repaint: surface.redraw, stop: surface.stop };
}
