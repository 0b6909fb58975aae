/**
 * Tells by a run's rows of metrics whether it went wrong: a loss far above its start, a number that
 * is not finite, rewards so far apart that the loss has no slope left. Knows no device, and ends no
 * run.
 */
import type { Metrics } from "../method/metrics.ts";

/** A loss above this many times the first one is no training any more. */
const MOST_RISE = 3;

/**
 * Rewards, in nats, this far apart leave a sigmoid of 1 - 2e-22: the policy is 50 / beta nats away
 * from its reference.
 */
const MOST_MARGIN = 50;

/** What is wrong with the row of a step. */
export interface Wreck {
  /** Number of the step, from 1. */
  readonly step: number;
  /** Each as a part of a sentence: `loss 9.8 is above 3 times the 0.69 of the start`. */
  readonly signs: readonly string[];
}

/** Whether a loss is so far above the first one that the run went wrong. */
export function isRisen(loss: number, first: number): boolean {
  return first > 0 && loss > MOST_RISE * first;
}

/** A judge of one run's rows, in their order. */
export type WreckJudge = (row: Metrics) => Wreck | undefined;

/** What the losses of a run are compared with. */
export interface LossStart {
  /** In nats, before the first step; undefined: the loss of the first row is taken. */
  readonly startingLoss: number | undefined;
  /** Whether the loss may be of either sign: then none is too large. Default false. */
  readonly signed?: boolean;
}

/** A judge that has seen no row. */
export function wreckJudge(
  { startingLoss, signed = false }: LossStart,
): WreckJudge {
  const first: Record<string, number | undefined> = signed
    ? { loss: 0, eval_loss: 0 }
    : { loss: startingLoss };
  return (row) => {
    const signs = Object.entries(row).flatMap(([name, value]) => {
      const known = name.replace(/^eval_/, "");
      if (!Number.isFinite(value)) {
        return isJudged(known) ? [`${name} is ${value}`] : [];
      }
      if (known === "loss") {
        // an evaluation's loss may be of another scale, so it is compared with its own first one
        const start = first[name] ??= value;
        return isRisen(value, start)
          ? [
            `${name} ${short(value)} is above ${MOST_RISE} times the ${
              short(start)
            } of the start`,
          ]
          : [];
      }
      return known === "rewards/margins" && Math.abs(value) > MOST_MARGIN
        ? [`${name} ${short(value)} is beyond ${MOST_MARGIN}`]
        : [];
    });
    return signs.length > 0 ? { step: row["step"] ?? 0, signs } : undefined;
  };
}

/** The numbers that a good run has finite: others, such as an empty mean, may be NaN by right. */
const isJudged = (name: string) =>
  ["loss", "grad_norm", "rewards/margins"].includes(name);

/** What went wrong in a run and whether it still was so at its end; undefined if nothing did. */
export interface WreckedRun {
  /** The first row that was wrong. */
  readonly first: Wreck;
  /** The last row of training or of evaluation, if it is wrong too. */
  readonly last: Wreck | undefined;
}

/** Looks at all rows of a run. */
export function wreckOf(
  rows: readonly Metrics[],
  start: LossStart,
): WreckedRun | undefined {
  const judge = wreckJudge(start);
  const wrecks = rows.map(judge);
  const first = wrecks.find((wreck) => wreck !== undefined);
  if (first === undefined) return undefined;
  const ends = ["loss", "eval_loss"].map((name) =>
    rows.findLastIndex((row) => name in row)
  );
  const last = ends.map((i) => wrecks[i]).find((wreck) => wreck !== undefined);
  return { first, last };
}

const short = (value: number) => Number(value.toPrecision(3));
