// Eigenvalues of the region's Gram and of the rest's, and the cut: how many directions are taken.

const FEWEST_SHOWN = 16;
const LOWEST = 1e-8; // of the largest eigenvalue: below lies rounding

/** `update` takes {set, rank, most, chosen}: `rank` directions are shown, up to `most` can be. */
function spectraPicture({ tip, onRank }) {
  let content = null;
  const drawing = chart({ label: "Eigenvalues of the Gram matrices", height: 230, tip, read: (i) => [`component ${i + 1}`,
    `region: ${number(content.set.inside[i])}`, `rest: ${number(content.set.rest[i])}`] });
  const grip = h("span", { class: "lp-edit-grip" });
  const handle = h("div", { class: "lp-edit-cut", tabindex: 0, role: "slider", "aria-label": "Rank cut", "aria-valuemin": 1,
    "aria-orientation": "horizontal" }, grip);
  drawing.element.append(handle);
  const element = h("div", {}, drawing.element);
  const shown = () => Math.min(content.set.inside.length, Math.max(FEWEST_SHOWN, 2 * content.most));
  const inner = () => drawing.element.clientWidth - CHART_MARGIN.left - CHART_MARGIN.right;
  const domain = () => [0.4, shown() + 0.6];
  function place() {
    if (!content) return;
    const [low, high] = domain();
    handle.style.left = `${CHART_MARGIN.left + ((content.rank + 0.5 - low) / (high - low)) * inner()}px`;
  }
  function rankAt(event) {
    const [low, high] = domain();
    const box = drawing.element.getBoundingClientRect();
    const at = low + ((event.clientX - box.left - CHART_MARGIN.left) / inner()) * (high - low);
    return clamp(Math.round(at - 0.5), 1, content.most);
  }
  let held = false;
  let dragged = 0; // the rank under the pointer, until it is let go
  handle.addEventListener("pointerdown", (event) => {
    held = true;
    dragged = content.rank;
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!held) return;
    dragged = rankAt(event);
    const [low, high] = domain();
    handle.style.left = `${CHART_MARGIN.left + ((dragged + 0.5 - low) / (high - low)) * inner()}px`;
    grip.textContent = `rank ${dragged}`;
  });
  handle.addEventListener("lostpointercapture", () => { // let go, or taken away
    if (held && dragged !== content.rank) onRank(dragged);
    held = false;
    place();
  });
  handle.addEventListener("keydown", (event) => {
    if (!content || event.altKey || event.ctrlKey || event.metaKey) return;
    const { rank, most } = content;
    const next = { ArrowRight: rank + 1, ArrowUp: rank + 1, ArrowLeft: rank - 1, ArrowDown: rank - 1, Home: 1, End: most }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (clamp(next, 1, most) !== rank) onRank(clamp(next, 1, most));
  });
  function update(next) {
    content = next;
    const { set, rank, most } = next;
    const count = shown();
    const top = Math.max(set.inside[0], set.rest[0]);
    const logs = (values) => Array.from(values.subarray(0, count), (v) => (v > LOWEST * top ? Math.log10(v) : NaN));
    const xs = Array.from({ length: count }, (_, i) => i + 1);
    const both = [logs(set.rest), logs(set.inside)];
    drawing.update({
      x: { label: "eigenvalue, from the largest", domain: domain() },
      y: { label: "mean square change", domain: extent(both), log: true },
      series: [{ kind: "dots", xs, ys: both[0], tone: "ghost" }, { kind: "dots", xs, ys: both[1], tone: "accent" }],
      marks: [],
      text: `Largest of the region ${number(set.inside[0])}, of the rest ${number(set.rest[0])}.`,
    });
    grip.textContent = `rank ${rank}`;
    handle.setAttribute("aria-valuemax", most);
    handle.setAttribute("aria-valuenow", rank);
    handle.setAttribute("aria-valuetext", `${counted(rank, "direction")} of at most ${most}`);
    place();
  }
  const stop = watchWidth(element, place);
  return { element, update, stop: () => { stop(); drawing.stop(); } };
}
