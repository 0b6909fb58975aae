/**
 * Reads the lines of a file as sequences to score: ids, a prompt with its completion, or a
 * preference pair. Nothing is cut and nothing left out: if a line cannot be scored, the work stops
 * and names it. Knows no device.
 */
import { type FileRecord, readRecords } from "../files/records/records.ts";
import {
  demonstrationFault,
  preferenceFault,
} from "../preference/formats/check.ts";
import { DEMONSTRATION_FORMATS } from "../preference/formats/demonstration_formats.ts";
import {
  fitsFormat,
  readRow,
  standardRow,
} from "../preference/formats/format.ts";
import { PREFERENCE_FORMATS } from "../preference/formats/preference_formats.ts";
import type {
  TokenPair,
  TokenSequence,
} from "../preference/tokens/token_examples.ts";
import {
  type Encoder,
  tokenizeDemonstration,
  tokenizePreference,
  unprintedFault,
} from "../preference/tokens/tokenize.ts";

/** A line that is scored. */
export type ScoreRow =
  & FileRecord
  & (
    | { readonly kind: "sequence"; readonly sequence: TokenSequence }
    | { readonly kind: "pair"; readonly pair: TokenPair }
  );

/** How lines become tokens. */
export interface ScoreRowOptions {
  /** Opens tokenizer and chat template; called only if a line has text. */
  readonly openEncoder: () => Promise<Encoder>;
  /** The format's key -> the file's column, where they differ. */
  readonly columns: Readonly<Record<string, string>>;
  /** Whether pictures, sounds and unread parts of the prompt are passed over. Default false. */
  readonly ignoreUnserved?: boolean;
  /** The model's sizes, which no line may exceed. */
  readonly limits: {
    readonly vocab_size: number;
    readonly max_position_embeddings: number;
  };
}

const SHOWN = 5;

/**
 * Reads all lines of a file.
 *
 * @throws {TypeError} naming the first lines that cannot be scored and their number; or as
 *   `readRecords()` does
 */
export async function readScoreRows(
  path: string,
  options: ScoreRowOptions,
): Promise<ScoreRow[]> {
  const rows: ScoreRow[] = [];
  const faults: string[] = [];
  let encoder: Encoder | undefined;
  for await (const record of readRecords(path)) {
    const value = standardRow(record.value, options);
    const hasText = !("input_ids" in value);
    if (hasText) encoder ??= await options.openEncoder();
    try {
      const context = { line: record.line, encoder, settings: options };
      const row = { ...record, ...readTokens(value, context) };
      checkLimits(row, options.limits);
      rows.push(row);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) {
        throw error;
      }
      faults.push(`line ${record.line}: ${error.message}`);
    }
  }
  if (faults.length === 0) return rows;
  const rest = faults.length - SHOWN;
  const shown = faults.slice(0, SHOWN).join("; ") +
    (rest > 0 ? `; and ${rest} more` : "");
  throw new TypeError(`Cannot score "${path}" ${shown}`);
}

type Tokens =
  | { readonly kind: "sequence"; readonly sequence: TokenSequence }
  | { readonly kind: "pair"; readonly pair: TokenPair };

type Row = Readonly<Record<string, unknown>>;

function readTokens(
  value: Row,
  { line, encoder, settings: { ignoreUnserved } }: {
    line: number;
    encoder: Encoder | undefined;
    settings: ScoreRowOptions;
  },
): Tokens {
  if ("input_ids" in value) {
    const ids = readIds(value["input_ids"]);
    return { kind: "sequence", sequence: { ids, completionStart: 0 } };
  }
  if (isPair(value)) {
    const row = readRow(value, line, PREFERENCE_FORMATS, { ignoreUnserved });
    refuse(preferenceFault(row, { allowEmptyPrompt: true }));
    const { tokens, unprinted } = tokenizePreference(row, encoder!);
    refuse(unprintedFault(unprinted ?? [], ignoreUnserved));
    return { kind: "pair", pair: tokens };
  }
  if (!DEMONSTRATION_FORMATS.some((format) => fitsFormat(value, format))) {
    throw new TypeError(
      `found keys ${
        Object.keys(value).map((key) => `"${key}"`).join(", ")
      }, expected "input_ids", or "prompt" with "completion", or those of a preference pair such as "prompt", "chosen" and "rejected"`,
    );
  }
  const row = readRow(value, line, DEMONSTRATION_FORMATS, { ignoreUnserved });
  refuse(demonstrationFault(row));
  const { tokens, unprinted } = tokenizeDemonstration(row, encoder!);
  refuse(unprintedFault(unprinted ?? [], ignoreUnserved));
  return { kind: "sequence", sequence: tokens };
}

function refuse(fault: string | undefined): void {
  if (fault !== undefined) throw new RangeError(fault);
}

function readIds(value: unknown): readonly number[] {
  const isIds = Array.isArray(value) && value.length > 0 &&
    value.every((id) => Number.isInteger(id));
  if (isIds) return value as readonly number[];
  throw new TypeError(
    '"input_ids" is not a list of at least one token id, expected such as [1, 2]',
  );
}

/** `messages` alone may be a conversation with one answer or with two. */
function isPair(value: Row): boolean {
  const { messages } = value;
  if (Array.isArray(messages)) {
    return messages.some((turn) =>
      typeof turn === "object" && turn !== null && "chosen_value" in turn
    );
  }
  return PREFERENCE_FORMATS.some((format) => fitsFormat(value, format));
}

/** The sequences of a line: one, or the chosen and the rejected one. */
export function sequencesOf(row: ScoreRow): readonly TokenSequence[] {
  return row.kind === "pair"
    ? [row.pair.chosen, row.pair.rejected]
    : [row.sequence];
}

function checkLimits(
  row: ScoreRow,
  { vocab_size, max_position_embeddings }: ScoreRowOptions["limits"],
): void {
  for (const { ids } of sequencesOf(row)) {
    const foreign = ids.find((id) => !(id >= 0 && id < vocab_size));
    if (foreign !== undefined) {
      throw new RangeError(
        `token ${foreign}, the model's vocab_size is ${vocab_size}`,
      );
    }
    if (ids.length > max_position_embeddings) {
      throw new RangeError(
        `${ids.length} tokens, the model's max_position_embeddings is ${max_position_embeddings}`,
      );
    }
  }
}
