// The numbers of the edit explorer: masks, sheets of pictures, and what an edit says in words.

const DRAWN = "drawn"; // the region that the user draws
const AUTOMATIC = 0; // as a rank: as many as the method gives
const KEPT_SETS = 16;

/** Pixels of a mask from pairs of a start and a length. */
function maskOfRuns(runs, size) {
  const mask = new Uint8Array(size);
  for (let i = 0; i < runs.length; i += 2) mask.fill(1, runs[i], runs[i] + runs[i + 1]);
  return mask;
}

/** The pairs of a start and a length of a mask. */
function runsOfMask(mask) {
  const runs = [];
  for (let i = 0; i < mask.length; i += 1) {
    if (!mask[i]) continue;
    const start = i;
    while (i < mask.length && mask[i]) i += 1;
    runs.push(start, i - start);
  }
  return runs;
}

const pixelsIn = (mask) => mask.reduce((sum, one) => sum + one, 0);

/** The rows and columns that a mask reaches: [top, left, bottom, right], the ends beyond it. */
function boundsOf(mask, rows, columns) {
  let [top, left, bottom, right] = [rows, columns, 0, 0];
  mask.forEach((one, i) => {
    if (!one) return;
    const [y, x] = [Math.floor(i / columns), i % columns];
    [top, left, bottom, right] = [Math.min(top, y), Math.min(left, x), Math.max(bottom, y + 1), Math.max(right, x + 1)];
  });
  return [top, left, bottom, right];
}

/** Borders of a mask as [x1, y1, x2, y2], in pixels of the image. */
function bordersOf(mask, rows, columns) {
  const at = (y, x) => (y >= 0 && x >= 0 && y < rows && x < columns ? mask[y * columns + x] : 0);
  const found = [];
  for (let y = 0; y <= rows; y += 1) {
    for (let x = 0; x <= columns; x += 1) {
      if (at(y, x) !== at(y - 1, x)) found.push([x, y, x + 1, y]);
      if (at(y, x) !== at(y, x - 1)) found.push([x, y, x, y + 1]);
    }
  }
  return found;
}

/** How much two masks overlap: pixels of both over pixels of either. */
function overlapOf(one, other) {
  let [both, either] = [0, 0];
  one.forEach((value, i) => {
    both += value & other[i];
    either += value | other[i];
  });
  return either ? both / either : 0;
}

/** Pictures side by side, opened: no address is fetched, so that a page that may fetch nothing can. */
async function openSheet({ type, b64, width, height }) {
  const text = atob(b64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  const bitmap = await createImageBitmap(new Blob([bytes], { type }), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = h("canvas", { width: bitmap.width, height: bitmap.height });
  const own = canvas.getContext("2d", { willReadFrequently: true });
  own.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height,
    pixels: (line, place) => own.getImageData(place * width, line * height, width, height).data,
    show(ctx, line, place, { x, y, w, h: t }) {
      ctx.imageSmoothingEnabled = w / width < 1.5; // pixels of small pictures stay sharp
      ctx.drawImage(canvas, place * width, line * height, width, height, x, y, w, t);
    } };
}

/** Root mean square difference of two pictures over colours, in units of the image. */
function changeOf(one, other, span) {
  const found = new Float32Array(one.length / 4);
  for (let i = 0; i < found.length; i += 1) {
    let sum = 0;
    for (let c = 4 * i; c < 4 * i + 3; c += 1) sum += (one[c] - other[c]) ** 2;
    found[i] = (Math.sqrt(sum / 3) * span) / 255;
  }
  return found;
}

/** Edits of a region, from the page or from the kernel; the last ones are kept. */
function editStore(data, host) {
  const opened = new Map();
  function keep(key, made) {
    if (opened.size >= KEPT_SETS) opened.delete(opened.keys().next().value);
    opened.set(key, made);
    made.catch(() => opened.delete(key)); // a failure can be asked for again
    return made;
  }
  function keyOf({ mask, drawn, rank, kind }) {
    const base = `${mask}|${kind}`;
    const held = data.sets[base];
    if (held && (rank <= held.rank || !data.live)) return base;
    return `${base}|${rank}|${mask === DRAWN ? drawn.join() : ""}`;
  }
  function get(state) {
    const key = keyOf(state);
    if (opened.has(key)) return opened.get(key);
    if (data.sets[key]) return keep(key, openSet(data.sets[key], data));
    const { mask, drawn, rank, kind } = state;
    return keep(key, host.ask({ mask, drawn, rank, kind }).then((packed) => openSet(packed, data)));
  }
  return { get, keyOf };
}

async function openSet(packed, data) {
  const edits = packed.edits.map((one, line) => ({ ...one, line, outside: decode(one.outside), beyond: decode(one.beyond),
    title: one.own ? `Direction ${one.direction + 1}` : `Baseline: ${one.method}` }));
  return { ...packed, own: edits.filter((one) => one.own), baselines: edits.filter((one) => !one.own),
    sheet_error: packed.sheet.error, inside: decode(packed.spectra.inside), rest: decode(packed.spectra.outside), sheet: await openSheet(packed.sheet),
    /** Change inside over change outside at a step; NaN where it is not reached or nothing moves. */
    ratioAt: (one, i) => Math.abs(data.steps[i]) / one.outside[i] };
}

/** A step with its sign. */
function signed(value) {
  return value > 0 ? `+${number(value, 2)}` : number(value, 2);
}

/** A change, as small as it can be seen. */
function changeText(value) {
  return value < 0.001 ? "less than 0.001" : number(value);
}

/** How many times as much changes inside, in words. */
function timesText(ratio) {
  if (!Number.isFinite(ratio) || ratio > 999) return "over 999 times";
  return `${number(ratio)} times`;
}

/** What stays of an edit, as a warning where it is next to nothing. */
function keptText(one) {
  if (one.empty) {
    return `Nearly empty: a unit step changes the region by ${percent(one.kept)} of what its strongest direction does, `
      + "so that its ratio of inside to outside says nothing.";
  }
  return `A unit step changes the region by ${percent(one.kept)} of what its strongest direction does.`;
}

/** One edit at one step as sentences. */
function editSentence(set, one, i, data, who) {
  const step = data.steps[i];
  if (step === 0) return `${who}: the image as it is. ${keptText(one)}`;
  const outside = one.outside[i];
  if (!Number.isFinite(outside)) {
    return `${who}: this direction cannot change the region by ${number(Math.abs(step), 2)}, so the image is shown as it is. ${keptText(one)}`;
  }
  return `${who}: at ${signed(step)} inside, the rest changes by ${changeText(outside)}: ${timesText(set.ratioAt(one, i))} as much inside. ${keptText(one)}`;
}
