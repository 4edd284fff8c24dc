// A matrix of relations: from each object (rows) to each other one (columns).

const TABLE = { margin: 30, cell: 44, narrowest: 26 };

/** `update` takes {example, values, shades, format, focus, chosen, says, text}: `values` (count x count) or
 *  null, `shades(value)` a fill and an ink, `says(i, j)` the lines of a cell's tip. */
function relationTable({ title, tip, onPick, onHover }) {
  const picture = svg("svg", { tabindex: 0, role: "application", "aria-roledescription": "matrix" });
  const framed = panel({ title, kind: "lp-rel-table" }, picture);
  let content = null;

  function update(next) {
    content = next;
    const { example, values, focus, chosen, text } = next;
    const { count } = example;
    const cell = Math.max(TABLE.narrowest, TABLE.cell - 2 * Math.max(0, count - 5));
    const side = TABLE.margin + count * cell + 3;
    picture.setAttribute("viewBox", `0 0 ${side} ${side}`);
    picture.style.maxWidth = `${Math.round(1.45 * side)}px`;
    picture.setAttribute("aria-label", `${title}. ${text} Arrow keys choose another object.`);
    picture.dataset.chosen = chosen;
    const at = (i) => TABLE.margin + i * cell;
    const rows = Array.from({ length: count }, (_, i) => svg("g", { class: focus === i ? "lp-focus" : "", "data-row": i }, chip(example, i, 14, at(i) + cell / 2),
    Array.from({ length: count }, (_cell, j) => cellOf(i, j, at, cell))));
    picture.replaceChildren(...Array.from({ length: count }, (_, j) => chip(example, j, at(j) + cell / 2, 14)), ...rows,
      ...(values ? [svg("rect", { class: "lp-rel-frame", x: at(0), y: at(focus), width: count * cell - 2, height: cell - 2,
        rx: 3 })] : []));
  }
  function cellOf(i, j, at, cell) {
    const { example, values, shades, format } = content;
    const value = values ? values[i * example.count + j] : NaN;
    const known = Number.isFinite(value);
    const { fill, ink } = known ? shades(value) : { fill: "var(--lp-grid)", ink: "var(--lp-soft)" };
    const place = { x: at(j), y: at(i), width: cell - 2, height: cell - 2 };
    return svg("g", { class: "lp-cell", "data-cell": `${i},${j}` }, svg("rect", { ...place, rx: 2, fill }),
      svg("text", { x: at(j) + cell / 2 - 1, y: at(i) + cell / 2 + 3, fill: ink }, known ? format(value) : "–"));
  }
  function chip(example, k, x, y) {
    return svg("g", { class: `lp-cell lp-code-${example.codeOf(k)}`, "data-chip": k },
      svg("circle", { cx: x, cy: y, r: 10 }), svg("text", { x, y: y + 4, class: "lp-chip-text" }, example.numberOf(k)));
  }
  /** Row and column under the pointer; of a number beside the table its object twice. */
  function under(event) {
    const found = event.target.closest("[data-cell], [data-chip]");
    if (!content || !found) return null;
    const { cell, chip: own } = found.dataset;
    return (cell === undefined ? `${own},${own}` : cell).split(",").map(Number);
  }
  // Listened for here and not by cells, since a change of the row draws new ones.
  picture.addEventListener("pointermove", (event) => {
    const at = under(event);
    onHover(at ? at[0] : -1);
    if (at) tip.show(event, ...content.says(...at));
    else tip.hide();
  });
  picture.addEventListener("pointerleave", () => { onHover(-1); tip.hide(); });
  picture.addEventListener("click", (event) => {
    const at = under(event);
    if (at) onPick(at[0]);
  });
  picture.addEventListener("keydown", (event) => {
    const next = content && stepOf(event, content.chosen, content.example.count);
    if (next >= 0) onPick(next);
  });
  return { element: framed.element, key: framed.key, update };
}
