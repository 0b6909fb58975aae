/**
 * The options that keep frozen weights as codes, by the names of TRL and bitsandbytes; every task
 * that opens a model has them.
 *
 * @module
 */
import { choice, flag } from "../../base/option.ts";
import type { Quantization } from "./quantization.ts";

/** The options, for a schema. */
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
  use_bnb_nested_quant: flag(
    "With load_in_4bit: round the scales to 8 bits too, in blocks of 256",
  ),
};

/** Other names of them. */
export const quantizationAliases = {
  bnb_4bit_use_double_quant: "use_bnb_nested_quant",
} as const;

/** Checked options of them. */
export interface QuantizationOptions {
  /** int8 with a scale per row. */
  readonly load_in_8bit: boolean;
  /** 4 bits with a scale per 64 numbers. */
  readonly load_in_4bit: boolean;
  /** Numbers of the 4-bit codes. */
  readonly bnb_4bit_quant_type: "nf4" | "fp4";
  /** Whether the scales of 4 bits are codes too. */
  readonly use_bnb_nested_quant: boolean;
}

/** What contradicts. */
export function quantizationProblems(options: QuantizationOptions): string[] {
  return options.load_in_8bit && options.load_in_4bit
    ? ['"load_in_8bit" and "load_in_4bit" exclude each other']
    : [];
}

/** How frozen linear layers are kept; undefined: as stored. */
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
