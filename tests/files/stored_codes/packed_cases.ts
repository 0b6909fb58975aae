/** One case for each layout of quantized checkpoints: its settings and how a weight is packed. */
import { CODEBOOKS, DYNAMIC_MAP } from "../../../kernels/matrix/codebooks.ts";
import {
  awqWords,
  bitsandbytes4,
  bitsandbytes8,
  fp8Blocks,
  gptqWords,
  type PackedLayer,
  type PlainWeight,
} from "./packed_checkpoint.ts";

/** A layout in use. */
export interface PackedCase {
  readonly name: string;
  readonly quantization_config: Readonly<Record<string, unknown>>;
  readonly pack: (weight: PlainWeight) => PackedLayer;
  /** The type in which floats are served. */
  readonly dtype: "F32" | "BF16";
  /** What the codes are kept as on the device; undefined: as floats. */
  readonly kept?: "nf4" | "fp4" | "int8";
}

const table = (numbers: Float32Array) => Float32Array.from(numbers);
const bnb = { quant_method: "bitsandbytes", load_in_4bit: true };
/** Inputs of a group are every other one, as after GPTQ's sorting. */
const sorted = (cols: number) => Array.from({ length: cols }, (_, i) => i % 2);

/** Every layout. */
export const PACKED_CASES: readonly PackedCase[] = [
  {
    name: "bitsandbytes nf4",
    quantization_config: bnb,
    pack: (weight) =>
      bitsandbytes4(weight, { type: "nf4", numbers: table(CODEBOOKS.nf4) }),
    dtype: "F32",
    kept: "nf4",
  },
  {
    name: "bitsandbytes nf4 with nested scales",
    quantization_config: { ...bnb, bnb_4bit_use_double_quant: true },
    pack: (weight) =>
      bitsandbytes4(weight, {
        type: "nf4",
        numbers: table(CODEBOOKS.nf4),
        nested: table(DYNAMIC_MAP),
      }),
    dtype: "F32",
    kept: "nf4",
  },
  {
    name: "bitsandbytes nf4 with scales nested by another table",
    quantization_config: { ...bnb, bnb_4bit_use_double_quant: true },
    pack: (weight) =>
      bitsandbytes4(weight, {
        type: "nf4",
        numbers: table(CODEBOOKS.nf4),
        nested: DYNAMIC_MAP.map((number) => number * 0.5),
      }),
    dtype: "F32",
    kept: "nf4",
  },
  {
    name: "bitsandbytes fp4",
    quantization_config: bnb,
    pack: (weight) =>
      bitsandbytes4(weight, { type: "fp4", numbers: table(CODEBOOKS.fp4) }),
    dtype: "F32",
    kept: "fp4",
  },
  {
    name: "bitsandbytes nf4 in blocks of 128",
    quantization_config: bnb,
    pack: (weight) =>
      bitsandbytes4(weight, {
        type: "nf4",
        numbers: table(CODEBOOKS.nf4),
        blocksize: 128,
      }),
    dtype: "F32",
  },
  {
    name: "bitsandbytes nf4 of other numbers",
    quantization_config: bnb,
    pack: (weight) =>
      bitsandbytes4(weight, {
        type: "nf4",
        numbers: CODEBOOKS.nf4.map((number) => number * 0.75),
      }),
    dtype: "F32",
  },
  {
    name: "bitsandbytes int8",
    quantization_config: { quant_method: "bitsandbytes", load_in_8bit: true },
    pack: bitsandbytes8,
    dtype: "F32",
    kept: "int8",
  },
  {
    name: "FP8 in blocks",
    quantization_config: { quant_method: "fp8", weight_block_size: [32, 48] },
    pack: (weight) => fp8Blocks(weight, [32, 48]),
    dtype: "BF16",
  },
  {
    name: "GPTQ",
    quantization_config: { quant_method: "gptq", bits: 4, desc_act: true },
    pack: (weight) =>
      gptqWords(weight, {
        groups: 2,
        version: 1,
        order: sorted(weight.cols),
      }),
    dtype: "BF16",
  },
  {
    name: "GPTQ of the second version",
    quantization_config: {
      quant_method: "gptq",
      bits: 4,
      checkpoint_format: "gptq_v2",
    },
    pack: (weight) =>
      gptqWords(weight, {
        groups: 2,
        version: 2,
        order: sorted(weight.cols),
      }),
    dtype: "BF16",
  },
  {
    name: "AWQ",
    quantization_config: {
      quant_method: "awq",
      bits: 4,
      version: "gemm",
      zero_point: true,
    },
    pack: (weight) => awqWords(weight, 2),
    dtype: "BF16",
  },
];
