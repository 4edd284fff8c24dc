// The image as it is, edited, and where it changes; the baseline beside; and other images.

/** A canvas with words below; `paint(ctx, frame)` draws into the image's frame. */
function imageFigure({ shape, caption, role = "img" }) {
  const canvas = h("canvas", { role });
  const holder = h("div", { class: "lp-picture" }, canvas);
  const words = h("figcaption", {});
  const element = h("figure", {}, holder, caption ? words : null);
  let paint = null;
  const surface = paintable({ canvas, element: holder, heightOf: (width) => (width * shape.rows) / shape.columns,
    paint(ctx, width, height) {
      if (!paint) return;
      ctx.clearRect(0, 0, width, height);
      paint(ctx, { x: 0, y: 0, w: width, h: height });
    } });
  function update(next, label, ...text) {
    paint = next;
    canvas.setAttribute("aria-label", label);
    words.replaceChildren(...text);
    surface.redraw();
  }
  return { element, canvas, update, repaint: surface.redraw, stop: surface.stop };
}

/** Values of pixels as colours of a ramp, by square roots, so that small changes are seen too. */
function paintMap(ctx, values, sheet, most, shades, frame) {
  const small = h("canvas", { width: sheet.width, height: sheet.height });
  const own = small.getContext("2d");
  const data = own.createImageData(sheet.width, sheet.height);
  values.forEach((value, i) => {
    data.data.set(shades.at(shareOf(value, most)), 4 * i);
    data.data[4 * i + 3] = 255;
  });
  own.putImageData(data, 0, 0);
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(small, frame.x, frame.y, frame.w, frame.h);
}

/** Two rows: the edit that is chosen, and a baseline at the same change inside. */
function editPictures({ root, shape, data }) {
  const ask = palette(root);
  const make = () => imageFigure({ shape, caption: true });
  const figures = { before: make(), edit: make(), map: make(), name: make(), other: make(), otherMap: make() };
  const chooser = select({ label: "Baseline", name: "baseline", options: [], onChange: () => draw() });
  const remark = h("p", { class: "lp-note" });
  const besides = h("div", { class: "lp-edit-row" }, h("div", {}, chooser.element, remark), figures.other.element, figures.otherMap.element);
  const element = h("div", { class: "lp-edit-rows" },
    h("div", { class: "lp-edit-row" }, figures.before.element, figures.edit.element, figures.map.element), besides);
  const key = h("span", {});
  let content = null;

  function update(next) {
    const other = !content || content.set !== next.set;
    content = next;
    if (other) {
      const chosen = Number(chooser.input.value) || 0;
      chooser.input.replaceChildren(...next.set.baselines.map((one, i) => h("option", { value: i }, one.method)));
      chooser.set(chosen < next.set.baselines.length ? chosen : 0);
      besides.hidden = !next.set.baselines.length;
    }
    draw();
  }
  function draw() {
    const { set, one, i, borders, images } = content;
    const baseline = set.baselines[Number(chooser.input.value) || 0];
    const shades = heat(ask);
    const middle = data.steps.indexOf(0);
    const mapOf = (edit) => (Number.isFinite(edit.outside[i])
      ? changeOf(set.sheet.pixels(edit.line, i), set.sheet.pixels(edit.line, middle), data.span) : null);
    const [own, theirs] = [mapOf(one), baseline ? mapOf(baseline) : null];
    const most = Math.max(1e-9, ...[own, theirs].filter(Boolean).map((map) => Math.max(...map)));
    const outlined = (ctx, frame) => outlineMask(ctx, borders, shape, frame, ask("accent"), ask("bg"));
    const picture = (edit) => (ctx, frame) => set.sheet.show(ctx, edit.line, i, frame);
    const mapped = (map) => (ctx, frame) => {
      if (map) paintMap(ctx, map, set.sheet, most, shades, frame);
      else hatch(ctx, frame.x, frame.y, frame.w, frame.h, ask("soft"), 12);
      outlined(ctx, frame);
    };
    const facts = (edit) => {
      if (data.steps[i] === 0) return "no step taken";
      if (!Number.isFinite(edit.outside[i])) return `a change of ${number(Math.abs(data.steps[i]), 2)} is not reached`;
      return `outside ${changeText(edit.outside[i])}; ${timesText(set.ratioAt(edit, i))} as much inside`;
    };
    const said = (edit) => `${edit.title} at ${signed(data.steps[i])} inside: ${facts(edit)}`;
    figures.before.update((ctx, frame) => images.show(ctx, 0, 0, frame), "The image as it is", h("b", {}, "As it is"));
    figures.edit.update(picture(one), `Edited. ${said(one)}`, h("b", {}, `${one.title}, ${signed(data.steps[i])}`));
    figures.map.update(mapped(own), `Where it changes. ${said(one)}`, h("b", {}, "Change"), `: ${facts(one)}`);
    if (baseline) {
      figures.other.update(picture(baseline), `Edited by the baseline. ${said(baseline)}`,
        h("b", {}, `${baseline.title}, ${signed(data.steps[i])}`));
      figures.otherMap.update(mapped(theirs), `Where the baseline changes it. ${said(baseline)}`, h("b", {}, "Change"), `: ${facts(baseline)}`);
      remark.textContent = { principal: "Most change inside, whatever happens to the rest.",
        random: "A direction drawn at random." }[baseline.method] || "";
    }
    key.replaceChildren(rampKey((part) => shades.css(part), "0", `${number(most / 4, 2)} in the middle, ${number(most, 2)}`));
  }
  const all = Object.values(figures);
  return { element, key, figures, update, repaint: () => content && draw(), stop: () => all.forEach((one) => one.stop()) };
}

/** The same direction on other images, both ways. */
function transferStrip({ root, shape, data }) {
  const ask = palette(root);
  const element = h("div", { class: "lp-edit-strip" });
  let cells = []; // [{figures, words}] by image
  function build(count) {
    cells.forEach((cell) => cell.figures.forEach((one) => one.stop()));
    cells = Array.from({ length: count }, () => {
      const figures = [0, 1, 2].map(() => imageFigure({ shape, caption: false }));
      const words = h("figcaption", {});
      return { figures, words, element: h("figure", {}, h("div", { class: "lp-edit-three" }, figures.map((one) => one.element)), words) };
    });
    element.replaceChildren(...cells.map((cell) => cell.element));
  }
  function update({ set, one, images, borders }) {
    const count = one.beyond.length / 2;
    if (cells.length !== count) build(count);
    const steps = data.steps.length;
    cells.forEach(({ figures, words }, k) => {
      const facts = [0, 1].map((way) => {
        const outside = one.beyond[2 * k + way];
        return Number.isFinite(outside) ? timesText(data.transfer / outside).replace(" times", "") : "not reached";
      });
      const outlined = (ctx, frame) => outlineMask(ctx, borders, shape, frame, ask("accent"), ask("bg"));
      figures[0].update((ctx, frame) => set.sheet.show(ctx, one.line, steps + 2 * k, frame), `Image ${k + 2}, ${signed(-data.transfer)}: ratio ${facts[0]}`);
      figures[1].update((ctx, frame) => { images.show(ctx, 0, k + 1, frame); outlined(ctx, frame); }, `Image ${k + 2} as it is, with the region`);
      figures[2].update((ctx, frame) => set.sheet.show(ctx, one.line, steps + 2 * k + 1, frame), `Image ${k + 2}, ${signed(data.transfer)}: ratio ${facts[1]}`);
      words.textContent = `Inside over outside: ${facts[0]} back, ${facts[1]} forth`;
    });
  }
  return { element, update, stop: () => build(0) };
}
