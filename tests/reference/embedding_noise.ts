/** Twin of kernels/rows/embedding_noise.ts: the same draws, the sums in float64. */
import type { RandomStream } from "../../kernels/rows/random_stream.ts";
import { pcg4dTwin } from "./dropout.ts";

/** @param x `[rows, cols]`; `magnitudes` `[rows]` */
export function embeddingNoiseTwin(
  x: ArrayLike<number>,
  magnitudes: ArrayLike<number>,
  { seed, stream }: RandomStream,
): Float64Array {
  const cols = x.length / magnitudes.length;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  return Float64Array.from({ length: x.length }, (_, i) => {
    const draws = pcg4dTwin([Math.floor(i / 4), stream, seed >>> 0, high]);
    const noise = (draws[i % 4]! >>> 8) / 2 ** 23 - 1;
    return x[i]! + magnitudes[Math.floor(i / cols)]! * noise;
  });
}
