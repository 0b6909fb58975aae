/**
 * The one training loop: windows of micro-batches, one optimizer step each, evaluation and saving at their times.
 * Knows no loss by name, no option, no file and no screen: all that is in what it is given.
 *
 * The device is waited for once a step: the norm of its gradients is read with the next step's log-probabilities,
 * or before anything that shows or keeps the step.
 */
import { clippedNorm } from "../../../kernels/optimizers/gradient_clip.ts";
import {
  type DataPosition,
  type DataWindow,
  dataWindows,
  type EpochOptions,
  windowsPerEpoch,
} from "../../preference/tokens/epoch.ts";
import {
  type BestOptions,
  type BestState,
  judgeEvaluation,
} from "./best_model.ts";
import { evaluate } from "./evaluate.ts";
import { Meter, type MeterState } from "./meter.ts";
import type { Metrics } from "../method/metrics.ts";
import type { MovingReference } from "./moving_reference.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";
import {
  checkAnyTaken,
  countSkipped,
  type GuardState,
  type SkippedStep,
} from "./step_guard.ts";
import {
  type Dataset,
  type MicroBatchResult,
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
  readonly guard: GuardState;
  /** The best evaluation so far; null before the first, or where none is looked for. */
  readonly best: BestState | null;
}

/** Before the first step. */
export const FRESH: TrainerState = {
  step: 0,
  meter: null,
  guard: { skipped: 0, inARow: 0 },
  best: null,
};

/** How a run ended. */
export interface TrainingEnd extends TrainerState {
  readonly outcome: "complete" | "stopped early" | "interrupted";
}

/** What a run is made of. */
export interface TrainerParts<Example>
  extends Omit<PassParts<Example>, "referenceModel"> {
  readonly train: Dataset<Example>;
  readonly evaluation: Dataset<Example> | undefined;
  readonly optimizer: Optimizer;
  /** The reference where it moves; undefined: it is a column. */
  readonly movingReference: MovingReference | undefined;
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
  /** Whether to evaluate before the first step. */
  readonly evaluatesFirst: boolean;
  /** How evaluations are compared; undefined: they are not. */
  readonly best: BestOptions | undefined;
  /** Whether the best evaluation so far is a reason to save. */
  readonly savesBest: boolean;
  /** Says where an example of the training data stands, by its number, for messages. */
  readonly describe: (index: number) => string;
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
  /** A step changed nothing, since its numbers were not finite. */
  readonly onSkip?: ((step: SkippedStep) => void) | undefined;
  /** Ends the run after the step at hand. */
  readonly signal?: AbortSignal | undefined;
}

/** A step whose norm has not been read. */
interface OpenStep {
  readonly step: number;
  readonly loss: number;
  readonly learning_rate: number;
  readonly results: readonly MicroBatchResult[];
  /** Where its rows stand, for messages. */
  readonly rows: () => readonly string[];
}

/**
 * Trains from `start` on.
 *
 * @returns where the run stands at its end
 * @throws {Error} if too many steps in a row are not finite, naming the rows of the last
 */
export async function train<Example>(
  given: TrainerParts<Example>,
  hooks: TrainerHooks,
  start: TrainerState = FRESH,
): Promise<TrainingEnd> {
  const parts = { ...given, referenceModel: given.movingReference?.model };
  const { order, totalSteps, optimizer } = parts;
  const { step: done } = start;
  const course = new Course(parts, hooks, start);
  optimizer.steps = done - start.guard.skipped;
  const windows = dataWindows(order, positionAfter(done, order));
  const prepare = ({ microBatches, epoch }: DataWindow) => ({
    ...prepareWindow(parts, parts.train, microBatches),
    epoch,
  });
  if (done === 0 && parts.evaluatesFirst) await course.evaluate(0, 0);
  let next = done < totalSteps && prepare(windows.next().value as DataWindow);
  for (let step = done + 1; next; step++) {
    const window = next;
    await course.takeStep(window, step);
    hooks.onStep?.(step, window.tokens);
    // the device is at work; the next batches are laid out meanwhile
    next = step < totalSteps && prepare(windows.next().value as DataWindow);
    const outcome = await course.afterStep(step, window.epoch, !next);
    if (outcome) return { ...course.stateAt(step), outcome };
  }
  const step = Math.max(done, totalSteps);
  return { ...course.stateAt(step), outcome: "complete" };
}

/** The parts as the passes want them. */
type Parts<Example> = TrainerParts<Example> & PassParts<Example>;

/** A run between its steps: owns what they add up to. */
class Course<Example> {
  readonly #parts: Parts<Example>;
  readonly #hooks: TrainerHooks;
  readonly #meter: Meter;
  #guard: GuardState;
  #best: BestState | null;
  #open: OpenStep | undefined;

