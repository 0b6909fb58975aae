/**
 * The options that keep frozen weights as codes, by the names of TRL and bitsandbytes; every task
 * that opens a model has them.
 *
 * @module
 */
import { choice, flag } from "../../base/option.ts";
import type { Quantization } from "./quantization.ts";

/** The options of quantization, for the schema of any task that opens a model. */
export const quantizationOptions = {
  load_in_8bit: flag(
    "Keep the linear layers of the blocks in int8 with a scale per row",
  ),
  load_in_4bit: flag(
    "Keep the linear layers of the blocks in 4 bits with a scale per 64 numbers, as QLoRA does",
  ),
  bnb_4bit_quant_type: choice(
    "Numbers of the 16 codes: of a normal distribution, or of floats",
    "nf4",
    ["nf4", "fp4"],
  ),
  dequantize: flag(
    "Read checkpoints of FP8, GPTQ or AWQ as bf16; those of bitsandbytes keep their codes anyway",
  ),
  use_bnb_nested_quant: flag(
    "With load_in_4bit: round the scales to 8 bits too, in blocks of 256",
  ),
};

/** Other names of these options. */
export const quantizationAliases = {
  bnb_4bit_use_double_quant: "use_bnb_nested_quant",
} as const;

/** The checked options of quantization. */
export interface QuantizationOptions {
  /** Whether to keep int8 codes with a scale per row. */
  readonly load_in_8bit: boolean;
  /** Whether to keep 4-bit codes with a scale per 64 numbers. */
  readonly load_in_4bit: boolean;
  /** The 16 numbers of the 4-bit codes: of a normal distribution (nf4) or of floats (fp4). */
  readonly bnb_4bit_quant_type: "nf4" | "fp4";
  /** Whether checkpoints of codes that the kernels do not read are read as bf16. */
  readonly dequantize: boolean;
  /** Whether the scales of 4-bit codes are quantized too. */
  readonly use_bnb_nested_quant: boolean;
}

/** Contradictions between these options. */
export function quantizationProblems(options: QuantizationOptions): string[] {
  return options.load_in_8bit && options.load_in_4bit
    ? ['"load_in_8bit" and "load_in_4bit" exclude each other']
    : [];
}

/** How frozen linear layers are quantized; undefined: they keep the type of the file. */
export function quantizationOf(
  options: QuantizationOptions,
): Quantization | undefined {
  if (options.load_in_8bit) return { dtype: "int8", nested: false };
  if (!options.load_in_4bit) return undefined;
  return {
    dtype: options.bnb_4bit_quant_type,
    nested: options.use_bnb_nested_quant,
  };
}
