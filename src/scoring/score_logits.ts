/**
 * Writes the logits of every token of scored lines to a safetensors file, one sequence at a time.
 */
import { turnGiver } from "../base/turn_giver.ts";
import { fromFloat32 } from "../files/safetensors/dtype.ts";
import { writeSafetensors } from "../files/safetensors/safetensors_writer.ts";
import { sequenceLogits } from "../model/decoder/logits.ts";
import type { Model } from "../model/decoder/model.ts";
import { type ScoreRow, sequencesOf } from "./score_rows.ts";

/** Largest allowed file of logits, in bytes. */
export const LOGITS_LIMIT_BYTES = 2 ** 31;

/** A sequence and the tensor name of its logits. */
interface Named {
  readonly name: string;
  readonly ids: readonly number[];
}

/**
 * The sequences of rows, under the names `logits.<line>`, or for a pair `logits.<line>.chosen` and
 * `logits.<line>.rejected`.
 */
function namedSequences(rows: readonly ScoreRow[]): Named[] {
  return rows.flatMap((row) => {
    const name = `logits.${row.line}`;
    return row.kind === "sequence" ? [{ name, ids: row.sequence.ids }] : [
      { name: `${name}.chosen`, ids: row.pair.chosen.ids },
      { name: `${name}.rejected`, ids: row.pair.rejected.ids },
    ];
  });
}

/**
 * Fails if the logits of all lines would make too large a file.
 *
 * @throws {RangeError} with the size that the file would have
 */
export function checkLogitsSize(
  rows: readonly ScoreRow[],
  vocab_size: number,
  limitBytes = LOGITS_LIMIT_BYTES,
): void {
  const tokens = rows.flatMap(sequencesOf)
    .reduce((total, { ids }) => total + ids.length, 0);
  const bytes = tokens * vocab_size * 4;
  if (bytes <= limitBytes) return;
  throw new RangeError(
    `Cannot write logits: ${tokens} tokens of ${vocab_size} logits take ${bytes} bytes, expected at most ${limitBytes}; take fewer lines or a smaller model`,
  );
}

/** Writes the logits of all lines: for each sequence a tensor `[tokens, vocab_size]` of f32. */
export async function writeLogits(
  path: string,
  model: Model,
  rows: readonly ScoreRow[],
  { onProgress, limitBytes, signal }: {
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
    readonly limitBytes?: number;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<void> {
  const { vocab_size } = model.config;
  checkLogitsSize(rows, vocab_size, limitBytes);
  const named = namedSequences(rows);
  const idsOf = new Map(named.map(({ name, ids }) => [name, ids]));
  let done = 0;
  const giveTurn = turnGiver();
  await writeSafetensors(
    path,
    named.map(({ name, ids }) => ({
      name,
      dtype: "F32" as const,
      shape: [ids.length, vocab_size],
    })),
    async function* ({ name }) {
      await giveTurn();
      signal?.throwIfAborted();
      for await (const piece of sequenceLogits(model, idsOf.get(name)!)) {
        yield fromFloat32(piece, "F32");
      }
      onProgress?.(++done, named.length);
    },
  );
}
