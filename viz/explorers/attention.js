// The attention explorer: a word or a place of one example, and what every head makes of it.

const NAMES = ["example", "layer", "head", "query", "direction", "score"];

/** Draw the view of `data` into `root`; state and questions go through `host`.
 *  Gives the function that takes it down. */
function draw(data, root, host) {
  const store = attentionStore(data, host);
  const blocks = openPresent(data.present);
  const scores = new Map(data.scores.map(({ name, values }) => [name, decode(values)]));
  const marks = data.marks.map(({ name, values }) => ({ name, values: decode(values) }));
  const count = data.examples.length;
  const reachable = (i) => host.live || store.has(i);
  const state = { ...readState(), opacity: 0.7 };
  let hovered = -1;
  let shown = null; // what is on the screen, for what only lights up under the pointer
  let latest = 0; // number of the newest request: an answer to an older one is dropped

  function readState() {
    return Object.fromEntries(NAMES.map((name) => [name, host.get(name)]));
  }

  // Controls
  const captions = data.examples.map(({ caption }, i) => {
    const text = `${i + 1}. ${caption}`;
    return `${text.length > 70 ? `${text.slice(0, 69)}…` : text}${reachable(i) ? "" : " (not in this page)"}`;
  });
  const chooser = select({ label: "Example", name: "example", onChange: (i) => choose(Number(i)),
    options: captions.map((text, i) => ({ value: i, text })) });
  [...chooser.input.options].forEach((option, i) => { option.disabled = !reachable(i); });
  const step = (by, sign, title) => h("button", { type: "button", title, "aria-label": title,
    onclick: () => choose(nextOf(by)) }, sign);
  const steps = [step(-1, "‹", "Previous example"), step(1, "›", "Next example")];
  const direction = choices({ label: "Attention", name: "direction",
    options: data.directions.map((value, i) => ({ value, text: ["From it", "To it"][i] })),
    onChange: (value) => change({ direction: value }) });
  const colouring = select({ label: "Heads show", name: "score", onChange: (score) => change({ score }),
    options: [{ value: "", text: "the attention of the choice" },
      ...data.scores.map(({ name }) => ({ value: name, text: name }))] });
  const opacity = slider({ label: "Opacity", name: "opacity", format: (i) => `${5 * i} %`,
    onInput: (i) => { state.opacity = i / 20; light(); } });
  chooser.element.append(h("div", { class: "lp-row" }, chooser.input, steps));
  const bar = h("div", { class: "lp-bar lp-att-bar", role: "group", "aria-label": "Settings" },
    [chooser, direction, colouring, opacity].map((one) => one.element));
  const summary = h("p", { class: "lp-summary lp-roomy", role: "status", "aria-live": "polite" });
  const problem = h("p", { class: "lp-problem", role: "alert", hidden: true });

  // Pictures
  const tip = tooltip(root);
  const pick = (query) => change({ query });
  const hover = (j) => {
    if (j === hovered) return;
    hovered = j;
    light();
  };
  const picture = imagePicture({ root, tip, onPick: pick, onHover: hover, label: "Image" });
  const words = captionWords({ tip, onPick: pick, onHover: hover });
  const grid = headGrid({ root, tip, layers: data.layers, heads: data.heads, onPick: (at) => change(at) });
  const strongest = strongestList();
  const mass = massPanel();
  const panels = { image: panel({ title: "Image" }, picture.element),
    caption: panel({ title: "Caption" }, words.element), heads: panel({ title: "Heads" }, grid.element) };
  const gridNote = h("p", { class: "lp-note" });
  panels.heads.element.append(gridNote);
  root.append(h("h3", { class: "lp-title" }, data.title), bar, summary, problem,
    h("div", { class: "lp-att" },
      h("div", { class: "lp-att-image" }, panels.image.element),
      h("div", { class: "lp-att-words" }, panels.caption.element, strongest.element),
      h("div", { class: "lp-att-heads" }, panels.heads.element),
      h("div", { class: "lp-att-mass" }, mass.element)));
  const remark = h("p", { class: "lp-note" });
  root.append(remark);

  function remarks(attention) {
    const left = data.examples.filter((_, i) => !reachable(i)).length;
    const exact = `For each query of each head the ${attention.exact} largest weights are exact`;
    const rounding = attention.grouped
      ? `${exact} and hold ${percent(attention.held)} of the attention; the rest is shown as means over `
        + `${attention.grouped} groups of positions, off by ${small(attention.mean)} on average and at most `
        + `${small(attention.largest)}, and sums by at most ${small(attention.sums)}.`
      : `${exact}; others are rounded by at most ${small(attention.largest)}.`;
    return [data.model && `Model: ${data.model}.`, data.derived
      && `${data.derived}: products of other blocks, not attentions of the model's own.`, rounding,
    host.live && "The chosen head is shown with exact weights.",
    left && `${counted(left, "example")} of ${count} would not fit in this page.`].filter(Boolean).join(" ");
  }
  const small = (value) => (value >= 1e-6 ? String(Number(value.toPrecision(2))) : value > 0 ? "0.000001" : "0");

  /** The nearest example in one direction that can be shown. */
  function nextOf(by) {
    let i = state.example + by;
    while (i >= 0 && i < count && !reachable(i)) i += by;
    return i >= 0 && i < count ? i : state.example;
  }
  function choose(i) {
    hovered = -1;
    if (i !== state.example) change({ example: i, query: data.first_queries[i] });
  }
  /** Take a change of the user's, tell the host, draw. */
  function change(changes) {
    Object.assign(state, changes);
    host.set(Object.fromEntries(NAMES.map((name) => [name, state[name]])));
    refresh();
  }
  const place = () => ({ example: state.example, layer: state.layer, head: state.head, query: state.query,
    direction: state.direction });

  /** Show what is here, and what the kernel knows better as soon as it answers. */
  async function refresh() {
    latest += 1;
    const mine = latest;
    setControls();
    try {
      if (!store.known(state.example)) {
        root.setAttribute("aria-busy", "true");
        await store.ask(state.example);
        if (mine !== latest) return;
      }
      root.removeAttribute("aria-busy");
      problem.hidden = true;
      show();
      if (!host.live || store.row(place())) return;
      // Not every step on the way is worth the kernel's time.
      await new Promise((resolve) => { setTimeout(resolve, 60); });
      if (mine !== latest) return;
      await store.askRow(place());
      if (mine === latest) show();
    } catch (error) {
      if (mine !== latest) return;
      root.removeAttribute("aria-busy");
      problem.textContent = `Layer ${state.layer}, head ${state.head}: ${error.message}`;
      problem.hidden = false;
    }
  }

  function setControls() {
    chooser.set(state.example);
    direction.set(state.direction);
    colouring.set(state.score);
    opacity.set({ max: 20, value: Math.round(20 * state.opacity) });
    [-1, 1].forEach((by, i) => { steps[i].disabled = nextOf(by) === state.example; });
  }

  function show() {
    const attention = store.known(state.example);
    if (!attention) return;
    setControls();
    const example = store.example(state.example);
    const { layer, head, query } = state;
    const out = state.direction === data.directions[0]; // else what comes in
    const line = store.row(place()) || attention.line(layer, head, query, out);
    const side = example.modality[query];
    const possible = blocks(layer, side, out);
    const read = readLine({ example, line, possible, out,
      mass: line.whole || !out ? null : attention.massOf(layer, head, query) });
    const said = sentence({ example, line, read, possible, out, state });
    shown = { example, line, peak: read.peak, query, possible, said };
    light();
    strongest.update({ example, line, read, out, grouped: attention.grouped });
    mass.update({ example, read, out, query });
    grid.update({ example, layer, head, scores: scores.get(state.score) || null, ringed,
      lines: (l, i) => attention.line(l, i, query, out).values,
      possible: (l) => blocks(l, side, out), words: wordsOf,
      text: `Layer ${layer}, head ${head} is chosen${ringed(layer, head) ? ", one that a measure selected" : ""}.` });
    const over = picture.shades();
    const most = read.peak > 0 ? number(read.peak) : "0";
    panels.image.key.replaceChildren(rampKey((part) => over.css(Math.sqrt(part), Math.sqrt(part)), "0", most));
    headKey(grid.shades());
    summary.textContent = said;
    remark.textContent = remarks(attention);
  }

  /** Image and words, with what belongs to the place under the pointer, else to the chosen one. */
  function light() {
    if (!shown) return;
    const { example, line, possible, query, said } = shown;
    const linked = example.linked(hovered >= 0 && hovered < example.n ? hovered : query);
    const lit = example.phrases.flatMap((one, p) => (one.regions.some((r) => linked.includes(r)) ? [p] : []));
    const lines = (j) => [example.nameOf(j), possible[example.modality[j]] ? `weight ${weightText(line, j)}`
      : "not applicable in this layer", ...example.linked(j).map((r) => example.regionName(r))];
    picture.update({ ...shown, possible: possible[1], lit: linked, opacity: state.opacity, text: said, lines });
    words.update({ ...shown, query, lit, lines, shades: picture.shades() });
  }

  /** Whether measures chose a head: those that belong to the shown score where there are any. */
  function ringed(l, i) {
    const at = l * data.heads + i;
    const way = state.score.split(", ")[1];
    const own = marks.filter(({ name }) => !way || !name.includes(", ") || name.endsWith(`, ${way}`));
    if (own.length) return own.some(({ values }) => values[at] === 1);
    const values = scores.get(state.score);
    return Boolean(values) && values[at] === boundsOf(values)[1];
  }
  function headKey(shades) {
    const values = scores.get(state.score);
    const [low, high] = values ? boundsOf(values) : [0, 0];
    const ring = marks.length ? "ring: selected by a measure" : "ring: largest";
    panels.heads.key.replaceChildren(values ? rampKey(shades.css, number(low, 2), number(high, 2)) : "",
      values || marks.length ? h("span", {}, ring) : "");
    gridNote.textContent = `${values ? `${state.score}; one scale for all heads.`
      : "Words above, image below; each on a scale of its own, marks left out of it."} `
      + "Rows are layers, columns heads. Hatched: not applicable.";
  }
  function wordsOf(l, i) {
    const known = data.scores.map(({ name }) => `${name}: ${number(scores.get(name)[l * data.heads + i])}`);
    const chosen = marks.filter(({ values }) => values[l * data.heads + i] === 1).map(({ name }) => name);
    return [`Layer ${l}, head ${i}`, ...known.slice(0, 5), ...chosen];
  }

  const stopTheme = watchTheme(() => {
    picture.repaint();
    grid.repaint();
    show();
  });
  for (const name of NAMES) {
    host.on(name, () => {
      const now = readState();
      if (NAMES.every((each) => now[each] === state[each])) return;
      Object.assign(state, now);
      refresh();
    });
  }
  refresh();
  return () => {
    stopTheme();
    picture.stop();
    grid.stop();
    latest += 1;
  };
}

