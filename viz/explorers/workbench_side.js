// One method: its choosers, what it says of the example, and how it was made.

const NONE = "";

/** A method's half of the view. `names` are those of its two settings; `optional` offers none at all. */
function methodSide({ root, data, store, heading, names, optional, onChange, onRead }) {
  const [methods, layers] = ["methods", "layers"].map((kind) => [...data[kind], ...data.offered[kind]]);
  const option = (value) => ({ value, text: spoken(value) });
  const method = select({ label: `Method ${heading}`, name: names[0], onChange: chooseMethod,
    options: [...(optional ? [{ value: NONE, text: "none" }] : []), ...methods.map(option)] });
  const layer = select({ label: "Layer", name: names[1], options: layers.map((value) => ({ value, text: value })),
    onChange: (value) => onChange({ [names[1]]: value }) });
  const why = h("p", { class: "lp-wb-why", hidden: true });
  const read = h("p", { class: "lp-wb-read", role: "status", "aria-live": "polite" });
  const said = h("p", { class: "lp-wb-said" });
  const how = h("p", { class: "lp-wb-how" });
  const kinds = data.parts.map((part) => part.kind);
  const some = (...wanted) => wanted.some((kind) => kinds.includes(kind));
  const tell = (part, i) => onRead(part.name, i);
  const text = some("token") ? textPicture({ root, onRead: (i) => tell(current.of("token"), i) }) : null;
  const image = some("pixel", "region") ? attributedPicture({ root, shape: data.shape, onRead: tell }) : null;
  const graph = some("node", "edge") ? attributedGraph({ root, graph: data.graph, onRead: tell }) : null;
  const pictures = h("div", { class: "lp-wb-side" }, [text, image, graph].filter(Boolean).map((one) => one.element));
  const own = panel({ title: heading }, h("div", { class: "lp-wb-pick" }, method.element, layer.element), why, pictures, read, said, how);
  let current = { of: () => null };
  let chosen = {};

  /** A layer that the method cannot have is left for the first that it can. */
  function chooseMethod(value) {
    const changes = { [names[0]]: value };
    if (value !== NONE) {
      const fits = (one) => store.possible(value, one, chosen.target, chosen.example);
      const now = [chosen.layer, chosen.first].find((one) => layers.includes(one)) ?? layers[0];
      changes[names[1]] = fits(now) ? now : layers.find(fits) ?? now;
    } else changes[names[1]] = NONE;
    onChange(changes);
  }
  /** What can be chosen; what cannot says why. */
  function setChoices(state) {
    chosen = state;
    method.set(state.method);
    layer.set(state.layer);
    layer.input.disabled = state.method === NONE;
    const reason = (m, l) => store.whyNot(m, l) || (data.live ? "" : "not computed for this page");
    for (const each of method.input.options) {
      if (each.value === NONE) continue;
      const open = layers.some((l) => store.possible(each.value, l, state.target, state.example));
      each.disabled = !open;
      each.textContent = open ? spoken(each.value) : `${spoken(each.value)} (${reason(each.value, layers[0])})`;
    }
    for (const each of layer.input.options) {
      const open = state.method === NONE || store.possible(state.method, each.value, state.target, state.example);
      each.disabled = !open;
      each.textContent = open ? each.value : `${each.value} (${reason(state.method, each.value)})`;
      each.title = open ? "" : reason(state.method, each.value);
    }
  }
  function refuse(reason) {
    why.textContent = reason;
    why.hidden = !reason;
    pictures.hidden = Boolean(reason);
    for (const each of [read, said, how]) each.hidden = Boolean(reason);
    if (reason) current = { of: () => null };
  }
  /** `cell`, `example`, `reaches` by part, `opacity`, `check` and what is chosen. */
  function update({ cell, example, reaches, opacity, check, state }) {
    refuse("");
    const finite = (part) => part && part.values.some(Number.isFinite);
    const of = (...wanted) => {
      const found = cell.parts.find((part) => wanted.includes(part.kind));
      return finite(found) ? found : null;
    };
    current = { of, cell, example };
    const sentence = cellSentence(cell, example, data);
    const shared = { example, reaches, text: sentence, key: keyOfCell(state.method, state.layer, state.target, state.example) };
    if (text) {
      text.element.hidden = !of("token");
      if (of("token")) text.update({ part: of("token"), example, reach: reaches[of("token").name] });
    }
    if (image) image.update({ ...shared, pixels: of("pixel"), regions: of("region"), opacity });
    if (graph) graph.update({ ...shared, nodes: of("node"), edges: of("edge") });
    said.textContent = sentence;
    const gap = cell.completeness_gap;
    how.textContent = [Number.isFinite(gap) && gap !== null ? `completeness gap ${number(gap)}` : null,
      check.internal_batch_size ? `internal batch ${Math.round(check.internal_batch_size)}` : null,
      check.seconds !== null && check.seconds !== undefined ? `${number(check.seconds, 2)} s` : null,
      check.signed === false ? "magnitudes, without a sign" : null,
      cell.infidelity_scale < 0 ? "fits best with its sign turned: it points the wrong way" : null,
      cell.asked ? "asked from the kernel" : null].filter(Boolean).join(" · ");
    own.element.dataset.ready = shared.key;
  }
  /** Say one value, and mark it in the picture; both sides hear of it. */
  function readout(name, i) {
    const part = current.cell && current.cell.parts.find((one) => one.name === name);
    if (!part) return;
    read.textContent = valueWords(part, i, current.example, data);
    if (text && part.kind === "token") text.light(i);
    if (image && (part.kind === "pixel" || part.kind === "region")) image.light(part.kind, i);
    if (graph && (part.kind === "node" || part.kind === "edge")) graph.light(part.kind, i);
  }
  const each = [text, image, graph].filter(Boolean);
  return { element: own.element, key: own.key, setChoices, refuse, update, readout, clear: () => { read.textContent = ""; },
    repaint: () => each.forEach((one) => one.repaint()), stop: () => each.forEach((one) => one.stop()) };
}
