/**
 * The one training loop: windows of micro-batches, one optimizer step each, evaluation and saving at their times.
 * Knows no loss by name, no option, no file and no screen: all that is in what it is given.
 */
import type { Model } from "../model/model.ts";
import type { Batch } from "../preference/batch.ts";
import { logpsOf, recordedLogps } from "./batch_logps.ts";
import { Meter, type MeterState } from "./meter.ts";
import {
  type EvaluatedBatch,
  evaluationMetrics,
  type Metrics,
} from "./metrics.ts";
import type { Objective, Window } from "./objective.ts";
import type { Optimizer } from "./optimizer.ts";
import {
  type DataPosition,
  type DataWindow,
  dataWindows,
  type EpochOptions,
  windowsPerEpoch,
} from "../preference/epoch.ts";

/** Examples, and the reference's column of log-probabilities `[sequences of all examples]`; empty if none is needed. */
export interface Dataset<Example> {
  readonly examples: readonly Example[];
  readonly reference: Float64Array;
}

/** Where a run stands between two steps; plain JSON. */
export interface TrainerState {
  /** Steps done. */
  readonly step: number;
  readonly meter: MeterState | null;
}

/** What a run is made of. */
export interface TrainerParts<Example> {
  readonly model: Model;
  readonly objective: Objective<Example>;
  readonly train: Dataset<Example>;
  readonly evaluation: Dataset<Example> | undefined;
  readonly optimizer: Optimizer;
  readonly order: EpochOptions;
  readonly totalSteps: number;
  /** Learning rate by steps done. */
  readonly schedule: (stepsDone: number) => number;
  readonly maxGradNorm: number;
  readonly evalBatchSize: number;
  readonly gradientCheckpointing: boolean;
  /** Seed of dropout; undefined: no dropout. */
  readonly dropoutSeed: number | undefined;
  /** What happens after a step, by its number. */
  readonly isDue: (event: "log" | "eval" | "save", step: number) => boolean;
  /** Says which rows an example comes from, for messages. */
  readonly describe: (example: Example) => string;
}

/** What the caller does as the run goes on. */
export interface TrainerHooks {
  readonly onStep?: (step: number, tokens: number) => void;
  /** Awaited before anything else happens after a step. */
  readonly afterStep?: (step: number) => Promise<void>;
  readonly onLog: (row: Metrics) => void | Promise<void>;
  readonly onEvaluation: (row: Metrics) => void | Promise<void>;
  readonly onSave: (state: TrainerState) => Promise<void>;
  /** Ends the run after the step at hand. */
  readonly signal?: AbortSignal;
}

/**
 * Trains from `state` on.
 *
 * @returns where the run stands at its end; before the last step if it was interrupted
 * @throws {Error} if a gradient is not finite, naming the rows
 */
export async function train<Example>(
  parts: TrainerParts<Example>,
  hooks: TrainerHooks,
  { step: done, meter: meterState }: TrainerState = { step: 0, meter: null },
): Promise<TrainerState> {
  const { order, totalSteps, isDue } = parts;
  const meter = meterState ? new Meter(meterState) : new Meter();
  parts.optimizer.steps = done;
  const state = (step: number): TrainerState => ({ step, meter: meter.state });
  const windows = dataWindows(order, positionAfter(done, order));
  for (let step = done + 1; step <= totalSteps; step++) {
    const window = windows.next().value as DataWindow;
    const { epoch } = window;
    const tokens = await takeStep(parts, meter, step, window);
    await hooks.afterStep?.(step);
    hooks.onStep?.(step, tokens);
    if (isDue("log", step)) {
      await hooks.onLog(meter.take({ step, epoch }));
    }
    if (isDue("eval", step) && parts.evaluation) {
      const row = await evaluate(parts, parts.evaluation);
      await hooks.onEvaluation({ step, epoch, ...row });
    }
    if (isDue("save", step)) await hooks.onSave(state(step));
    if (hooks.signal?.aborted) return state(step);
  }
  return state(totalSteps);
}

