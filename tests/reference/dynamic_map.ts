/**
 * The numbers of 8-bit codes by their published definition (arXiv 2110.02861, section 2; the map of
 * bitsandbytes): seven decades, each cut into equal parts whose middles are the numbers, and 0 and
 * 1.
 */

/**
 * All 256, rising. Signed: with the negatives of all but 0 and 1; else with twice as many parts to
 * a decade.
 */
export function dynamicMap(signed: boolean): Float64Array<ArrayBuffer> {
  const numbers = [0, 1];
  for (let decade = 0; decade < 7; decade++) {
    const parts = 2 ** decade * (signed ? 1 : 2);
    for (let i = 0; i < parts; i++) {
      const middle = 0.1 + 0.9 * (i + 0.5) / parts;
      const number = middle * 10 ** (decade - 6);
      numbers.push(number);
      if (signed) numbers.push(-number);
    }
  }
  return Float64Array.from(numbers).sort();
}

/** The code of the number nearest to `x`; of two, the lower. */
export function nearestCode(map: Float64Array, x: number): number {
  let best = 0;
  for (let code = 1; code < map.length; code++) {
    if (Math.abs(map[code]! - x) < Math.abs(map[best]! - x)) best = code;
  }
  return best;
}
