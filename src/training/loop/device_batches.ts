/**
 * Which examples run on the device together, within a budget of tokens. Micro-batches are split and
 * put together for the device alone: losses and logged numbers stay those of the micro-batches.
 * Pure: knows no loss.
 */
import type { TargetStatistics } from "../loss/token_sums.ts";

/** Examples of one micro-batch. */
export interface Piece {
  readonly microBatch: number;
  /** Examples by number. */
  readonly examples: readonly number[];
}

/** How to pack. */
export interface PackOptions {
  /**
   * Most tokens of a device batch; a single example of more tokens runs alone. Null: each
   * micro-batch is a device batch.
   */
  readonly maxTokens: number | null;
  /** Tokens of some examples as one batch. */
  readonly tokensOf: (examples: readonly number[]) => number;
  /** Whether the examples of a micro-batch depend on each other, so that it is never split. */
  readonly couples: boolean;
}

/**
 * Packs the micro-batches of a step in their order; a device batch holds at most one piece of each.
 */
export function packDeviceBatches(
  microBatches: readonly (readonly number[])[],
  { maxTokens, tokensOf, couples }: PackOptions,
): Piece[][] {
  if (maxTokens === null) {
    return microBatches.map((examples, microBatch) => [
      { microBatch, examples },
    ]);
  }
  const batches: { microBatch: number; examples: number[] }[][] = [];
  let left = -1;
  for (const [microBatch, all] of microBatches.entries()) {
    const units = couples ? [all] : all.map((example) => [example]);
    for (const unit of units) {
      const tokens = tokensOf(unit);
      if (batches.length === 0 || tokens > left) {
        batches.push([]);
        left = maxTokens;
      }
      left -= tokens;
      const batch = batches.at(-1)!;
      const last = batch.at(-1);
      if (last?.microBatch === microBatch) last.examples.push(...unit);
      else batch.push({ microBatch, examples: [...unit] });
    }
  }
  return batches;
}

/** The numbers of the targets that belong to the sequences `[first, first + count)`, in order. */
export function targetsOf(
  { targetSequence }: Pick<TargetStatistics, "targetSequence">,
  first: number,
  count: number,
): number[] {
  const targets: number[] = [];
  for (let t = 0; t < targetSequence.length; t++) {
    const sequence = targetSequence[t]! - first;
    if (sequence >= 0 && sequence < count) targets.push(t);
  }
  return targets;
}

const COLUMNS = [
  "logps",
  "meanLogits",
  "entropies",
  "correct",
  "sumSquares",
] as const;

/** The statistics of some targets; their sequences are numbered from `first` on. */
export function pickStatistics(
  statistics: TargetStatistics,
  targets: readonly number[],
  first: number,
): TargetStatistics {
  const pick = (values: ArrayLike<number>) =>
    Float32Array.from(targets, (t) => values[t]!);
  const columns = COLUMNS.map((name) => [name, pick(statistics[name])]);
  return {
    ...Object.fromEntries(columns) as Omit<TargetStatistics, "targetSequence">,
    targetSequence: Uint32Array.from(
      targets,
      (t) => statistics.targetSequence[t]! - first,
    ),
  };
}

/**
 * Statistics of a piece, with the number of its sequences and how many of its last targets are
 * prompts'.
 */
export interface PieceStatistics {
  readonly statistics: TargetStatistics;
  readonly sequences: number;
  readonly promptTargets: number;
}

/**
 * The statistics of a micro-batch from those of its pieces, in the order of its own batch: answers,
 * then prompts.
 */
export function joinStatistics(
  pieces: readonly PieceStatistics[],
): TargetStatistics {
  let first = 0;
  const parts = pieces.map(({ statistics, sequences, promptTargets }) => {
    const begin = first;
    first += sequences;
    const all = statistics.targetSequence.length;
    const answers = all - promptTargets;
    const range = (from: number, to: number) =>
      pickStatistics(
        statistics,
        Array.from({ length: to - from }, (_, i) => from + i),
        -begin,
      );
    return [range(0, answers), range(answers, all)] as const;
  });
  const ordered = [...parts.map(([answers]) => answers)]
    .concat(parts.map(([, prompts]) => prompts));
  const join = (name: keyof TargetStatistics) =>
    ordered.flatMap((part) => Array.from(part[name]));
  return {
    logps: join("logps"),
    meanLogits: join("meanLogits"),
    entropies: join("entropies"),
    correct: join("correct"),
    sumSquares: join("sumSquares"),
    targetSequence: join("targetSequence"),
  };
}
