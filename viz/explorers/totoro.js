// The Totoro explorer: where labels of different classes meet, and the weights that follow.

const RAMP_STEPS = 8;
const WEIGHT_STEPS = 20; // stops of a weight's slider from one whole number to the next
const COLOURINGS = [{ value: "class", text: "Class" }, { value: "conflict", text: "Conflict" },
  { value: "exposure", text: "Exposure" }];
const NAMES = ["alpha", "per_class", "seed", "w_min", "w_max", "selected", "toggled", "colouring"];

/** Draw the view of `data` into `root`; state and questions go through `host`.
 *  Gives the function that takes it down. */
function draw(data, root, host) {
  const graph = openGraph(data);
  const store = settingStore(data, graph, host);
  const state = { ...readState(), lit: -1 };
  const shapes = Uint8Array.from(graph.labelOf, (label) => classMark(label).shape);
  let latest = 0; // number of the newest request: an answer to an older one is dropped
  let shown = null; // {setting, before, weights}: what is on the screen
  let painted = {}; // fills, faint and big as they were last, to be given again while they hold

  function readState() {
    return Object.fromEntries(NAMES.map((name) => [name, host.get(name)]));
  }
  const questionOf = (toggled) => ({ alpha: state.alpha, per_class: state.per_class, seed: state.seed, toggled });
  const count = (n) => Array.from({ length: n }, (_, i) => i);
  const stops = { alpha: host.live ? data.live.alphas : data.alphas,
    per_class: host.live ? count(data.live.per_class).map((i) => i + 1) : data.per_classes,
    seed: host.live ? [...new Set([...count(100), ...data.seeds])].sort((a, b) => a - b) : data.seeds };
  const nearest = (values, goal) => values.reduce((best, value) =>
    (Math.abs(value - goal) < Math.abs(best - goal) ? value : best));
  const placeOf = (name) => stops[name].indexOf(nearest(stops[name], state[name]));

  // Controls
  const along = (name, label, word) => slider({ label, name, onInput: (i) => change({ [name]: stops[name][i],
    // Labels changed by hand belong to the split they were changed on.
    ...(name === "alpha" ? {} : { toggled: [] }) }),
  // A value set from Python may lie between two stops.
  format: (i) => word(i === placeOf(name) ? state[name] : stops[name][i]) });
  const weigh = (name, label) => slider({ label, name, format: (i) => number(i / WEIGHT_STEPS, 2),
    onInput: (i) => change({ [name]: i / WEIGHT_STEPS }) });
  const controls = {
    alpha: along("alpha", "Restart α", String),
    per_class: along("per_class", "Labels per class", String),
    seed: along("seed", "Split (seed)", String),
    w_min: weigh("w_min", "Weight w_min"),
    w_max: weigh("w_max", "Weight w_max"),
  };
  const colouring = choices({ label: "Colour by", name: "colouring", options: COLOURINGS,
    onChange: (value) => change({ colouring: value }) });
  const bar = h("div", { class: "lp-bar lp-six", role: "group", "aria-label": "Settings" },
    Object.values(controls).map((one) => one.element), colouring.element);
  const summary = h("p", { class: "lp-summary lp-roomy", role: "status", "aria-live": "polite" });
  const problem = h("p", { class: "lp-problem", role: "alert", hidden: true });
  const legend = h("div", { class: "lp-legend", role: "group", "aria-label": "Highlight a class" },
    graph.labels.map((name, label) => h("button", { type: "button", "aria-pressed": "false",
      onclick: () => { state.lit = state.lit === label ? -1 : label; show(); } }, classSymbol(label), name)));

  // Pictures
  const tip = tooltip(root);
  const picture = network({ root, label: "Graph", xs: graph.xs, ys: graph.ys, edges: graph.edges, tip,
    lines: linesOf, onPick: (i) => change({ selected: i }), onKey: pressed,
    hint: "Arrow keys move to the neighbour in that direction, or else to the nearest node; with Shift they "
      + "move the view. N and P step through the labelled nodes by conflict, plus and minus zoom, 0 shows "
      + `everything, Escape lets go${host.live ? ", L adds or removes the node's label" : ""}.` });
  const drawn = panel({ title: data.name ? `Graph: ${data.name}` : "Graph",
    note: "Drag to move, pinch or hold Ctrl and scroll to zoom; or arrow keys, with Shift to move, + and − to zoom." }, picture.element);
  const orders = orderPictures({ graph, tip, onPick: (i) => change({ selected: i }) });
  const node = nodePanel({ graph, live: host.live, onToggle: toggle,
    onReset: () => change({ toggled: [] }), onStep: (by) => change({ selected: orders.next(state.selected, by) }) });
  root.append(h("h3", { class: "lp-title" }, data.title), bar, summary, problem, legend,
    h("div", { class: "lp-beside" }, drawn.element, node.element), orders.element,
    h("p", { class: "lp-note" }, remarks()));

  function remarks() {
    const { n_edges: all, left_out: out } = data;
    return [`${counted(graph.n, "node")}, ${counted(all, "edge")}${graph.edges.length < 2 * all
      ? `, of which ${graph.edges.length / 2} are drawn` : ""}.`,
    data.directed && "Edges have directions, which are not drawn.",
    data.coarse && "The numbers of unlabelled nodes are rounded to 3 % in this page.",
    out && `Of ${Object.keys(data.settings).length} settings ${out} carry labelled nodes only, to keep the page small.`,
    ].filter(Boolean).join(" ");
  }
  function linesOf(i) {
    const value = `T ${tiny(shown.setting.conflict(i))}`;
    const text = graph.texts[i] || "";
    return [`Node ${i}: ${graph.nameOf(i)}`, shown.setting.at.has(i)
      ? `${value}, weight ${number(shown.weights[shown.setting.at.get(i)], 2)}` : `${value} if labelled`,
    text.length > 90 ? `${text.slice(0, 89)}…` : text].filter(Boolean);
  }
  function pressed(key) {
    const by = { n: 1, p: -1 }[key.toLowerCase()];
    if (by && shown) change({ selected: orders.next(state.selected, by) });
    else if (key.toLowerCase() === "l" && host.live) toggle();
    else return false;
    return true;
  }
  function toggle() {
    const i = state.selected;
    if (i < 0 || graph.labelOf[i] < 0) return;
    const rest = state.toggled.filter((other) => other !== i);
    change({ toggled: rest.length < state.toggled.length ? rest : [...rest, i].sort((a, b) => a - b) });
  }

  /** Take a change of the user's, tell the host, draw. */
  function change(changes) {
    Object.assign(state, changes);
    host.set(Object.fromEntries(NAMES.map((name) => [name, state[name]])));
    refresh();
    if ("selected" in changes) picture.reveal(state.selected);
  }
  /** A page has the settings of its grid and no labels changed by hand. */
  function settle() {
    if (host.live) return;
    for (const name of Object.keys(stops)) state[name] = nearest(stops[name], state[name]);
    state.toggled = [];
  }
  /** Find the setting, here or in the kernel, and the split's own one beside it; then show. */
  async function refresh() {
    latest += 1;
    const mine = latest;
    setControls();
    const [question, plain] = [questionOf(state.toggled), questionOf([])];
    let found = [question, plain].map(store.known);
    if (!found.every(Boolean)) {
      root.setAttribute("aria-busy", "true");
      // Not every stop on the way of a dragged slider is worth the kernel's time.
      await new Promise((resolve) => { setTimeout(resolve, 60); });
      if (mine !== latest) return;
      try {
        found = [await store.ask(question), await store.ask(plain)];
      } catch (error) {
        if (mine === latest) fail(error);
        return;
      }
      if (mine !== latest) return;
    }
    root.removeAttribute("aria-busy");
    problem.hidden = true;
    shown = { setting: found[0], before: state.toggled.length ? found[1] : null };
    show();
  }
  function fail(error) {
    root.removeAttribute("aria-busy");
    problem.textContent = `${described()}: ${error.message}`;
    problem.hidden = false;
  }
  function described() {
    return `α = ${state.alpha}, ${counted(state.per_class, "label")} per class, split ${state.seed}`;
  }

  function setControls() {
    for (const name of Object.keys(stops)) {
      controls[name].set({ max: stops[name].length - 1, disabled: stops[name].length < 2,
        value: placeOf(name) });
    }
    controls.w_min.set({ max: WEIGHT_STEPS, value: Math.round(state.w_min * WEIGHT_STEPS) });
    controls.w_max.set({ min: WEIGHT_STEPS, max: 5 * WEIGHT_STEPS, value: Math.round(state.w_max * WEIGHT_STEPS) });
    colouring.set(state.colouring);
    [...legend.children].forEach((button, label) => button.setAttribute("aria-pressed", String(state.lit === label)));
  }

  function show() {
    if (!shown) return;
    setControls();
    const { setting, before } = shown;
    shown.weights = setting.weights(state.w_min, state.w_max);
    const { selected } = state;
    paint(setting);
    orders.update({ setting, weights: shown.weights, selected });
    node.update({ node: selected, setting, before, toggled: state.toggled,
      weight: setting.at.has(selected) ? shown.weights[setting.at.get(selected)] : NaN });
    summary.textContent = `${described()}: the conflicts T of ${counted(setting.labelled.length, "labelled node")} `
      + `add up to ${tiny(setting.total)}; ${setting.nZero
        ? `${setting.nZero} of them meet${setting.nZero > 1 ? "" : "s"} no other class` : "each meets another class"}. `
      + `Weights run from ${number(Math.min(...shown.weights), 2)} to `
      + `${number(Math.max(...shown.weights), 2)}.${before ? changed(before, setting) : ""}`;
  }
  function changed(before, setting) {
    const growth = (100 * (setting.total - before.total)) / before.total;
    const sign = growth < 0 ? "" : "+";
    return ` With ${counted(state.toggled.length, "label")} changed by hand the sum went `
      + `from ${tiny(before.total)} to ${tiny(setting.total)} (${sign}${number(growth, 1)} %); T moved by more `
      + `than 1 % at ${counted(movedNodes(before, setting), "other node")}.`;
  }

  /** Colours, sizes and rings of the nodes. */
  function paint(setting) {
    const key = [state.colouring, state.lit, picture.colour("bg")].join();
    const fits = painted.key === key && (state.colouring === "class" || painted.setting === setting);
    if (!fits) {
      const fills = state.colouring === "conflict" ? byConflict(setting) : byClass(setting);
      const faint = Uint8Array.from(graph.labelOf, (label) => (state.lit >= 0 && label !== state.lit ? 1 : 0));
      painted = { setting, key, faint, ...fills };
      drawn.key.replaceChildren(...graphKey({ ...fills, colouring: state.colouring }));
    }
    const most = Math.max(...setting.totoro) || 1;
    const added = new Set(state.toggled);
    const unit = graph.n > 300 ? 5.6 : 8.5;
    // The area of a labelled node is its weight; what conflicts more has a thicker, darker ring.
    const big = setting.labelled.map((one, i) => ({ node: one, r: Math.max(2.5, unit * Math.sqrt(shown.weights[i])),
      ring: setting.totoro[i] / most, mark: added.has(one) })).sort((a, b) => b.r - a.r);
    picture.canvas.dataset.radii = `${big.at(-1)?.r.toFixed(2)} ${big[0]?.r.toFixed(2)}`;
    picture.update({ shapes, big, selected: state.selected, fills: painted.fills, tones: painted.tones,
      faint: painted.faint, text: words(setting) });
  }
  function words(setting) {
    const i = state.selected;
    const chosen = i < 0 ? "No node chosen." : `Node ${i}, ${graph.nameOf(i)}, ${setting.at.has(i) ? "labelled, T "
      : "not labelled, T would be "}${tiny(setting.conflict(i))}.`;
    return `${counted(graph.n, "node")}, ${setting.labelled.length} labelled. ${chosen}`;
  }
  function byClass(setting) {
    const tones = count(11).map((code) => picture.colour(`code-${code}`));
    const label = state.colouring === "class" ? (i) => graph.labelOf[i] : setting.strongest;
    return { tones, ramp: [], top: 0, fills: Uint8Array.from(graph.xs, (_, i) => classMark(label(i)).tone) };
  }
  function byConflict(setting) {
    const values = setting.everyConflict();
    const finite = values.filter(Number.isFinite).sort();
    // A few hubs far above all others must not take the whole scale.
    const top = finite[Math.floor(0.99 * (finite.length - 1))] || finite.at(-1) || 1;
    const ramp = count(RAMP_STEPS).map((i) => picture.colour(`heat-${i}`));
    const fills = Uint8Array.from(values, (value) => (Number.isFinite(value)
      ? clamp(Math.floor((value / top) * RAMP_STEPS), 0, RAMP_STEPS - 1) : RAMP_STEPS));
    return { tones: [...ramp, picture.colour("code-8")], ramp, top, fills };
  }

  const stopTheme = watchTheme(() => {
    picture.repaint();
    show();
  });
  for (const name of NAMES) {
    host.on(name, () => {
      const now = readState();
      if (NAMES.every((each) => JSON.stringify(now[each]) === JSON.stringify(state[each]))) return;
      Object.assign(state, now);
      refresh();
      if (name === "selected") picture.reveal(state.selected);
    });
  }
  settle();
  if (data.opening) store.keep(questionOf(state.toggled), data.opening);
  refresh();
  return () => {
    stopTheme();
    picture.stop();
    orders.stop();
    latest += 1;
  };
}
