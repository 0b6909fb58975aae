/**
 * Choices by chance: each input has a generator of its own, made of the seed and the input's
 * number, so that an input can be made again without those before it.
 */
import { Random } from "../../src/base/random.ts";

/** Draws for one input. */
export class Chance {
  readonly #random: Random;

  /** The generator of an input; both numbers are integers of at least 0. */
  constructor(seed: number, input: number) {
    this.#random = new Random([
      seed >>> 0,
      Math.floor(seed / 2 ** 32) >>> 0,
      input >>> 0,
      1,
    ]);
    for (let i = 0; i < 16; i++) this.#random.uint32();
  }

  /** An integer from 0 to `n - 1`. */
  below(n: number): number {
    return this.#random.below(n);
  }

  /** An integer from `least` to `most`; small ones are likelier. */
  between(least: number, most: number): number {
    return least +
      Math.floor((most - least + 1) * this.#random.float() ** 3);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
