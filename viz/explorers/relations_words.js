// The caption with its phrases, and the relations of one of them as arcs.

/** `update` takes {example, values, focus, chosen}: `values` relations among words, or null. */
function phraseArcs({ tip, onPick, onHover, says }) {
  const arcs = svg("svg", { "aria-hidden": "true" });
  const line = h("div", { role: "group", "aria-label": "Caption: choose a phrase" });
  const element = h("div", { class: "lp-rel-words" }, arcs, line);
  const note = h("p", { class: "lp-note" });
  let buttons = []; // {k, button, share}
  let content = null;
  let of = null;

  function build(example) {
    of = example;
    buttons = [];
    const left = example.phrases.flatMap((_, k) => (example.pieces.some(({ objects }) => objects.includes(k)) ? [] : [k]));
    line.replaceChildren(...example.pieces.flatMap(({ text, objects }) =>
      (objects.length ? objects.map((k, i) => button(example, k, i ? "" : text)) : [h("span", {}, text)])),
    ...left.map((k) => button(example, k, example.phrases[k])));
    note.textContent = left.length ? `Not found in the caption: ${left.map(example.nameOf).join(", ")}.` : "";
    note.hidden = !left.length;
  }
  function button(example, k, text) {
    const share = h("small");
    const made = h("button", { type: "button", class: `lp-code-${example.codeOf(k)}`, "data-object": k,
      onclick: () => onPick(k), onfocus: () => onHover(k), onblur: () => onHover(-1),
      onpointermove: (event) => { onHover(k); tip.show(event, ...says(k)); },
      onpointerleave: () => { onHover(-1); tip.hide(); }, onkeydown: pressed },
    text || null, h("span", { class: "lp-rel-number" }, example.numberOf(k)), share);
    buttons.push({ k, button: made, share });
    return made;
  }
  function pressed(event) {
    const next = stepOf(event, content.chosen, content.example.count);
    if (next === undefined) return;
    onPick(next);
    first(next).focus();
  }
  const first = (k) => buttons.find((one) => one.k === k).button;

  function update(next) {
    content = next;
    const { example, values, focus, chosen } = next;
    if (of !== example) build(example);
    for (const { k, button: one, share } of buttons) {
      const value = values ? values[focus * example.count + k] : NaN;
      share.textContent = Number.isFinite(value) ? percent(value) : "";
      one.setAttribute("aria-pressed", String(k === chosen));
      one.setAttribute("aria-label", `${example.nameOf(k)}${Number.isFinite(value) ? `: ${percent(value)} of ${focus + 1}` : ""}`);
      one.classList.toggle("lp-lit", k === focus);
      one.tabIndex = k === chosen && one === first(k) ? 0 : -1;
    }
    bend();
  }
  /** Arcs over the caption; where lines break, from one line to another. */
  function bend() {
    if (!content) return;
    const { example, values, focus } = content;
    const whole = element.getBoundingClientRect();
    const top = (k) => {
      const box = first(k).getBoundingClientRect();
      return [box.left - whole.left + box.width / 2, box.top - whole.top];
    };
    const others = values ? Array.from({ length: example.count }, (_, k) => k).filter((k) => k !== focus) : [];
    const [x1, y1] = top(focus);
    arcs.replaceChildren(...others.flatMap((k) => {
      const share = values[focus * example.count + k];
      if (!Number.isFinite(share)) return [];
      const [x2, y2] = top(k);
      const lift = Math.min(y1, y2) - 8 - Math.min(34, Math.abs(x2 - x1) / 12);
      // Between two lines of the caption an arc swings out, lest it hide behind what stands between.
      const aside = Math.abs(y2 - y1) > 4 ? Math.max(0, 70 - Math.abs(x2 - x1) / 2) : 0;
      return [svg("path", { class: `lp-rel-arc lp-code-${example.codeOf(focus)}`, style: "fill:none",
        "data-to": k, "data-share": share.toFixed(4), "stroke-width": LINE.thin + share * (LINE.thick - LINE.thin),
        d: `M${x1.toFixed(1)} ${y1.toFixed(1)}C${(x1 + aside).toFixed(1)} ${lift.toFixed(1)} ${(x2 + aside).toFixed(1)} ${lift.toFixed(1)} ${x2.toFixed(1)} ${y2.toFixed(1)}` })];
    }));
  }
  const stop = watchWidth(element, bend);
  return { element, note, update, stop };
}
