/** The training loop of a run with its files: rows to metrics.jsonl, checkpoints, curves. Knows no formula. */
import {
  checkpointPath,
  removeOldCheckpoints,
} from "../../files/folders/checkpoints.ts";
import { beginCheckpoint } from "../checkpoint/checkpoint.ts";
import type { Metrics } from "../method/metrics.ts";
import { watchWeights } from "../setup/preflight.ts";
import type { MetricsLog } from "./run_folder.ts";
import type { Examples } from "../setup/run_data.ts";
import type { Run } from "./run_parts.ts";
import {
  train,
  type TrainerParts,
  type TrainerState,
  type TrainingEnd,
} from "../loop/trainer.ts";

/** Trains from `start` on, saving where the run is interrupted. */
export async function runLoop<Example extends Examples>(
  { hooks, options, context, built: { model } }: Run<Example>,
  parts: TrainerParts<Example>,
  log: MetricsLog,
  start: TrainerState | undefined,
): Promise<TrainingEnd> {
  const { optimizer, movingReference } = parts;
  const checkChanged = await watchWeights(model, optimizer.parameters);
  let unchecked = true;
  const write = async (row: Metrics) => {
    await log.append(row);
    hooks.onRow?.(row);
  };
  // a checkpoint's files are written beside the steps that follow, one checkpoint at a time
  let writing: Promise<void> = Promise.resolve();
  const save = async (state: TrainerState) => {
    await writing;
    const finish = await beginCheckpoint(options.output_dir, model, {
      ...{ optimizer, movingReference, state, context, options },
    });
    const best = state.best?.best_global_step ?? null;
    writing = finish().then(async (path) => {
      const { save_total_limit: most } = options;
      if (most !== null) {
        const kept = parts.savesBest && best !== null
          ? [path, checkpointPath(options.output_dir, best)]
          : [path];
        await removeOldCheckpoints(options.output_dir, most, kept);
      }
      if (hooks.draw) await log.draw(hooks.draw, options.output_dir);
      hooks.onCheckpoint?.(path);
    });
    // thrown where it is awaited: by the next checkpoint or at the end
    writing.catch(() => {});
  };
  const end = await train(parts, {
    onStep: hooks.onStep ?? (() => {}),
    inspection: {
      // warm-up starts at a rate of 0: a step at that rate changes nothing by right
      isDue: (step) =>
        unchecked &&
        !(options.learning_rate > 0 && parts.schedule(step - 1) === 0),
      async run() {
        unchecked = false;
        await checkChanged();
      },
    },
    onLog: write,
    onEvaluation: write,
    onSave: save,
    ...(hooks.onSkip ? { onSkip: hooks.onSkip } : {}),
    ...(hooks.signal ? { signal: hooks.signal } : {}),
  }, start).catch(async (error) => {
    await writing.catch(() => {});
    throw error;
  });
  const { outcome, ...state } = end;
  if (outcome === "interrupted" && !parts.isDue("save", end.step)) {
    await save(state);
  }
  await writing;
  return end;
}