/** One line of one head as a sentence. */
function sentence({ example, line, read, possible, out, state }) {
  const chosen = example.nameOf(state.query);
  const who = `Layer ${state.layer}, head ${state.head}:`;
  if (!possible.some(Boolean)) {
    return `${who} not applicable. Here ${out ? `${chosen} attends to nothing` : `nothing attends to ${chosen}`}.`;
  }
  const region = read.regions[0];
  const best = read.order[0];
  const tie = example.isPlace(state.query) ? ", where it lies" : ", linked to it";
  const parts = [`${who} ${chosen} ${out ? "attends most to" : "is attended to most by"} ${example.nameOf(best)} `
    + `(${weightText(line, best)})`];
  if (region && region.value > 0) {
    const name = `${example.regionName(region.r)}${example.linked(state.query).includes(region.r) ? tie : ""}`;
    // Where blocks are attentions of their own, each adds up to 1.
    const apart = read.buckets.reduce((sum, { value }) => sum + (value || 0), 0) > 1.02;
    const times = Number.isFinite(region.times)
      ? `, ${region.times.toFixed(1)} times the region's share of the places` : "";
    parts.push(out ? `its strongest region is ${name}, with ${percent(region.value)} of its attention`
      + `${apart ? " to the image" : ""}${times}`
      : `the region that attends to it most is ${name}, with ${number(region.value)} on average`);
  }
  const absent = SIDES.filter((_, side) => !possible[side]);
  const known = read.buckets.filter(({ value }) => Number.isFinite(value));
  const lies = known.map(({ name, value }) => `${name} ${out ? percent(value) : number(value)}`).join(", ");
  return `${parts.join("; ")}. ${out ? "Its attention lies on" : "Mean weight by"} ${lies}.${absent.map((name) =>
    ` ${name[0].toUpperCase()}${name.slice(1)}: not applicable in this layer.`).join("")}`;
}
