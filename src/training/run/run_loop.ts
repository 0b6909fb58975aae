/**
 * The training loop of a run: rows go to its sinks, checkpoints to its folder. Knows no formula.
 */
import { removeOldCheckpoints } from "../../files/folders/checkpoints.ts";
import { beginCheckpoint } from "../checkpoint/checkpoint.ts";
import type { Metrics } from "../method/metrics.ts";
import { MetricsHash } from "./metrics_file.ts";
import { wreckJudge } from "../loop/wreck.ts";
import { watchWeights } from "../setup/preflight.ts";
import type { Examples } from "../setup/run_data.ts";
import type { Run } from "./run_parts.ts";
import { type GoodCheckpoints, goodSteps } from "../loop/good_checkpoints.ts";
import {
  FRESH,
  train,
  type TrainerHooks,
  type TrainerParts,
  type TrainerState,
  type TrainingEnd,
  type Work,
} from "../loop/trainer.ts";

/**
 * Trains from `start` on, saving where the run is interrupted.
 *
 * @param rows those of the steps before; new ones are added
 * @param startingLoss in nats, before the first step; undefined where it is not known
 */
export async function runLoop<Example extends Examples>(
  run: Run<Example>,
  parts: TrainerParts<Example>,
  { rows, startingLoss, state: start }: {
    readonly rows: Metrics[];
    readonly startingLoss: number | undefined;
    readonly state: TrainerState | undefined;
  },
): Promise<TrainingEnd> {
  const { hooks, sinks } = run;
  const { signed } = parts.objective;
  const judge = wreckJudge({ startingLoss, signed });
  let isWrecked = rows.map(judge).some((wreck) => wreck !== undefined);
  const hash = new MetricsHash(rows);
  const writer = checkpointWriter(run, parts, { metrics: hash, start });
  const firstLoss = signed ? 0 : startingLoss ??
    rows.map((row) => row["loss"]).find((loss) => Number.isFinite(loss));
  const write = async (row: Metrics) => {
    rows.push(row);
    hash.add(row);
    await sinks.row(row);
    const wreck = judge(row);
    if (wreck !== undefined && !isWrecked) await sinks.wrecked(wreck);
    isWrecked ||= wreck !== undefined;
  };
  const end = await train(parts, {
    onWork: (work, step) =>
      void (run.place.doing = doing(work, step, parts.totalSteps)),
    onStep: (step) => hooks.onProgress?.("train", step, parts.totalSteps),
    inspection: await inspectionOf(run, parts),
    onLog: write,
    onEvaluation: write,
    onSave: writer.save,
    onTaken: (good) => writer.removeOlder(good),
    onSkip: sinks.skipped,
    signal: hooks.signal,
  }, withFirstLoss(start ?? FRESH, firstLoss)).catch(
    async (error) => {
      await writer.finish().catch(() => {});
      throw error;
    },
  );
  const isWhole = end.outcome !== "interrupted" && end.guard.inARow === 0;
  if (isWhole) writer.removeOlder(end.good, true);
  await writer.finish();
  return end;
}

/** What a run is doing, after "Cannot". */
function doing(work: Work, step: number, totalSteps: number): string {
  const texts: Readonly<Record<Work, string>> = {
    step: `take step ${step} of ${totalSteps}`,
    evaluation: `evaluate after step ${step} of ${totalSteps}`,
    checkpoint: `save a checkpoint after step ${step} of ${totalSteps}`,
  };
  return texts[work];
}

/** The state to begin with; the run's first loss is known before its first step. */
function withFirstLoss(
  state: TrainerState,
  loss: number | undefined,
): TrainerState {
  const first_loss = state.good.first_loss ?? loss ?? null;
  return { ...state, good: { ...state.good, first_loss } };
}

/** Looks once, after the first step that may change weights, whether it did. */
async function inspectionOf<Example>(
  { options, built: { model } }: Run<Example>,
  { optimizer, schedule }: TrainerParts<Example>,
): Promise<NonNullable<TrainerHooks["inspection"]>> {
  const checkChanged = await watchWeights(model, optimizer.parameters);
  let unchecked = true;
  return {
    // warm-up starts at a rate of 0: a step at that rate changes nothing by right
    isDue: (step) =>
      unchecked && !(options.learning_rate > 0 && schedule(step - 1) === 0),
    async run() {
      unchecked = false;
      await checkChanged();
    },
  };
}

/** Writes checkpoints beside the steps that follow, one at a time, and removes older ones. */
function checkpointWriter<Example>(
  { id, options, context, sinks, inputs, built: { model } }: Run<Example>,
  { optimizer, movingReference, savesBest }: TrainerParts<Example>,
  { metrics, start }: {
    readonly metrics: MetricsHash;
    /** Where the run goes on; undefined if it is a new one. */
    readonly start: TrainerState | undefined;
  },
) {
  const { output_dir, save_total_limit: most } = options;
  let writing: Promise<unknown> = Promise.resolve();
  // a run that was killed may not have removed what is older than its last checkpoint
  let saved = start;
  const then = (next: () => Promise<unknown>) => {
    writing = writing.then(next);
    // thrown where it is awaited: by the next checkpoint or at the end
    writing.catch(() => {});
  };
  /** Older ones go once a step was taken from the new one, which so is known to be good. */
  const removeOlder = (good: GoodCheckpoints, hasEnded = false) => {
    if (saved === undefined || most === null) return;
    const { step, best } = saved;
    const bestStep = savesBest ? best?.best_global_step ?? step : step;
    const kept = [step, bestStep, ...goodSteps(good, hasEnded)];
    // the run may go on from one that is not the newest: those after it are the user's to remove
    const isKept = saved === start
      ? (one: number) => one > step || kept.includes(one)
      : (one: number) => kept.includes(one);
    saved = undefined;
    then(() => removeOldCheckpoints(output_dir, most, isKept));
  };
  return {
    async save(state: TrainerState) {
      await writing;
      saved = state;
      const finish = await beginCheckpoint(output_dir, model, {
        optimizer,
        movingReference,
        run: id,
        metrics: metrics.digest,
        state,
        context,
        options,
        inputs,
      });
      then(async () => await sinks.saved(await finish()));
    },
    removeOlder,
    finish: () => writing,
  };
}
