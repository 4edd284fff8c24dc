// The image with its region: chosen among known ones, or drawn by pointer or keys.

const TOOLS = [{ value: "rectangle", text: "Rectangle" }, { value: "brush", text: "Brush" }, { value: "eraser", text: "Eraser" }];
const WAYS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** Draw the borders of a mask into a frame of the canvas. */
function outlineMask(ctx, borders, { rows, columns }, frame, tone, halo) {
  const [sx, sy] = [frame.w / columns, frame.h / rows];
  for (const [colour, weight] of [[halo, 4], [tone, 2]]) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = weight;
    ctx.lineCap = "round";
    ctx.beginPath();
    for (const [x1, y1, x2, y2] of borders) {
      ctx.moveTo(frame.x + x1 * sx, frame.y + y1 * sy);
      ctx.lineTo(frame.x + x2 * sx, frame.y + y2 * sy);
    }
    ctx.stroke();
  }
}

/** The largest frame of an image's shape in the middle of a canvas. */
function frameIn(width, height, { rows, columns }) {
  const scale = Math.min(width / columns, height / rows);
  const [w, t] = [scale * columns, scale * rows];
  return { x: (width - w) / 2, y: (height - t) / 2, w, h: t };
}

/** `update` takes {images, mask, borders, name, text}. `known` is [{name, mask}]; `onDraw(mask)`
 *  where `live`, else the known region that fits best is picked. */
