// The film explorer: one frame at a time, PCA beside UMAP, one example's path through all of them.

const FILM_OTHER = 8;
const FILM_PAUSE = { slow: 1700, normal: 900, fast: 450 }; // milliseconds a frame

/** Draw the view of `data` into `root`; gives the function that takes it down. */
function draw(data, root, host) {
  const { frames, texts } = data;
  const n = texts.length;
  const over = data.over[0].toUpperCase() + data.over.slice(1);
  const labelOf = decode(data.codes);
  // The most frequent labels have a colour and a shape each, the rest share grey.
  const named = data.labels.length <= 9 ? data.labels : data.labels.slice(0, FILM_OTHER);
  const codes = labelOf.map((label) => Math.min(label, FILM_OTHER));
  const legendText = data.labels.length > 9
    ? [...named, `${data.labels.length - FILM_OTHER} others`] : named;
  const kept = decode(data.kept);
  const maps = data.maps.map((one) => {
    const points = decode(one.points);
    const column = (axis) => frames.map((_, at) =>
      Float32Array.from({ length: n }, (__, i) => points[2 * (at * n + i) + axis]));
    return { ...one, word: one.name.toUpperCase(), xs: column(0), ys: column(1), trust: decode(one.trust) };
  });
  const state = { ...readState(), lit: -1 };
  let timer = 0;

  function readState() {
    return { at: Math.max(0, frames.findIndex((frame) => frame === host.get("frame"))),
      selected: host.get("selected"), speed: host.get("speed") };
  }
  const frameWord = (at) => `${data.over} ${frames[at]}`;

  // Controls
  const play = h("button", { type: "button", onclick: () => (timer ? halt() : run()) }, "▶ Play");
  const scrubber = slider({ label: over, name: "frame",
    format: (at) => `${frames[at]} (${at + 1} of ${frames.length})`,
    onInput: (at) => { halt(); change({ at }); } });
  // A hand on the scrubber stops the film, even where it moves nothing.
  scrubber.input.addEventListener("pointerdown", () => halt());
  scrubber.input.addEventListener("keydown", (event) => event.key !== "Tab" && halt());
  const speed = choices({ label: "Speed", name: "speed",
    options: Object.keys(FILM_PAUSE).map((value) => ({ value, text: value })),
    onChange: (value) => { change({ speed: value }); if (timer) run(); } });
  const summary = h("p", { class: "lp-summary lp-roomy", role: "status", "aria-live": "polite" });

  // Pictures
  const tip = tooltip(root);
  const chip = (i) => (data.labels.length
    ? h("span", { class: "lp-chip" }, symbol(codes[i]), data.labels[labelOf[i]]) : null);
  const linesOf = (i) => [data.labels.length ? `${data.labels[labelOf[i]]}:` : null, texts[i]].filter(Boolean);
  const pick = (selected) => change({ selected });
  const views = maps.map((map) => {
    const picture = scatter({ root, codes, tip, label: `${map.word} map`, lines: linesOf, height: 380,
      onPick: pick, onHover: point });
    return { map, picture, path: pathOver(picture), panel: panel({ title: map.word }, picture.element) };
  });
  const legend = h("div", { class: "lp-legend", role: "group", "aria-label": "Highlight a label" },
    legendText.map((label, code) => h("button", { type: "button", "aria-pressed": "false",
      onclick: () => change({ lit: state.lit === code ? -1 : code }) }, symbol(code), label)));
  const picker = sentencePicker({ texts, onPick: pick });
  const quote = h("blockquote", { class: "lp-quote" });
  const jump = (at) => { halt(); change({ at }); };
  const trust = chart({ label: "Trustworthiness of each frame", height: 190, tip, onPick: jump,
    read: (at) => [frameWord(at), ...maps.map((map) => `${map.word} ${number(map.trust[at], 2)}`)] });
  const share = chart({ label: "Neighbours kept from the frame before", height: 190, tip, onPick: jump,
    read: (at) => [frameWord(at), at ? `kept ${number(kept[at], 2)}` : "the first frame",
      `chance ${number(data.chance, 2)}`] });
  const panels = { trust: panel({ title: "Trustworthiness of the map" }, trust.element),
    share: panel({ title: "Neighbours kept from the frame before" }, share.element) };
  root.append(h("h3", { class: "lp-title" }, data.title),
    h("div", { class: "lp-bar", role: "group", "aria-label": "Settings" },
      h("div", { class: "lp-play" }, play, scrubber.element), speed.element), summary,
    data.labels.length ? legend : "",
    h("div", { class: views.length > 1 ? "lp-two lp-even" : "lp-wide" }, views.map((one) => one.panel.element)),
    h("div", { class: "lp-chosen" }, picker.element, quote),
    h("div", { class: "lp-two lp-even" }, panels.trust.element, panels.share.element));

  function point(i) {
    views.forEach(({ picture }) => picture.point(i));
  }
  /** Play on; only ever because a user asked. */
  function run() {
    if (state.at === frames.length - 1) change({ at: 0 });
    clearInterval(timer);
    play.textContent = "❚❚ Pause";
    // While it plays nothing is read aloud: the last frame is, when it stops.
    summary.setAttribute("aria-live", "off");
    timer = setInterval(() => {
      if (state.at >= frames.length - 1) halt();
      else change({ at: state.at + 1 });
    }, FILM_PAUSE[state.speed]);
  }
  function halt() {
    if (!timer) return;
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ Play";
    summary.setAttribute("aria-live", "polite");
    summary.textContent = said();
  }
  function change(changes) {
    Object.assign(state, changes);
    host.set({ frame: frames[state.at], selected: state.selected, speed: state.speed });
    show();
  }

  function said() {
    const trusted = maps.map((map) => `${map.word} ${number(map.trust[state.at], 2)}`).join(", ");
    const words = state.at ? `${number(100 * kept[state.at], 1)} % of each one's ${data.k} nearest were so in the `
      + `${data.over} before (chance ${number(100 * data.chance, 1)} %).` : "The first frame.";
    return `${over} ${frames[state.at]}: trustworthiness ${trusted}. ${words}`;
  }

  function show() {
    const { at, selected, lit } = state;
    scrubber.set({ max: frames.length - 1, value: at });
    speed.set(state.speed);
    picker.set(selected);
    [...legend.children].forEach((button, code) => button.setAttribute("aria-pressed", String(lit === code)));
    for (const { map, picture, path, panel: own } of views) {
      picture.update({ xs: map.xs[at], ys: map.ys[at], span: map.span, selected, linked: [], lit,
        names: map.name === "pca" ? ["PC 1", "PC 2"] : [`${map.word} 1`, `${map.word} 2`],
        text: `${n} examples at ${frameWord(at)}, trustworthiness ${cosine(map.trust[at])}.` });
      path.update(selected < 0 ? null : { at, span: map.span,
        xs: map.xs.map((xs) => xs[selected]), ys: map.ys.map((ys) => ys[selected]) });
      keyed(own.key, [{ text: `trustworthiness ${cosine(map.trust[at])}`, tone: "none" }]);
    }
    quote.replaceChildren(...(selected < 0 ? ["Choose a point to follow it through the film."]
      : [texts[selected], chip(selected)].filter(Boolean)));
    quote.classList.toggle("lp-empty", selected < 0);
    showCharts();
    summary.textContent = said();
  }
  function showCharts() {
    const places = frames.map((_, i) => i);
    const thin = Math.ceil(places.length / 12);
    const edge = 0.04 * (places.length - 1);
    const x = { label: data.over, domain: [-edge, places.length - 1 + edge],
      ticks: places.filter((i) => i % thin === 0), texts: (i) => String(frames[i] ?? "") };
    const marks = [{ x: state.at, tone: "accent" }];
    const tones = ["ghost", "accent"].slice(-maps.length);
    trust.update({ x, marks, y: { label: "trustworthiness", domain: [Math.min(0.5, ...maps.flatMap((map) => Array.from(map.trust))), 1] },
      series: maps.map((map, i) => ({ kind: "dots", xs: places, ys: map.trust, tone: tones[i] })),
      text: said() });
    keyed(panels.trust.key, maps.map((map, i) => ({ text: map.word, tone: tones[i] })));
    share.update({ x, marks, y: { label: "share", domain: [0, 1] },
      series: [{ kind: "line", xs: places, ys: places.map(() => data.chance), tone: "ghost" },
        { kind: "dots", xs: places, ys: kept, tone: "accent" }], text: said() });
    keyed(panels.share.key, [{ text: "kept", tone: "accent" }, { text: "chance", tone: "ghost" }]);
  }

  const stopTheme = watchTheme(() => views.forEach(({ picture }) => picture.redraw()));
  for (const name of ["frame", "selected", "speed"]) {
    host.on(name, () => {
      Object.assign(state, readState());
      show();
    });
  }
  show();
  return () => {
    clearInterval(timer);
    stopTheme();
    views.forEach(({ picture, path }) => { picture.stop(); path.stop(); });
    [trust, share].forEach((one) => one.stop());
  };
}
