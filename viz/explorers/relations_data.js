// The numbers of the relation explorer: an example as it arrives, and what a choice means.

const MEAN = -1; // as a head: the mean over heads

/** All examples, opened when they are first looked at. */
function relationStore(data) {
  const opened = new Map();
  return (i) => {
    if (!opened.has(i)) opened.set(i, openRelations(data.examples[i], data));
    return opened.get(i);
  };
}

/** One example: its objects, and their relations by layer and head (`MEAN`: the mean over heads). */
function openRelations(packed, { layers, heads }) {
  const tables = Object.fromEntries(Object.entries(packed.tables).map(([name, one]) => [name, decode(one)]));
  const { count } = packed;
  const boxes = decode(packed.boxes);
  const size = count * count;
  /** A (count x count) table of a side, "linguistic" or "visual"; null where not applicable. */
  function relations(side, layer, head) {
    const values = head === MEAN ? row(tables[`${side}_mean`], size, layer)
      : row(tables[side], size, layer * heads.length + head);
    return values.some(Number.isFinite) ? values : null;
  }
  const single = (name, layer, head) => {
    const values = tables[head === MEAN ? name : `${name}_head`];
    return values ? values[head === MEAN ? layer : layer * heads.length + head] : NaN;
  };
  const isd = (layer, head) => single("isd", layer, head);
  const permuted = (layer, head) => single("permuted", layer, head);
  /** How much smaller the ISD of true links is than that of permuted ones, as a share of it. */
  const gap = (layer, head) => (permuted(layer, head) - isd(layer, head)) / permuted(layer, head);
  const columns = [MEAN, ...heads.keys()];
  const most = Math.max(0, ...["linguistic", "visual"].flatMap((side) => [...tables[side], ...tables[`${side}_mean`]]
    .filter(Number.isFinite)));
  return { ...packed, boxOf: (k) => row(boxes, 4, k), relations, isd, permuted, gap, columns, most, layers, heads,
    numberOf: (k) => String(k + 1), nameOf: (k) => `${k + 1} “${packed.phrases[k]}”`,
    codeOf: (k) => (packed.tones[k] < 0 ? 8 : packed.tones[k] % 8) };
}

/** What is known of one layer and head: both tables and their difference, null where not applicable. */
function readRelations(example, layer, head) {
  const [words, regions] = ["linguistic", "visual"].map((side) => example.relations(side, layer, head));
  const apart = words && regions ? words.map((value, i) => value - regions[i]) : null;
  return { words, regions, apart, isd: example.isd(layer, head), permuted: example.permuted(layer, head),
    gap: example.gap(layer, head) };
}

/** The other object that one relates to most; -1 if there is none. */
function strongest(values, count, k) {
  let best = -1;
  for (let j = 0; j < count; j += 1) {
    if (j === k || !Number.isFinite(values[k * count + j])) continue;
    if (best < 0 || values[k * count + j] > values[k * count + best]) best = j;
  }
  return best;
}

/** One choice as sentences. */
function relationSentence(example, read, { layer, head, object: k }) {
  const { count } = example;
  const who = `Layer ${example.layers[layer]}, ${head === MEAN ? "mean over heads" : `head ${example.heads[head]}`}`;
  if (!read.apart) {
    return `${who}: not applicable, since the layer has no attention ${[["among words", read.words], ["among regions", read.regions]]
      .filter(([, values]) => !values).map(([side]) => side).join(" or ")}.`;
  }
  const [among, beside] = [read.words, read.regions].map((values) => strongest(values, count, k));
  const share = (values, j) => percent(values[k * count + j]);
  const parts = [];
  if (among >= 0 && beside >= 0) {
    parts.push(`${who}: among words ${example.nameOf(k)} relates most to ${example.nameOf(among)} (${share(read.words, among)}), `
      + `among regions to ${among === beside ? "the same" : example.nameOf(beside)} (${share(read.regions, beside)}).`);
    let moved = 0;
    for (let j = 0; j < count; j += 1) moved += Math.abs(read.apart[k * count + j] || 0) / 2;
    parts.push(`Both rows share ${percent(1 - moved)} of their weight.`);
  } else parts.push(`${who}: ${example.nameOf(k)} relates to no other object.`);
  if (Number.isFinite(read.isd)) parts.push(isdSentence(read));
  return parts.join(" ");
}

function isdSentence({ isd, permuted, gap }) {
  const said = `ISD of this pair ${number(isd)} (0: the same relations)`;
  if (!Number.isFinite(permuted)) return `${said}.`;
  const verdict = gap > 0.005 ? `its own links agree ${percent(gap)} better`
    : gap < -0.005 ? `its own links agree ${percent(-gap)} worse` : "its own links agree no better";
  return `${said}, ${number(permuted)} with links permuted: ${verdict}.`;
}

/** Colours between anchors of the view as it is now, and black or white on them. */
function anchored(ask, name, count) {
  const stops = Array.from({ length: count }, (_, i) => ask(`${name}-${i}`).match(/[\d.]+/g).slice(0, 3).map(Number));
  function at(share) {
    const place = clamp(share, 0, 1) * (count - 1);
    const low = Math.min(count - 2, Math.floor(place));
    return stops[low].map((value, c) => Math.round(value + (place - low) * (stops[low + 1][c] - value)));
  }
  return { css: (share) => `rgb(${at(share).join(" ")})`, ink: (share) => inkOn(at(share)) };
}

/** A step of the arrow keys, Home and End through `count` objects; undefined for other keys. */
function stepOf(event, k, count) {
  if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
  const to = { ArrowRight: k + 1, ArrowDown: k + 1, ArrowLeft: k - 1, ArrowUp: k - 1, Home: 0, End: count - 1 }[event.key];
  if (to === undefined) return undefined;
  event.preventDefault();
  event.stopPropagation();
  return clamp(to, 0, count - 1);
}
