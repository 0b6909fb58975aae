/**
 * Numbers for kernel tests: seeded inputs, and comparison by a bound on the relative error of the
 * whole.
 */
import { assert } from "@std/assert";

/** Uniform numbers in [-scale, scale), the same for the same seed. */
export function seeded(
  count: number,
  seed: number,
  scale = 1,
): Float32Array<ArrayBuffer> {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) / 8388608 - 1) * scale;
  });
}

/** Uniform integers in [0, below). */
export function seededIntegers(
  count: number,
  seed: number,
  below: number,
): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    seeded(count, seed),
    (x) => Math.min(below - 1, Math.floor((x + 1) / 2 * below)),
  );
}

/**
 * Fails unless `|got - want| <= tolerance * (|want| + the root mean square of want)` for each
 * element. NaN fails.
 */
export function assertClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: number,
  name = "value",
): void {
  assert(
    got.length === want.length,
    `${name}: length ${got.length}, expected ${want.length}`,
  );
  let squares = 0;
  for (let i = 0; i < want.length; i++) squares += want[i]! ** 2;
  const typical = Math.sqrt(squares / Math.max(1, want.length));
  for (let i = 0; i < want.length; i++) {
    const bound = tolerance * (Math.abs(want[i]!) + typical) + 1e-30;
    assert(
      Math.abs(got[i]! - want[i]!) <= bound,
      `${name}[${i}] is ${got[i]}, expected ${want[i]} within ${bound}`,
    );
  }
}
