/**
 * The blocks of 256 of llama.cpp: Q4_K and Q5_K, whose groups of 32 have a scale and a least number
 * of 6 bits each, and Q6_K, whose groups of 16 have a scale of 8 bits. Scales and codes are chosen
 * for the least sum of squared errors. Knows no file.
 * Source: the layout of blocks in ggml's ggml-common.h.
 */

/** A type of these blocks. */
export type KQuantType = "Q4_K" | "Q5_K" | "Q6_K";

/** Numbers of a block. */
export const K_BLOCK = 256;

/** Bytes of a block. */
export const K_BYTES: Readonly<Record<KQuantType, number>> = {
  Q4_K: 144,
  Q5_K: 176,
  Q6_K: 210,
};

/** Writes one block. @param block `[256]` */
export function putKQuant(
  block: Float32Array,
  view: DataView,
  at: number,
  type: KQuantType,
): void {
  if (type === "Q6_K") putQ6(block, view, at);
  else putRanges(block, view, at, type);
}

/** Reads one block into `values`, `[256]`. */
export function getKQuant(
  view: DataView,
  at: number,
  type: KQuantType,
  values: Float32Array,
): void {
  if (type === "Q6_K") getQ6(view, at, values);
  else getRanges(view, at, type, values);
}

/** Groups of a Q4_K or Q5_K block, and their numbers. */
const RANGES = 8;
const RANGE = 32;
/** The largest code of a scale, and of a least number. */
const MOST_SCALE = 63;
/** In a block lie two float16, the codes of scales, in Q5_K the fifth bits, four bits each. */
const SCALES_AT = 4;
const BITS_AT = 16;

/** `x = scale * code - least`; both are 0 or more. */
interface Fit {
  scale: number;
  least: number;
  error: number;
}

/**
 * Steps that are tried around the plain one, in codes: the end of a range may be worth less than
 * the numbers within.
 */
const TRIES = Array.from({ length: 13 }, (_, i) => (i - 6) / 5);

/** Codes of the group at hand; the same memory for all. */
const codes = new Uint8Array(RANGE);

/** The scale and the least number with the least squared error over a group. */
function fitRange(group: Float32Array, most: number): Fit {
  let [low, high] = [0, group[0]!];
  for (const x of group) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  if (high === low) return { scale: 0, least: -low, error: 0 };
  let best: Fit = { scale: 0, least: 0, error: Infinity };
  for (const shift of TRIES) {
    const step = (high - low) / (most + shift);
    const fit = refit(group, most, { scale: step, least: -low });
    if (fit.error < best.error) best = fit;
  }
  return best;
}

/** The best scale and least number for the codes that a first guess gives. */
function refit(
  group: Float32Array,
  most: number,
  { scale, least }: Omit<Fit, "error">,
): Fit {
  let [sum, squares, sumX, product, squaresX] = [0, 0, 0, 0, 0];
  const inverse = 1 / scale;
  for (let i = 0; i < RANGE; i++) {
    const x = group[i]!;
    const code = clamped((x + least) * inverse, most);
    sum += code;
    squares += code * code;
    sumX += x;
    product += code * x;
    squaresX += x * x;
  }
  const determinant = RANGE * squares - sum * sum;
  let [newScale, newLeast] = [scale, least];
  if (determinant > 0) {
    newScale = (RANGE * product - sum * sumX) / determinant;
    newLeast = (sum * product - squares * sumX) / determinant;
  }
  if (newLeast < 0) {
    newLeast = 0;
    newScale = squares > 0 ? product / squares : 0;
  }
  const error = squaresX + newScale * newScale * squares +
    RANGE * newLeast * newLeast -
    2 * newScale * product + 2 * newLeast * sumX -
    2 * newScale * newLeast * sum;
  return { scale: newScale, least: newLeast, error };
}

/** Rounds to a code; written so that the engine keeps it in integers. */
function clamped(code: number, most: number): number {
  if (!(code > 0)) return 0;
  const rounded = (code + 0.5) | 0;
  return rounded > most ? most : rounded;
}

const float16 = (x: number) => Math.f16round(x);

