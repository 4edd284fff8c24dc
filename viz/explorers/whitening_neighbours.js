// Choosing one sentence, and its nearest neighbours before and after, side by side.

/** A search box over sentences (a combobox), with steps to the previous and next one. */
function sentencePicker({ texts, onPick }) {
  const [id, listId] = [unique("search"), unique("found")];
  const input = h("input", { type: "text", id, role: "combobox", autocomplete: "off",
    placeholder: "Type a word, or click a point in a map", "aria-expanded": "false",
    "aria-controls": listId, "aria-autocomplete": "list" });
  const list = h("ul", { id: listId, role: "listbox", class: "lp-found", hidden: true,
    "aria-label": "Sentences found" });
  const step = (by, text, label) => h("button", { type: "button", "aria-label": label, title: label,
    onclick: () => onPick((((selected < 0 ? -1 : selected) + by + texts.length) % texts.length)) }, text);
  const element = h("div", { class: "lp-control lp-picker" },
    h("label", { for: id }, "Sentence"),
    h("div", { class: "lp-row" }, h("div", { class: "lp-search" }, input, list),
      step(-1, "‹", "Previous sentence"), step(1, "›", "Next sentence")));
  let selected = -1;
  let found = [];
  let active = -1;

  function open() {
    const word = input.value.trim().toLowerCase();
    found = [];
    for (let i = 0; i < texts.length && found.length < 8; i += 1) {
      if (word && texts[i].toLowerCase().includes(word)) found.push(i);
    }
    active = -1;
    paint();
  }
  function paint() {
    const options = found.map((i, at) => h("li", { role: "option", id: `${listId}-${at}`,
      "aria-selected": String(at === active), class: at === active ? "lp-active" : "",
      onpointerdown: (event) => { event.preventDefault(); choose(at); } }, texts[i]));
    const empty = input.value.trim() && !found.length && document.activeElement === input;
    list.replaceChildren(...options, ...(empty ? [h("li", { class: "lp-none" }, "No match")] : []));
    list.hidden = !options.length && !empty;
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (active >= 0) input.setAttribute("aria-activedescendant", `${listId}-${active}`);
    else input.removeAttribute("aria-activedescendant");
  }
  function close() {
    found = [];
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }
  function choose(at) {
    const picked = found[at];
    close();
    input.value = "";
    onPick(picked);
  }
  input.addEventListener("input", open);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!found.length) open();
      if (found.length) active = (active + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length;
      paint();
    } else if (event.key === "Enter" && found.length) choose(Math.max(0, active));
    else if (event.key === "Escape") {
      input.value = "";
      close();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { element, set: (i) => { selected = i; } };
}

/** One ordered list of neighbours with cosines. `update` takes {neighbours, cosines, other, word}:
 *  neighbours that are not in `other` carry the mark `word` ("gone" or "new"). */
function neighbourList({ texts, chip, onPick, onHover }) {
  const element = h("ol", { class: "lp-neighbours" });
  function update({ neighbours, cosines, other, word }) {
    const kept = new Set(other);
    const held = [...element.children].findIndex((one) => one.contains(document.activeElement));
    element.replaceChildren(...Array.from(neighbours, (i, at) => {
      const changed = !kept.has(i);
      const share = `${100 * clamp(cosines[at], 0, 1)}%`;
      return h("li", {}, h("button", { type: "button", class: changed ? `lp-${word}` : "",
        title: "Show this sentence's own neighbours", onclick: () => onPick(i),
        onpointerenter: () => onHover(i), onpointerleave: () => onHover(-1),
        onfocus: () => onHover(i), onblur: () => onHover(-1) },
        h("span", { class: "lp-cosine" }, cosine(cosines[at]),
          h("i", { style: `width:${share}`, "aria-hidden": "true" })),
        h("span", { class: "lp-text" }, texts[i], h("span", { class: "lp-meta" }, chip(i),
          changed ? h("b", { class: "lp-badge" }, word) : null))));
    }));
    // A list that was walked through by keys keeps its place in it.
    if (held >= 0) element.children[Math.min(held, neighbours.length - 1)].querySelector("button").focus();
  }
  return { element, update };
}
