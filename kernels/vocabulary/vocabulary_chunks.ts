/** Cuts a vocabulary into chunks whose logits fit a byte budget. Pure arithmetic. */

/** Rows `[first, first + rows)` of the head; `first` is a multiple of 64. */
export interface VocabularyChunk {
  readonly first: number;
  readonly rows: number;
}

/** Heads are packed and bound by so many rows. */
const UNIT = 64;
/** Keeps the sums within a chunk short, so that they stay exact enough in f32. */
const MOST_ROWS = 32_768;

/**
 * Chunks from the first row to the last, as large as the budget allows but 64 rows at least.
 *
 * @param targets rows of logits
 * @param chunkBytes most bytes of a chunk's logits in f32
 * @param windowBytes most bytes of a chunk of the head or its gradient in f32, since that is bound at once
 */
export function vocabularyChunks(
  { vocabulary, hiddenSize, targets, chunkBytes, windowBytes }: {
    vocabulary: number;
    hiddenSize: number;
    targets: number;
    chunkBytes: number;
    windowBytes: number;
  },
): VocabularyChunk[] {
  const fitting = Math.min(
    MOST_ROWS,
    chunkBytes / (4 * Math.max(1, targets)),
    windowBytes / (4 * hiddenSize),
  );
  const most = Math.max(UNIT, Math.floor(fitting / UNIT) * UNIT);
  // texture kernels read four columns at a time: what does not divide by four is left to one small chunk
  const even = vocabulary % 4 === 0
    ? vocabulary
    : vocabulary - vocabulary % UNIT;
  const chunks: VocabularyChunk[] = [];
  for (let first = 0; first < even; first += most) {
    chunks.push({ first, rows: Math.min(most, even - first) });
  }
  if (even < vocabulary) {
    chunks.push({ first: even, rows: vocabulary - even });
  }
  return chunks;
}
