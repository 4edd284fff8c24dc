// Whether to believe it: infidelity, sensitivity, and the curve of the randomisation check.

/** One measure as rows of a mark with its interval, on one axis from 0. */
function measureRows({ title, note }) {
  const rows = h("div", { class: "lp-wb-rows" });
  const own = panel({ title, note }, rows);
  function update(entries) {
    const known = entries.filter((one) => Number.isFinite(one.value));
    const most = Math.max(1e-12, ...known.flatMap((one) => [one.value, ...(one.interval || [])]).filter(Number.isFinite));
    const at = (value) => `${(96 * clamp(value / most, 0, 1) + 2).toFixed(2)}%`;
    rows.replaceChildren(...entries.map(({ name, value, interval, tone }) => {
      const there = Number.isFinite(value);
      const drawing = svg("svg", { "aria-hidden": "true", class: `lp-${tone}` },
        svg("line", { class: "lp-grid", x1: "2%", x2: "98%", y1: 8, y2: 8 }),
        there && interval ? svg("line", { class: "lp-wb-range", x1: at(interval[0]), x2: at(interval[1]), y1: 8, y2: 8 }) : "",
        there ? svg("circle", { class: `lp-dot lp-${tone}`, cx: at(value), cy: 8, r: 5 }) : "");
      const spread = there && interval ? h("small", {}, `${number(interval[0])} to ${number(interval[1])}`) : null;
      return h("div", { class: "lp-wb-row" }, h("span", {}, name), h("output", {}, there ? number(value) : "not measured", spread), drawing);
    }));
    own.element.hidden = !known.length;
  }
  return { element: own.element, update };
}

/** What infidelities are shares of: that of attributions that are all 0, where it is known. */
const wholeOf = (cell) => (cell.change > 0 ? cell.change : 1);

/** All checks of one or two methods. `update` takes [{name, cell, check, tone}] and the control. */
function checksPicture({ tip, data }) {
  const infidelity = measureRows({ title: "Infidelity",
    note: "Lower is better: how badly the attribution foretells what taking parts away does to the output; 1 is as badly as zeros. It should stay below shuffled." });
  const sensitivity = measureRows({ title: "Sensitivity", note: "Lower is steadier: how much a small change of the input moves the attribution." });
  const curve = chart({ label: "Randomisation check", height: 200, tip, read: (i) => readAt(i) });
  const drawn = panel({ title: "Does it depend on what the model learned?",
    note: "Rank correlation with the attribution of the model whose weights are drawn anew, from the output down. "
      + "Near 1 to the end: the same picture for random weights." }, curve.element);
  const element = h("div", { class: "lp-wb-checks" }, infidelity.element, sensitivity.element, drawn.element);
  let shown = [];

  const scaled = (cell, name) => (name === "infidelity" ? wholeOf(cell) : 1);
  const interval = (cell, name) => cell[`${name}_interval`] && cell[`${name}_interval`].map((end) => end / scaled(cell, name));
  const value = (cell, name) => (cell[name] ?? NaN) / scaled(cell, name);
  function readAt(i) {
    return [data.depths[i], ...shown.map(({ name, values }) => `${name}: ${number(values[i], 2)}`)];
  }
  function update(sides, control) {
    const rows = (name) => [
      ...sides.map((side) => ({ name: side.name, tone: side.tone, value: value(side.cell, name), interval: interval(side.cell, name) })),
      ...(control ? [{ name: "random (control)", tone: "ghost", value: value(control, name), interval: interval(control, name) }] : []),
      ...(name === "infidelity" && sides.length ? sides.filter((side) => Number.isFinite(value(side.cell, "infidelity_null")))
        .map((side) => ({ name: `${side.name}, shuffled`, tone: "code-8", value: value(side.cell, "infidelity_null") / wholeOf(side.cell) })) : [])];
    infidelity.update(rows("infidelity"));
    sensitivity.update(rows("sensitivity"));
    shown = sides.filter((side) => side.check.curve).map((side) => ({ name: side.name, tone: side.tone, values: decode(side.check.curve.values),
      low: side.check.curve.low && decode(side.check.curve.low), high: side.check.curve.high && decode(side.check.curve.high) }));
    drawn.element.hidden = !shown.length;
    if (!shown.length) return;
    const xs = data.depths.map((_, i) => i);
    const all = shown.flatMap((one) => [one.values, one.low || [], one.high || []]);
    const [low, high] = extent(all, 0);
    const last = xs.length - 1;
    const crowded = data.depths.reduce((sum, name) => sum + Math.min(name.length, 14) + 2, 0) > 38;
    curve.update({ x: { label: "drawn anew, down to", domain: [-0.15, last + 0.15], ticks: crowded ? [0, last] : xs, texts: (i) => shortened(data.depths[i]) },
      y: { label: "rank correlation", domain: [Math.min(low, -0.05), Math.max(high, 1.05)] },
      series: shown.flatMap((one) => [...(one.low ? [{ kind: "band", xs, ys: one.high, lows: one.low, tone: one.tone, name: one.name }] : []),
        { kind: "dots", xs, ys: one.values, tone: one.tone, name: one.name }]),
      text: shown.map((one) => `${one.name}: ${Array.from(one.values, (v, i) => `${data.depths[i]} ${number(v, 2)}`).join(", ")}.`).join(" ") });
    keyed(drawn.key, shown.map((one) => ({ text: one.name, tone: one.tone })));
  }
  return { element, update, stop: curve.stop };
}

const shortened = (text) => (text.length > 14 ? `…${text.slice(-13)}` : text);

/** Pictures of other results: one for all examples or one for each, light or dark as the page is. */
function besidePictures({ root, data }) {
  const element = h("div", { class: "lp-wb-beside" });
  const opened = new Map();
  const figures = data.beside.map(({ title }) => {
    const canvas = h("canvas", { role: "img" });
    element.append(h("figure", {}, h("figcaption", {}, title), canvas));
    return canvas;
  });
  let latest = 0;
  async function update(example) {
    latest += 1;
    const mine = latest;
    const dark = isDark(root);
    for (const [k, { title, pictures }] of data.beside.entries()) {
      const both = pictures[pictures.length > 1 ? example : 0];
      const one = both[dark && both.length > 1 ? 1 : 0];
      if (!opened.has(one)) opened.set(one, await bitmapOfPicture(one.src));
      if (mine !== latest) return;
      const bitmap = opened.get(one);
      Object.assign(figures[k], { width: bitmap.width, height: bitmap.height });
      figures[k].getContext("2d").drawImage(bitmap, 0, 0);
      figures[k].setAttribute("aria-label", `${title}. ${one.alt}`);
      figures[k].dataset.ready = String(example);
    }
  }
  return { element, update };
}

/** Whether the view is dark, by the lightness of its background. */
function isDark(root) {
  const [r, g, b] = palette(root)("bg").match(/[\d.]+/g).map(Number);
  return r + g + b < 3 * 128;
}

/** A picture from its `data:` address, which a page that may fetch nothing may not load as such. */
function bitmapOfPicture(src) {
  const [head, b64] = src.split(",");
  const text = atob(b64);
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: head.slice(5).split(";")[0] }));
}
