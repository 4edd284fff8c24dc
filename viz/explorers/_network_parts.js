// Parts of a graph on a canvas: who is next to whom, what lies where, and drawing ahead.

const MARGIN = 0.2; // of the canvas, drawn ahead on each side
const PLAIN_AT_ONCE = 4000; // edges or nodes that one frame draws ahead

/** Neighbours of each node: those of i are `ends[starts[i]]` to `ends[starts[i + 1] - 1]`. */
function adjacency(edges, n) {
  const starts = new Int32Array(n + 1);
  for (const node of edges) starts[node + 1] += 1;
  for (let i = 0; i < n; i += 1) starts[i + 1] += starts[i];
  const free = starts.slice();
  const ends = new Int32Array(edges.length);
  for (let e = 0; e < edges.length; e += 2) {
    ends[free[edges[e]]++] = edges[e + 1];
    ends[free[edges[e + 1]]++] = edges[e];
  }
  return { starts, ends };
}

/** Squares that hold about two nodes each, to find what lies near a point. */
function squares(xs, ys, box) {
  const side = Math.max(1, Math.ceil(Math.sqrt(xs.length / 2)));
  const at = (value, low, span) => clamp(Math.floor(((value - low) / (span || 1)) * side), 0, side - 1);
  const column = (x) => at(x, box.x, box.w);
  const line = (y) => at(y, box.y, box.h);
  const held = Array.from({ length: side * side }, () => []);
  xs.forEach((x, i) => held[line(ys[i]) * side + column(x)].push(i));
  return (x, y, reach, visit) => {
    for (let r = line(y - reach); r <= line(y + reach); r += 1) {
      for (let c = column(x - reach); c <= column(x + reach); c += 1) held[r * side + c].forEach(visit);
    }
  };
}

/** Something of `count` parts, drawn ahead on a canvas of its own. `paint(ctx, from, to, place)`. */
function ahead(paint) {
  let done = null; // {canvas, view}: what can be shown
  let job = null;
  function begin(count, view, ratio) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(view.width * (1 + 2 * MARGIN) * ratio);
    canvas.height = Math.ceil(view.height * (1 + 2 * MARGIN) * ratio);
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    ctx.translate(MARGIN * view.width, MARGIN * view.height);
    job = { canvas, ctx, view, count, next: 0 };
  }
  /** Draw the next part; whether anything is left to do. */
  function step() {
    if (!job) return false;
    const to = Math.min(job.count, job.next + PLAIN_AT_ONCE);
    paint(job.ctx, job.next, to, job.view);
    job.next = to;
    if (to < job.count) return true;
    done = { canvas: job.canvas, view: job.view };
    job = null;
    return false;
  }
  function show(ctx, view) {
    if (!done) return;
    const zoom = view.scale / done.view.scale;
    const x = view.width / 2 - (view.x - done.view.x) * view.scale - (zoom * done.view.width) / 2;
    const y = view.height / 2 + (view.y - done.view.y) * view.scale - (zoom * done.view.height) / 2;
    const [w, h_] = [zoom * done.view.width, zoom * done.view.height];
    ctx.drawImage(done.canvas, x - MARGIN * w, y - MARGIN * h_, w * (1 + 2 * MARGIN), h_ * (1 + 2 * MARGIN));
  }
  return { begin, step, show, drop: () => { done = null; job = null; } };
}
