/**
 * The one training loop: step after step, with logs, evaluations and checkpoints when they are due.
 * What a step does is in step.ts. Knows no loss by name, no option, no file and no screen.
 *
 * The loop waits for the device once a step: it reads the norm of a step's gradients together with
 * the log-probabilities of the next step, or earlier if the step is to be logged or saved.
 */
import { clippedNorm } from "../../../kernels/optimizers/gradient_clip.ts";
import {
  type DataPosition,
  type DataStep,
  dataSteps,
  type EpochOptions,
  stepsInEpoch,
} from "../../preference/tokens/epoch.ts";
import {
  type BestOptions,
  type BestState,
  judgeEvaluation,
} from "./best_model.ts";
import { evaluate } from "./evaluate.ts";
import {
  afterSave,
  afterTaken,
  type GoodCheckpoints,
  NONE_GOOD,
} from "./good_checkpoints.ts";
import { Meter, type MeterState } from "./meter.ts";
import type { Metrics } from "../method/metrics.ts";
import {
  checkAnyTaken,
  countSkipped,
  type GuardState,
  type SkippedStep,
} from "./step_guard.ts";
import { type StepParts, type StepResult, takeStep } from "./step.ts";
import { type Dataset, layOutStep, type StepBatches } from "./step_batches.ts";

/** Where a run stands between two steps; plain JSON. */
export interface TrainerState {
  /** Steps done. */
  readonly step: number;
  readonly meter: MeterState | null;
  readonly guard: GuardState;
  /** The best evaluation so far; null before the first, or if evaluations are not compared. */
  readonly best: BestState | null;
  readonly good: GoodCheckpoints;
}

/** The state before the first step. */
export const FRESH: TrainerState = {
  step: 0,
  meter: null,
  guard: { skipped: 0, inARow: 0 },
  best: null,
  good: NONE_GOOD,
};

/** How a run ended. */
export interface TrainingEnd extends TrainerState {
  readonly outcome: "complete" | "stopped early" | "interrupted";
}

/** What a run is made of. */
export interface TrainerParts<Example> extends StepParts<Example> {
  readonly evaluation: Dataset<Example> | undefined;
  readonly order: EpochOptions;
  readonly totalSteps: number;
  /** Learning rate by steps done. */
  readonly schedule: (stepsDone: number) => number;
  readonly evalBatchSize: number;
  /** Whether something is to be done after the step of this number. */
  readonly isDue: (event: "log" | "eval" | "save", step: number) => boolean;
  /** Whether to evaluate before the first step. */
  readonly evaluatesFirst: boolean;
  /** How evaluations are compared; undefined: they are not. */
  readonly best: BestOptions | undefined;
  /** Whether the best evaluation so far is a reason to save. */
  readonly savesBest: boolean;
  /** The place of a training example in its file, by the example's number; for messages. */
  readonly describe: (index: number) => string;
}

/** The parts of the loop's work. */
export type Work = "step" | "evaluation" | "checkpoint";

/** What the caller does as the run goes on. */
export interface TrainerHooks {
  /** A part of the work begins: a step, or what is done after so many steps. */
  readonly onWork?: (work: Work, step: number) => void;
  /** A step is on its way to the device. */
  readonly onStep?: (step: number, tokens: number) => void;
  /**
   * Looks at the weights after a step, before anything else happens. `isDue` is asked after each
   * step.
   */
  readonly inspection?: {
    isDue(step: number): boolean;
    run(step: number): Promise<void>;
  };
  readonly onLog: (row: Metrics) => void | Promise<void>;
  readonly onEvaluation: (row: Metrics) => void | Promise<void>;
  /** A checkpoint is due, or the run is interrupted; not called while steps are skipped. */
  readonly onSave: (state: TrainerState) => Promise<void>;
  /** A step was taken; what is known of the checkpoints now. */
  readonly onTaken?: (good: GoodCheckpoints) => void;
  /** A step changed no weight, because its numbers were not finite. */
  readonly onSkip?: ((step: SkippedStep) => void) | undefined;
  /** Ends the run after the step at hand, or the next one that is not skipped. */
  readonly signal?: AbortSignal | undefined;
}

/** A step that was taken, and whose gradients' norm has not been read. */
interface OpenStep extends StepResult {
  readonly step: number;
  readonly learning_rate: number;
  /** The places of its rows, for messages. */
  readonly rows: () => readonly string[];
}

/**
 * Trains from `start` on.
 *
 * @returns where the run stands at its end
 * @throws {Error} if too many steps in a row are not finite, naming the rows of the last
 */
export async function train<Example>(
  parts: TrainerParts<Example>,
  hooks: TrainerHooks,
  start: TrainerState = FRESH,
): Promise<TrainingEnd> {
  const { order, totalSteps, optimizer } = parts;
  const { step: done } = start;
  const run = new RunProgress(parts, hooks, start);
  optimizer.steps = done - start.guard.skipped;
  const steps = dataSteps(order, positionAfter(done, order));
  const layOutNext = () => {
    const { microBatches, epoch } = steps.next().value as DataStep;
    return { ...layOutStep(parts, parts.train, microBatches), epoch };
  };
  if (done === 0 && parts.evaluatesFirst) await run.evaluate(0, 0);
  let next = done < totalSteps && layOutNext();
  for (let step = done + 1; next; step++) {
    const batches = next;
    await run.takeStep(batches, step);
    hooks.onStep?.(step, batches.tokens);
    // the device is at work; the next batches are laid out meanwhile
    next = step < totalSteps && layOutNext();
    const outcome = await run.afterStep(step, batches.epoch, !next);
    if (outcome) return { ...run.stateAt(step), outcome };
  }
  const step = Math.max(done, totalSteps);
  return { ...run.stateAt(step), outcome: "complete" };
}

