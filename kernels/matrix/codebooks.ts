/**
 * The numbers that codes of frozen weights stand for, before their scale. Knows no matrix and no
 * device.
 *
 * Sources: int8 by rows, https://arxiv.org/abs/2208.07339, Eq. 2; NF4 and the double quantisation
 * of its scales, https://arxiv.org/abs/2305.14314, section 3 and appendix E; the map of the latter,
 * https://arxiv.org/abs/1511.04561.
 */

/** Types of codes: a byte times a scale per row, or four bits times a scale per 64 numbers. */
export type CodeDType = "int8" | "nf4" | "fp4";

/** Numbers of the flattened weight that share a scale, in 4 bits. */
export const BLOCK = 64;

/** Whether a type is one of codes with scales. */
export function isCodeDType(dtype: string): dtype is CodeDType {
  return dtype === "int8" || dtype === "nf4" || dtype === "fp4";
}

/** Quantiles of the normal distribution within [-1, 1]: eight up to 0, as many above. */
const NF4 = [
  ...[-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453],
  ...[-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0],
  ...[0.07958029955625534, 0.16093020141124725, 0.24611230194568634],
  ...[0.33791524171829224, 0.44070982933044434, 0.5626170039176941],
  ...[0.7229568362236023, 1],
];

/** Sign, two bits of exponent, one of mantissa, over the largest, 12. */
const FP4 = [1, -1].flatMap((sign) =>
  [0, 0.0625, 8, 12, 4, 6, 2, 3].map((magnitude) => sign * magnitude / 12)
);

/** What each of the 16 codes of a 4-bit type stands for. */
export const CODEBOOKS: Readonly<Record<"nf4" | "fp4", Float32Array>> = {
  nf4: Float32Array.from(NF4),
  fp4: Float32Array.from(FP4),
};

/**
 * What the 256 codes of a doubly quantised scale stand for, ascending: seven decades of either
 * sign, each with twice the steps of the one below, then 0 and 1.
 */
export const DYNAMIC_MAP: Float32Array = dynamicMap();

function dynamicMap(): Float32Array {
  const numbers = [0, 1];
  for (let decade = 0; decade < 7; decade++) {
    const steps = 2 ** decade;
    for (let i = 0; i < steps; i++) {
      const number = (0.1 + 0.9 * (i + 0.5) / steps) * 10 ** (decade - 6);
      numbers.push(number, -number);
    }
  }
  return Float32Array.from(numbers).sort();
}
