/** The mean of some measurements and how far it may be from the true one. */

/** Student's t for 95 %, by degrees of freedom from 1 on. */
const STUDENT = [
  12.706,
  4.303,
  3.182,
  2.776,
  2.571,
  2.447,
  2.365,
  2.306,
  2.262,
  2.228,
  2.201,
  2.179,
  2.16,
  2.145,
  2.131,
  2.12,
  2.11,
  2.101,
  2.093,
];

/** `half` is half of the 95 % interval, by Student's distribution; 1.96 of it from 21 values on. */
export function meanInterval(
  values: readonly number[],
): { readonly mean: number; readonly half: number } {
  const count = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / count;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (count - 1));
  const t = STUDENT[count - 2] ?? 1.96;
  return { mean, half: t * deviation / Math.sqrt(count) };
}
