// The attribution workbench: what a model looked at, by one method or two, and whether to believe it.

const STATES = ["method", "layer", "target", "example", "other", "other_layer", "scale", "opacity"];
const TONES = ["accent", "code-1"];
const OPACITY_STEPS = 20;

/** Draw the view of `data` into `root`; state and questions go through `host`. Gives the function that takes it down. */
function draw(data, root, host) {
  data.live = Boolean(host.live && data.live);
  if (data.graph) openGraph(data.graph);
  const store = cellStore(data, host);
  const state = readState();
  let latest = 0; // number of the newest request: an answer to an older one is dropped
  let shown = null;

  function readState() {
    return Object.fromEntries(STATES.map((name) => [name, host.get(name)]));
  }
  function openGraph(graph) {
    const [sources, targets] = [decode(graph.sources), decode(graph.targets)];
    Object.assign(graph, { xs: decode(graph.xs), ys: decode(graph.ys), ends: new Int32Array(2 * sources.length) });
    sources.forEach((source, i) => graph.ends.set([source, targets[i]], 2 * i));
  }

  // Controls
  const nameOf = (example, i) => {
    const text = example.text || (example.tokens || []).filter(Boolean).join(" ");
    const brief = text.length > 46 ? `${text.slice(0, 45)}…` : text;
    return [`${i + 1}`, brief || (example.name === String(i) ? "" : example.name), example.prediction && `says ${example.prediction}`].filter(Boolean).join(" · ");
  };
  const example = select({ label: "Example", name: "example", onChange: (value) => change({ example: Number(value) }),
    options: data.examples.map((one, i) => ({ value: i, text: nameOf(one, i) })) });
  const target = select({ label: "Target", name: "target", onChange: (value) => change({ target: value }),
    options: [...data.targets, ...data.offered.targets].map((value) => ({ value, text: value })) });
  const scale = choices({ label: "Colour scale", name: "scale", onChange: (value) => change({ scale: value }),
    options: [{ value: "shared", text: "Shared" }, { value: "own", text: "Own" }] });
  const opacity = slider({ label: "Opacity", name: "opacity", format: (i) => `${Math.round((100 * i) / OPACITY_STEPS)} %`,
    onInput: (i) => change({ opacity: i / OPACITY_STEPS }) });
  const pictured = data.parts.some((part) => part.kind === "pixel" || part.kind === "region");
  const bar = h("div", { class: "lp-bar lp-wb-bar", role: "group", "aria-label": "Settings" },
    example.element, target.element, scale.element, pictured ? opacity.element : null);
  const summary = h("p", { class: "lp-summary lp-roomy", role: "status", "aria-live": "polite" });
  const problem = h("p", { class: "lp-problem", role: "alert", hidden: true });

  // Pictures
  const tip = tooltip(root);
  const onRead = (name, i) => sides.forEach((side) => side.readout(name, i));
  const sides = [
    methodSide({ root, data, store, heading: "A", names: ["method", "layer"], optional: false, onChange: change, onRead }),
    methodSide({ root, data, store, heading: "B", names: ["other", "other_layer"], optional: true, onChange: change, onRead }),
  ];
  const checks = checksPicture({ tip, data });
  const beside = data.beside.length ? besidePictures({ root, data }) : null;
  const besides = beside ? panel({ title: "The probe’s own picture" }, beside.element).element : null;
  const columns = h("div", { class: "lp-wb" }, sides.map((side) => side.element), besides);
  const key = h("p", { class: "lp-key" });
  root.append(h("style", {}, WORKBENCH_STYLE), h("h3", { class: "lp-title" }, data.name ? `${data.title}: ${data.name}` : data.title),
    bar, summary, problem, key, columns, checks.element,
    h("p", { class: "lp-note" }, data.live ? "What is not there yet is asked from the kernel."
      : "This page holds what was computed for it; a running kernel computes other combinations."));

  /** Take a change of the user's, tell the host, draw. */
  function change(changes) {
    Object.assign(state, changes);
    host.set(Object.fromEntries(STATES.map((name) => [name, state[name]])));
    refresh();
  }
  const settingOf = (k) => ({ method: k ? state.other : state.method, layer: k ? state.other_layer : state.layer,
    target: state.target, example: state.example });
  function setControls() {
    example.set(state.example);
    target.set(state.target);
    const says = goalOf(data.examples[state.example].prediction);
    for (const each of target.input.options) {
      each.textContent = each.value === says ? `${each.value} (what the model says)` : each.value;
      each.disabled = !data.live && !Object.keys(data.cells).some((one) => JSON.parse(one)[2] === each.value);
    }
    scale.set(state.scale);
    opacity.set({ max: OPACITY_STEPS, value: Math.round(OPACITY_STEPS * state.opacity) });
    sides.forEach((side, k) => side.setChoices({ ...settingOf(k), first: state.layer }));
  }
  async function refresh() {
    latest += 1;
    const mine = latest;
    problem.hidden = true;
    setControls();
    columns.classList.toggle("lp-wb-alone", state.other === NONE && Boolean(beside));
    const wanted = [0, 1].map(settingOf);
    const reasons = wanted.map(reasonOf);
    const known = wanted.every((one, k) => reasons[k] || store.has(...Object.values(one)));
    if (!known) root.setAttribute("aria-busy", "true");
    else root.removeAttribute("aria-busy");
    const cells = [null, null];
    for (const k of [0, 1]) {
      if (reasons[k]) continue;
      try {
        cells[k] = await store.get(...Object.values(wanted[k]));
      } catch (error) {
        if (mine !== latest) return;
        reasons[k] = "The kernel could not compute it.";
        problem.textContent = `${bold(wanted[k].method)} at ${wanted[k].layer}: ${error.message}`;
        problem.hidden = false;
      }
      if (mine !== latest) return;
    }
    root.removeAttribute("aria-busy");
    shown = { cells, wanted, reasons };
    show();
  }
  function reasonOf({ method, layer, ...rest }) {
    if (method === NONE) return "Choose a second method to compare.";
    const why = store.whyNot(method, layer);
    if (why) return `${bold(method)} cannot be had at ${layer}: ${why}.`;
    if (store.possible(method, layer, rest.target, rest.example)) return "";
    return `${bold(method)} at ${layer} was not computed for this page; a running kernel would compute it.`;
  }
  function show() {
    const { cells, wanted, reasons } = shown;
    const one = data.examples[state.example];
    const own = cells.map((cell) => Object.fromEntries((cell ? cell.parts : []).map((part) => [part.name, reachOf(part.values)])));
    const both = Object.fromEntries(data.parts.map(({ name }) => [name, Math.max(...own.map((reach) => reach[name] || 0))]));
    sides.forEach((side, k) => {
      if (!cells[k]) {
        side.refuse(reasons[k]);
        return;
      }
      const reaches = state.scale === "shared" ? both : own[k];
      side.update({ cell: cells[k], example: one, reaches, opacity: state.opacity, check: store.checkOf(wanted[k].method, wanted[k].layer), state: wanted[k] });
    });
    key.replaceChildren(...data.parts.map(({ name }) => scaleKey(name, state.scale === "shared" ? [both[name]] : own.map((reach) => reach[name]))));
    summary.textContent = sentence(one, cells);
    checks.update(sidesShown(), controlCell());
    if (beside) beside.update(state.example);
    root.dataset.ready = JSON.stringify(wanted.map(({ method, layer, target: goal, example: i }) => [method, layer, goal, i]));
  }
  function sidesShown() {
    const { cells, wanted } = shown;
    return [0, 1].filter((k) => cells[k]).map((k) => ({ cell: cells[k], tone: TONES[k], check: store.checkOf(wanted[k].method, wanted[k].layer),
      name: `${"AB"[k]}: ${spoken(wanted[k].method)}${wanted[k].layer === "input" ? "" : `, ${wanted[k].layer}`}` }));
  }
  /** The control at random at the same layer, where the page has it and it is not shown anyway. */
  function controlCell() {
    const packed = data.cells[keyOfCell("random", state.layer, state.target, state.example)]
      || data.cells[keyOfCell("random", "input", state.target, state.example)];
    return packed && ![state.method, state.other].includes("random") ? packed : null;
  }
  function scaleKey(name, reaches) {
    const shades = divergingOf(palette(root));
    const ends = reaches.filter((reach) => reach > 0).map((reach) => number(reach, 2)).join(" and ") || "0";
    return h("span", { class: "lp-key-entry" }, `${spoken(name)}: against `, rampKey((part) => shades.css(2 * part - 1), `−${ends}`, ends), " for");
  }
  function sentence(one, cells) {
    const score = (cells[0] || cells[1] || {}).score;
    const said = one.prediction ? `, the model says “${one.prediction}”` : "";
    const scored = Number.isFinite(score) && score !== null ? ` (output ${number(score)})` : "";
    const first = `Example ${state.example + 1}${said}. Target “${state.target}”${scored}. `;
    if (!cells[0] || !cells[1]) return first + checksSentence(cells);
    const agree = cells[0].parts.map((part, k) => [part.name, rankCorrelation(part.values, cells[1].parts[k].values)])
      .filter(([, value]) => Number.isFinite(value)).map(([name, value]) => `${cosine(value)} on ${spoken(name)}`);
    return `${first}Rank correlation of A and B: ${agree.join(", ") || "none, they share no values"}. ${checksSentence(cells)}`;
  }
  function checksSentence(cells) {
    return cells.map((cell, k) => {
      if (!cell || !Number.isFinite(cell.infidelity ?? NaN)) return "";
      const whole = wholeOf(cell);
      const chance = (cell.infidelity_null ?? NaN) / whole;
      const most = (cell.infidelity_interval || [0, cell.infidelity])[1] / whole;
      const beside_ = Number.isFinite(chance) ? `, ${most < chance ? "below" : "not clearly below"} the ${number(chance)} of shuffled values` : "";
      return `${"AB"[k]} has infidelity ${number(cell.infidelity / whole)}${beside_}.`;
    }).filter(Boolean).join(" ");
  }

  const stopTheme = watchTheme(() => {
    sides.forEach((side) => side.repaint());
    if (shown) show();
  });
  for (const name of STATES) {
    host.on(name, () => {
      const now = readState();
      if (STATES.every((each) => now[each] === state[each])) return;
      Object.assign(state, now);
      refresh();
    });
  }
  refresh();
  return () => {
    latest += 1;
    stopTheme();
    sides.forEach((side) => side.stop());
    checks.stop();
  };
}
