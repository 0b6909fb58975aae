/** Rows of pairs, and loads taken apart. */
import { loadPairs } from "../../../src/preference/loading/load.ts";
import type { LoadDataOptions } from "../../../src/preference/loading/load_options.ts";
import type { LoadReport } from "../../../src/preference/loading/load_report.ts";
import type { DataSource } from "../../../src/preference/loading/data_source.ts";
import type { TokenPair } from "../../../src/preference/tokens/token_examples.ts";
import { characterEncoder } from "../tokens/character_encoder.ts";

/** One id per character. */
export const encoder = characterEncoder();
/** What loads cannot do without. */
export const common = { split: "train", encoder };

/** Rows as the text of a file. */
export function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => JSON.stringify(row) + "\n").join("");
}

/** Numbered pairs; every other one has scores, its number and 0. */
export function pairs(count: number, name = "q"): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, i) => ({
    prompt: `${name}${i}`,
    pos_resp: "good",
    neg_resp: "bad",
    ...(i % 2 === 0 ? { chosen_score: i, rejected_score: 0 } : {}),
  }));
}

/** All that a load gives, taken apart. */
export async function all(
  sources: readonly DataSource[],
  options: LoadDataOptions,
): Promise<{ plain: TokenPair[]; report: LoadReport }> {
  const { examples, report } = await loadPairs(sources, options);
  const plain = examples.map((pair) => ({
    chosen: pair.chosen,
    rejected: pair.rejected,
    line: pair.line,
    sharedLength: pair.sharedLength,
    scores: pair.scores,
    referenceLogps: pair.referenceLogps,
  }));
  return { plain, report };
}
