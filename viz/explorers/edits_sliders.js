// One slider for each direction, in units of the change inside the region.

/** `update` takes {set, rank, direction, i}: the slider `direction` stands at step `i`, others at 0. */
function directionSliders({ data, onMove }) {
  const element = h("ol", { class: "lp-edit-sliders" });
  const middle = data.steps.indexOf(0);
  let rows = [];
  let content = null;

  function build(count) {
    while (rows.length > count) rows.pop().element.remove();
    while (rows.length < count) {
      const k = rows.length;
      const control = slider({ label: `Direction ${k + 1}`, name: `direction-${k}`, onInput: (i) => onMove(k, i), format: (i) => {
        const one = content && content.set.own[k];
        return one && !Number.isFinite(one.outside[i]) ? `${signed(data.steps[i])}: not reached` : signed(data.steps[i]);
      } });
      const facts = h("small", {});
      const own = { control, facts, element: h("li", {}, control.element, facts) };
      rows.push(own);
      element.append(own.element);
    }
  }
  function update(next) {
    content = next;
    const { set, rank, direction, i } = next;
    build(Math.min(rank, set.own.length));
    rows.forEach(({ control, facts, element: row_ }, k) => {
      const one = set.own[k];
      control.set({ max: data.steps.length - 1, value: k === direction ? i : middle });
      row_.classList.toggle("lp-active", k === direction);
      facts.replaceChildren(`keeps ${percent(one.kept)} of the effect · small step: ${timesText(one.ratio)} as much inside`,
        ...(one.empty ? [" · ", h("span", { class: "lp-warned" }, "nearly empty: the ratio says nothing")] : []));
    });
  }
  return { element, update };
}
