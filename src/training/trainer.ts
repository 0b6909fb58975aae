/**
 * The one training loop: windows of micro-batches, one optimizer step each, evaluation and saving at their times.
 * Knows no loss by name, no option, no file and no screen: all that is in what it is given.
 *
 * The device is waited for once a step: the norm of its gradients is read with the next step's log-probabilities,
 * or before anything that shows or keeps the step.
 */
import { clippedNorm } from "../../kernels/gradient_clip.ts";
import {
  type DataPosition,
  type DataWindow,
  dataWindows,
  type EpochOptions,
  windowsPerEpoch,
} from "../preference/epoch.ts";
import { evaluate } from "./evaluate.ts";
import { Meter, type MeterState } from "./meter.ts";
import type { Metrics } from "./metrics.ts";
import type { Optimizer } from "./optimizer.ts";
import {
  type Dataset,
  type PassParts,
  type PreparedWindow,
  prepareWindow,
  runWindow,
} from "./window_pass.ts";

/** Where a run stands between two steps; plain JSON. */
export interface TrainerState {
  /** Steps done. */
  readonly step: number;
  readonly meter: MeterState | null;
}

/** What a run is made of. */
export interface TrainerParts<Example> extends PassParts<Example> {
  readonly train: Dataset<Example>;
  readonly evaluation: Dataset<Example> | undefined;
  readonly optimizer: Optimizer;
  readonly order: EpochOptions;
  readonly totalSteps: number;
  /** Learning rate by steps done. */
  readonly schedule: (stepsDone: number) => number;
  readonly maxGradNorm: number;
  readonly evalBatchSize: number;
  /** Seed of dropout; undefined: no dropout. */
  readonly dropoutSeed: number | undefined;
  /** What happens after a step, by its number. */
  readonly isDue: (event: "log" | "eval" | "save", step: number) => boolean;
  /** Says which rows an example comes from, for messages. */
  readonly describe: (example: Example) => string;
}

/** What the caller does as the run goes on. */
export interface TrainerHooks {
  /** A step is on its way to the device. */
  readonly onStep?: (step: number, tokens: number) => void;
  /** Looks at the weights before anything else happens after a step; asked after each whether it wants to. */
  readonly inspection?: {
    isDue(step: number): boolean;
    run(step: number): Promise<void>;
  };
  readonly onLog: (row: Metrics) => void | Promise<void>;
  readonly onEvaluation: (row: Metrics) => void | Promise<void>;
  readonly onSave: (state: TrainerState) => Promise<void>;
  /** Ends the run after the step at hand. */
  readonly signal?: AbortSignal;
}

/** A step whose norm has not been read. */
interface OpenStep {
  readonly step: number;
  readonly loss: number;
  readonly learning_rate: number;
  /** Its rows, for messages. */
  readonly rows: () => readonly string[];
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
  const { order, totalSteps, isDue, optimizer } = parts;
  const meter = meterState ? new Meter(meterState) : new Meter();
  optimizer.steps = done;
  const windows = dataWindows(order, positionAfter(done, order));
  const prepare = ({ microBatches, epoch }: DataWindow) => ({
    ...prepareWindow(parts, parts.train, microBatches),
    epoch,
  });
  let open: OpenStep | undefined;
  const settle = (clip: ArrayLike<number>) => {
    if (open) closeStep(open, clippedNorm(clip), meter);
    open = undefined;
  };
  let next = done < totalSteps && prepare(windows.next().value as DataWindow);
  for (let step = done + 1; next; step++) {
    const window = next;
    const { epoch } = window;
    open = await takeStep(parts, window, { step, meter, settle });
    hooks.onStep?.(step, window.tokens);
    // the device is at work; the next batches are laid out meanwhile
    next = step < totalSteps && prepare(windows.next().value as DataWindow);
    const [logs, evaluates, saves, stops] = [
      isDue("log", step),
      isDue("eval", step) && parts.evaluation,
      isDue("save", step),
      hooks.signal?.aborted,
    ];
    const inspects = hooks.inspection?.isDue(step);
    if (inspects || logs || evaluates || saves || stops || !next) {
      settle(await parts.model.device.read(optimizer.clip));
    }
    if (inspects) await hooks.inspection!.run(step);
    if (logs) await hooks.onLog(meter.take({ step, epoch }));
    if (evaluates) {
      const row = await evaluate(parts, evaluates);
      await hooks.onEvaluation({ step, epoch, ...row });
    }
    if (saves) await hooks.onSave({ step, meter: meter.state });
    if (stops) return { step, meter: meter.state };
  }
  return { step: Math.max(done, totalSteps), meter: meter.state };
}

async function takeStep<Example>(
  parts: TrainerParts<Example>,
  window: PreparedWindow,
  { step, meter, settle }: {
    step: number;
    meter: Meter;
    settle: (clip: ArrayLike<number>) => void;
  },
): Promise<OpenStep> {
  const { optimizer, maxGradNorm, dropoutSeed: seed } = parts;
  optimizer.zeroGradients();
  const results = await runWindow(parts, parts.train, window, {
    // each step draws masks of its own, the recomputed forward pass the same ones
    dropout: (stream) =>
      seed === undefined
        ? undefined
        : { seed: seed % 2 ** 29 * 2 ** 24 + step, stream },
    alongside: [optimizer.clip],
    onAlongside: ([clip]) => settle(clip!),
  });
  const loss = results.reduce((sum, { loss }) => sum + loss, 0);
  const learning_rate = parts.schedule(step - 1);
  const rows = () =>
    window.microBatches.flat().map((index) =>
      parts.describe(parts.train.examples[index]!)
    );
  const open = { step, loss, learning_rate, rows };
  if (!Number.isFinite(loss)) {
    throw notFinite(open, await optimizer.gradientNorm());
  }
  for (const { metrics, attendedTokens } of results) {
    meter.addMicroBatch(metrics, attendedTokens);
  }
  optimizer.step({ learningRate: learning_rate, maxGradNorm });
  parts.model.device.submit();
  return open;
}

/** The weights are as before the step if its gradients were not finite: the optimizer saw to that. */
function closeStep(open: OpenStep, grad_norm: number, meter: Meter): void {
  if (!Number.isFinite(grad_norm)) throw notFinite(open, grad_norm);
  const { loss, learning_rate } = open;
  meter.addStep({ loss, grad_norm, learning_rate });
}

function notFinite({ step, loss, rows }: OpenStep, grad_norm: number): Error {
  return new Error(
    `Cannot go on training at step ${step}: loss ${loss}, gradient norm ${grad_norm}, expected finite numbers; rows ${
      rows().join(", ")
    }; lower learning_rate or look at these rows`,
  );
}

/** The position in the data after so many steps. */
function positionAfter(steps: number, order: EpochOptions): DataPosition {
  const perEpoch = windowsPerEpoch(order);
  return { epoch: Math.floor(steps / perEpoch), window: steps % perEpoch };
}