function putRanges(
  block: Float32Array,
  view: DataView,
  at: number,
  type: "Q4_K" | "Q5_K",
): void {
  const most = type === "Q4_K" ? 15 : 31;
  const groups = Array.from(
    { length: RANGES },
    (_, g) => block.subarray(g * RANGE, (g + 1) * RANGE),
  );
  const fits = groups.map((group) => fitRange(group, most));
  const largest = (of: "scale" | "least") =>
    fits.reduce((so, fit) => Math.max(so, fit[of]), 0);
  const unit = float16(largest("scale") / MOST_SCALE);
  const leastUnit = float16(largest("least") / MOST_SCALE);
  view.setFloat16(at, unit, true);
  view.setFloat16(at + 2, leastUnit, true);
  for (const [g, group] of groups.entries()) {
    const chosen = bestCodes(group, fits[g]!, { unit, leastUnit, most });
    putScale(view, at + SCALES_AT, g, chosen);
    for (let i = 0; i < RANGE; i++) {
      const x = group[i]!;
      codes[i] = chosen.step > 0
        ? clamped((x + chosen.offset) / chosen.step, most)
        : 0;
    }
    putCodes(view, at, g, type);
  }
}

/** The codes of a scale and a least number, and what they stand for. */
interface ScaleCodes {
  readonly scale: number;
  readonly least: number;
  readonly step: number;
  readonly offset: number;
}

/** Of the codes around a fit, those with the least squared error. */
function bestCodes(
  group: Float32Array,
  fit: Fit,
  { unit, leastUnit, most }: {
    readonly unit: number;
    readonly leastUnit: number;
    readonly most: number;
  },
): ScaleCodes {
  const near = (value: number, one: number) =>
    one > 0 ? clamped(value / one, MOST_SCALE) : 0;
  const [scaleAt, leastAt] = [
    near(fit.scale, unit),
    near(fit.least, leastUnit),
  ];
  let best: ScaleCodes | undefined;
  let bestError = Infinity;
  for (let s = -1; s <= 1; s++) {
    for (let l = -1; l <= 1; l++) {
      const [scale, least] = [scaleAt + s, leastAt + l];
      if (scale < 0 || least < 0 || scale > MOST_SCALE || least > MOST_SCALE) {
        continue;
      }
      const [step, offset] = [scale * unit, least * leastUnit];
      const error = errorOf(group, step, offset, most);
      if (error < bestError) {
        best = { scale, least, step, offset };
        bestError = error;
      }
    }
  }
  return best ?? { scale: scaleAt, least: leastAt, step: 0, offset: 0 };
}

function errorOf(
  group: Float32Array,
  step: number,
  offset: number,
  most: number,
): number {
  let error = 0;
  const inverse = step > 0 ? 1 / step : 0;
  for (let i = 0; i < RANGE; i++) {
    const x = group[i]!;
    const code = clamped((x + offset) * inverse, most);
    const apart = step * code - offset - x;
    error += apart * apart;
  }
  return error;
}

/**
 * Twelve bytes hold eight pairs of six bits: the first four pairs in the low six bits of eight
 * bytes, the others in four bytes of their low halves and the two high bits of the eight.
 */
function putScale(
  view: DataView,
  at: number,
  g: number,
  { scale, least }: ScaleCodes,
): void {
  const or = (place: number, bits: number) =>
    view.setUint8(at + place, view.getUint8(at + place) | bits);
  if (g < 4) {
    or(g, scale);
    or(g + 4, least);
    return;
  }
  or(g + 4, scale & 15 | (least & 15) << 4);
  or(g - 4, scale >> 4 << 6);
  or(g, least >> 4 << 6);
}

function getScale(view: DataView, at: number, g: number): [number, number] {
  const byte = (place: number) => view.getUint8(at + place);
  if (g < 4) return [byte(g) & 63, byte(g + 4) & 63];
  return [
    byte(g + 4) & 15 | byte(g - 4) >> 6 << 4,
    byte(g + 4) >> 4 | byte(g) >> 6 << 4,
  ];
}

/** Two groups share 32 bytes, in their low and high halves; fifth bits lie by group in a byte. */
function putCodes(
  view: DataView,
  at: number,
  g: number,
  type: "Q4_K" | "Q5_K",
): void {
  const halves = halvesAt(at, type) + (g >> 1) * RANGE;
  for (let i = 0; i < RANGE; i++) {
    const low = (codes[i]! & 15) << 4 * (g & 1);
    view.setUint8(halves + i, view.getUint8(halves + i) | low);
    if (type === "Q5_K") {
      const bits = at + BITS_AT + i;
      view.setUint8(bits, view.getUint8(bits) | codes[i]! >> 4 << g);
    }
  }
}

const halvesAt = (at: number, type: "Q4_K" | "Q5_K") =>
  at + BITS_AT + (type === "Q5_K" ? RANGE : 0);

