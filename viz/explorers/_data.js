// Packed arrays and numbers. `_payload.py` packs what `decode` opens.

/** Open one packed array: base64 of little-endian numbers, quantised where `hi` is given.
 *  The largest code of a quantised array stands for "no value" and becomes NaN. */
function decode(packed) {
  const kinds = { u8: Uint8Array, u16: Uint16Array, i32: Int32Array, f32: Float32Array };
  const text = atob(packed.b64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  const codes = new kinds[packed.kind](bytes.buffer);
  if (packed.hi === undefined) return codes;
  const gap = packed.kind === "u8" ? 255 : 65535;
  const scale = (packed.hi - packed.lo) / (gap - 1);
  return Float32Array.from(codes, (code) => (code === gap ? NaN : packed.lo + code * scale));
}

/** Row `i` of a flat array of rows of equal width. */
function row(values, width, i) {
  return values.subarray(i * width, (i + 1) * width);
}

/** A number for reading: three significant digits, no exponent where it can be avoided. */
function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "none";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 100000)) {
    return value.toExponential(1).replace("-", "−").replace("+", "");
  }
  const places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : digits;
  const text = value.toFixed(places);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** A cosine or a share in [-1, 1] with two decimals. */
function cosine(value) {
  return number(Math.abs(value) < 0.005 ? 0 : value, 2);
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** "1 sentence", "2 sentences". */
function counted(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
