/**
 * Checkpoints of GPTQ and AWQ in 4 bits: eight codes a word of 32 bits, with a scale and a zero
 * point for each output and each group of inputs. Both keep a weight transposed, `[in, out]`; GPTQ
 * packs along the inputs, AWQ along the outputs and in an order of its own.
 * Sources: https://arxiv.org/abs/2210.17323 (GPTQ), https://arxiv.org/abs/2306.00978 (AWQ).
 */
import { type FloatDtype, toFloat32 } from "../safetensors/dtype.ts";
import {
  expectPart,
  type PackedLayout,
  type PackedWeight,
  partOf,
  type Parts,
  type QuantizationConfig,
  type RowsOf,
  type StoredTensors,
} from "./packed_weight.ts";

const CODES = /^(.*)\.qweight$/;
const PER_WORD = 8;
/** Of the outputs of a word, the place of its code among the word's four-bit parts. */
const AWQ_PLACES = [0, 4, 1, 5, 2, 6, 3, 7];

/** The layout of GPTQ. */
export const gptq: PackedLayout = {
  name: "GPTQ",
  find(stored, settings) {
    only(settings, "bits", [4]);
    only(settings, "checkpoint_format", ["gptq", "gptq_v2", undefined, null]);
    // the first version stores zero points less one
    const more = settings["checkpoint_format"] === "gptq_v2" ? 0 : 1;
    return weightsOf(stored, (layer) => gptqWeight(stored, layer, more));
  },
};

/** The layout of AWQ. */
export const awq: PackedLayout = {
  name: "AWQ",
  find(stored, settings) {
    only(settings, "bits", [4]);
    only(settings, "version", ["gemm", "GEMM", undefined, null]);
    only(settings, "zero_point", [true, undefined, null]);
    return weightsOf(stored, (layer) => awqWeight(stored, layer));
  },
};

function only(
  settings: QuantizationConfig,
  key: string,
  served: readonly unknown[],
): void {
  const value = settings[key];
  if (served.includes(value)) return;
  throw new TypeError(
    `${key} is ${JSON.stringify(value)}, expected ${JSON.stringify(served[0])}`,
  );
}

function weightsOf(
  { tensors }: StoredTensors,
  weightOf: (layer: string) => PackedWeight,
): Map<string, PackedWeight> {
  const layers = [...tensors.keys()].flatMap((name) => {
    const [, layer] = CODES.exec(name) ?? [];
    return layer === undefined ? [] : [layer];
  });
  return new Map(layers.map((layer) => [`${layer}.weight`, weightOf(layer)]));
}

/** The words of a tensor of I32, unsigned. */
function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(
    aligned.buffer,
    aligned.byteOffset,
    aligned.length / 4,
  );
}

const nibble = (word: number, place: number) => word >>> (4 * place) & 15;

/** What a layout says of one code and one zero point. */
interface Places {
  readonly cols: number;
  readonly rows: number;
  readonly scales: Float32Array;
  /** The group of an input. */
  readonly groupOf: (col: number) => number;
  readonly code: (row: number, col: number) => number;
  readonly zero: (row: number, group: number) => number;
}

function rowsOf({ rows, cols, scales, ...at }: Places): RowsOf {
  return (first, count) => {
    const values = new Float32Array(count * cols);
    for (let k = 0; k < values.length; k++) {
      const row = first + Math.floor(k / cols);
      const group = at.groupOf(k % cols);
      const code = at.code(row, k % cols) - at.zero(row, group);
      values[k] = code * scales[group * rows + row]!;
    }
    return values;
  };
}

function scalesOf({ tensors }: StoredTensors, layer: string) {
  return partOf(tensors, `${layer}.scales`, ["F16", "BF16", "F32"], 2);
}

function gptqWeight(
  stored: StoredTensors,
  layer: string,
  more: number,
): PackedWeight {
  const { tensors } = stored;
  const codes = partOf(tensors, `${layer}.qweight`, ["I32"], 2);
  const scales = scalesOf(stored, layer);
  const [groups] = scales.shape as [number, number];
  const [words, rows] = codes.shape as [number, number];
  const cols = words * PER_WORD;
  const zeros = partOf(tensors, `${layer}.qzeros`, ["I32"], 2);
  expectPart(scales, [groups, rows]);
  expectPart(zeros, [groups, Math.ceil(rows / PER_WORD)]);
  const order = tensors.get(`${layer}.g_idx`);
  if (order) expectPart(partOf(tensors, order.name, ["I32"], 1), [cols]);
  return {
    shape: [rows, cols],
    parts: {
      codes: codes.name,
      zeros: zeros.name,
      scales: scales.name,
      ...order && { order: order.name },
    },
    dtype: "BF16",
    open(parts) {
      const [q, z] = [wordsOf(parts["codes"]!), wordsOf(parts["zeros"]!)];
      const across = Math.ceil(rows / PER_WORD);
      return rowsOf({
        rows,
        cols,
        scales: toFloat32(parts["scales"]!, scales.dtype as FloatDtype),
        groupOf: groupsOf(parts, { layer, cols, groups }),
        code: (row, col) =>
          nibble(q[Math.floor(col / PER_WORD) * rows + row]!, col % PER_WORD),
        // a zero point of 0 is stored as 15
        zero: (row, group) =>
          nibble(
              z[group * across + Math.floor(row / PER_WORD)]!,
              row % PER_WORD,
            ) + more & 15,
      });
    },
  };
}

/** The group of each input: as listed, or even runs. @throws {TypeError} for a group beyond all */
function groupsOf(
  parts: Parts,
  { layer, cols, groups }: { layer: string; cols: number; groups: number },
): (col: number) => number {
  const listed = parts["order"] && wordsOf(parts["order"]);
  const size = Math.ceil(cols / groups);
  if (!listed) return (col) => Math.floor(col / size);
  const beyond = listed.find((group) => group >= groups);
  if (beyond !== undefined) {
    throw new TypeError(
      `Cannot read "${layer}.g_idx": group ${beyond}, expected less than ${groups}`,
    );
  }
  return (col) => listed[col]!;
}

function awqWeight(stored: StoredTensors, layer: string): PackedWeight {
  const { tensors } = stored;
  const codes = partOf(tensors, `${layer}.qweight`, ["I32"], 2);
  const scales = scalesOf(stored, layer);
  const [cols, across] = codes.shape as [number, number];
  const [groups] = scales.shape as [number, number];
  const rows = across * PER_WORD;
  const zeros = partOf(tensors, `${layer}.qzeros`, ["I32"], 2);
  expectPart(scales, [groups, rows]);
  expectPart(zeros, [groups, across]);
  const size = Math.ceil(cols / groups);
  return {
    shape: [rows, cols],
    parts: { codes: codes.name, zeros: zeros.name, scales: scales.name },
    dtype: "BF16",
    open(parts) {
      const [q, z] = [wordsOf(parts["codes"]!), wordsOf(parts["zeros"]!)];
      const at = (words: Uint32Array, line: number, row: number) =>
        nibble(
          words[line * across + Math.floor(row / PER_WORD)]!,
          AWQ_PLACES[row % PER_WORD]!,
        );
      return rowsOf({
        rows,
        cols,
        scales: toFloat32(parts["scales"]!, scales.dtype as FloatDtype),
        groupOf: (col) => Math.floor(col / size),
        code: (row, col) => at(q, col, row),
        zero: (row, group) => at(z, group, row),
      });
    },
  };
}
