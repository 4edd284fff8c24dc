// The numbers of the workbench: cells, what they need to be read, and how two of them agree.

RAMPS.div = 7; // diverging around 0: against the target, nothing, for it
const AGAINST = [10, 95, 180]; // over pictures, which do not follow the theme
const FOR = [232, 89, 12];

const keyOfCell = (method, layer, target, example) => JSON.stringify([method, layer, target, example]);
const keyOfCheck = (method, layer) => keyOfCell(method, layer, "", -1);
const spoken = (name) => name.replaceAll("_", " ");
const bold = (name) => spoken(name).replace(/^./, (c) => c.toUpperCase());

/** An attribution with its sign, in as many digits as it needs. */
function worded(value) {
  const size = Math.abs(value);
  const text = size === 0 || size >= 0.0995 || size < 0.001 ? number(value, 2) : value.toFixed(size < 0.00995 ? 4 : 3).replace("-", "−");
  return value > 0 ? `+${text}` : text;
}

/** Values of a part, NaN where there are none. */
function openValues({ size, at, values }) {
  // What was 0 is 0 again, whatever the steps of its code.
  const half = values.hi === undefined ? 0 : (0.51 * (values.hi - values.lo)) / 65534;
  const held = decode(values).map((value) => (Math.abs(value) <= half ? 0 : value));
  if (!at) return held;
  const found = new Float32Array(size);
  decode(at).forEach((place, i) => { found[place] = held[i]; });
  return found;
}

function reachOf(values) {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most;
}

/** Places of a part, strongest first; without those that are 0 or have no value. */
function ranked(values) {
  const found = [];
  values.forEach((value, i) => { if (Number.isFinite(value) && value !== 0) found.push(i); });
  return found.sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b);
}

/** Ranks from 1, the mean of them where values are equal. */
function ranks(values) {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = new Float64Array(values.length);
  for (let i = 0; i < order.length;) {
    let j = i;
    while (j < order.length && values[order[j]] === values[order[i]]) j += 1;
    for (let k = i; k < j; k += 1) found[order[k]] = (i + j + 1) / 2;
    i = j;
  }
  return found;
}

/** Spearman's rank correlation where both have values; NaN where it has none. */
function rankCorrelation(one, other) {
  const [a, b] = [[], []];
  one.forEach((value, i) => {
    if (Number.isFinite(value) && Number.isFinite(other[i])) {
      a.push(value);
      b.push(other[i]);
    }
  });
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (a.length + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  x.forEach((value, i) => {
    xy += (value - middle) * (y[i] - middle);
    xx += (value - middle) ** 2;
    yy += (y[i] - middle) ** 2;
  });
  return a.length > 1 && xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : NaN;
}

/** Cells of the page, those of the kernel, and those that it is asked for. */
function cellStore(data, host) {
  const opened = new Map();
  const checks = data.checks;
  function open(packed) {
    return { ...packed, parts: packed.parts.map((part, k) => ({ ...data.parts[k], values: openValues(part) })) };
  }
  function whyNot(method, layer) {
    return (checks[keyOfCheck(method, layer)] || {}).why || "";
  }
  const has = (method, layer, target, example) => {
    const key = keyOfCell(method, layer, target, example);
    return opened.has(key) || key in data.cells;
  };
  /** Whether a combination can be shown: at once, or by asking. */
  const possible = (method, layer, target, example) => has(method, layer, target, example)
    || (data.live && !whyNot(method, layer));
  async function get(method, layer, target, example) {
    const key = keyOfCell(method, layer, target, example);
    if (!opened.has(key)) {
      if (data.cells[key]) opened.set(key, open(data.cells[key]));
      else {
        const answer = await host.ask({ method, layer, target, example });
        opened.set(key, { ...open(answer.cell), asked: true });
        const known = checks[keyOfCheck(method, layer)];
        if (!known || !known.curve) checks[keyOfCheck(method, layer)] = answer.check;
      }
    }
    return opened.get(key);
  }
  return { get, has, possible, whyNot, checkOf: (method, layer) => checks[keyOfCheck(method, layer)] || {} };
}

/** Where one value of a part lies, in words. */
function placeWords(part, i, example, data) {
  if (part.kind === "token") return `“${(example.tokens || [])[i] ?? i + 1}”`;
  if (part.kind === "pixel") {
    const columns = data.shape[1];
    return `row ${Math.floor(i / columns) + 1}, column ${(i % columns) + 1}`;
  }
  if (part.kind === "edge") return `edge ${[0, 1].map((end) => nodeNumber(data.graph, data.graph.ends[2 * i + end])).join("–")}`;
  if (part.kind === "region") return `region ${i + 1}`;
  const label = (data.graph.labels || [])[i];
  if (label === undefined) return `node ${i}`;
  return label.startsWith("node ") ? label : `node ${i} (${label})`;
}

/** A node's number in the whole graph, where its label says it as "node 12: class", else its place. */
function nodeNumber(graph, i) {
  const said = /^node (\d+)\b/.exec((graph.labels || [])[i] || "");
  return said ? said[1] : String(i);
}

/** The class that a prediction names, as "3" or as "node 12: 3". */
const goalOf = (prediction) => (prediction || "").split(": ").at(-1);

/** One value in words: what it is and how strong beside the strongest. */
function valueWords(part, i, example, data) {
  const value = part.values[i];
  const where = placeWords(part, i, example, data);
  if (!Number.isFinite(value)) return `${where}: no value`;
  const most = reachOf(part.values);
  const share = most > 0 ? `, ${Math.round((100 * Math.abs(value)) / most)} % of the strongest` : "";
  return `${where}: ${worded(value)}${share}`;
}

/** The sentence under a method: how the magnitude is spread over parts, and the strongest places. */
function cellSentence(cell, example, data) {
  const known = cell.parts.filter((part) => part.values.some(Number.isFinite));
  const sums = known.map((part) => part.values.reduce((sum, v) => sum + (Number.isFinite(v) ? Math.abs(v) : 0), 0));
  const total = sums.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return "All attributions are 0.";
  const spread = known.length > 1
    ? `Of all magnitude ${known.map((part, k) => `${Math.round((100 * sums[k]) / total)} % lies on ${spoken(part.name)}`).join(", ")}. ` : "";
  const best = known.map((part) => {
    const at = ranked(part.values).slice(0, 3);
    return at.length ? at.map((i) => `${placeWords(part, i, example, data)} ${worded(part.values[i])}`).join(", ") : null;
  }).filter(Boolean);
  const missing = cell.parts.filter((part) => !known.includes(part)).map((part) => spoken(part.name));
  const absent = missing.length ? ` This layer says nothing of ${missing.join(" or ")}.` : "";
  return `${spread}Strongest: ${best.join("; ")}.${absent}`;
}

/** Colours of shares in [-1, 1], and ink that can be read on them. */
function divergingOf(ask) {
  const shades = heat(ask, "div");
  const at = (share) => shades.at((clamp(share, -1, 1) + 1) / 2);
  return { css: (share) => `rgb(${at(share).join(" ")})`, ink: (share) => inkOn(at(share)) };
}

const overCss = (share, alpha) => `rgb(${(share > 0 ? FOR : AGAINST).join(" ")} / ${alpha})`;
const shareIn = (value, reach) => (Number.isFinite(value) && reach > 0 ? value / reach : 0);
