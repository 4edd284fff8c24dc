// The numbers of the attention explorer: an example as it arrives, and what a head makes of it.

const SIDES = ["text", "image"];
const BUCKETS = ["text", "image", "special marks"];
const MOST_ROWS = 400; // exact rows kept at once

/** An example of the payload, opened. Positions are words, marks, and places in the image. */
function openExample(packed) {
  const modality = decode(packed.modality);
  const special = decode(packed.special);
  const boxes = decode(packed.boxes);
  const regionBoxes = decode(packed.region_boxes);
  const members = decode(packed.members);
  const n = modality.length;
  const every = Array.from({ length: n }, (_, j) => j);
  const boxOf = (j) => row(boxes, 4, j);
  const isPlace = (j) => modality[j] === 1 && !special[j] && Number.isFinite(boxes[4 * j]);
  const places = every.filter(isPlace);
  const words = every.filter((j) => !isPlace(j));
  const grid = gridOf(places, boxOf);
  const area = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);
  /** Large places first, so that what lies inside them is drawn on top. */
  const stacked = grid ? places : [...places].sort((i, j) => area(boxOf(j)) - area(boxOf(i)));
  const bucket = (j) => (special[j] ? 2 : modality[j]);
  const counts = BUCKETS.map((_, b) => every.filter((j) => bucket(j) === b).length);
  const phrases = packed.phrases.map((phrase, p) => ({ ...phrase, tone: p % 8 }));
  const phraseOf = every.map((j) => phrases.findIndex((one) => one.positions.includes(j)));
  const regions = packed.regions.map((name, r) => ({ name: name.replaceAll("_", " "), r,
    box: row(regionBoxes, 4, r), member: row(members, n, r) }));
  /** The phrase that a region's outline takes its colour from. */
  const phraseOfRegion = (r) => phrases.find((one) => one.regions.includes(r));
  /** Regions that hold most of a position. */
  const regionsAt = (j) => regions.filter((one) => one.member[j] >= 0.5).map((one) => one.r);
  function linked(j) {
    if (modality[j] === 0) return phraseOf[j] < 0 ? [] : phrases[phraseOf[j]].regions;
    return regionsAt(j);
  }
  /** A token as it is read: marks of a word's beginning or of a piece within a word removed. */
  const wordOf = (j) => packed.tokens[j].replace(/^(##|[Ġ▁])(?=.)/, "") || (special[j] ? "mark" : "·");
  function nameOf(j) {
    if (!isPlace(j)) return special[j] ? wordOf(j) : `“${wordOf(j)}”`;
    if (grid) return `the patch in row ${grid.rowOf(j) + 1}, column ${grid.columnOf(j) + 1}`;
    const named = packed.tokens[j].trim();
    return `box ${places.indexOf(j) + 1}${named ? ` (${named})` : ""}`;
  }
  const shortOf = (j) => (grid && isPlace(j) ? `row ${grid.rowOf(j) + 1}, col ${grid.columnOf(j) + 1}` : nameOf(j));
  const regionName = (r) => (regions[r].name ? `region ${r + 1} (${regions[r].name})` : `region ${r + 1}`);
  return { n, caption: packed.caption, image: packed.image, modality, special, words, places, stacked, isPlace, grid,
    bucket, counts, boxOf, phrases, phraseOf, regions, phraseOfRegion, linked, wordOf, nameOf, shortOf, regionName,
    piece: (j) => packed.tokens[j].startsWith("##") };
}

/** Rows and columns of patches of one size, or null for boxes that lie anyhow. */
function gridOf(places, boxOf) {
  if (places.length < 2) return null;
  const [x0, y0, x1, y1] = boxOf(places[0]);
  const columns = Math.round(1 / (x1 - x0));
  const rows = Math.round(1 / (y1 - y0));
  const at = new Map();
  for (const j of places) {
    const box = boxOf(j);
    const same = Math.abs(box[2] - box[0] - 1 / columns) < 1e-3 && Math.abs(box[3] - box[1] - 1 / rows) < 1e-3;
    if (!same) return null;
    at.set(Math.round(box[1] * rows) * columns + Math.round(box[0] * columns), j);
  }
  if (at.size !== places.length || at.size !== rows * columns) return null;
  const cell = new Map([...at].map(([place, j]) => [j, place]));
  return { rows, columns, cells: Int32Array.from({ length: rows * columns }, (_, place) => at.get(place)),
    at: (r, c) => at.get(r * columns + c),
    rowOf: (j) => Math.floor(cell.get(j) / columns), columnOf: (j) => cell.get(j) % columns };
}

/** The attention of all heads of an example, by queries or by keys. */
function openAttention(packed, { heads, n }) {
  const keys = decode(packed.keys);
  const values = decode(packed.values);
  const codes = decode(packed.codes);
  const top = decode(packed.top);
  const mass = decode(packed.mass);
  const group = packed.group && decode(packed.group);
  const k = packed.exact;
  const width = packed.groups || n;
  const rough = (head, code) => top[head] * (code / 255) ** 2;
  /** What a query attends to: {values, exact}, `exact` 1 where the weight was not rounded. */
  function outward(layer, head, query) {
    const at = layer * heads + head;
    const begin = (at * n + query) * width;
    const found = { values: new Float32Array(n), exact: new Uint8Array(n) };
    for (let j = 0; j < n; j += 1) found.values[j] = rough(at, codes[begin + (group ? group[j] : j)]);
    for (let i = (at * n + query) * k; i < (at * n + query + 1) * k; i += 1) {
      found.values[keys[i]] = values[i];
      found.exact[keys[i]] = 1;
    }
    return found;
  }
  /** What attends to a key. */
  function inward(layer, head, key) {
    const at = layer * heads + head;
    const own = group ? group[key] : key;
    const found = { values: new Float32Array(n), exact: new Uint8Array(n) };
    for (let q = 0; q < n; q += 1) {
      found.values[q] = rough(at, codes[(at * n + q) * width + own]);
      for (let i = (at * n + q) * k; i < (at * n + q + 1) * k; i += 1) {
        if (keys[i] === key) {
          found.values[q] = values[i];
          found.exact[q] = 1;
          break;
        }
      }
    }
    return found;
  }
  const massOf = (layer, head, query) => row(mass, 3, (layer * heads + head) * n + query);
  return { line: (layer, head, at, out) => (out ? outward : inward)(layer, head, at), massOf,
    grouped: packed.groups, exact: k, largest: packed.largest, mean: packed.mean, held: packed.held,
    sums: (packed.mass.hi - packed.mass.lo) / 508 };
}

/** Which sides a layer lets the chosen position attend to, or be attended from. */
function openPresent(packed) {
  const present = decode(packed);
  return (layer, side, out) => SIDES.map((_, other) =>
    present[4 * layer + (out ? 2 * side + other : 2 * other + side)] === 1);
}

/** One line of one head in numbers: what lies on text, image and marks, on regions, and on single
 *  positions. Sums of what goes out, means of what comes in; NaN: not applicable. */
function readLine({ example, line, possible, out, mass }) {
  const { n, modality, bucket, counts, regions, places } = example;
  const sums = [0, 0, 0];
  const able = [0, 0, 0];
  for (let j = 0; j < n; j += 1) {
    if (!possible[modality[j]]) continue;
    sums[bucket(j)] += line.values[j];
    able[bucket(j)] += 1;
  }
  const value = (b) => (!able[b] ? NaN : out ? (mass ? mass[b] : sums[b]) : sums[b] / able[b]);
  const buckets = BUCKETS.map((name, b) => ({ name, value: value(b) })).filter((_, b) => counts[b]);
  const found = possible[1] ? regions.map(({ r, member }) => {
    let [sum, size] = [0, 0];
    for (const j of places) {
      sum += line.values[j] * member[j];
      size += member[j];
    }
    const onImage = places.reduce((all, j) => all + line.values[j], 0);
    return { r, value: out ? sum : sum / size, size, times: (sum / onImage) / (size / places.length) };
  }).filter((one) => one.size > 0).sort((a, b) => b.value - a.value || a.r - b.r) : [];
  const able1 = Array.from({ length: n }, (_, j) => j).filter((j) => possible[modality[j]]);
  const order = able1.sort((i, j) => line.values[j] - line.values[i] || i - j);
  // A mark that takes most of the attention must not hide where the rest goes.
  const plain = order.filter((j) => bucket(j) < 2);
  return { buckets, regions: found, order, plain, peak: plain.length ? line.values[plain[0]] : 0 };
}

/** Attention by example and exact rows: those of the payload, and in a notebook the kernel's. */
function attentionStore(data, host) {
  const held = new Map(Object.entries(data.attention).map(([i, packed]) => [Number(i), { packed }]));
  const examples = data.examples.map((packed) => ({ packed }));
  const rows = new Map();
  const keyOf = (at) => [at.example, at.layer, at.head, at.query, at.direction].join("|");
  function example(i) {
    examples[i].open = examples[i].open || openExample(examples[i].packed);
    return examples[i].open;
  }
  function known(i) {
    const found = held.get(i);
    if (found && !found.open) {
      found.open = openAttention(found.packed, { heads: data.heads, n: example(i).n });
      delete found.packed;
    }
    return found ? found.open : null;
  }
  async function ask(i) {
    if (!held.has(i)) held.set(i, { packed: await host.ask({ example: i }) });
    return known(i);
  }
  async function askRow(at) {
    const { weights } = await host.ask(at);
    if (rows.size > MOST_ROWS) rows.clear();
    const values = decode(weights);
    rows.set(keyOf(at), { values, exact: new Uint8Array(values.length).fill(1), whole: true });
  }
  return { example, known, ask, askRow, has: (i) => held.has(i), row: (at) => rows.get(keyOf(at)) };
}
