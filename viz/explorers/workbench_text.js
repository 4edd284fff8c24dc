// Words in the colours of their attributions, each with its value below.

const MANY_WORDS = 24; // from here on they are set smaller

/** `update` takes {part, example, reach}; `onRead(i)` hears which word is looked at. */
function textPicture({ root, onRead }) {
  const ask = palette(root);
  const list = h("div", { class: "lp-wb-words", role: "group" });
  let content = null;
  let buttons = new Map(); // place to button

  function update(next) {
    content = next;
    const { part, example, reach } = next;
    const shades = divergingOf(ask);
    list.setAttribute("aria-label", `${bold(part.name)}, coloured by attribution`);
    const shown = [...part.values.keys()].filter((i) => Number.isFinite(part.values[i]));
    list.classList.toggle("lp-wb-many", shown.length > MANY_WORDS);
    const held = [...buttons].find(([, button]) => button === document.activeElement);
    buttons = new Map(shown.map((i, k) => {
      const share = shareIn(part.values[i], reach);
      const word = (example.tokens || [])[i] ?? `${i + 1}`;
      return [i, h("button", { type: "button", tabindex: k === 0 ? 0 : -1, "aria-label": `${word || "empty"}: ${worded(part.values[i])}`,
        onfocus: () => onRead(i), onpointerenter: () => onRead(i), onclick: () => onRead(i), onkeydown: (event) => walk(event, i) },
      h("b", { style: `background:${shades.css(share)};color:${shades.ink(share)}` }, word || "·"),
      h("small", {}, worded(part.values[i])))];
    }));
    list.replaceChildren(...buttons.values());
    if (held && buttons.has(held[0])) go(held[0]);
  }
  function walk(event, i) {
    const places = [...buttons.keys()];
    const at = places.indexOf(i);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: places.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (to >= 0 && to < places.length) go(places[to]);
  }
  function go(i) {
    for (const [j, button] of buttons) button.tabIndex = j === i ? 0 : -1;
    buttons.get(i).focus();
  }
  const light = (i) => buttons.forEach((button, j) => button.classList.toggle("lp-lit", j === i));
  return { element: list, update, light, repaint: () => content && update(content), stop: () => {} };
}
