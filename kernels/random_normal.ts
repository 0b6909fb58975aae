/**
 * Normally distributed tensors for fresh weights. Drawn on the CPU, so that a seed gives the same weights with every
 * driver, and uploaded.
 */
import { Random } from "../src/base/random.ts";
import type { Device } from "./device.ts";
import { elements, type Tensor } from "./tensor.ts";

/** Draws until the seed has mixed through the generator's whole state. */
const WARM_UP = 12;

/** Which numbers are drawn. */
export interface NormalOptions {
  /** Integer; one per run. */
  readonly seed: number;
  /** Integer from 0 to 2^32 - 1: other numbers for each; one per tensor. */
  readonly stream: number;
  /** Standard deviation. */
  readonly std: number;
}

/**
 * `count` normal numbers of mean 0.
 *
 * @throws {RangeError} if `seed` or `stream` is out of its range
 */
export function normalNumbers(
  count: number,
  { seed, stream, std }: NormalOptions,
): Float32Array<ArrayBuffer> {
  if (!Number.isSafeInteger(seed) || stream >>> 0 !== stream) {
    throw new RangeError(
      `Cannot draw numbers: seed ${seed} and stream ${stream}, expected integers, the stream from 0 to 2^32 - 1`,
    );
  }
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  const random = new Random([seed >>> 0, high, stream, 1]);
  for (let i = 0; i < WARM_UP; i++) random.uint32();
  return Float32Array.from({ length: count }, () => std * random.normal());
}

/** A tensor of normal numbers of mean 0, as `normalNumbers()` draws them. */
export function randomNormal(
  device: Device,
  shape: readonly number[],
  options: NormalOptions,
): Tensor {
  return device.upload(normalNumbers(elements(shape), options), shape);
}