async function takeStep<Example>(
  parts: TrainerParts<Example>,
  meter: Meter,
  step: number,
  { microBatches }: DataWindow,
): Promise<number> {
  const { objective, optimizer, train } = parts;
  const batches = microBatches.map((indices) =>
    objective.batch(indices.map((index) => train.examples[index]!))
  );
  const targets = batches.reduce(
    (sum, { targetRows }) => sum + targetRows.length,
    0,
  );
  optimizer.zeroGradients();
  let loss = 0;
  for (const [i, batch] of batches.entries()) {
    const reference = referenceOf(train, microBatches[i]!);
    const scored = await accumulate(parts, batch, reference, {
      window: { microBatches: batches.length, targets },
      step,
      stream: i,
    });
    loss += scored.loss;
    meter.addMicroBatch(scored.metrics, batch.attendedTokens);
  }
  const grad_norm = await optimizer.gradientNorm();
  const rows = microBatches.flat().map((index) =>
    parts.describe(train.examples[index]!)
  );
  checkFinite(grad_norm, loss, step, rows);
  const learning_rate = parts.schedule(step - 1);
  const gradientScale = parts.maxGradNorm > 0
    ? Math.min(1, parts.maxGradNorm / (grad_norm + 1e-6))
    : 1;
  optimizer.step({ learningRate: learning_rate, gradientScale });
  meter.addStep({ loss, grad_norm, learning_rate });
  return batches.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

async function accumulate<Example>(
  { model, objective, gradientCheckpointing, dropoutSeed: seed }: TrainerParts<
    Example
  >,
  batch: Batch,
  reference: Float64Array,
  { window, step, stream }: { window: Window; step: number; stream: number },
): Promise<{ loss: number; metrics: Metrics }> {
  using _step = model.device.scope();
  // each step draws masks of its own, the recomputed forward pass the same ones
  const dropout = seed === undefined
    ? {}
    : { dropout: { seed: seed % 2 ** 29 * 2 ** 24 + step, stream } };
  const logps = await recordedLogps(model, batch, {
    gradientCheckpointing,
    ...dropout,
  });
  const { loss, slopes, metrics } = objective.score(
    batch,
    logps.statistics,
    reference,
    window,
  );
  logps.backward(slopes);
  return { loss, metrics };
}

function checkFinite(
  grad_norm: number,
  loss: number,
  step: number,
  rows: readonly string[],
): void {
  if (Number.isFinite(grad_norm) && Number.isFinite(loss)) return;
  throw new Error(
    `Cannot go on training at step ${step}: loss ${loss}, gradient norm ${grad_norm}, expected finite numbers; rows ${
      rows.join(", ")
    }; lower learning_rate or look at these rows`,
  );
}

/** The reference's sums of a batch, `[sequences of its examples]`. */
function referenceOf<Example>(
  { examples, reference }: Dataset<Example>,
  indices: readonly number[],
): Float64Array {
  const width = reference.length / examples.length;
  return Float64Array.from(
    indices.flatMap((i) => [...reference.subarray(width * i, width * (i + 1))]),
  );
}

/** Metrics over a whole dataset, names with `eval_`. */
export async function evaluate<Example>(
  { model, objective, evalBatchSize }: Pick<
    TrainerParts<Example>,
    "model" | "objective" | "evalBatchSize"
  >,
  data: Dataset<Example>,
): Promise<Metrics> {
  const results: EvaluatedBatch[] = [];
  for (let at = 0; at < data.examples.length; at += evalBatchSize) {
    const examples = data.examples.slice(at, at + evalBatchSize);
    const batch = objective.batch(examples);
    const reference = referenceOf(data, examples.map((_, i) => at + i));
    const window = { microBatches: 1, targets: batch.targetRows.length };
    const { loss, metrics } = objective.score(
      batch,
      await logpsOf(model, batch),
      reference,
      window,
    );
    results.push({
      size: examples.length,
      loss,
      metrics,
      attendedTokens: batch.attendedTokens,
    });
  }
  return evaluationMetrics(results);
}

/** The position in the data after so many steps. */
function positionAfter(steps: number, order: EpochOptions): DataPosition {
  const perEpoch = windowsPerEpoch(order);
  return { epoch: Math.floor(steps / perEpoch), window: steps % perEpoch };
}
