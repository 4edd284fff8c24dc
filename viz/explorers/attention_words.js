// The caption word by word, the strongest weights of a line, and what lies on text and image.

const MOST_LISTED = 6;
const WORD_SHADE = 0.55; // most that a word's background may be of the ramp, so that it stays readable

/** Words and marks as buttons; `update` takes {example, line, possible, peak, query, lit, shades}. */
function captionWords({ tip, onPick, onHover }) {
  const element = h("div", { class: "lp-words", role: "group", "aria-label": "Caption: choose a word" });
  let buttons = [];
  let content = null;
  let of = null;

  function build(example) {
    of = example;
    buttons = example.words.map((j) => {
      const phrase = example.phrases[example.phraseOf[j]];
      const kind = [example.special[j] && "lp-special", example.piece(j) && "lp-piece",
        phrase && `lp-phrase lp-code-${phrase.tone}`, phrase && phrase.regions.length && "lp-linked"];
      return h("button", { type: "button", class: kind.filter(Boolean).join(" "), "data-position": j,
        onclick: () => onPick(j), onpointerleave: () => { onHover(-1); tip.hide(); },
        onpointermove: (event) => { onHover(j); tip.show(event, ...content.lines(j)); },
        onfocus: () => onHover(j), onblur: () => onHover(-1), onkeydown: (event) => pressed(event, j) },
      example.wordOf(j));
    });
    element.classList.toggle("lp-many", buttons.length > 40);
    element.replaceChildren(...buttons);
  }
  function pressed(event, j) {
    const at = of.words.indexOf(j);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0,
      End: of.words.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const next = clamp(to, 0, of.words.length - 1);
    onPick(of.words[next]);
    buttons[next].focus();
  }
  function update(next) {
    content = next;
    const { example, line, possible, peak, query, lit, shades } = next;
    if (of !== example) build(example);
    const inside = example.words.includes(query) ? query : example.words[0];
    example.words.forEach((j, at) => {
      const button = buttons[at];
      const able = possible[example.modality[j]];
      const share = able ? shareOf(line.values[j], peak) : 0;
      button.style.background = able ? shades.css(share, share * WORD_SHADE) : "";
      button.classList.toggle("lp-absent", !able);
      button.classList.toggle("lp-lit", lit.includes(example.phraseOf[j]) && example.phraseOf[j] >= 0);
      button.setAttribute("aria-pressed", String(j === query));
      button.setAttribute("aria-label", `${example.wordOf(j)}: ${able ? weightText(line, j) : "not applicable"}`);
      button.tabIndex = j === inside ? 0 : -1;
    });
  }
  return { element, update };
}

/** A weight for reading; what was rounded says so. */
function weightText(line, j) {
  const value = line.values[j];
  if (line.exact[j]) return number(value);
  return value < 0.0005 ? "≈ 0" : `≈ ${number(value)}`;
}

/** The largest weights of the chosen line; `update` takes {example, line, read, out}. */
function strongestList() {
  const list = h("ol", { class: "lp-bars lp-strongest" });
  const framed = panel({ title: "Largest weights" }, list);
  function update({ example, line, read, out, grouped }) {
    framed.heading.textContent = out ? "It attends most to" : "It is attended to most by";
    // Means of groups have no order among themselves, so exact weights stand alone where there are any.
    const some = read.order.filter((j) => line.values[j] > 0);
    const exact = some.filter((j) => line.exact[j]);
    const shown = (grouped && exact.length ? exact : some).slice(0, MOST_LISTED);
    const most = shown.length ? line.values[shown[0]] : 1;
    list.replaceChildren(...shown.map((j) => barOf({ value: line.values[j] / most, text: weightText(line, j) },
      h("span", {}, example.shortOf(j), example.special[j] ? h("small", {}, " mark") : null))),
    ...(shown.length ? [] : [h("li", { class: "lp-note" }, "nothing")]));
  }
  return { element: framed.element, update };
}

function barOf({ value, text, tone = "accent" }, ...name) {
  return h("li", {}, h("span", { class: "lp-chip" }, name),
    h("span", { class: "lp-bar-track", "aria-hidden": "true" },
      h("i", { class: `lp-${tone}`, style: `width:${clamp(100 * value, 0, 100)}%` })),
    h("span", { class: "lp-bar-value" }, text));
}

/** What lies on text, image and marks, and on regions; `update` takes {example, read, out, query}. */
function massPanel() {
  const buckets = h("ol", { class: "lp-bars lp-buckets" });
  const regions = h("ol", { class: "lp-bars lp-regions" });
  const title = h("h5", {}, "By region");
  const note = h("p", { class: "lp-note" });
  const framed = panel({ title: "Where it goes" }, buckets, title, regions, note);
  function update({ example, read, out, query }) {
    framed.heading.textContent = out ? "Where its attention goes" : "Attention to it, by place";
    const amount = (value) => (out ? percent(value) : number(value));
    const most = out ? 1 : Math.max(...read.buckets.map(({ value }) => value || 0)) || 1;
    buckets.replaceChildren(...read.buckets.map(({ name, value }) =>
      barOf({ value: Number.isFinite(value) ? value / most : 0, tone: "ghost",
        text: Number.isFinite(value) ? amount(value) : "n/a" },
      h("span", { title: Number.isFinite(value) ? "" : "not applicable" }, name))));
    const linked = example.linked(query);
    const top = Math.max(...read.regions.map(({ value }) => value), 0) || 1;
    title.hidden = !example.regions.length;
    regions.replaceChildren(...read.regions.slice(0, MOST_LISTED).map(({ r, value, times }) => {
      const phrase = example.phraseOfRegion(r);
      const tie = example.isPlace(query) ? " own" : " linked";
      return barOf({ value: value / top, text: amount(value), tone: phrase ? `code-${phrase.tone}` : "ghost" },
        h("span", {}, `${r + 1} ${example.regions[r].name}`, linked.includes(r) ? h("small", {}, tie) : null,
          out && Number.isFinite(times) ? h("small", {}, ` ${times.toFixed(1)}×`) : null));
    }));
    const sum = read.buckets.reduce((all, { value }) => all + (value || 0), 0);
    note.textContent = [out && sum > 1.02 && "Blocks of this layer add up to 100\u00a0% each.",
      example.regions.length && !read.regions.length && "Regions: not applicable in this layer.",
      out ? read.regions.length && "×: share of the image's attention over share of its places."
        : "Means over what can attend to it."].filter(Boolean).join(" ");
  }
  return { element: framed.element, update };
}