  constructor(
    parts: Parts<Example>,
    hooks: TrainerHooks,
    { meter, guard, best }: TrainerState,
  ) {
    this.#parts = parts;
    this.#hooks = hooks;
    this.#meter = meter ? new Meter(meter) : new Meter();
    this.#guard = guard;
    this.#best = best;
  }

  stateAt(step: number): TrainerState {
    return {
      ...{ step, meter: this.#meter.state },
      ...{ guard: this.#guard, best: this.#best },
    };
  }

  async takeStep(window: PreparedWindow, step: number): Promise<void> {
    const parts = this.#parts;
    const { optimizer, maxGradNorm, dropoutSeed: seed } = parts;
    optimizer.zeroGradients();
    const results = await runWindow(parts, parts.train, window, {
      // each step draws masks of its own, the recomputed forward pass the same ones
      dropout: (stream) =>
        seed === undefined
          ? undefined
          : { seed: seed % 2 ** 29 * 2 ** 24 + step, stream },
      alongside: [optimizer.clip],
      onAlongside: ([clip]) => this.#settle(clip!),
    });
    const loss = results.reduce((sum, { loss }) => sum + loss, 0);
    const learningRate = parts.schedule(step - 1);
    const rows = () => window.microBatches.flat().map(parts.describe);
    this.#open = { step, loss, learning_rate: learningRate, results, rows };
    optimizer.step({ learningRate, maxGradNorm, refuse: !isFinite(loss) });
    parts.movingReference?.afterStep(step);
    parts.model.device.submit();
  }

  /** Ends the step at hand. The weights are as before it if its numbers were not finite: the optimizer saw to that. */
  #settle(clip: ArrayLike<number>): void {
    if (!this.#open) return;
    const { results, rows, ...numbers } = this.#open;
    this.#open = undefined;
    const { loss, step } = numbers;
    const grad_norm = clippedNorm(clip);
    if (isFinite(loss) && isFinite(grad_norm)) {
      for (const { metrics, attendedTokens } of results) {
        this.#meter.addMicroBatch(metrics, attendedTokens);
      }
      this.#meter.addStep({ ...numbers, grad_norm });
      this.#guard = { ...this.#guard, inARow: 0 };
      return;
    }
    const skipped = { step, loss, grad_norm, rows: rows() };
    this.#guard = countSkipped(this.#guard, skipped);
    this.#parts.optimizer.steps--;
    this.#meter.addSkipped(
      results.reduce((sum, { attendedTokens }) => sum + attendedTokens, 0),
    );
    this.#hooks.onSkip?.(skipped);
  }

  /** Logs, evaluates and saves where it is time; tells how the run ended, if it did. */
  async afterStep(
    step: number,
    epoch: number,
    isLast: boolean,
  ): Promise<TrainingEnd["outcome"] | undefined> {
    const { isDue, model, optimizer, evaluation, savesBest } = this.#parts;
    const hooks = this.#hooks;
    const logs = isDue("log", step);
    const evaluates = isDue("eval", step) && evaluation !== undefined;
    const saves = isDue("save", step);
    const interrupted = hooks.signal?.aborted === true;
    const inspects = hooks.inspection?.isDue(step) === true;
    if (inspects || logs || evaluates || saves || interrupted || isLast) {
      this.#settle(await model.device.read(optimizer.clip));
    }
    if (inspects && this.#guard.inARow === 0) await hooks.inspection!.run(step);
    if (logs) await this.#log(step, epoch);
    const verdict = evaluates ? await this.evaluate(step, epoch) : undefined;
    if (verdict?.stops && !logs) await this.#log(step, epoch);
    if (saves || savesBest && verdict?.isBest) {
      await hooks.onSave(this.stateAt(step));
    }
    if (isLast) {
      checkAnyTaken(this.#guard, step);
      return "complete";
    }
    return verdict?.stops
      ? "stopped early"
      : interrupted
      ? "interrupted"
      : undefined;
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
    const { best, evaluation } = this.#parts;
    if (evaluation === undefined) return undefined;
    const row = await evaluate(this.#parts, evaluation);
    await this.#hooks.onEvaluation({ step, epoch, ...row });
    // the best is looked for among trained weights
    if (best === undefined || step === 0) return undefined;
    const verdict = judgeEvaluation(this.#best, { row, step }, best);
    this.#best = verdict.state;
    return verdict;
  }
}

/** The position in the data after so many steps. */
function positionAfter(steps: number, order: EpochOptions): DataPosition {
  const perEpoch = windowsPerEpoch(order);
  return { epoch: Math.floor(steps / perEpoch), window: steps % perEpoch };
}
