/**
 * Collects metrics between two log lines and averages them as TRL does: a metric is the plain mean
 * over the micro-batches that had it since the last line, the loss is the mean over the steps. The
 * state is plain JSON, so that a resumed run logs what an uninterrupted one would.
 *
 * @module
 */
import type { Metrics } from "../method/metrics.ts";

/** One step of the optimizer. */
export interface StepMetrics {
  /** Mean over the step's micro-batches. */
  readonly loss: number;
  /** L2 norm of all gradients before clipping. */
  readonly grad_norm: number;
  /** The rate that this step used. */
  readonly learning_rate: number;
}

/** All that a meter holds; plain JSON. */
export interface MeterState {
  readonly tokens: number;
  readonly sums: Readonly<Record<string, number>>;
  /** The number of micro-batches that had each metric. */
  readonly counts: Readonly<Record<string, number>>;
  readonly steps: number;
  /** Steps that changed nothing, since their numbers were not finite. */
  readonly skipped: number;
  readonly lossSum: number;
  readonly last: StepMetrics | null;
}

const EMPTY: MeterState = {
  tokens: 0,
  sums: {},
  counts: {},
  steps: 0,
  skipped: 0,
  lossSum: 0,
  last: null,
};

/** The values since the last log line, and the running number of tokens. */
export class Meter {
  #state: MeterState;

  /** @param state What `state` of an earlier meter gave, to go on from there */
  constructor(state: MeterState = EMPTY) {
    this.#state = { ...EMPTY, ...state };
  }

  /** What to store in a checkpoint. */
  get state(): MeterState {
    return this.#state;
  }

  /** @param attendedTokens Tokens that attention saw, prompts counted for both halves */
  addMicroBatch(metrics: Metrics, attendedTokens: number): void {
    const sums = { ...this.#state.sums };
    const counts = { ...this.#state.counts };
    for (const [name, value] of Object.entries(metrics)) {
      sums[name] = (sums[name] ?? 0) + value;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    const tokens = this.#state.tokens + attendedTokens;
    this.#state = { ...this.#state, sums, counts, tokens };
  }

  /** Ends a step of the optimizer. */
  addStep(step: StepMetrics): void {
    const { steps, lossSum } = this.#state;
    this.#state = {
      ...this.#state,
      steps: steps + 1,
      lossSum: lossSum + step.loss,
      last: step,
    };
  }

  /** A step that changed nothing: its tokens count, its metrics do not. */
  addSkipped(attendedTokens: number): void {
    const { skipped, tokens } = this.#state;
    this.#state = {
      ...this.#state,
      skipped: skipped + 1,
      tokens: tokens + attendedTokens,
    };
  }

  /**
   * Gives the row for the log and starts anew; only the running number of tokens stays.
   *
   * @param position `step` and `epoch` (a fraction) of the run
   * @throws {RangeError} If no step was added since the last row
   */
  take(position: { readonly step: number; readonly epoch: number }): Metrics {
    const { sums, counts, steps, skipped, lossSum, last, tokens } = this.#state;
    const told = skipped > 0 ? { skipped_steps: skipped } : {};
    if (last === null && skipped > 0) {
      this.#state = { ...EMPTY, tokens };
      return { ...position, ...told, num_tokens: tokens };
    }
    if (last === null) {
      throw new RangeError(
        `Cannot log step ${position.step}: found no step since the last line, expected at least one`,
      );
    }
    this.#state = { ...EMPTY, tokens };
    const means = Object.entries(sums).map((
      [name, sum],
    ) => [name, sum / (counts[name] ?? NaN)]);
    return {
      ...position,
      loss: lossSum / steps,
      grad_norm: last.grad_norm,
      learning_rate: last.learning_rate,
      ...Object.fromEntries(means),
      ...told,
      num_tokens: tokens,
    };
  }
}
