/** Random numbers that are a hash of seed, stream and place: what the kernels that draw share. */
import pcg4d from "./pieces/pcg4d.wgsl" with { type: "text" };

/** `hash()`. */
export const RANDOM_PIECES = { "pcg4d.wgsl": pcg4d };

/** Which numbers are drawn. */
export interface RandomStream {
  /** Integer; one per run. */
  readonly seed: number;
  /** Integer from 0 to 2^32 - 1: other numbers for each; one per place and step. */
  readonly stream: number;
}

/**
 * The parameters of a kernel that draws.
 *
 * @param what what cannot be done otherwise: `drop elements`
 * @throws {RangeError} if seed or stream are out of their range
 */
export function streamParams(
  what: string,
  { seed, stream }: RandomStream,
): Record<"stream" | "seed_low" | "seed_high", number> {
  if (!Number.isSafeInteger(seed) || stream >>> 0 !== stream) {
    throw new RangeError(
      `Cannot ${what}: seed ${seed} and stream ${stream}, ` +
        "expected integers, the stream from 0 to 2^32 - 1",
    );
  }
  return {
    stream,
    seed_low: seed >>> 0,
    seed_high: Math.floor(seed / 2 ** 32) >>> 0,
  };
}
