// The numbers of the Totoro explorer: settings as they arrive, and what follows from them.

const CLASS_TONES = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10]; // colour codes; 8 is for "unknown"
const UNKNOWN_TONE = 8;
const MOST_SETTINGS = 60; // kept at once where the kernel can be asked again
const MOVED = 0.01; // a T that changed by this part of itself has moved

/** A T or an exposure for reading: three digits, since most are far below one. */
function tiny(value) {
  if (!Number.isFinite(value) || value === 0) return number(value, 0);
  if (value >= 100) return number(value);
  return value < 1e-4 ? value.toExponential(2).replace("-", "−") : value.toPrecision(3);
}

/** Ten colours; each next ten classes have other shapes in the same colours. */
function classMark(label) {
  if (label < 0) return { tone: UNKNOWN_TONE, shape: 0 };
  return { tone: CLASS_TONES[label % 10], shape: ((label % 10) + 3 * Math.floor(label / 10)) % 7 };
}

/** The colour and shape of a class, for a legend. */
function classSymbol(label) {
  const { tone, shape } = classMark(label);
  const mark = symbol(shape);
  mark.firstChild.setAttribute("class", `lp-fill lp-code-${tone}`);
  return mark;
}

/** The graph of the payload, opened. */
function openGraph(data) {
  const points = decode(data.points);
  const labelOf = decode(data.label_of);
  const component = decode(data.component);
  const labels = data.labels.map((name) => name.replaceAll("_", " "));
  const named = labels.map((name) => (/^\d+$/.test(name) ? `class ${name}` : name));
  const sizes = new Map();
  for (const one of component) sizes.set(one, (sizes.get(one) || 0) + 1);
  return { labelOf, component, n: labelOf.length, labels, texts: data.texts,
    nEdges: data.n_edges, edges: Int32Array.from(decode(data.edges)), degree: decode(data.degree),
    componentSize: (i) => sizes.get(component[i]),
    xs: points.filter((_, i) => i % 2 === 0), ys: points.filter((_, i) => i % 2 === 1),
    nameOf: (i) => (labelOf[i] < 0 ? "class unknown" : named[labelOf[i]]) };
}

/** One setting: T, rank and exposures of nodes, and what they would be with a label. */
function openSetting(packed, graph) {
  const { labelOf, component, n } = graph;
  const width = graph.labels.length;
  const labelled = Array.from(decode(packed.labelled));
  const rows = decode(packed.rows);
  const totoro = decode(packed.totoro);
  const at = new Map(labelled.map((node, i) => [node, i]));
  // Logarithms; no value stands for "nothing reaches it".
  const z = packed.exposure && decode(packed.exposure).map((log) => (Number.isNaN(log) ? 0 : 10 ** log));
  const reached = new Map(); // component -> the classes that are labelled in it
  for (const node of labelled) {
    if (!reached.has(component[node])) reached.set(component[node], new Set());
    reached.get(component[node]).add(labelOf[node]);
  }
  const classesNear = (i) => reached.get(component[i]) || new Set();
  function exposure(i) {
    if (at.has(i)) return row(rows, width, at.get(i));
    // What no label reaches is 0, whether or not this setting carries exposures.
    if (!classesNear(i).size) return new Float32Array(width);
    return z ? row(z, width, i) : null;
  }
  function strongest(i) {
    const own = exposure(i);
    if (!own) return -1;
    const best = own.reduce((most, value, c) => (value > own[most] ? c : most), 0);
    return own[best] > 0 ? best : -1;
  }
  /** T of a node: with its own label, labelled or not; without one, the least it could have. */
  function conflict(i) {
    if (at.has(i)) return totoro[at.get(i)];
    const own = exposure(i);
    if (!own) return NaN;
    const mine = labelOf[i] < 0 ? strongest(i) : labelOf[i];
    return own.reduce((sum, value, c) => (c === mine ? sum : sum + value), 0);
  }
  function share(i) {
    const own = exposure(i);
    const all = own ? own.reduce((sum, value) => sum + value, 0) : NaN;
    return all > 0 ? conflict(i) / all : NaN;
  }
  function everyConflict() {
    return Float32Array.from({ length: n }, (_, i) => conflict(i));
  }
  const rank = decode(packed.conflict_rank);
  /** ReNode weights of the labelled nodes: w_min + (w_max - w_min) / 2 (1 + cos(pi rank / last)). */
  function weights(low, high) {
    const last = labelled.length - 1;
    return rank.map((place) => low + ((high - low) / 2) * (1 + (last ? Math.cos((Math.PI * place) / last) : 0)));
  }
  const sorted = labelled.map((_, i) => i).sort((i, j) => rank[i] - rank[j] || i - j);
  const noConflict = decode(packed.zero);
  return { labelled, totoro, rank, at, sorted, weights, exposure, strongest, conflict, everyConflict, share,
    classesNear, total: packed.total, nZero: noConflict.reduce((sum, one) => sum + one, 0),
    zero: (i) => at.has(i) && noConflict[at.get(i)] === 1, whole: Boolean(z) };
}

/** Nodes labelled in both settings whose T moved. */
function movedNodes(before, after) {
  return after.labelled.filter((node) => {
    if (!before.at.has(node)) return false;
    const [was, is] = [before.conflict(node), after.conflict(node)];
    return Math.abs(is - was) > MOVED * Math.max(was, 1e-12);
  }).length;
}

/** Settings by name: those of the payload, and in a notebook any other one, from the kernel. */
function settingStore(data, graph, host) {
  const held = new Map();
  const keyOf = ({ alpha, per_class, seed, toggled }) => [alpha, per_class, seed, toggled.join(",")].join("|");
  for (const [at, packed] of Object.entries(data.settings)) {
    const [a, p, s] = at.split("|").map(Number);
    held.set(keyOf({ alpha: data.alphas[a], per_class: data.per_classes[p], seed: data.seeds[s], toggled: [] }),
      { packed });
  }
  function known(question) {
    const found = held.get(keyOf(question));
    if (!found) return null;
    if (!found.open) {
      found.open = openSetting(found.packed, graph);
      delete found.packed;
    }
    return found.open;
  }
  function keep(question, packed) {
    held.set(keyOf(question), { packed });
    if (host.live && held.size > MOST_SETTINGS) held.delete(held.keys().next().value);
    return known(question);
  }
  async function ask(question) {
    return known(question) || keep(question, await host.ask(question));
  }
  return { known, ask, keep };
}
