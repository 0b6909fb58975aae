/**
 * Random numbers from a seed. The whole state is four integers, so that a run can continue exactly
 * where it stopped. The generator is sfc32 (Chris Doty-Humphrey, PractRand; its period is about
 * 2^127 on average).
 *
 * @module
 */

/** The state of a generator: four unsigned 32-bit integers, which JSON can hold. */
export type RandomState = readonly [number, number, number, number];

/** A generator: the same seed gives the same numbers on every machine. */
export class Random {
  #words: Uint32Array<ArrayBuffer>;

  /** @param seed an integer, or the `state` of another generator */
  constructor(seed: number | RandomState) {
    this.#words = new Uint32Array(4);
    if (typeof seed !== "number") {
      this.state = seed;
      return;
    }
    if (!Number.isSafeInteger(seed)) {
      throw new RangeError(
        `Cannot seed a generator: found ${seed}, expected an integer`,
      );
    }
    // low and high half of the seed, then a counter; twelve rounds mix them
    this.#words.set([seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0, 1]);
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** The current state; setting it continues from there. */
  get state(): RandomState {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#words;
    return [a, b, c, counter];
  }

  /** @throws {TypeError} if it is not four unsigned 32-bit integers */
  set state(words: RandomState) {
    if (words.length !== 4 || words.some((word) => word >>> 0 !== word)) {
      throw new TypeError(
        `Cannot set the random state: found ${
          JSON.stringify(words)
        }, expected four unsigned 32-bit integers`,
      );
    }
    this.#words.set(words);
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    // read by index: destructuring would run an iterator and cost ten times as much
    const words = this.#words;
    const b = words[1]!;
    const c = words[2]!;
    const counter = words[3]!;
    const sum = (words[0]! + b + counter) >>> 0;
    words[0] = b ^ (b >>> 9);
    words[1] = c + (c << 3);
    words[2] = ((c << 21) | (c >>> 11)) + sum;
    words[3] = counter + 1;
    return sum;
  }

  /** A number from 0 (inclusive) to 1 (exclusive), with all 53 bits. */
  float(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /**
   * An integer from 0 to `n - 1`; all are equally likely.
   *
   * @throws {RangeError} if `n` is not an integer from 1 to 2^32
   */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(
        `Cannot draw an integer below ${n}: expected an integer from 1 to 2^32`,
      );
    }
    // larger draws are rejected, since they would favour small results
    const even = 2 ** 32 - 2 ** 32 % n;
    for (;;) {
      const draw = this.uint32();
      if (draw < even) return draw % n;
    }
  }

  /**
   * A standard normal number (Box and Muller, https://doi.org/10.1214/aoms/1177706645; the sine
   * half is left unused).
   */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.float()));
    return radius * Math.cos(2 * Math.PI * this.float());
  }

  /** Shuffles `items` in place (Fisher and Yates) and returns them. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j] as T, items[i] as T]; // both indices are in range
    }
    return items;
  }
}
