// A graph on a canvas: pan, zoom, pointer, keyboard. Edges and plain nodes are drawn ahead, a part
// in each frame, so that a moving view costs two images and the few nodes that stand out.

const NEAREST_ZOOM = 0.6;
const FARTHEST_ZOOM = 120;

/** A graph of `xs.length` nodes and `edges` (pairs of nodes, flat). `update` takes
 *  {fills, tones, faint, shapes, big, selected, text}: `fills` the position of each node's colour
 *  among `tones`, `faint` whether it steps back, `shapes` its shape, `big` the nodes that stand out
 *  as {node, r, ring, mark}, largest first, `ring` in [0, 1], `mark` whether a dot marks it as new.
 *  `onKey(key)` says whether it took a key that the graph has no use for. */
function network({ root, label, xs, ys, edges, tip, lines, hint, onPick, onKey }) {
  const n = xs.length;
  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-roledescription": "graph" });
  const buttons = h("div", { class: "lp-zoom", role: "group", "aria-label": "Zoom" },
    [["+", "Zoom in", () => zoomBy(1.5)], ["−", "Zoom out", () => zoomBy(1 / 1.5)],
      ["⤢", "Show the whole graph", () => fit()]].map(([text, title, onclick]) =>
      h("button", { type: "button", title, "aria-label": title, onclick }, text)));
  const element = h("div", { class: "lp-picture lp-network" }, canvas, buttons);
  const ask = palette(root);
  const [wide, tall] = [extent([xs], 0), extent([ys], 0)];
  const box = { x: wide[0], y: tall[0], w: wide[1] - wide[0] || 1, h: tall[1] - tall[0] || 1 };
  const near = squares(xs, ys, box);
  const { starts, ends } = adjacency(edges, n);
  const view = { scale: 1, x: box.x + box.w / 2, y: box.y + box.h / 2, width: 0, height: 0 };
  const base = n > 8000 ? 1.1 : n > 1500 ? 1.7 : n > 300 ? 2.6 : 4;
  let whole = 1; // the scale at which everything fits
  let content = null;
  let order = []; // plain nodes, those of one colour together
  let colours = new Map();
  let hovered = -1;
  let frame = 0;
  let wait = 0;

  const colour = (name) => {
    if (!colours.has(name)) colours.set(name, ask(name));
    return colours.get(name);
  };
  const atX = (i, from = view) => from.width / 2 + (xs[i] - from.x) * from.scale;
  const atY = (i, from = view) => from.height / 2 - (ys[i] - from.y) * from.scale;
  const zoom = (from = view) => from.scale / whole;
  const grown = () => clamp(zoom() ** 0.3, 0.8, 1.7);

  const edgeLayer = ahead((ctx, from, to, place) => {
    const [w, t] = [place.width * (1 + MARGIN), place.height * (1 + MARGIN)];
    const [l, b] = [-MARGIN * place.width, -MARGIN * place.height];
    ctx.beginPath();
    for (let e = 2 * from; e < 2 * to; e += 2) {
      const [x, y] = [atX(edges[e], place), atY(edges[e], place)];
      const [u, v] = [atX(edges[e + 1], place), atY(edges[e + 1], place)];
      if ((x < l && u < l) || (x > w && u > w) || (y < b && v < b) || (y > t && v > t)) continue;
      ctx.moveTo(x, y);
      ctx.lineTo(u, v);
    }
    ctx.strokeStyle = colour("control");
    ctx.globalAlpha = clamp(90 / Math.sqrt(edges.length) * zoom(place) ** 0.5, 0.12, 0.55);
    ctx.lineWidth = 0.8;
    ctx.stroke();
  });
  const nodeLayer = ahead((ctx, from, to, place) => {
    const r = clamp(base * zoom(place) ** 0.5, base * 0.8, 5);
    const [w, t] = [place.width * (1 + MARGIN), place.height * (1 + MARGIN)];
    const [l, b] = [-MARGIN * place.width, -MARGIN * place.height];
    for (let at = from; at < to; at += 1) {
      const i = order[at];
      const [x, y] = [atX(i, place), atY(i, place)];
      if (x < l || x > w || y < b || y > t) continue;
      ctx.globalAlpha = content.faint[i] ? 0.1 : 0.75;
      ctx.fillStyle = content.tones[content.fills[i]];
      if (r < 2.5) ctx.fillRect(x - r, y - r, 2 * r, 2 * r);
      else {
        trace(ctx, content.shapes[i], x, y, r);
        ctx.fill();
      }
    }
  });

  function redraw() {
    if (!frame) frame = requestAnimationFrame(paint);
  }
  function paint() {
    frame = 0;
    if (!content || !view.width) return;
    const begun = performance.now();
    const left = [edgeLayer.step(), nodeLayer.step()].some(Boolean);
    const ratio = window.devicePixelRatio || 1;
    const size = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const ctx = canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, view.width, view.height);
    edgeLayer.show(ctx, view);
    nodeLayer.show(ctx, view);
    const { selected } = content;
    if (selected >= 0) ties(ctx, selected);
    content.big.forEach((one) => stand(ctx, one));
    for (const [i, weight] of [[hovered, 1.5], [selected, 2.5]]) if (i >= 0) halo(ctx, i, weight);
    ctx.globalAlpha = 1;
    canvas.dataset.focus = selected < 0 ? "" : `${atX(selected).toFixed(1)},${atY(selected).toFixed(1)}`;
    canvas.dataset.zoom = zoom().toFixed(2);
    canvas.dataset.ready = String(!left);
    canvas.dataset.milliseconds = (performance.now() - begun).toFixed(1);
    if (left) redraw();
  }
  /** Edges and neighbours of one node. */
  function ties(ctx, i) {
    ctx.strokeStyle = colour("ink");
    ctx.globalAlpha = 0.6;
    ctx.lineWidth = 1.2;
    ctx.beginPath();
    for (let e = starts[i]; e < starts[i + 1]; e += 1) {
      ctx.moveTo(atX(i), atY(i));
      ctx.lineTo(atX(ends[e]), atY(ends[e]));
    }
    ctx.stroke();
    for (let e = starts[i]; e < starts[i + 1]; e += 1) glyph(ctx, ends[e], Math.max(3, base + 1), 1);
  }
  function glyph(ctx, i, r, alpha) {
    trace(ctx, content.shapes[i], atX(i), atY(i), r);
    ctx.globalAlpha = alpha;
    ctx.fillStyle = content.tones[content.fills[i]];
    ctx.fill();
    ctx.lineWidth = 1;
    ctx.strokeStyle = colour("bg");
    ctx.stroke();
  }
  function stand(ctx, { node, r, ring, mark }) {
    const [x, y, size] = [atX(node), atY(node), r * grown()];
    if (x < -30 || y < -30 || x > view.width + 30 || y > view.height + 30) return;
    const alpha = content.faint[node] ? 0.15 : 1;
    glyph(ctx, node, size, alpha);
    if (ring > 0) {
      const weight = 0.7 + 3 * ring;
      ctx.globalAlpha = alpha * (0.35 + 0.65 * ring);
      circle(ctx, x, y, 1.2 * size + 1 + weight / 2, weight, colour("ink"));
    }
    if (mark) {
      ctx.beginPath();
      ctx.arc(x, y, size * 0.42, 0, 2 * Math.PI);
      ctx.fillStyle = colour("bg");
      ctx.fill();
    }
  }
  function halo(ctx, i, weight) {
    const r = sizeOf(i);
    if (!big.has(i)) glyph(ctx, i, Math.max(r, 4), 1);
    ctx.globalAlpha = 1;
    circle(ctx, atX(i), atY(i), 1.2 * Math.max(r, 4) + 7, weight, colour("accent"));
  }
  function circle(ctx, x, y, r, weight, stroke) {
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.lineWidth = weight;
    ctx.strokeStyle = stroke;
    ctx.stroke();
  }
  let big = new Map();
  const sizeOf = (i) => (big.has(i) ? big.get(i).r * grown() : base);

  /** The view has moved: show what there is at once, and draw it afresh when it stands still. */
  function moved() {
    clearTimeout(wait);
    if (n + edges.length / 2 <= PLAIN_AT_ONCE) prepare(true);
    else wait = setTimeout(() => prepare(true), 90);
    redraw();
  }
  function prepare(withEdges) {
    if (!view.width || !content) return;
    const ratio = window.devicePixelRatio || 1;
    if (withEdges) edgeLayer.begin(edges.length / 2, { ...view }, ratio);
    nodeLayer.begin(order.length, { ...view }, ratio);
    redraw();
  }
  function update(next) {
    const plain = ["fills", "tones", "faint"].some((name) => content?.[name] !== next[name])
      || next.big.length !== big.size || next.big.some(({ node }) => !big.has(node));
    const first = !content;
    content = next;
    big = new Map(next.big.map((one) => [one.node, one]));
    if (plain) {
      const groups = next.tones.map(() => []);
      for (let i = 0; i < n; i += 1) if (!big.has(i)) groups[next.fills[i]].push(i);
      order = groups.flat();
      prepare(first);
    }
    canvas.setAttribute("aria-label", `${label}. ${next.text} ${hint}`);
    redraw();
  }

  function resize(width) {
    const before = whole;
    [view.width, view.height] = [width, element.clientHeight];
    whole = Math.min((width - 50) / box.w, (view.height - 50) / box.h);
    view.scale *= view.scale === 1 && before === 1 ? whole : whole / before;
    moved();
  }
  function fit() {
    Object.assign(view, { scale: whole, x: box.x + box.w / 2, y: box.y + box.h / 2 });
    moved();
  }
  /** Zoom around a point of the canvas, which stays where it is: the chosen node, if none is given. */
  function zoomBy(factor, ...point) {
    const chosen = content && content.selected >= 0 ? [atX(content.selected), atY(content.selected)] : null;
    const [px, py] = point.length ? point : chosen || [view.width / 2, view.height / 2];
    const scale = whole * clamp(zoom() * factor, NEAREST_ZOOM, FARTHEST_ZOOM);
    view.x += (px - view.width / 2) * (1 / view.scale - 1 / scale);
    view.y -= (py - view.height / 2) * (1 / view.scale - 1 / scale);
    view.scale = scale;
    moved();
  }
  function panBy(dx, dy) {
    view.x = clamp(view.x - dx / view.scale, box.x, box.x + box.w);
    view.y = clamp(view.y + dy / view.scale, box.y, box.y + box.h);
    moved();
  }
  /** Bring a node into sight. */
  function reveal(i) {
    if (i < 0 || !view.width) return;
    const [x, y] = [atX(i), atY(i)];
    if (x > 20 && y > 20 && x < view.width - 20 && y < view.height - 20) return;
    Object.assign(view, { x: xs[i], y: ys[i] });
    moved();
  }

  const stopHands = handle({ canvas, under, zoomBy, panBy, fit, walk, onPick, onKey,
    selected: () => (content ? content.selected : -1), first: () => (content?.big.length ? top() : 0),
    hover(i, event) {
      if (i !== hovered) {
        hovered = i;
        redraw();
      }
      if (i >= 0) tip.show(event, ...lines(i));
      else tip.hide();
    } });
  const top = () => content.big.reduce((best, one) => (one.ring > best.ring ? one : best)).node;
  function under(x, y) {
    let [best, least] = [-1, Infinity];
    const consider = (i, reach) => {
      const distance = Math.hypot(atX(i) - x, atY(i) - y);
      if (distance <= reach && distance < least) [best, least] = [i, distance];
    };
    if (content) content.big.forEach(({ node }) => consider(node, 1.2 * sizeOf(node) + 4));
    if (best >= 0) return best;
    const reach = 9 / view.scale;
    near(view.x + (x - view.width / 2) / view.scale, view.y - (y - view.height / 2) / view.scale,
      reach, (i) => consider(i, 9));
    return best;
  }
  /** The neighbour that lies most in a direction, else the nearest node there. */
  function walk(i, [dx, dy]) {
    let [best, least] = [-1, Infinity];
    const consider = (j, turned) => {
      const [u, v] = [xs[j] - xs[i], ys[i] - ys[j]];
      const [along, across] = [u * dx + v * dy, Math.abs(u * dy - v * dx)];
      if (j === i || along <= 0 || along < across) return;
      const cost = turned ? across / along : Math.hypot(u, v);
      if (cost < least) [best, least] = [j, cost];
    };
    for (let e = starts[i]; e < starts[i + 1]; e += 1) consider(ends[e], true);
    if (best < 0) for (let j = 0; j < n; j += 1) consider(j, false);
    return best;
  }

  const stopWidth = watchWidth(element, resize);
  function stop() {
    cancelAnimationFrame(frame);
    clearTimeout(wait);
    stopWidth();
    stopHands();
  }
  function repaint() {
    colours = new Map();
    prepare(true);
  }
  return { element, canvas, colour, update, reveal, repaint, stop };
}
