/**
 * The corpus's own random numbers. They are kept apart from the library's, so that a change there
 * never changes the data in git.
 */

/** Draws from a fixed seed; the same seed gives the same draws everywhere. */
export interface Draw {
  /** A whole number in `[0, below)`. */
  below(limit: number): number;
  /** One of the items. */
  pick<T>(items: readonly T[]): T;
  /** A new array with the items in random order (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[];
}

/**
 * Makes a source of draws: a Weyl sequence of 32 bits, each value mixed by the finaliser of
 * MurmurHash3. Its period of 2^32 is plenty for some ten thousand draws.
 *
 * @throws RangeError if `pick` is given no items
 */
export function draws(seed: number): Draw {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return Math.floor((((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32) * limit);
  };
  return {
    below,
    pick<T>(items: readonly T[]): T {
      const item = items[below(items.length)];
      if (item === undefined) {
        throw new RangeError("Cannot pick an item: the list is empty");
      }
      return item;
    },
    shuffle<T>(items: readonly T[]): T[] {
      const left = [...items];
      const out: T[] = [];
      while (left.length > 0) out.push(...left.splice(below(left.length), 1));
      return out;
    },
  };
}