function getRanges(
  view: DataView,
  at: number,
  type: "Q4_K" | "Q5_K",
  values: Float32Array,
): void {
  const [unit, leastUnit] = [
    view.getFloat16(at, true),
    view.getFloat16(at + 2, true),
  ];
  for (let g = 0; g < RANGES; g++) {
    const [scale, least] = getScale(view, at + SCALES_AT, g);
    const halves = halvesAt(at, type) + (g >> 1) * RANGE;
    for (let i = 0; i < RANGE; i++) {
      const low = view.getUint8(halves + i) >> 4 * (g & 1) & 15;
      const high = type === "Q5_K"
        ? (view.getUint8(at + BITS_AT + i) >> g & 1) << 4
        : 0;
      values[g * RANGE + i] = unit * scale * (low | high) - leastUnit * least;
    }
  }
}

/** Groups of a Q6_K block have 16 numbers; a code is from -32 to 31. */
const GROUP = 16;
const GROUPS = K_BLOCK / GROUP;
const LOW = -32;
const HIGH = 31;
const HIGH_BITS_AT = 128;
const Q6_SCALES_AT = 192;
const Q6_UNIT_AT = 208;

function signed(code: number): number {
  const rounded = ((code + 0.5 - LOW) | 0) + LOW; // the sum is above 0 for all codes in range
  return rounded > HIGH ? HIGH : rounded < LOW ? LOW : rounded;
}

/** The scale of a group, which may be negative, with the least squared error. */
function fitGroup(group: Float32Array): number {
  let largest = 0;
  for (const x of group) if (Math.abs(x) > Math.abs(largest)) largest = x;
  if (largest === 0) return 0;
  let [best, gain] = [0, 0];
  for (let shift = -6; shift <= 6; shift++) {
    const inverse = (LOW + shift / 5) / largest;
    let [product, squares] = [0, 0];
    for (let i = 0; i < GROUP; i++) {
      const code = signed(group[i]! * inverse);
      product += code * group[i]!;
      squares += code * code;
    }
    // what the best scale for these codes takes from the sum of squares
    if (squares > 0 && product * product > gain * squares) {
      gain = product * product / squares;
      best = product / squares;
    }
  }
  return best;
}

function groupError(group: Float32Array, step: number): number {
  let error = 0;
  const inverse = step === 0 ? 0 : 1 / step;
  for (let i = 0; i < GROUP; i++) {
    const x = group[i]!;
    const apart = signed(x * inverse) * step - x;
    error += apart * apart;
  }
  return error;
}

function putQ6(block: Float32Array, view: DataView, at: number): void {
  const groups = Array.from(
    { length: GROUPS },
    (_, g) => block.subarray(g * GROUP, (g + 1) * GROUP),
  );
  const scales = groups.map(fitGroup);
  const largest = scales.reduce(
    (so, scale) => Math.abs(scale) > Math.abs(so) ? scale : so,
    0,
  );
  const unit = float16(largest / -128);
  view.setFloat16(at + Q6_UNIT_AT, unit, true);
  for (const [g, group] of groups.entries()) {
    const near = unit === 0 ? 0 : Math.round(scales[g]! / unit);
    let [chosen, error] = [0, Infinity];
    for (let code = near - 1; code <= near + 1; code++) {
      if (code < -128 || code > 127) continue;
      const found = groupError(group, code * unit);
      if (found < error) [chosen, error] = [code, found];
    }
    view.setInt8(at + Q6_SCALES_AT + g, chosen);
    const step = chosen * unit;
    for (let i = 0; i < GROUP; i++) {
      const code = step === 0 ? 0 : signed(group[i]! / step);
      putSixBits(view, at, g * GROUP + i, code - LOW);
    }
  }
}

/** Where the low four and the high two bits of a number lie: four runs of 32 share bytes. */
function sixBits(i: number) {
  const [half, run, place] = [i >> 7, i >> 5 & 3, i & 31];
  return {
    low: half * 64 + (run & 1) * 32 + place,
    lowShift: run >> 1 << 2,
    high: HIGH_BITS_AT + half * 32 + place,
    highShift: run << 1,
  };
}

function putSixBits(view: DataView, at: number, i: number, code: number): void {
  const { low, lowShift, high, highShift } = sixBits(i);
  const or = (place: number, bits: number) =>
    view.setUint8(at + place, view.getUint8(at + place) | bits);
  or(low, (code & 15) << lowShift);
  or(high, code >> 4 << highShift);
}

function getQ6(view: DataView, at: number, values: Float32Array): void {
  const unit = view.getFloat16(at + Q6_UNIT_AT, true);
  for (let i = 0; i < K_BLOCK; i++) {
    const { low, lowShift, high, highShift } = sixBits(i);
    const code = view.getUint8(at + low) >> lowShift & 15 |
      (view.getUint8(at + high) >> highShift & 3) << 4;
    const scale = view.getInt8(at + Q6_SCALES_AT + (i >> 4));
    values[i] = unit * scale * (code + LOW);
  }
}
