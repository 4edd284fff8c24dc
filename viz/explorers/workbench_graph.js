// The nodes and edges of a graph that matter, as large and as coloured as they do.

const MOST_NODES = 160;
const GRAPH_HEIGHT = 340;
const NAMED_NODES = 10;
const GRAPH_KEYS = "Left and right step through the nodes from the strongest on, up and down through the edges.";

/** `update` takes {nodes, edges, example, reaches, text}; parts may be null. */
function attributedGraph({ root, graph, onRead }) {
  const ask = palette(root);
  const drawing = svg("svg", { tabindex: 0, role: "application", "aria-roledescription": "graph", "aria-label": "Attributions in the graph" });
  const element = h("div", { class: "lp-picture lp-wb-graph" }, drawing);
  let content = null;
  let width = 0;
  let marks = new Map(); // "node 3" to its element
  let lit = { node: -1, edge: -1 };
  const endsOf = (i) => [graph.ends[2 * i], graph.ends[2 * i + 1]];

  const briefly = (i) => graph.labels[i].replace(/^node /, "");
  function shown({ nodes, edges, example }) {
    const weight = new Float32Array(graph.xs.length);
    const add = (i, value) => { weight[i] = Math.max(weight[i], value); };
    if (nodes) nodes.values.forEach((value, i) => add(i, Math.abs(shareIn(value, reachOf(nodes.values)))));
    if (edges) {
      const most = reachOf(edges.values);
      edges.values.forEach((value, i) => endsOf(i).forEach((end) => add(end, Math.abs(shareIn(value, most)))));
    }
    const order = ranked(weight).slice(0, MOST_NODES);
    if (example.explained >= 0 && !order.includes(example.explained)) order.push(example.explained);
    return order;
  }
  function draw() {
    if (!content || !width) return;
    const { nodes, edges, example, reaches, text } = content;
    const shades = divergingOf(ask);
    const kept = shown(content);
    const held = new Set(kept);
    const [left, right] = extent([kept.map((i) => graph.xs[i])], 0);
    const [low, high] = extent([kept.map((i) => graph.ys[i])], 0);
    const scale = Math.min((width - 60) / (right - left || 1), (GRAPH_HEIGHT - 60) / (high - low || 1));
    const x = (i) => width / 2 + (graph.xs[i] - (left + right) / 2) * scale;
    const y = (i) => GRAPH_HEIGHT / 2 - (graph.ys[i] - (low + high) / 2) * scale;
    marks = new Map();
    const inner = Array.from({ length: graph.ends.length / 2 }, (_, i) => i).filter((i) => endsOf(i).every((end) => held.has(end)));
    const strength = (i) => (edges ? shareIn(edges.values[i], reaches[edges.name]) : 0);
    inner.sort((a, b) => Math.abs(strength(a)) - Math.abs(strength(b)));
    const line = (i, more) => {
      const [a, b] = endsOf(i);
      return svg("line", { x1: x(a), y1: y(a), x2: x(b), y2: y(b), ...more });
    };
    const lines = inner.map((i) => {
      const share = strength(i);
      const wide = 0.8 + 5 * Math.abs(share);
      const top = line(i, { "stroke-width": wide, style: `stroke:${edges && share ? shades.css(share) : "var(--lp-control)"}`,
        opacity: edges && share ? 1 : 0.45, onpointerenter: () => edges && onRead(edges, i), "data-edge": i });
      marks.set(`edge ${i}`, top);
      return [edges && share ? line(i, { "stroke-width": wide + 1.4, class: "lp-wb-under" }) : null, top];
    });
    const share = (i) => (nodes ? shareIn(nodes.values[i], reaches[nodes.name]) : 0);
    const order = [...kept].sort((a, b) => Math.abs(share(a)) - Math.abs(share(b)));
    const dots = order.map((i) => {
      const dot = svg("circle", { class: "lp-wb-node", cx: x(i), cy: y(i), r: 3 + 9 * Math.sqrt(Math.abs(share(i))),
        style: `fill:${nodes ? shades.css(share(i)) : "var(--lp-ghost)"}`, "data-node": i,
        onpointerenter: () => nodes && onRead(nodes, i), onclick: () => nodes && onRead(nodes, i) });
      marks.set(`node ${i}`, dot);
      return dot;
    });
    const goal = example.explained;
    const topOf = (i) => y(i) - (i === goal ? 20 : 5 + 9 * Math.sqrt(Math.abs(share(i))));
    const named = [];
    for (const i of graph.labels ? [...(goal >= 0 ? [goal] : []), ...order.slice(-NAMED_NODES).reverse()] : []) {
      const apart = (j) => Math.abs(topOf(i) - topOf(j)) > 13 || Math.abs(x(i) - x(j)) > 3.2 * (briefly(i).length + briefly(j).length);
      if (named.every(apart)) named.push(i);
    }
    drawing.setAttribute("viewBox", `0 0 ${width} ${GRAPH_HEIGHT}`);
    drawing.setAttribute("aria-label", `Graph: the ${kept.length} nodes that matter, of ${graph.xs.length}. ${text} ${GRAPH_KEYS}`);
    drawing.replaceChildren(svg("g", {}, lines), goal >= 0 ? svg("circle", { class: "lp-wb-goal", cx: x(goal), cy: y(goal), r: 17 }) : "",
      svg("g", {}, dots), svg("g", {}, named.map((i) => svg("text", { x: x(i), y: topOf(i) }, briefly(i)))));
    drawing.dataset.ready = "true";
    mark();
  }
  function mark() {
    marks.forEach((each) => each.classList.remove("lp-wb-lit"));
    for (const kind of ["node", "edge"]) marks.get(`${kind} ${lit[kind]}`)?.classList.add("lp-wb-lit");
  }
  drawing.addEventListener("keydown", (event) => {
    if (!content || event.altKey || event.ctrlKey || event.metaKey) return;
    const [kind, by] = { ArrowRight: ["node", 1], ArrowLeft: ["node", -1], ArrowDown: ["edge", 1], ArrowUp: ["edge", -1] }[event.key] || [];
    const part = kind === "node" ? content.nodes : content.edges;
    if (!kind || !part) return;
    event.preventDefault();
    event.stopPropagation();
    const order = ranked(part.values).filter((i) => marks.has(`${kind} ${i}`));
    const at = order.indexOf(lit[kind]);
    if (order.length) onRead(part, order[at < 0 ? 0 : clamp(at + by, 0, order.length - 1)]);
  });
  function light(kind, i) {
    lit = { node: -1, edge: -1, [kind]: i };
    mark();
  }
  const stop = watchWidth(element, (now) => {
    width = now;
    draw();
  });
  return { element, drawing, update: (next) => { content = next; draw(); }, light, repaint: draw, stop };
}