function regionPicker({ root, tip, live, shape, known, onDraw, onPick }) {
  const { rows, columns } = shape;
  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-roledescription": "image with a region" });
  const element = h("div", { class: "lp-picture lp-edit-region" }, canvas);
  const ask = palette(root);
  let content = null;
  let tool = "rectangle";
  let radius = 1;
  let held = null; // a drag: {y, x, now, mask}
  let cursor = null; // of the brush by keys
  const surface = paintable({ canvas, element, paint, heightOf: (width) => Math.min(360, (width * rows) / columns) });
  const choice = choices({ label: "Draw with", name: "tool", options: TOOLS, onChange: (value) => use(value) });
  const size = slider({ label: "Brush", name: "radius", format: (i) => `${2 * i + 1} pixels`, onInput: (i) => { radius = i; surface.redraw(); } });
  size.set({ min: 0, max: 6, value: radius, disabled: true });
  choice.set(tool);
  const tools = live ? h("div", { class: "lp-edit-tools" }, choice.element, size.element) : null;

  function use(value) {
    tool = value;
    choice.set(tool);
    size.set({ min: 0, max: 6, value: radius, disabled: tool === "rectangle" });
    if (tool !== "rectangle" && !cursor) cursor = [Math.floor(rows / 2), Math.floor(columns / 2)];
    name();
    surface.redraw();
  }
  function paint(ctx, width, height) {
    if (!content || !content.images) return;
    const frame = frameIn(width, height, shape);
    ctx.clearRect(0, 0, width, height);
    content.images.show(ctx, 0, 0, frame);
    const drawn = held ? held.mask : content.mask;
    outlineMask(ctx, held ? bordersOf(drawn, rows, columns) : content.borders, shape, frame, ask("accent"), ask("bg"));
    if (live && tool !== "rectangle" && cursor) {
      const [sy, sx] = [frame.h / rows, frame.w / columns];
      ctx.strokeStyle = ask("ink");
      ctx.lineWidth = 1.5;
      ctx.strokeRect(frame.x + (cursor[1] - radius) * sx, frame.y + (cursor[0] - radius) * sy, (2 * radius + 1) * sx, (2 * radius + 1) * sy);
    }
    canvas.dataset.frame = [frame.x, frame.y, frame.w, frame.h].map((v) => v.toFixed(1)).join(",");
  }
  function placeOf(event) {
    const box = canvas.getBoundingClientRect();
    const frame = frameIn(box.width, box.height, shape);
    const y = ((event.clientY - box.top - frame.y) / frame.h) * rows;
    const x = ((event.clientX - box.left - frame.x) / frame.w) * columns;
    return [clamp(Math.floor(y), 0, rows - 1), clamp(Math.floor(x), 0, columns - 1)];
  }
  /** The smallest known region that holds a pixel. */
  function under([y, x]) {
    const at = known.filter(({ mask }) => mask[y * columns + x]);
    return at.sort((a, b) => pixelsIn(a.mask) - pixelsIn(b.mask))[0];
  }
  function rectangle([y0, x0], [y1, x1]) {
    const mask = new Uint8Array(rows * columns);
    for (let y = Math.min(y0, y1); y <= Math.max(y0, y1); y += 1) {
      mask.fill(1, y * columns + Math.min(x0, x1), y * columns + Math.max(x0, x1) + 1);
    }
    return mask;
  }
  function dab(mask, [y, x]) {
    for (let r = Math.max(0, y - radius); r <= Math.min(rows - 1, y + radius); r += 1) {
      mask.fill(tool === "brush" ? 1 : 0, r * columns + Math.max(0, x - radius), r * columns + Math.min(columns, x + radius + 1));
    }
  }
  function settle(mask) {
    if (live) onDraw(mask);
    else {
      const best = known.reduce((a, b) => (overlapOf(b.mask, mask) > overlapOf(a.mask, mask) ? b : a));
      if (overlapOf(best.mask, mask) > 0) onPick(best.name);
    }
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !content) return;
    canvas.setPointerCapture(event.pointerId);
    const at = placeOf(event);
    held = { from: at, moved: false, mask: Uint8Array.from(content.mask) };
    if (live && tool !== "rectangle") {
      cursor = at;
      dab(held.mask, at);
    }
    surface.redraw();
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = placeOf(event);
    if (!held) {
      const found = under(at);
      if (found) tip.show(event, found.name);
      else tip.hide();
      return;
    }
    tip.hide();
    held.moved = held.moved || at[0] !== held.from[0] || at[1] !== held.from[1];
    if (live && tool !== "rectangle") {
      cursor = at;
      dab(held.mask, at);
    } else if (held.moved) held.mask = rectangle(held.from, at);
    surface.redraw();
  });
  canvas.addEventListener("pointerup", () => {
    if (!held) return;
    const { moved, mask, from } = held;
    held = null;
    if (moved || (live && tool !== "rectangle")) settle(mask);
    else if (under(from)) onPick(under(from).name);
    surface.redraw();
  });
  canvas.addEventListener("pointercancel", () => { held = null; surface.redraw(); });
  canvas.addEventListener("pointerleave", () => tip.hide());

  function walk(by) {
    const at = known.findIndex((one) => one.name === content.name);
    onPick(known[(at + by + known.length) % known.length].name);
  }
  function shifted([down, right]) {
    const [top, left, bottom, last] = boundsOf(content.mask, rows, columns);
    if (top + down < 0 || left + right < 0 || bottom + down > rows || last + right > columns) return;
    const mask = new Uint8Array(rows * columns);
    content.mask.forEach((one, i) => { if (one) mask[i + down * columns + right] = 1; });
    onDraw(mask);
  }
  function resized([down, right]) {
    const [top, left, bottom, last] = boundsOf(content.mask, rows, columns);
    const [to, end] = [clamp(bottom + down, top + 1, rows), clamp(last + right, left + 1, columns)];
    onDraw(rectangle([top, left], [to - 1, end - 1]));
  }
  canvas.addEventListener("keydown", (event) => {
    if (!content || event.altKey || event.ctrlKey || event.metaKey) return;
    const way = WAYS[event.key];
    const letter = event.key.toLowerCase();
    if (letter === "n" || letter === "p") walk(letter === "n" ? 1 : -1);
    else if (!live) {
      if (!way) return;
      walk(way[0] + way[1]);
    } else if (letter === "r" || letter === "b" || letter === "e") use({ r: "rectangle", b: "brush", e: "eraser" }[letter]);
    else if (tool === "rectangle") {
      if (!way) return;
      if (event.shiftKey) resized(way);
      else shifted(way);
    } else if (way) {
      cursor = [clamp(cursor[0] + way[0], 0, rows - 1), clamp(cursor[1] + way[1], 0, columns - 1)];
      name();
      surface.redraw();
    } else if (event.key === " " || event.key === "Enter") {
      const mask = Uint8Array.from(content.mask);
      dab(mask, cursor);
      settle(mask);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  function name() {
    if (!content) return;
    const keys = !live ? "Arrow keys choose another region."
      : tool === "rectangle" ? "Arrow keys move the region, with Shift they resize it; N and P choose a known one, B takes the brush, E the eraser."
        : `Row ${cursor[0] + 1}, column ${cursor[1] + 1}. Arrow keys move the ${tool}, Space uses it; R goes back to rectangles.`;
    canvas.setAttribute("aria-label", `${content.text} ${keys}`);
  }
  function update(next) {
    content = next;
    name();
    surface.redraw();
  }
  return { element, tools, canvas, update, repaint: surface.redraw, stop: surface.stop };
}
