/**
 * The texts that the matrix products for CPU devices share, by the names in their `//#use` lines.
 */
import codes from "./codes.wgsl" with { type: "text" };
import fewRowsStep from "./few_rows_step.wgsl" with { type: "text" };
import flatWords from "./flat_words.wgsl" with { type: "text" };
import rowStart from "./row_start.wgsl" with { type: "text" };
import sumsOfCodes from "./sums_of_codes.wgsl" with { type: "text" };
import sumsOfPair from "./sums_of_pair.wgsl" with { type: "text" };

/** See above. */
export const CPU_PIECES: Readonly<Record<string, string>> = {
  "codes.wgsl": codes,
  "few_rows_step.wgsl": fewRowsStep,
  "flat_words.wgsl": flatWords,
  "row_start.wgsl": rowStart,
  "sums_of_codes.wgsl": sumsOfCodes,
  "sums_of_pair.wgsl": sumsOfPair,
};
