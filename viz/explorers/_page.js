// Elements, controls, colours: everything that is not a picture.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
let lastSerial = 0;

/** An id that no other view on this page has. */
function unique(name) {
  lastSerial += 1;
  return `lp-${name}-${Math.random().toString(36).slice(2, 8)}-${lastSerial}`;
}

/** One HTML element. Children are elements or text; text is never parsed. */
function h(tag, attributes = {}, ...children) {
  const element = fill(document.createElement(tag), attributes, children);
  // The frame in a page is a document of its own: there the title of the view, an h3, comes first.
  if (/^h[3-5]$/.test(tag) && document.getElementById("lp-root")) {
    element.setAttribute("aria-level", Number(tag[1]) - 2);
  }
  return element;
}

/** One SVG element. */
function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  // JupyterLab takes arrow keys away from any focused element that does not carry this itself.
  if (element.matches("input, select, button, summary, [tabindex]")) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** A labelled range input. `format` words a position for eyes and for screen readers alike. */
function slider({ label, name, format, onInput }) {
  const id = unique(name);
  const input = h("input", { type: "range", id, name, step: 1, oninput: () => moved() });
  const output = h("output", { for: id, class: "lp-value" });
  const element = h("div", { class: "lp-control lp-slider" },
    h("label", { for: id }, label), output, input);
  function word() {
    const text = input.disabled ? "–" : format(Number(input.value));
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
    const span = Number(input.max) - Number(input.min);
    const part = span > 0 ? (Number(input.value) - Number(input.min)) / span : 0;
    input.style.setProperty("--lp-part", `${100 * part}%`);
  }
  function moved() {
    word();
    onInput(Number(input.value));
  }
  function set({ min = 0, max, value, disabled = false }) {
    input.min = min;
    input.max = max;
    input.value = value;
    input.disabled = disabled;
    word();
  }
  return { element, input, set };
}

/** A labelled drop-down list; options are {value, text, title}. */
function select({ label, name, options, onChange }) {
  const id = unique(name);
  const input = h("select", { id, name, onchange: () => onChange(input.value) },
    options.map(({ value, text, title }) => h("option", { value, title }, text)));
  const element = h("div", { class: "lp-control" }, h("label", { for: id }, label), input);
  return { element, input, set: (value) => { input.value = value; } };
}

/** A few choices side by side (radio buttons). */
function choices({ label, name, options, onChange }) {
  const group = unique(name);
  const inputs = options.map(({ value, text }) => {
    const input = h("input", { type: "radio", name: group, value, onchange: () => onChange(value) });
    return { value, input, label: h("label", {}, input, h("span", {}, text)) };
  });
  const element = h("fieldset", { class: "lp-control lp-choices" },
    h("legend", {}, label), h("div", {}, inputs.map((one) => one.label)));
  function set(value) {
    for (const one of inputs) one.input.checked = one.value === value;
  }
  return { element, set };
}

/** A framed picture or list with its heading. `note` says how to read it. */
function panel({ title, note, kind = "" }, ...children) {
  const id = unique("panel");
  const heading = h("h4", { id }, title);
  const key = h("div", { class: "lp-key" });
  const element = h("section", { class: `lp-panel ${kind}`, "aria-labelledby": id },
    h("header", {}, heading, key), ...children, note ? h("p", { class: "lp-note" }, note) : null);
  return { element, heading, key };
}

/** Name a picture's series in its panel's header: [{text, tone}]. */
function keyed(key, entries) {
  key.replaceChildren(...entries.map(({ text, tone }) =>
    h("span", { class: "lp-key-entry" }, h("i", { class: `lp-swatch lp-${tone}` }), text)));
}

/** The box that follows the pointer, or what is read by keys. One a view, shared by its pictures. */
function tooltip(root) {
  const box = h("div", { class: "lp-tip", hidden: true, "aria-hidden": "true" });
  const said = h("p", { class: "lp-said", role: "status" });
  root.append(box, said);
  function show(event, ...lines) {
    box.replaceChildren(...lines.map((line) => h("div", {}, line)));
    box.hidden = false;
    const frame = root.getBoundingClientRect();
    const left = event.clientX - frame.left;
    const top = event.clientY - frame.top;
    const beyond = left + box.offsetWidth + 16 > frame.width;
    box.style.left = `${clamp(beyond ? left - box.offsetWidth - 12 : left + 14, 4, frame.width)}px`;
    box.style.top = `${Math.max(4, top - box.offsetHeight - 10)}px`;
  }
  /** Show and say lines at a point of an element: a pointer's are shown only, they never end. */
  function read(element, x, y, ...lines) {
    const place = element.getBoundingClientRect();
    show({ clientX: place.left + x, clientY: place.top + y }, ...lines.filter(Boolean));
    said.textContent = lines.filter(Boolean).join(", ");
  }
  function hide() {
    box.hidden = true;
  }
  root.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); }, true);
  return { show, read, hide };
}

/** What a CSS variable of the view is right now, as a colour a canvas understands. */
function palette(root) {
  const sample = h("i", { class: "lp-sample" });
  root.append(sample);
  return (name) => {
    sample.style.color = `var(--lp-${name})`;
    return getComputedStyle(sample).color;
  };
}

/** Call `redraw` when the page turns light or dark. Gives the function that stops it. */
function watchTheme(redraw) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(redraw);
  const attributeFilter = ["data-theme", "data-jp-theme-light", "data-vscode-theme-kind"];
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter });
  }
  media.addEventListener("change", redraw);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", redraw);
  };
}

/** Call `resized(width)` when an element changes its width. Gives the function that stops it. */
function watchWidth(element, resized) {
  let width = 0;
  const observer = new ResizeObserver(() => {
    const now = Math.floor(element.clientWidth);
    if (now > 0 && now !== width) {
      width = now;
      resized(now);
    }
  });
  observer.observe(element);
  return () => observer.disconnect();
}
