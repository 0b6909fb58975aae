/**
 * Checkpoints in FP8 with a scale per block, as DeepSeek and Qwen publish them: E4M3 numbers, and
 * `weight_scale_inv` beside each weight, by which its block of usually 128 x 128 is multiplied.
 * Source: https://arxiv.org/abs/2209.05433 (E4M3), https://arxiv.org/abs/2412.19437, section 3.3.
 */
import { type FloatDtype, toFloat32 } from "../safetensors/dtype.ts";
import {
  expectPart,
  type PackedLayout,
  type PackedWeight,
  partOf,
  type QuantizationConfig,
  type StoredTensors,
} from "./packed_weight.ts";

const SCALES = /^(.*\.weight)_scale_inv$/;

/** The number of each byte: a sign, four bits of exponent, three of mantissa, one NaN. */
const E4M3 = Float32Array.from({ length: 256 }, (_, byte) => {
  const sign = byte & 128 ? -1 : 1;
  const [exponent, mantissa] = [byte >> 3 & 15, byte & 7];
  if (exponent === 15 && mantissa === 7) return NaN;
  return exponent === 0
    ? sign * mantissa * 2 ** -9
    : sign * (8 + mantissa) * 2 ** (exponent - 10);
});

/** The layout. */
export const fp8: PackedLayout = {
  name: "FP8 in blocks",
  find(stored, settings) {
    const block = blockSize(settings);
    const found = new Map<string, PackedWeight>();
    for (const name of stored.tensors.keys()) {
      const [, weight] = SCALES.exec(name) ?? [];
      if (weight !== undefined) {
        found.set(weight, packed(stored, weight, name, block));
      }
    }
    return found;
  },
};

function blockSize(
  { weight_block_size: size }: QuantizationConfig,
): readonly [number, number] {
  const isPair = Array.isArray(size) && size.length === 2 &&
    size.every((one) => Number.isSafeInteger(one) && one > 0);
  if (isPair) return size as unknown as [number, number];
  throw new TypeError(
    `weight_block_size is ${JSON.stringify(size)}, expected two sizes`,
  );
}

function packed(
  { tensors }: StoredTensors,
  weight: string,
  scaleName: string,
  [height, width]: readonly [number, number],
): PackedWeight {
  const info = partOf(tensors, weight, ["F8_E4M3"], 2);
  const scales = partOf(tensors, scaleName, ["F32", "BF16", "F16"], 2);
  const [rows, cols] = info.shape as [number, number];
  const across = Math.ceil(cols / width);
  expectPart(scales, [Math.ceil(rows / height), across]);
  return {
    shape: [rows, cols],
    parts: { weight, scales: scaleName },
    dtype: "BF16",
    open(parts) {
      const bytes = parts["weight"]!;
      const numbers = toFloat32(parts["scales"]!, scales.dtype as FloatDtype);
      return (first, count) => {
        const values = new Float32Array(count * cols);
        for (let k = 0; k < values.length; k++) {
          const row = first + Math.floor(k / cols);
          const scale = Math.floor(row / height) * across +
            Math.floor(k % cols / width);
          values[k] = E4M3[bytes[first * cols + k]!]! * numbers[scale]!;
        }
        return values;
      };
    },
  };
}
