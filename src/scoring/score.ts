/**
 * Computes the log-probabilities of the tokens of sequences and pairs, several in one batch without
 * padding, and the implicit rewards of pairs. Knows no file.
 */
import { turnGiver } from "../base/turn_giver.ts";
import type { Model } from "../model/decoder/model.ts";
import {
  type Batch,
  demonstrationBatch,
  preferenceBatch,
} from "../preference/tokens/batch.ts";
import { logpsOf } from "../training/loop/batch_logps.ts";
import { type ScoreRow, sequencesOf } from "./score_rows.ts";

/** The keys that are added to a line. */
export type LineScore = Readonly<Record<string, number | readonly number[]>>;

/** How lines are scored. */
export interface ScoringOptions {
  /**
   * Factor of the implicit rewards of pairs. Given only if the model has an adapter; the reference
   * is then the model without it.
   */
  readonly beta?: number | undefined;
  /** Number of tokens that run in one batch, about. */
  readonly batchTokens: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Scores lines in order, batch by batch. A sequence gets `logps` per token in nats and `sum_logps`;
 * a pair gets both for each answer, and `rewards/*` if a beta is given (Sec. 5 of
 * https://arxiv.org/abs/2305.18290). By a reward model a sequence gets `reward`, a pair
 * `chosen_reward` and `rejected_reward`.
 */
export async function* scoreRows(
  model: Model,
  rows: readonly ScoreRow[],
  { beta, batchTokens, signal }: ScoringOptions,
): AsyncGenerator<{ row: ScoreRow; score: LineScore }> {
  const giveTurn = turnGiver();
  for (const group of groupRows(rows, batchTokens)) {
    await giveTurn();
    signal?.throwIfAborted();
    if (model.score) {
      yield* rewardsOf(model, group);
      continue;
    }
    const batch = layOut(group);
    const logps = await sequenceTokens(model, batch, true);
    const reference = beta !== undefined && group[0]!.kind === "pair"
      ? await sequenceTokens(model, batch, false)
      : undefined;
    const width = group[0]!.kind === "pair" ? 2 : 1;
    for (const [i, row] of group.entries()) {
      const ofRow = (all: readonly (readonly number[])[]) =>
        all.slice(i * width, (i + 1) * width);
      const score = row.kind === "sequence"
        ? sequenceScore(ofRow(logps)[0]!)
        : pairScore(ofRow(logps), reference && ofRow(reference), beta);
      yield { row, score };
    }
  }
}

/**
 * Groups rows in order: each group has rows of one kind, at least one, and at most `batchTokens`
 * tokens if it has more than one row.
 */
export function* groupRows(
  rows: readonly ScoreRow[],
  batchTokens: number,
): Generator<ScoreRow[]> {
  let group: ScoreRow[] = [];
  let tokens = 0;
  for (const row of rows) {
    const size = sequencesOf(row).reduce((sum, { ids }) => sum + ids.length, 0);
    const first = group[0];
    if (first && (first.kind !== row.kind || tokens + size > batchTokens)) {
      yield group;
      group = [];
      tokens = 0;
    }
    group.push(row);
    tokens += size;
  }
  if (group.length > 0) yield group;
}

/** The rewards of a reward model, each read at the last token of its sequence. */
async function* rewardsOf(
  model: Model,
  group: readonly ScoreRow[],
): AsyncGenerator<{ row: ScoreRow; score: LineScore }> {
  const batch = layOut(group, { lastOnly: true });
  const { logps: rewards } = await logpsOf(model, batch);
  let at = 0;
  for (const row of group) {
    if (row.kind === "sequence") {
      yield { row, score: { reward: rewards[at++]! } };
      continue;
    }
    const [chosen_reward, rejected_reward] = [rewards[at++]!, rewards[at++]!];
    yield { row, score: { chosen_reward, rejected_reward } };
  }
}

function layOut(
  group: readonly ScoreRow[],
  options: { readonly lastOnly?: boolean } = {},
): Batch {
  const pairs = group.flatMap((row) => row.kind === "pair" ? [row.pair] : []);
  return pairs.length > 0
    ? preferenceBatch(pairs, options)
    : demonstrationBatch(group.flatMap(sequencesOf), options);
}

/** Log-probabilities of the targets of each sequence, in the order of the tokens. */
async function sequenceTokens(
  model: Model,
  batch: Batch,
  adapters: boolean,
): Promise<number[][]> {
  const tokens = Array.from({ length: batch.sequences }, (): number[] => []);
  // sequences of one token have no token that is predicted
  if (batch.targetTokens.length === 0) return tokens;
  const { logps, targetSequence } = await logpsOf(model, batch, { adapters });
  for (let i = 0; i < targetSequence.length; i++) {
    tokens[targetSequence[i]!]!.push(logps[i]!);
  }
  return tokens;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function sequenceScore(logps: readonly number[]): LineScore {
  return { logps, sum_logps: sum(logps) };
}

function pairScore(
  [chosen = [], rejected = []]: readonly (readonly number[])[],
  reference: readonly (readonly number[])[] | undefined,
  beta = 0,
): LineScore {
  const [sumChosen, sumRejected] = [sum(chosen), sum(rejected)];
  const score = {
    chosen_logps: chosen,
    rejected_logps: rejected,
    sum_chosen_logps: sumChosen,
    sum_rejected_logps: sumRejected,
  };
  if (!reference) return score;
  const [refChosen = 0, refRejected = 0] = reference.map(sum);
  const rewardChosen = beta * (sumChosen - refChosen);
  const rewardRejected = beta * (sumRejected - refRejected);
  return {
    ...score,
    sum_ref_chosen_logps: refChosen,
    sum_ref_rejected_logps: refRejected,
    "rewards/chosen": rewardChosen,
    "rewards/rejected": rewardRejected,
    "rewards/margins": rewardChosen - rewardRejected,
  };
}
