// One node in words and bars, and the labelled nodes in order.

const MOST_BARS = 12;

/** The chosen node: its class, T, exposures by class, warnings, and in a notebook its label. */
function nodePanel({ graph, live, onToggle, onReset, onStep }) {
  const facts = h("dl", { class: "lp-facts" });
  const text = h("blockquote", { class: "lp-quote" });
  const bars = h("ol", { class: "lp-bars" });
  const barsTitle = h("h5", {}, "Exposure Z to the labels of each class");
  const barsNote = h("p", { class: "lp-note" });
  const warnings = h("ul", { class: "lp-warnings" });
  const toggle = h("button", { type: "button", name: "toggle", onclick: () => onToggle() });
  const reset = h("button", { type: "button", name: "reset", onclick: () => onReset() }, "Reset labels");
  const changes = h("p", { class: "lp-note" });
  const step = (by, words, title) => h("button", { type: "button", title, onclick: () => onStep(by) }, words);
  const buttons = live ? [h("div", { class: "lp-buttons" }, toggle, reset), changes]
    : h("p", { class: "lp-note" }, "Adding and removing labels needs a kernel: open this view in a notebook.");
  const framed = panel({ title: "Node", kind: "lp-node" }, text, facts, warnings, barsTitle, bars, barsNote,
    h("div", { class: "lp-buttons" }, step(-1, "‹ Less conflict", "Labelled node with less conflict"),
      step(1, "More conflict ›", "Labelled node with more conflict")), buttons);

  function update({ node, setting, before, weight, toggled }) {
    const none = node < 0;
    framed.heading.textContent = none ? "No node chosen" : `Node ${node}: ${graph.nameOf(node)}`;
    [facts, warnings, barsTitle, bars, barsNote].forEach((part) => { part.hidden = none; });
    text.hidden = !none && !graph.texts[node];
    text.classList.toggle("lp-empty", none);
    text.textContent = none ? "Click a node, or step through the graph with the arrow keys." : graph.texts[node] || "";
    changes.textContent = toggled.length ? `Changed by hand: ${toggled.map((each) =>
      `${setting.at.has(each) ? "+" : "−"}${each}`).join(", ")}.` : "";
    reset.disabled = !toggled.length;
    toggle.disabled = none || graph.labelOf[node] < 0;
    toggle.textContent = !none && setting.at.has(node) ? "Remove its label (L)" : "Label this node (L)";
    if (none) return;
    const labelled = setting.at.has(node);
    const own = graph.labelOf[node];
    facts.replaceChildren(...[
      [labelled ? "Conflict T" : own < 0 ? "Least T" : "T if labelled", changeOf(node, setting, before)],
      ["Conflict share", percent(setting.share(node))],
      ["Weight", labelled ? number(weight, 2) : "not labelled"],
      ["Degree", number(graph.degree[node]).replace(/\.0+$/, "")],
    ].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
    warnings.replaceChildren(...warningsOf(node, setting).map((words) => h("li", {}, words)));
    warnings.hidden = !warnings.children.length;
    const values = setting.exposure(node);
    bars.replaceChildren(...(values ? barsOf(values, own) : []));
    barsNote.textContent = !values ? "This page carries no exposures of unlabelled nodes at this setting."
      : own < 0 ? "" : `T is the sum of the bars of other classes${toggled.includes(node)
        ? ": its own label, changed by hand, moves the T of others and not its own." : "."}`;
    barsNote.hidden = !barsNote.textContent;
  }
  function changeOf(node, setting, before) {
    const now = tiny(setting.conflict(node));
    return before ? `${now} (was ${tiny(before.conflict(node))})` : now;
  }
  function warningsOf(node, setting) {
    const near = setting.classesNear(node);
    const count = graph.componentSize(node);
    if (count === 1) return ["It has no neighbours: no other node's label reaches it."];
    if (!near.size) return [`No node is labelled among the ${counted(count, "node")} of its component: no label reaches it.`];
    if (setting.zero(node)) return ["No other class is labelled in its component: T is 0 whatever alpha is, and says nothing."];
    const others = [...near].filter((label) => label !== graph.labelOf[node]);
    return others.length ? [] : ["Only its own class is labelled in its component: its T would be 0."];
  }
  function barsOf(values, own) {
    const order = Array.from(values, (_, label) => label);
    const most = Math.max(...values) || 1;
    // Many classes: the largest bars, and its own class wherever that stands.
    const shown = order.length <= MOST_BARS ? order : order.sort((a, b) => values[b] - values[a])
      .filter((label, at) => at < MOST_BARS - 1 || label === own);
    const left = values.length - shown.length;
    return [...shown.map((label) => h("li", { class: label === own ? "lp-own" : "" },
      h("span", { class: "lp-chip" }, classSymbol(label), h("span", {}, graph.labels[label],
        label === own ? " (own)" : "")),
      h("span", { class: "lp-bar-track", "aria-hidden": "true" },
        h("i", { class: `lp-code-${classMark(label).tone}`, style: `width:${(100 * values[label]) / most}%` })),
      h("span", { class: "lp-bar-value" }, tiny(values[label])))),
    ...(left ? [h("li", { class: "lp-note" }, `and ${counted(left, "smaller one")}`)] : [])];
  }
  return { element: framed.element, update };
}

function percent(value) {
  return Number.isFinite(value) ? `${number(100 * value, 2)} %` : "no label reaches it";
}

/** Two pictures over the labelled nodes by rising conflict: T, and the weight it earns. */
function orderPictures({ graph, tip, onPick }) {
  let shown = null;
  const read = (i) => [`node ${shown.nodes[i]}: ${graph.nameOf(shown.nodes[i])}`,
    `T ${tiny(shown.values[i])}, weight ${number(shown.weights[i], 2)}`];
  const pick = (i) => onPick(shown.nodes[i]);
  const conflict = chart({ label: "Conflict of the labelled nodes, sorted", height: 190, tip, read, onPick: pick });
  const weight = chart({ label: "Weight of the labelled nodes, sorted by conflict", height: 190, tip, read, onPick: pick });
  const panels = [panel({ title: "Conflict T, sorted" }, conflict.element),
    panel({ title: "ReNode weight in the same order" }, weight.element)];
  const element = h("div", { class: "lp-two lp-even" }, panels.map((one) => one.element));

  function update({ setting, weights, selected }) {
    const { sorted } = setting;
    shown = { nodes: sorted.map((i) => setting.labelled[i]), values: sorted.map((i) => setting.totoro[i]),
      weights: sorted.map((i) => weights[i]) };
    const xs = sorted.map((_, i) => i + 1);
    const x = { label: "labelled nodes, least conflict first", domain: [1, Math.max(2, xs.length)] };
    const place = shown.nodes.indexOf(selected);
    const marks = place < 0 ? [] : [{ x: place + 1, tone: "accent" }];
    const heights = (values) => [0, Math.max(...values) * 1.06 || 1];
    // Small numbers are drawn in a power of ten of theirs, so that ticks stay short.
    const power = Math.min(0, Math.floor(Math.log10(Math.max(...shown.values) || 1)));
    const scaled = shown.values.map((value) => value / 10 ** power);
    conflict.update({ x, marks, y: { label: power ? `T in ${powerText(power)}` : "T", domain: heights(scaled) },
      series: [{ kind: "area", xs, ys: scaled, tone: "accent" }],
      text: `${counted(xs.length, "node")}, from ${tiny(shown.values[0])} to ${tiny(shown.values.at(-1))}.` });
    weight.update({ x, marks, y: { label: "weight", domain: heights(shown.weights) },
      series: [{ kind: "line", xs, ys: shown.weights, tone: "accent" }],
      text: `From ${number(shown.weights[0], 2)} to ${number(shown.weights.at(-1), 2)}.` });
    const chosen = place < 0 ? [] : [{ text: `node ${selected}`, tone: "accent" }];
    panels.forEach((one) => keyed(one.key, chosen));
  }
  /** The labelled node `by` places further in order of conflict, from the first or last if none. */
  function next(selected, by) {
    const place = shown.nodes.indexOf(selected);
    if (place < 0) return shown.nodes.at(by > 0 ? -1 : 0);
    return shown.nodes[clamp(place + by, 0, shown.nodes.length - 1)];
  }
  return { element, update, next, stop: () => [conflict, weight].forEach((one) => one.stop()) };
}

/** What sizes, rings and colours of the graph mean. */
function graphKey({ ramp, top, colouring }) {
  const ring = (weight, opacity) => svg("circle", { cx: 9, cy: 9, r: 6.5, fill: "none",
    stroke: "currentColor", "stroke-width": weight, opacity });
  const entry = (picture, words) => h("span", { class: "lp-key-entry lp-key-drawn" }, picture, words);
  const box = (...shapes) => svg("svg", { viewBox: "0 0 18 18", class: "lp-symbol", "aria-hidden": "true" }, shapes);
  const dots = box(svg("circle", { cx: 3.5, cy: 9, r: 2.2, fill: "currentColor" }),
    svg("circle", { cx: 12, cy: 9, r: 5.2, fill: "currentColor" }));
  const scale = svg("svg", { viewBox: "0 0 64 10", class: "lp-ramp", "aria-hidden": "true" },
    ramp.map((fill, i) => svg("rect", { x: 8 * i, y: 0, width: 8.5, height: 10, fill })));
  return [entry(dots, "size: weight"), entry(box(ring(1, 0.5)), entry(box(ring(3.2, 1)), "ring: conflict T")),
    colouring === "conflict" ? entry(scale, `colour: T from 0 to ${tiny(top)}`) : null,
    colouring === "exposure" ? h("span", {}, "colour: class with the largest exposure") : null].filter(Boolean);
}
