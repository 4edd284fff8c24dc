// The training explorer: a measure over layers at one step, its course, and the loss.

/** Draw the view of `data` into `root`; gives the function that takes it down. */
function draw(data, root, host) {
  const { steps, layers } = data;
  const measures = new Map(data.measures.map((one) => [one.name, { ...one,
    values: decode(one.values), low: one.low && decode(one.low), high: one.high && decode(one.high) }]));
  const curves = data.curves.map((one) => ({ ...one, steps: decode(one.steps), values: decode(one.values) }));
  const places = layers.map((_, i) => i);
  const state = readState();
  let timer = 0;

  function readState() {
    return { measure: host.get("measure"), at: Math.max(0, steps.indexOf(host.get("step"))) };
  }
  const measure = () => measures.get(state.measure) || measures.values().next().value;
  const axisLabel = ({ label, units }) => (units ? `${label} (${units})` : label);
  const layerText = (i) => (Number.isInteger(i) ? String(layers[i] ?? "") : "");
  const column = (values, layer) => steps.map((_, at) => values[at * layers.length + layer]);
  const stepDomain = [steps[0], steps[steps.length - 1]];

  const play = h("button", { type: "button", onclick: () => (timer ? halt() : run()) }, "▶ Play");
  const stepper = slider({ label: "Step", name: "step",
    format: (at) => `${steps[at].toLocaleString("en")} of ${steps[steps.length - 1].toLocaleString("en")}`,
    onInput: (at) => { halt(); change({ at }); } });
  const chooser = select({ label: "Measure", name: "measure",
    options: data.measures.map(({ name, label }) => ({ value: name, text: label })),
    onChange: (name) => change({ measure: name }) });
  const summary = h("p", { class: "lp-summary", role: "status", "aria-live": "polite" });

  const tip = tooltip(root);
  const profile = chart({ label: "Over layers", height: 260, tip, read: (i) => {
    const { values } = measure();
    return [`layer ${layers[i]}`, `step ${steps[0]}: ${number(values[i])}`,
      `step ${steps[state.at]}: ${number(values[state.at * layers.length + i])}`];
  } });
  const toStep = (at) => { halt(); change({ at }); };
  const course = chart({ label: "Over steps, one line a layer", height: 260, tip, onPick: toStep,
    read: (at) => [`step ${steps[at]}`, ...layers.slice(0, 12).map((layer, i) =>
      `layer ${layer}: ${number(measure().values[at * layers.length + i])}`)] });
  const pictures = curves.map((one) => ({ one, picture: chart({ label: one.label, height: 150, tip,
    onPick: (i) => toStep(nearestStep(one.steps[i])),
    read: (i) => [`step ${one.steps[i]}`, `${one.label}: ${number(one.values[i])}`] }) }));
  const panels = { profile: panel({ title: "Over layers" }, profile.element),
    course: panel({ title: "Over steps, one line a layer" }, course.element) };
  root.append(h("h3", { class: "lp-title" }, data.title),
    h("div", { class: "lp-bar", role: "group", "aria-label": "Settings" }, chooser.element,
      h("div", { class: "lp-play" }, play, stepper.element)),
    summary, h("div", { class: "lp-two lp-even" }, panels.profile.element, panels.course.element),
    h("div", { class: pictures.length > 1 ? "lp-two" : "lp-wide" }, pictures.map(({ one, picture }) =>
      panel({ title: one.label[0].toUpperCase() + one.label.slice(1) }, picture.element).element)));

  function nearestStep(step) {
    return steps.reduce((best, s, at) => (Math.abs(s - step) < Math.abs(steps[best] - step) ? at : best), 0);
  }
  function run() {
    if (state.at === steps.length - 1) change({ at: 0 });
    play.textContent = "❚❚ Pause";
    // While it plays nothing is read aloud: the last step is, when it stops.
    summary.setAttribute("aria-live", "off");
    timer = setInterval(() => {
      if (state.at >= steps.length - 1) halt();
      else change({ at: state.at + 1 });
    }, clamp(6000 / steps.length, 120, 700));
  }
  function halt() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ Play";
    summary.setAttribute("aria-live", "polite");
  }
  function change(changes) {
    Object.assign(state, changes);
    host.set({ measure: state.measure, step: steps[state.at] });
    show();
  }

  function show() {
    const one = measure();
    const { values, low, high } = one;
    const line = (at) => row(values, layers.length, at);
    stepper.set({ max: steps.length - 1, value: state.at });
    chooser.set(one.name);
    // The scale stays while the step moves, so that a moving line means a moving number.
    const y = { label: axisLabel(one), domain: extent([values, ...(low ? [low, high] : [])]) };
    const now = line(state.at);
    const band = low ? [{ kind: "band", xs: places, tone: "accent",
      ys: row(high, layers.length, state.at), lows: row(low, layers.length, state.at) }] : [];
    const edge = places.length > 1 ? 0.04 * (places.length - 1) : 0.5;
    const thin = Math.ceil(places.length / 16);
    profile.update({ y, x: { label: "layer", domain: [-edge, places.length - 1 + edge],
      ticks: places.filter((i) => i % thin === 0), texts: layerText },
      series: [{ kind: "dots", xs: places, ys: line(0), tone: "ghost" }, ...band,
        { kind: "dots", xs: places, ys: now, tone: "accent" }],
      text: `From ${number(now[0])} at layer ${layers[0]} to ${number(now[now.length - 1])} `
        + `at layer ${layers[layers.length - 1]}.` });
    keyed(panels.profile.key, [{ text: `step ${steps[0]}`, tone: "ghost" },
      { text: `step ${steps[state.at]}`, tone: "accent" }]);
    course.update({ y, x: { label: "step", domain: stepDomain },
      series: places.map((i) => ({ kind: "line", xs: steps, ys: column(values, i),
        tone: `depth-${Math.round((7 * i) / Math.max(1, places.length - 1))}` })),
      marks: [{ x: steps[state.at], tone: "accent" }], text: `${counted(layers.length, "layer")}.` });
    keyed(panels.course.key, [{ text: `layer ${layers[0]}`, tone: "depth-0" },
      { text: `layer ${layers[layers.length - 1]}`, tone: "depth-7" }]);
    for (const { one: curve, picture } of pictures) {
      picture.update({ x: { label: "step", domain: stepDomain },
        y: { label: axisLabel({ ...curve, label: curve.name }), domain: extent([curve.values]) },
        series: [{ kind: "line", xs: curve.steps, ys: curve.values, tone: "ghost" }],
        marks: [{ x: steps[state.at], tone: "accent" }],
        text: `${number(curve.values[0])} at first, ${number(curve.values[curve.values.length - 1])} at last.` });
    }
    const range = (at) => `${number(Math.min(...line(at)))} to ${number(Math.max(...line(at)))}`;
    summary.textContent = `Step ${steps[state.at]}: ${one.label} over layers is ${range(state.at)}`
      + ` (${range(0)} at step ${steps[0]}).`;
  }

  for (const name of ["measure", "step"]) {
    host.on(name, () => {
      Object.assign(state, readState());
      show();
    });
  }
  show();
  return () => {
    halt();
    [profile, course, ...pictures.map(({ picture }) => picture)].forEach((one) => one.stop());
  };
}
