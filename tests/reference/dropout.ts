/** Twin of kernels/rows/dropout.ts: the same hash in the CPU's 32-bit integers. */
import type { DropoutOptions } from "../../kernels/rows/dropout.ts";

/** One round of pcg4d's mixing. */
function mix([x, y, z, w]: number[]): number[] {
  x = (x! + Math.imul(y!, w!)) >>> 0;
  y = (y! + Math.imul(z!, x)) >>> 0;
  z = (z! + Math.imul(x, y)) >>> 0;
  w = (w! + Math.imul(y, z)) >>> 0;
  return [x, y, z, w];
}

export function pcg4dTwin(key: readonly number[]): number[] {
  const start = key.map((k) => (Math.imul(k, 1664525) + 1013904223) >>> 0);
  return mix(mix(start).map((v) => (v ^ (v >>> 16)) >>> 0));
}

export function dropoutTwin(
  x: ArrayLike<number>,
  { rate, seed, stream }: DropoutOptions,
): Float64Array {
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  return Float64Array.from({ length: x.length }, (_, i) => {
    const draws = pcg4dTwin([Math.floor(i / 4), stream, seed >>> 0, high]);
    return draws[i % 4]! / 2 ** 32 >= rate ? x[i]! / (1 - rate) : 0;
  });
}
