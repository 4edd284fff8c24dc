// The whitening explorer: one layer, one transform, before and after.

const OTHER = 8;

/** Draw the view of `data` into `root`; state and questions go through `host`.
 *  Gives the function that takes it down. */
function draw(data, root, host) {
  const labelOf = decode(data.codes);
  // The most frequent labels have a colour and a shape each, the rest share grey.
  const named = data.labels.length <= 9 ? data.labels : data.labels.slice(0, OTHER);
  const codes = labelOf.map((label) => Math.min(label, OTHER));
  const legendText = data.labels.length > 9 ? [...named, `${data.labels.length - OTHER} others`] : named;
  const slices = new Map(Object.entries(data.slices));
  const state = readState();
  let latest = 0; // number of the newest request: an answer to an older one is dropped
  let hovered = -1;

  function readState() {
    const at = data.layers.findIndex((layer) => layer === host.get("layer"));
    return { layer: Math.max(0, at), family: host.get("transform"), k: host.get("k"),
      projection: host.get("projection"), selected: host.get("selected"), lit: -1 };
  }
  const family = () => data.families.find((one) => one.name === state.family) || data.families[0];
  const spec = () => (state.k > 0 && family().ks ? `${state.family}-${state.k}` : state.family);
  const rank = () => data.ranks[state.layer];
  const keyOf = (layer, name) => `${layer}|${name}`;

  /** The values of k that the slider stops at; 0 stands for every direction. */
  function stops() {
    const { ks, full } = family();
    if (!ks) return [0];
    if (!host.live) return ks;
    const all = Array.from({ length: rank() - (full ? 0 : 1) }, (_, i) => i + 1);
    if (full) all[all.length - 1] = 0;
    return all;
  }
  function wordK(k) {
    if (k === 0) return `all ${rank()}`;
    return `${k} ${family().removes ? "removed" : `of ${rank()}`}`;
  }
  function described() {
    return family().ks ? `${family().text}, ${family().removes ? "D" : "k"} = ${wordK(state.k)}` : family().text;
  }

  // Controls
  const controls = {
    layer: slider({ label: "Layer", name: "layer", format: (i) => String(data.layers[i]),
      onInput: (i) => change({ layer: i }) }),
    family: select({ label: "Transform", name: "transform",
      options: data.families.map((one) => ({ value: one.name, text: one.text, title: one.hint })),
      onChange: (name) => change({ family: name }) }),
    k: slider({ label: "Directions k", name: "k", format: (i) => wordK(stops()[i]),
      onInput: (i) => change({ k: stops()[i] }) }),
    projection: choices({ label: "Map", name: "projection",
      options: data.projections.map((name) => ({ value: name, text: name.toUpperCase() })),
      onChange: (name) => change({ projection: name }) }),
  };
  const bar = h("div", { class: "lp-bar", role: "group", "aria-label": "Settings" },
    controls.layer.element, controls.family.element, controls.k.element,
    data.projections.length > 1 ? controls.projection.element : null);
  const summary = h("p", { class: "lp-summary lp-roomy", role: "status", "aria-live": "polite" });
  const problem = h("p", { class: "lp-problem", role: "alert", hidden: true });

  // Pictures
  const tip = tooltip(root);
  const chip = (i) => (data.labels.length
    ? h("span", { class: "lp-chip" }, symbol(codes[i]), data.labels[labelOf[i]]) : null);
  const linesOf = (i) => [data.labels.length ? `${data.labels[labelOf[i]]}:` : null, data.texts[i]]
    .filter(Boolean);
  const maps = ["Before", "After"].map((label) => scatter({ root, codes, tip, label: `${label}: map`,
    lines: linesOf, onPick: (i) => change({ selected: i }), onHover: point }));
  const cosines = chart({ label: "Cosines between sentences", tip, read: (i) => [
    `cosine ${cosine(content.grid[i])}`, `density before ${number(content.before.cosines[i], 2)}`,
    `density after ${number(content.after.cosines[i], 2)}`] });
  const spectrum = chart({ label: "Spectrum of the covariance", tip, read: (i) => [
    `component ${i + 1}`, `before ${powerNumber(content.before.spectrum[i])}`,
    `after ${powerNumber(content.after.spectrum[i])}`] });
  let content = null; // the two slices that are on the screen

  const lists = ["Before", "After"].map(() => neighbourList({ texts: data.texts, chip,
    onPick: (i) => change({ selected: i }), onHover: point }));
  const picker = sentencePicker({ texts: data.texts, onPick: (i) => change({ selected: i }) });
  const quote = h("blockquote", { class: "lp-quote" });
  const legend = h("div", { class: "lp-legend", role: "group", "aria-label": "Highlight a label" },
    legendText.map((label, code) => h("button", { type: "button", "aria-pressed": "false",
      onclick: () => change({ lit: state.lit === code ? -1 : code }) }, symbol(code), label)));
  const panels = {
    cosines: panel({ title: "Cosines of pairs" }, cosines.element),
    spectrum: panel({ title: "Variance by direction" }, spectrum.element),
    before: panel({ title: "Before" }, maps[0].element),
    after: panel({ title: "After" }, maps[1].element),
    nearBefore: panel({ title: "Nearest before" }, lists[0].element),
    nearAfter: panel({ title: "Nearest after" }, lists[1].element),
  };
  root.append(h("h3", { class: "lp-title" }, data.title), bar, summary, problem,
    h("div", { class: "lp-two lp-even" }, panels.cosines.element, panels.spectrum.element),
    data.labels.length ? legend : "",
    h("div", { class: "lp-two lp-even" }, panels.before.element, panels.after.element),
    h("div", { class: "lp-chosen" }, picker.element, quote),
    h("div", { class: "lp-two" }, panels.nearBefore.element, panels.nearAfter.element));

  function point(i) {
    if (i === hovered) return;
    hovered = i;
    maps.forEach((map) => map.point(i));
  }

  /** Take a change of the user's, keep the rest consistent, tell the host, draw. */
  function change(changes) {
    Object.assign(state, changes);
    settle();
    host.set({ layer: data.layers[state.layer], transform: state.family, k: state.k,
      projection: state.projection, selected: state.selected });
    refresh();
  }
  /** Bring `k` to a value that this transform has at this layer. */
  function settle() {
    const allowed = stops();
    if (!allowed.includes(state.k)) {
      const goal = state.k || rank();
      const gap = (k) => Math.abs((k || rank()) - goal);
      state.k = allowed.reduce((best, k) => (gap(k) < gap(best) ? k : best));
    }
  }

  /** Find the slice of this layer and transform, here or in the kernel, then show it. */
  async function refresh() {
    latest += 1;
    const mine = latest;
    setControls();
    const key = keyOf(state.layer, spec());
    const known = () => slices.get(key)?.maps[state.projection];
    if (!known()) {
      root.setAttribute("aria-busy", "true");
      // Not every stop on the way of a dragged slider is worth the kernel's time.
      await new Promise((resolve) => { setTimeout(resolve, 90); });
      if (mine !== latest) return;
      try {
        const { projection } = state;
        const found = await host.ask({ layer: state.layer, transform: spec(), projection });
        slices.set(key, { ...found, maps: { ...slices.get(key)?.maps, ...found.maps } });
      } catch (error) {
        if (mine === latest) fail(error);
        return;
      }
    }
    if (mine !== latest) return;
    root.removeAttribute("aria-busy");
    problem.hidden = true;
    content = { grid: decodeOnce(data, "grid"), before: opened(keyOf(state.layer, "raw")), after: opened(key) };
    show();
  }
  function fail(error) {
    root.removeAttribute("aria-busy");
    problem.textContent = `${described()} at layer ${data.layers[state.layer]}: ${error.message}`;
    problem.hidden = false;
  }
  function decodeOnce(holder, name) {
    if (!ArrayBuffer.isView(holder[name])) holder[name] = decode(holder[name]);
    return holder[name];
  }
  /** A slice with its arrays opened, each once. */
  function opened(key) {
    const slice = slices.get(key);
    ["cosines", "spectrum", "neighbours", "neighbour_cosines"].forEach((name) => decodeOnce(slice, name));
    Object.values(slice.maps).forEach((map) => {
      decodeOnce(map, "points");
      if (!map.xs) {
        map.xs = map.points.filter((_, i) => i % 2 === 0);
        map.ys = map.points.filter((_, i) => i % 2 === 1);
      }
    });
    return slice;
  }

  function setControls() {
    const { ks, removes } = family();
    controls.layer.set({ max: data.layers.length - 1, value: state.layer });
    controls.family.set(state.family);
    controls.k.element.querySelector("label").textContent = removes ? "Removed D" : "Kept k";
    controls.k.set({ max: stops().length - 1, value: Math.max(0, stops().indexOf(state.k)),
      disabled: !ks || stops().length < 2 });
    controls.projection.set(state.projection);
    picker.set(state.selected);
    [...legend.children].forEach((button, code) =>
      button.setAttribute("aria-pressed", String(state.lit === code)));
  }

  function show() {
    const { before, after } = content;
    const means = `Average cosine ${cosine(before.average)} before, ${cosine(after.average)} after.`;
    cosines.update({ text: means,
      x: { label: "cosine", domain: [-1, 1], ticks: [-1, -0.5, 0, 0.5, 1] },
      y: { label: "density", domain: [0, extent([before.cosines, after.cosines], 0.06)[1]] },
      series: [line("area", content.grid, before.cosines, "ghost"),
        line("area", content.grid, after.cosines, "accent")],
      marks: [{ x: before.average, tone: "ghost" }, { x: after.average, tone: "accent" }] });
    keyed(panels.cosines.key, [{ text: `mean ${cosine(before.average)} before`, tone: "ghost" },
      { text: `mean ${cosine(after.average)} after`, tone: "accent" }]);
    const components = Array.from(after.spectrum, (_, i) => i + 1);
    spectrum.update({ text: `Numerical rank ${rank()} of ${components.length}.`,
      x: { label: "component", domain: [1, components.length] },
      y: { label: "share of variance", log: true, domain: extent([before.spectrum, after.spectrum]) },
      series: [line("line", components, before.spectrum, "ghost"),
        line("line", components, after.spectrum, "accent")] });
    keyed(panels.spectrum.key, [{ text: "before", tone: "ghost" }, { text: "after", tone: "accent" },
      { text: `rank ${rank()} of ${components.length}`, tone: "none" }]);
    showMaps();
    const near = showNeighbours();
    summary.textContent = `Layer ${data.layers[state.layer]}, ${described()}. ${means}${near}`;
  }
  function line(kind, xs, ys, tone) {
    return { kind, xs, ys, tone };
  }
  function powerNumber(power) {
    return Number.isFinite(power) ? `${number(100 * 10 ** power)} %` : "nothing";
  }

  function showMaps() {
    const names = state.projection === "pca" ? ["PC 1", "PC 2"]
      : [1, 2].map((i) => `${state.projection.toUpperCase()} ${i}`);
    [content.before, content.after].forEach((slice, side) => {
      const { xs, ys, span, trustworthiness } = slice.maps[state.projection];
      const linked = state.selected < 0 ? [] : row(slice.neighbours, data.n_neighbours, state.selected);
      maps[side].update({ xs, ys, span, linked, names, selected: state.selected, lit: state.lit,
        text: `${data.texts.length} sentences, trustworthiness ${cosine(trustworthiness)}.` });
      keyed(panels[side ? "after" : "before"].key, [
        { text: `trustworthiness ${cosine(trustworthiness)}`, tone: "none" }]);
    });
    panels.before.heading.textContent = "Before: raw";
    panels.after.heading.textContent = `After: ${described()}`;
  }

  /** Both lists of neighbours; gives the sentence for the summary. */
  function showNeighbours() {
    const i = state.selected;
    quote.replaceChildren(...(i < 0 ? ["No sentence chosen yet."] : [data.texts[i], chip(i)].filter(Boolean)));
    quote.classList.toggle("lp-empty", i < 0);
    [panels.nearBefore, panels.nearAfter].forEach(({ element }) => { element.hidden = i < 0; });
    if (i < 0) return "";
    const sides = [content.before, content.after].map((slice) => ({
      neighbours: row(slice.neighbours, data.n_neighbours, i),
      cosines: row(slice.neighbour_cosines, data.n_neighbours, i) }));
    sides.forEach((side, at) => {
      lists[at].update({ ...side, other: sides[1 - at].neighbours, word: at ? "new" : "gone" });
      const same = Array.from(side.neighbours).filter((j) => labelOf[j] === labelOf[i]).length;
      keyed((at ? panels.nearAfter : panels.nearBefore).key, data.labels.length
        ? [{ text: `${same} of ${side.neighbours.length} share its label`, tone: "none" }] : []);
    });
    const kept = new Set(sides[0].neighbours);
    const fresh = Array.from(sides[1].neighbours).filter((j) => !kept.has(j)).length;
    return ` Of the ${counted(data.n_neighbours, "nearest neighbour")} of “${data.texts[i]}”, ${fresh} changed.`;
  }

  const stopTheme = watchTheme(() => content && maps.forEach((map) => map.redraw()));
  for (const name of ["layer", "transform", "k", "projection", "selected"]) {
    host.on(name, () => {
      const now = { ...readState(), lit: state.lit };
      if (JSON.stringify(now) === JSON.stringify(state)) return;
      Object.assign(state, now);
      refresh();
    });
  }
  settle();
  refresh();
  return () => {
    stopTheme();
    [cosines, spectrum, ...maps].forEach((picture) => picture.stop());
    latest += 1;
  };
}
