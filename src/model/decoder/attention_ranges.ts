/**
 * The second half of the causal mask. src/preference/tokens/batch.ts gives each token two ranges of
 * keys; here they are narrowed to a layer's sliding window and inverted for the backward pass.
 * Pure; knows no device.
 */

type Integers = Uint32Array;

/**
 * Narrows ranges to the last `window` positions, including the query's own.
 *
 * @param ranges `[tokens, 4]`: begin and end of the prompt's keys, begin and end of the token's own
 * @param positions `[keys]` position of each key in its sequence
 */
export function windowedRanges(
  ranges: Integers,
  positions: Integers,
  window: number | undefined,
): Integers {
  if (window === undefined) return ranges;
  const narrowed = ranges.slice();
  for (let at = 0; at < ranges.length; at += 4) {
    const own = ranges[at + 3]! - 1;
    const first = positions[own]! - window + 1;
    for (const side of [0, 2]) {
      const begin = ranges[at + side]!;
      const end = ranges[at + side + 1]!;
      if (begin >= end) continue;
      const skipped = Math.max(0, first - positions[begin]!);
      narrowed[at + side] = Math.min(end, begin + skipped);
    }
  }
  return narrowed;
}

/** Whether no query attends to a key of the query before it, as with one query per sequence. */
export function areSeparate(ranges: Integers): boolean {
  for (let at = 4; at < ranges.length; at += 4) {
    for (const side of [0, 2]) {
      for (const other of [0, 2]) {
        const begin = Math.max(ranges[at + side]!, ranges[at - 4 + other]!);
        const end = Math.min(
          ranges[at + side + 1]!,
          ranges[at - 3 + other]!,
        );
        if (begin < end) return false;
      }
    }
  }
  return true;
}

/**
 * `[keys, 2]`: for each key the first query that attends to it, and the one after the last; both 0
 * if none does.
 */
export function queryRanges(ranges: Integers, keys: number): Integers {
  const found = new Uint32Array(keys * 2);
  for (let query = 0; query * 4 < ranges.length; query++) {
    for (const side of [0, 2]) {
      const end = ranges[query * 4 + side + 1]!;
      for (let key = ranges[query * 4 + side]!; key < end; key++) {
        if (found[key * 2 + 1] === 0) found[key * 2] = query;
        found[key * 2 + 1] = query + 1;
      }
    }
  }
  return found;
}
