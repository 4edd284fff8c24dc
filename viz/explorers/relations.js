// The relation explorer: one pair, how its objects relate among words and among regions, head by head.

const STATES = ["example", "layer", "head", "object", "show"];
const SHOWS = { isd: "ISD", gap: "gap to permuted links", matrices: "both matrices" };

/** Draw the view of `data` into `root`; state goes through `host`. Gives the function that takes it down. */
function draw(data, root, host) {
  const open = relationStore(data);
  const count = data.examples.length;
  const state = readState();
  let hovered = -1;
  const ask = palette(root);

  function readState() {
    return Object.fromEntries(STATES.map((name) => [name, host.get(name)]));
  }

  // Controls
  const captions = data.examples.map(({ caption }, i) => {
    const text = `${i + 1}. ${caption}`;
    return { value: i, text: text.length > 80 ? `${text.slice(0, 79)}…` : text };
  });
  const chooser = select({ label: "Example", name: "example", options: captions, onChange: (i) => choose(Number(i)) });
  const step = (by, sign, title) => h("button", { type: "button", title, "aria-label": title,
    onclick: () => choose(clamp(state.example + by, 0, count - 1)) }, sign);
  const steps = [step(-1, "‹", "Previous example"), step(1, "›", "Next example")];
  chooser.element.append(h("div", { class: "lp-row" }, chooser.input, steps));
  const showing = select({ label: "Heads show", name: "show", onChange: (show) => change({ show }),
    options: data.shows.map((value) => ({ value, text: SHOWS[value] })) });
  const bar = h("div", { class: "lp-bar lp-rel-bar", role: "group", "aria-label": "Settings" },
    chooser.element, showing.element);
  const summary = h("p", { class: "lp-summary lp-roomy", role: "status", "aria-live": "polite" });

  // Pictures
  const tip = tooltip(root);
  const pick = (object) => change({ object });
  const hover = (k) => {
    if (k === hovered) return;
    hovered = k;
    light();
  };
  const shared = { tip, onPick: pick, onHover: hover };
  const says = (k) => [open(state.example).nameOf(k)];
  const picture = objectPicture({ ...shared, root, says });
  const words = phraseArcs({ ...shared, says });
  const tables = [["words", "Among words"], ["regions", "Among regions"], ["apart", "Words less regions"]].map(
    ([name, title]) => ({ name, title, ...relationTable({ ...shared, title }) }));
  const grid = relationGrid({ root, tip, onPick: (at) => change(at) });
  const heads = panel({ title: "Heads" }, grid.element);
  const gridNote = h("p", { class: "lp-note" });
  heads.element.append(gridNote);
  const tablesNote = h("p", { class: "lp-note" }, "Each row: how one object's attention within its side is shared among "
    + "the objects. Words and regions have one scale; orange: more among words, blue: more among regions.");
  const remark = h("p", { class: "lp-note" }, [data.model && `Model: ${data.model}.`,
    data.rounding > 0.0005 && `Relations are rounded by at most ${Number(data.rounding.toPrecision(2))}.`].filter(Boolean).join(" "));
  root.append(h("style", {}, RELATION_STYLE), h("h3", { class: "lp-title" }, data.title), bar, summary,
    h("div", { class: "lp-wide" }, panel({ title: "Caption: relations among words" }, words.element, words.note).element),
    h("div", { class: "lp-rel" },
      h("div", {}, panel({ title: "Image: relations among regions" }, picture.element).element),
      h("div", {}, h("div", {}, h("div", { class: "lp-rel-tables" }, tables.map((one) => one.element)), tablesNote),
        heads.element)), remark);

  function choose(i) {
    if (i !== state.example) change({ example: i, object: Math.min(state.object, data.examples[i].count - 1) });
  }
  /** Take a change of the user's, tell the host, draw. */
  function change(changes) {
    Object.assign(state, changes);
    host.set(Object.fromEntries(STATES.map((name) => [name, state[name]])));
    refresh();
  }

  function refresh() {
    hovered = -1;
    tip.hide();
    const example = open(state.example);
    chooser.set(state.example);
    showing.set(state.show);
    steps[0].disabled = state.example === 0;
    steps[1].disabled = state.example === count - 1;
    const { layer, head, show } = state;
    const named = `Layer ${example.layers[layer]}, ${head === MEAN ? "the mean over heads" : `head ${example.heads[head]}`}, is chosen.`;
    grid.update({ example, layer, head, show, text: named, says: wordsOf });
    const shades = grid.shades();
    heads.key.replaceChildren(rampKey((part) => shades.ramp.css(part), number(shades.low, 2), number(shades.high, 2)));
    gridNote.textContent = `${{ isd: "ISD of this pair; 0: the same relations, or even ones.",
      gap: "How much smaller the ISD is than with links permuted, as a share of that. 0: links explain nothing.",
      matrices: "Words at the left, regions at the right, one scale for all." }[show]} `
      + "Rows are layers, columns heads. Hatched: not applicable.";
    light();
    summary.textContent = relationSentence(example, readRelations(example, layer, head), state);
  }

  /** Everything that follows the object under the pointer, else the chosen one. */
  function light() {
    const example = open(state.example);
    const read = readRelations(example, state.layer, state.head);
    const chosen = state.object;
    const focus = hovered >= 0 && hovered < example.count ? hovered : chosen;
    const strong = anchored(ask, "rel", 4);
    const apart = anchored(ask, "apart", 7);
    const largest = (values) => Math.max(0, ...[...(values || [])].filter(Number.isFinite).map(Math.abs));
    const most = Math.max(largest(read.words), largest(read.regions)) || 1;
    const reach = Math.max(0.1, largest(read.apart));
    const shadesOf = {
      words: (value) => ({ fill: strong.css(value / most), ink: strong.ink(value / most) }),
      apart: (value) => ({ fill: apart.css(0.5 + value / reach / 2), ink: apart.ink(0.5 + value / reach / 2) }),
    };
    const signed = (value) => number(Math.abs(value) < 0.005 ? 0 : value, 2).replace(/^(−?)0\./, "$1.");
    for (const table of tables) {
      const values = read[table.name];
      const kind = table.name === "apart" ? "apart" : "words";
      table.update({ example, values, focus, chosen, shades: shadesOf[kind], format: signed,
        text: rowText(example, values, chosen), says: (i, j) => [`from ${example.nameOf(i)}`, `to ${example.nameOf(j)}`,
          ...tables.map(({ name, title }) => `${title}: ${cellText(read[name], i * example.count + j)}`)] });
    }
    picture.update({ example, values: read.regions, focus, chosen, text: rowText(example, read.regions, chosen) });
    words.update({ example, values: read.words, focus, chosen });
  }
  const cellText = (values, at) => (values && Number.isFinite(values[at]) ? number(values[at], 3) : "not applicable");
  function rowText(example, values, k) {
    if (!values) return "Not applicable in this layer.";
    const parts = Array.from({ length: example.count }, (_, j) => `${j + 1} ${cellText(values, k * example.count + j)}`);
    return `From ${example.nameOf(k)} to ${parts.join(", ")}.`;
  }
  function wordsOf(l, i) {
    const example = open(state.example);
    const isd = example.isd(l, i);
    const where = `Layer ${example.layers[l]}, ${i === MEAN ? "mean over heads" : `head ${example.heads[i]}`}`;
    if (!Number.isFinite(isd)) return [where, "not applicable"];
    const permuted = example.permuted(l, i);
    return [where, `ISD ${number(isd)}`, Number.isFinite(permuted) && `links permuted: ${number(permuted)}`].filter(Boolean);
  }

  const stopTheme = watchTheme(() => {
    picture.repaint();
    grid.repaint();
    refresh();
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
    stopTheme();
    picture.stop();
    grid.stop();
    words.stop();
  };
}
