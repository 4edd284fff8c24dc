// All heads, layer by layer, with their mean before them: ISD, gap, or both matrices in small.

const MEAN_GAP = 10; // pixels between the mean over heads and the heads

/** `update` takes {example, layer, head, show, text, says}: `show` is "isd", "gap" or "matrices". */
function relationGrid({ root, tip, onPick }) {
  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-roledescription": "grid of heads" });
  const element = h("div", { class: "lp-picture lp-rel-heads" }, canvas);
  const ask = palette(root);
  let content = null;
  let cell = { w: 0, t: 0 };
  const left = () => HEAD_LEFT + 7 * Math.max(0, ...content.example.layers.map((name) => String(name).length));
  const surface = paintable({ canvas, element, paint, heightOf });

  function heightOf(width) {
    if (!content) return 0;
    const { example } = content;
    cell.w = Math.min(92, (width - left() - MEAN_GAP) / example.columns.length);
    cell.t = content.show === "matrices" ? (cell.w - 9) / 2 + 7 : Math.min(cell.w, 36);
    return 22 + example.layers.length * cell.t + 2;
  }
  const xOf = (head) => left() + (head === MEAN ? 0 : MEAN_GAP + (head + 1) * cell.w);
  const yOf = (layer) => 22 + layer * cell.t;

  function paint(ctx, width, height) {
    const { example, layer, head, show } = content;
    ctx.clearRect(0, 0, width, height);
    ctx.font = "11.5px system-ui, sans-serif";
    ctx.fillStyle = ask("soft");
    ctx.textAlign = "center";
    const stride = Math.ceil(18 / cell.w);
    ctx.fillText("mean", xOf(MEAN) + cell.w / 2, 14);
    example.heads.forEach((name, i) => { if (i % stride === 0) ctx.fillText(String(name), xOf(i) + cell.w / 2, 14); });
    ctx.textAlign = "right";
    example.layers.forEach((name, l) => ctx.fillText(String(name), left() - 7, yOf(l) + cell.t / 2 + 3));
    ctx.textAlign = "center";
    const shades = gridShades(ask, example, show);
    const space = show === "matrices" ? 7 : 3; // between two cells
    example.layers.forEach((_, l) => example.columns.forEach((i) => {
      const place = [xOf(i), yOf(l), cell.w - space, cell.t - space];
      if (!Number.isFinite(example.isd(l, i))) hatch(ctx, ...place, ask("soft"));
      else if (show === "matrices") pair(ctx, l, i, place, shades);
      else colour(ctx, show === "gap" ? example.gap(l, i) : example.isd(l, i), place, shades);
    }));
    const place = [xOf(head), yOf(layer), cell.w - space, cell.t - space];
    outline(ctx, place, ask("bg"), 5, 1);
    outline(ctx, place, ask("accent"), 3, 1.5);
    canvas.dataset.cell = [xOf(MEAN), xOf(0), yOf(0), cell.w, cell.t].map((v) => v.toFixed(2)).join(",");
  }
  function colour(ctx, value, [x, y, w, t], shades) {
    const share = shades.share(value);
    ctx.fillStyle = shades.ramp.css(share);
    ctx.fillRect(x, y, w, t);
    if (w < 28) return;
    ctx.fillStyle = shades.ramp.ink(share);
    ctx.fillText(number(value, 2), x + w / 2, y + t / 2 + 4, w - 2);
  }
  /** Words at the left, regions at the right, on one scale for all. */
  function pair(ctx, l, i, [x, y, w, t], shades) {
    const { example } = content;
    const side = Math.min(t, (w - 2) / 2);
    const unit = side / example.count;
    ["linguistic", "visual"].forEach((name, half) => {
      const values = example.relations(name, l, i);
      if (!values) {
        hatch(ctx, x + half * (side + 2), y, side, side, ask("soft"), 5);
        return;
      }
      values.forEach((value, at) => {
        ctx.fillStyle = Number.isFinite(value) ? shades.ramp.css(shades.share(value)) : ask("grid");
        ctx.fillRect(x + half * (side + 2) + (at % example.count) * unit, y + Math.floor(at / example.count) * unit,
          unit + 0.3, unit + 0.3);
      });
    });
  }
  function outline(ctx, [x, y, w, t], tone, weight, out) {
    ctx.strokeStyle = tone;
    ctx.lineWidth = weight;
    ctx.strokeRect(x - out, y - out, w + 2 * out, t + 2 * out);
  }

  function under(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const layer = Math.floor((y - yOf(0)) / cell.t);
    const head = content.example.columns.find((i) => x >= xOf(i) && x < xOf(i) + cell.w);
    return head !== undefined && layer >= 0 && layer < content.example.layers.length ? { layer, head } : null;
  }
  canvas.addEventListener("pointermove", (event) => {
    const at = content && under(event);
    canvas.style.cursor = at ? "pointer" : "default";
    if (at) tip.show(event, ...content.says(at.layer, at.head));
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
    const { example, layer, head } = content;
    const to = { layer: clamp(layer + way[0], 0, example.layers.length - 1),
      head: clamp(head + way[1], MEAN, example.heads.length - 1) };
    onPick(to);
    tip.read(canvas, xOf(to.head) + cell.w / 2, yOf(to.layer) + 4, ...content.says(to.layer, to.head));
    event.preventDefault();
    event.stopPropagation();
  });

  function update(next) {
    content = next;
    canvas.setAttribute("aria-label", `Heads by layer. ${next.text} Arrow keys choose another head.`);
    surface.redraw();
  }
  return { element, update, repaint: surface.redraw, stop: surface.stop,
    shades: () => gridShades(ask, content.example, content.show) };
}

const HEAD_LEFT = 18; // pixels beside the names of layers

/** The colours of a grid: a ramp, where a value lies on it, and its ends. */
function gridShades(ask, example, show) {
  if (show === "matrices") {
    return { ramp: anchored(ask, "rel", 4), share: (value) => value / (example.most || 1), low: 0, high: example.most };
  }
  const of = show === "gap" ? example.gap : example.isd;
  const values = example.layers.flatMap((_, l) => example.columns.map((i) => of(l, i))).filter(Number.isFinite);
  const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  if (show === "gap") {
    const reach = Math.max(0.2, -low, high); // small gaps stay pale, lest noise look like a finding
    return { ramp: anchored(ask, "apart", 7), share: (value) => 0.5 + value / reach / 2, low: -reach, high: reach };
  }
  return { ramp: anchored(ask, "heat", 8), share: (value) => (value - low) / (high - low || 1), low, high };
}
