// All heads, layer by layer: a thumbnail of each one's attention, or the colour of its score.

const HEAD_MARGIN = { left: 26, top: 20 };
const WIDEST_CELL = 104; // pixels
const CELL_GAP = 3;
const STRIP = 0.18; // of a thumbnail, for the words

/** `update` takes {example, lines, possible, scores, layer, head, ringed, text}: `lines(l, h)` gives
 *  values by position, `possible(l)` which sides those exist for, `scores` (flat, or null) colours
 *  cells instead, `ringed(l, h)` whether a head was chosen by a measure. */
function headGrid({ root, tip, layers, heads, onPick }) {
  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-roledescription": "grid of heads" });
  const element = h("div", { class: "lp-picture lp-heads" }, canvas);
  const ask = palette(root);
  let content = null;
  let cell = { w: 0, t: 0 };
  let bounds = [0, 1];
  const tile = { canvas: h("canvas"), image: null, colours: [] };

  const surface = paintable({ canvas, element, heightOf, paint });
  function heightOf(width) {
    if (!content) return 0;
    cell.w = Math.min(WIDEST_CELL, (width - HEAD_MARGIN.left) / heads);
    const { image } = content.example;
    const tall = image ? clamp(image.height / image.width, 0.6, 1.4) : 1;
    cell.t = content.scores ? Math.min(cell.w, 44) : CELL_GAP + ((cell.w - CELL_GAP) * tall) / (1 - STRIP);
    return HEAD_MARGIN.top + layers * cell.t + 2;
  }
  const corner = (l, i) => [HEAD_MARGIN.left + i * cell.w, HEAD_MARGIN.top + l * cell.t];

  function paint(ctx, width, height) {
    ctx.clearRect(0, 0, width, height);
    const shades = heat(ask);
    const colours = { soft: ask("soft"), bg: ask("bg"), ink: ask("ink"), accent: ask("accent"), grid: ask("grid") };
    const bytes = new Uint8ClampedArray(Array.from({ length: 256 }, (_, i) => [...shades.at(i / 255), 255]).flat());
    tile.colours = new Uint32Array(bytes.buffer);
    ctx.font = "11.5px system-ui, sans-serif";
    ctx.fillStyle = colours.soft;
    ctx.textAlign = "center";
    const stride = Math.ceil(18 / cell.w);
    for (let i = 0; i < heads; i += stride) ctx.fillText(String(i), corner(0, i)[0] + cell.w / 2, 14);
    ctx.textAlign = "right";
    for (let l = 0; l < layers; l += 1) ctx.fillText(String(l), HEAD_MARGIN.left - 7, corner(l, 0)[1] + cell.t / 2 + 4);
    ctx.textAlign = "left";
    for (let l = 0; l < layers; l += 1) {
      for (let i = 0; i < heads; i += 1) {
        const place = [...corner(l, i), cell.w - CELL_GAP, cell.t - CELL_GAP];
        if (content.scores) scored(ctx, l, i, place, shades, colours);
        else thumbnail(ctx, l, i, place, shades, colours);
      }
    }
    const chosen = [...corner(content.layer, content.head), cell.w - CELL_GAP, cell.t - CELL_GAP];
    frame(ctx, chosen, colours.bg, 5, 1);
    frame(ctx, chosen, colours.accent, 3, 1.5);
    for (let at = 0; at < layers * heads; at += 1) {
      const [l, i] = [Math.floor(at / heads), at % heads];
      if (!content.ringed(l, i)) continue;
      const place = [...corner(l, i), cell.w - CELL_GAP, cell.t - CELL_GAP];
      frame(ctx, place, colours.bg, 4, -2);
      frame(ctx, place, colours.ink, 2, -2);
    }
    canvas.dataset.cell = [...corner(0, 0), cell.w, cell.t].map((v) => v.toFixed(2)).join(",");
  }
  function frame(ctx, [x, y, w, t], colour, weight, out) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = weight;
    ctx.strokeRect(x - out, y - out, w + 2 * out, t + 2 * out);
  }
  function scored(ctx, l, i, [x, y, w, t], shades, colours) {
    const value = content.scores[l * heads + i];
    if (!Number.isFinite(value)) {
      hatch(ctx, x, y, w, t, colours.soft);
      return;
    }
    const share = (value - bounds[0]) / (bounds[1] - bounds[0] || 1);
    ctx.fillStyle = shades.css(share);
    ctx.fillRect(x, y, w, t);
    if (w < 30) return;
    ctx.fillStyle = inkOn(shades.at(share));
    ctx.textAlign = "center";
    ctx.fillText(number(value, 2), x + w / 2, y + t / 2 + 4, w - 2);
    ctx.textAlign = "left";
  }
  /** Words above, the image below; each thumbnail on a scale of its own. */
  function thumbnail(ctx, l, i, [x, y, w, t], shades, colours) {
    const { example } = content;
    const able = content.possible(l);
    const strip = [x, y, w, Math.round(t * STRIP) - 1];
    const map = [x, y + Math.round(t * STRIP), w, t - Math.round(t * STRIP)];
    const values = able.some(Boolean) ? content.lines(l, i) : null;
    let most = 0;
    if (values) values.forEach((value, j) => { if (example.bucket(j) < 2 && value > most) most = value; });
    const paintOf = (j) => shades.css(shareOf(values[j], most));
    ctx.fillStyle = colours.grid;
    if (able[0]) {
      const step = w / example.words.length;
      example.words.forEach((j, place) => {
        ctx.fillStyle = paintOf(j);
        ctx.fillRect(x + place * step, y, step + 0.4, strip[3]);
      });
    } else hatch(ctx, ...strip, colours.soft, 5);
    if (!able[1]) {
      hatch(ctx, ...map, colours.soft);
      return;
    }
    if (example.grid) {
      ctx.imageSmoothingEnabled = map[2] < 1.5 * example.grid.columns; // too small for whole pixels
      ctx.drawImage(tiled(example.grid, values, most), ...map);
      return;
    }
    ctx.fillStyle = shades.css(0);
    ctx.fillRect(...map);
    for (const j of example.stacked) {
      const [x0, y0, x1, y1] = example.boxOf(j);
      ctx.fillStyle = paintOf(j);
      ctx.fillRect(map[0] + x0 * map[2], map[1] + y0 * map[3], (x1 - x0) * map[2] + 0.4, (y1 - y0) * map[3] + 0.4);
    }
  }

  /** Patches as pixels: thousands of small rectangles would take too long. */
  function tiled({ rows, columns, cells }, values, most) {
    if (tile.canvas.width !== columns || tile.canvas.height !== rows || !tile.image) {
      [tile.canvas.width, tile.canvas.height] = [columns, rows];
      tile.image = tile.canvas.getContext("2d").createImageData(columns, rows);
    }
    const pixels = new Uint32Array(tile.image.data.buffer);
    cells.forEach((j, place) => { pixels[place] = tile.colours[Math.round(255 * shareOf(values[j], most))]; });
    tile.canvas.getContext("2d").putImageData(tile.image, 0, 0);
    return tile.canvas;
  }

  function under(event) {
    const box = canvas.getBoundingClientRect();
    const i = Math.floor((event.clientX - box.left - HEAD_MARGIN.left) / cell.w);
    const l = Math.floor((event.clientY - box.top - HEAD_MARGIN.top) / cell.t);
    return i >= 0 && i < heads && l >= 0 && l < layers ? { layer: l, head: i } : null;
  }
  canvas.addEventListener("pointermove", (event) => {
    const at = content && under(event);
    canvas.style.cursor = at ? "pointer" : "default";
    if (at) tip.show(event, ...content.words(at.layer, at.head));
    else tip.hide();
  });
  canvas.addEventListener("pointerleave", () => tip.hide());
  canvas.addEventListener("click", (event) => {
    const at = content && under(event);
    if (at) onPick(at);
  });
  canvas.addEventListener("blur", () => tip.hide());
  const ways = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  canvas.addEventListener("keydown", (event) => {
    const way = ways[event.key];
    if (!way || !content || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = { layer: clamp(content.layer + way[0], 0, layers - 1), head: clamp(content.head + way[1], 0, heads - 1) };
    onPick(to);
    const [x, y] = corner(to.layer, to.head);
    tip.read(canvas, x + cell.w / 2, y + 4, ...content.words(to.layer, to.head));
    event.preventDefault();
    event.stopPropagation();
  });

  function update(next) {
    content = next;
    if (next.scores) bounds = boundsOf(next.scores);
    canvas.setAttribute("aria-label", `Heads by layer. ${next.text} Arrow keys choose another head.`);
    surface.redraw();
  }
  return { element, update, repaint: surface.redraw, stop: surface.stop, shades: () => heat(ask) };
}

/** The smallest and largest number of a score. */
function boundsOf(values) {
  const known = [...values].filter(Number.isFinite);
  return known.length ? [Math.min(...known), Math.max(...known)] : [0, 0];
}