/**
 * The state of a run between two steps: it owns the sums since the last log line, the count of
 * skipped steps and the best evaluation.
 */
class RunProgress<Example> {
  readonly #parts: TrainerParts<Example>;
  readonly #hooks: TrainerHooks;
  readonly #meter: Meter;
  #guard: GuardState;
  #best: BestState | null;
  #good: GoodCheckpoints;
  /** Whether a checkpoint was due while steps were skipped. */
  #owesSave = false;
  #open: OpenStep | undefined;

  constructor(
    parts: TrainerParts<Example>,
    hooks: TrainerHooks,
    { meter, guard, best, good }: TrainerState,
  ) {
    this.#parts = parts;
    this.#hooks = hooks;
    this.#meter = meter ? new Meter(meter) : new Meter();
    this.#guard = guard;
    this.#best = best;
    this.#good = good;
  }

  stateAt(step: number): TrainerState {
    return {
      step,
      meter: this.#meter.state,
      guard: this.#guard,
      best: this.#best,
      good: this.#good,
    };
  }

  async takeStep(batches: StepBatches, step: number): Promise<void> {
    const { schedule, describe } = this.#parts;
    const learningRate = schedule(step - 1);
    this.#hooks.onWork?.("step", step);
    const result = await takeStep(this.#parts, batches, {
      number: step,
      learningRate,
      onClip: (clip) => this.#settle(clip),
    });
    this.#open = {
      ...result,
      step,
      learning_rate: learningRate,
      rows: () => batches.microBatches.flat().map(describe),
    };
  }

  /**
   * Counts the step that was taken last, now that its norm is known. If its loss or its norm is not
   * finite it counts as skipped: the optimizer has left the weights as they were.
   */
  #settle(clip: ArrayLike<number>): void {
    if (!this.#open) return;
    const { microBatches, rows, step, loss, learning_rate } = this.#open;
    this.#open = undefined;
    const grad_norm = clippedNorm(clip);
    if (isFinite(loss) && isFinite(grad_norm)) {
      for (const { metrics, attendedTokens } of microBatches) {
        this.#meter.addMicroBatch(metrics, attendedTokens);
      }
      this.#meter.addStep({ loss, grad_norm, learning_rate });
      this.#guard = { ...this.#guard, inARow: 0 };
      this.#good = afterTaken(this.#good, loss);
      this.#hooks.onTaken?.(this.#good);
      return;
    }
    const skipped = { step, loss, grad_norm, rows: rows() };
    this.#guard = countSkipped(this.#guard, skipped);
    this.#parts.optimizer.steps--;
    this.#meter.addSkipped(
      microBatches.reduce((sum, { attendedTokens }) => sum + attendedTokens, 0),
    );
    this.#hooks.onSkip?.(skipped);
  }

  /** Logs, evaluates and saves if that is due. Gives how the run ended; undefined if it goes on. */
  async afterStep(
    step: number,
    epoch: number,
    isLast: boolean,
  ): Promise<TrainingEnd["outcome"] | undefined> {
    const { isDue, model, optimizer, evaluation, savesBest } = this.#parts;
    const hooks = this.#hooks;
    const logs = isDue("log", step);
    const evaluates = isDue("eval", step) && evaluation !== undefined;
    const saves = isDue("save", step) || this.#owesSave;
    const aborted = hooks.signal?.aborted === true;
    const inspects = hooks.inspection?.isDue(step) === true;
    if (inspects || logs || evaluates || saves || aborted || isLast) {
      this.#settle(await model.device.read(optimizer.clip));
    }
    // what spoils steps may be the weights, so nothing is saved before one is taken again
    const skips = this.#guard.inARow > 0;
    const interrupted = aborted && !skips;
    if (inspects && !skips) await hooks.inspection!.run(step);
    if (logs) await this.#log(step, epoch);
    const verdict = evaluates ? await this.evaluate(step, epoch) : undefined;
    if (verdict?.stops && !logs) await this.#log(step, epoch);
    const ended = isLast
      ? "complete"
      : verdict?.stops
      ? "stopped early"
      : interrupted
      ? "interrupted"
      : undefined;
    this.#owesSave = saves && skips;
    const isBest = savesBest && verdict?.isBest;
    if (saves && !skips || isBest || ended === "interrupted") {
      this.#good = afterSave(this.#good, step);
      hooks.onWork?.("checkpoint", step);
      await hooks.onSave(this.stateAt(step));
    }
    if (isLast) checkAnyTaken(this.#guard, step);
    return ended;
  }

  async #log(step: number, epoch: number): Promise<void> {
    await this.#hooks.onLog(this.#meter.take({ step, epoch }));
  }

  async evaluate(
    step: number,
    epoch: number,
  ): Promise<
    { readonly isBest: boolean; readonly stops: boolean } | undefined
  > {
    const { best, evaluation, movingReference } = this.#parts;
    if (evaluation === undefined) return undefined;
    this.#hooks.onWork?.("evaluation", step);
    const referenceModel = movingReference?.model;
    const row = await evaluate({ ...this.#parts, referenceModel }, evaluation);
    await this.#hooks.onEvaluation({ step, epoch, ...row });
    // untrained weights are never the best, and none are saved while steps are skipped
    const isSaveable = step > 0 && this.#guard.inARow === 0;
    if (best === undefined || !isSaveable) return undefined;
    const verdict = judgeEvaluation(this.#best, { row, step }, best);
    this.#best = verdict.state;
    return verdict;
  }
}

/** The position in the data after so many steps. */
function positionAfter(steps: number, order: EpochOptions): DataPosition {
  const perEpoch = stepsInEpoch(order);
  return { epoch: Math.floor(steps / perEpoch), step: steps % perEpoch };
}
