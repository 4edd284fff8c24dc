// The edit explorer: a region of an image, the directions that edit it, and what else changes.

const STATES = ["mask", "drawn", "rank", "kind", "direction", "step"];
const PATIENCE = 300; // milliseconds that keys may follow each other before the kernel is asked

/** Draw the view of `data` into `root`; state and questions go through `host`. Gives the function that takes it down. */
function draw(data, root, host) {
  const shape = { rows: data.rows, columns: data.columns };
  const size = data.rows * data.columns;
  const known = data.masks.map(({ name, runs }) => ({ name, mask: maskOfRuns(runs, size) }));
  const live = Boolean(host.live && data.live);
  const store = editStore(data, host);
  const state = readState();
  let shown = null; // {set, mask, borders, images}: what is on the screen
  let latest = 0; // number of the newest request: an answer to an older one is dropped
  let timer = 0;
  let images = null;

  function readState() {
    return Object.fromEntries(STATES.map((name) => [name, host.get(name)]));
  }
  const place = () => {
    const near = data.steps.map((step) => Math.abs(step - state.step));
    return near.indexOf(Math.min(...near));
  };
  const maskNow = () => (state.mask === DRAWN && !known.some(({ name }) => name === DRAWN)
    ? maskOfRuns(state.drawn, size) : known.find(({ name }) => name === state.mask).mask);

  // Controls
  const chooser = select({ label: "Region", name: "mask", onChange: (mask) => change({ mask, rank: AUTOMATIC }),
    options: known.map(({ name }) => ({ value: name, text: name })) });
  const hand = h("option", { value: DRAWN, hidden: true, disabled: true }, "drawn by hand");
  if (live) chooser.input.append(hand);
  const kinds = choices({ label: "Latents", name: "kind", onChange: (kind) => change({ kind, rank: AUTOMATIC }),
    options: data.kinds.map((value) => ({ value, text: value })) });
  const bar = h("div", { class: "lp-bar lp-edit-bar", role: "group", "aria-label": "Settings" },
    chooser.element, data.kinds.length > 1 ? kinds.element : null);
  const summary = h("p", { class: "lp-summary lp-roomy", role: "status", "aria-live": "polite" });
  const problem = h("p", { class: "lp-problem", role: "alert", hidden: true });

  // Pictures
  const tip = tooltip(root);
  const picker = regionPicker({ root, tip, live, shape, known, onPick: (mask) => change({ mask, rank: AUTOMATIC }), onDraw: drew });
  const region = panel({ title: "Region", note: live ? "Click a known region, or draw one: drag a rectangle, or take the brush. By keys: arrows move it, with Shift they resize it; B is the brush."
    : "Click a region or drag a rectangle: the known region that fits best is taken. Arrow keys choose the next one." }, picker.element, picker.tools);
  const sliders = directionSliders({ data, onMove: (direction, i) => change({ direction, step: data.steps[i] }, false) });
  const directions = panel({ title: "Directions",
    note: "Sliders are in units of the change inside the region (root mean square, of images from −1 to 1 unless said otherwise): "
      + "at one position all directions change it as much. One direction at a time." }, sliders.element);
  const pictures = editPictures({ root, shape, data });
  const change_ = panel({ title: "The edit, where it changes the image, and a baseline",
    note: "Both at the same change inside the region, which is outlined. Colours by square roots, so that small changes are seen too." }, pictures.element);
  change_.key.append("change of a pixel", pictures.key);
  const spectra = spectraPicture({ tip, onRank: (rank) => change({ rank }) });
  const spectrum = panel({ title: "Spectra and rank" }, spectra.element);
  keyed(spectrum.key, [{ text: "region", tone: "accent" }, { text: "rest", tone: "ghost" }]);
  const reason = h("p", { class: "lp-note" });
  spectrum.element.append(reason);
  const strip = transferStrip({ root, shape, data });
  const transfer = panel({ title: "The same direction on other images",
    note: `Back, as it is, and forth, each at a change of ${number(data.transfer, 2)} inside.` }, strip.element);
  const remark = h("p", { class: "lp-note" });
  root.append(h("style", {}, EDIT_STYLE), h("h3", { class: "lp-title" }, data.title), bar, summary, problem,
    h("div", { class: "lp-edit" }, region.element, directions.element), h("div", { class: "lp-wide" }, change_.element),
    h("div", { class: "lp-edit" }, spectrum.element, transfer.element), remark);

  function drew(mask) {
    const count = pixelsIn(mask);
    if (count === 0 || count === size) {
      complain(count ? "The region must leave pixels outside." : "The region must hold at least one pixel.");
      picker.repaint();
      return;
    }
    change({ mask: DRAWN, drawn: runsOfMask(mask), rank: AUTOMATIC });
  }
  function complain(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }
  /** Take a change of the user's, tell the host, draw; `anew` where other edits are needed. */
  function change(changes, anew = true) {
    Object.assign(state, changes);
    if (anew && "mask" in changes) state.direction = 0;
    host.set(Object.fromEntries(STATES.map((name) => [name, state[name]])));
    if (anew) refresh();
    else light();
  }
  /** A page has the regions and ranks that it carries. */
  function fit() {
    const names = known.map(({ name }) => name);
    if (!names.includes(state.mask) && !(live && state.mask === DRAWN && state.drawn.length)) state.mask = names[0];
  }
  async function refresh() {
    fit();
    clearTimeout(timer);
    complain("");
    latest += 1;
    const mine = latest;
    outline();
    const hasIt = data.sets[store.keyOf(state)];
    if (!hasIt) {
      root.setAttribute("aria-busy", "true");
      await new Promise((resolve) => { timer = setTimeout(resolve, PATIENCE); });
      if (mine !== latest) return;
    }
    try {
      const set = await store.get(state);
      images = images || await openSheet(data.images);
      if (mine !== latest) return;
      shown = { set, images };
      outline();
      light();
    } catch (error) {
      if (mine === latest) complain(error.message);
    }
    if (mine === latest) root.removeAttribute("aria-busy");
  }
  /** The region alone, which is known before its edits are. */
  function outline() {
    const mask = maskNow();
    const count = pixelsIn(mask);
    const name = state.mask === DRAWN ? "drawn by hand" : state.mask;
    hand.hidden = state.mask !== DRAWN;
    chooser.set(state.mask);
    kinds.set(state.kind);
    picker.update({ images, mask, borders: bordersOf(mask, data.rows, data.columns), name: state.mask,
      text: `Region ${name}: ${count} of ${size} pixels.` });
    region.key.textContent = `${counted(count, "pixel")}, ${percent(count / size)}`;
  }
  function light() {
    if (!shown) return;
    tip.hide();
    const { set } = shown;
    const rank = clamp(state.rank || set.rank, 1, set.own.length);
    const direction = clamp(state.direction, 0, rank - 1);
    const one = set.own[direction];
    const i = place();
    const borders = bordersOf(maskNow(), data.rows, data.columns);
    sliders.update({ set, rank, direction, i });
    pictures.update({ set, one, i, borders, images });
    strip.update({ set, one, images, borders });
    const most = live ? data.live.most : set.rank;
    spectra.update({ set, rank, most: Math.max(most, rank) });
    reason.textContent = `${counted(rank, "direction")}${state.rank ? ", asked for" : `: ${set.reason}`}. `
      + `Drag the line or use arrow keys on it${live ? "; the kernel makes the directions that are not there yet" : ""}.`;
    directions.key.textContent = { generalised: "generalised eigenproblem", null_space: "null space of the rest", robust_pca: "robust PCA" }[set.method] || set.method;
    const name = state.mask === DRAWN ? "drawn by hand" : `“${state.mask}”`;
    summary.textContent = editSentence(set, one, i, data, `Region ${name}, ${state.kind}, direction ${direction + 1}`);
    summary.classList.toggle("lp-warned", one.empty);
    remark.textContent = [data.name && `Generator: ${data.name}.`, !live && `${counted(known.length, "region")} made ahead; a running kernel makes any other.`,
      set.sheet_error > 0 && `Pictures are compressed: a colour differs by at most ${set.sheet_error} of 255.`].filter(Boolean).join(" ");
    root.dataset.ready = store.keyOf(state);
  }

  const stopTheme = watchTheme(() => {
    picker.repaint();
    light();
  });
  for (const name of STATES) {
    host.on(name, () => {
      const now = readState();
      if (STATES.every((each) => JSON.stringify(now[each]) === JSON.stringify(state[each]))) return;
      Object.assign(state, now);
      refresh();
    });
  }
  refresh();
  return () => {
    clearTimeout(timer);
    latest += 1;
    stopTheme();
    for (const each of [picker, pictures, spectra, strip]) each.stop();
  };
}
