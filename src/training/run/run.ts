/**
 * One training run from its options to its folder: data, model, reference, preflight, the loop, and what it leaves
 * behind. Knows where everything is put together, and no formula. Prints nothing.
 */
import { join } from "@std/path";
import type { Device } from "../../../kernels/device/device.ts";
import {
  type CheckpointFolder,
  listCheckpoints,
} from "../../files/folders/checkpoints.ts";
import {
  checkOutputFolder,
  emptyOutputFolder,
} from "../../files/folders/output_folder.ts";
import { readModelConfig } from "../../model/config/config.ts";
import type { ModelFiles } from "../../files/folders/model_folder.ts";
import { parameters, trainedWeights } from "../../model/decoder/model.ts";
import { rewardConfigJson } from "../../model/weights/reward_head.ts";
import { savedConfig } from "../../model/adapter/saved_adapter.ts";
import {
  type OpenedEncoder,
  openEncoder,
} from "../../preference/tokens/open_encoder.ts";
import { checkBudget } from "../plan/byte_plan.ts";
import { restoreCheckpoint, restoreWeights } from "../checkpoint/checkpoint.ts";
import type { Objective } from "../method/objective.ts";
import { Optimizer } from "../optimizer/optimizer.ts";
import type { TrainOptions } from "../options/options.ts";
import { checkTrainable } from "../setup/preflight.ts";
import type { Examples, RunData } from "../setup/run_data.ts";
import { findCheckpoint, openMetricsLog } from "./run_folder.ts";
import type { RunHooks, RunResult } from "./run_hooks.ts";
import { runOperations } from "../setup/run_length.ts";
import { runLoop } from "./run_loop.ts";
import type { TrainerState } from "../loop/trainer.ts";
import { openRunModel, type RunModel } from "../setup/run_model.ts";
import { type Run, trainerParts } from "./run_parts.ts";
import { withRunData } from "../setup/run_objective.ts";
import { planRun } from "../plan/run_plan.ts";
import { writeCard } from "./run_record.ts";
import { openReference } from "../reference/run_reference.ts";
import {
  modelTensors,
  type SaveContext,
  saveModel,
  writeJson,
} from "../checkpoint/save_model.ts";
import { RUN_FILE } from "../../files/file_names.ts";

/**
 * Trains as the options say.
 *
 * @throws {Error} in one line where data, model or options do not fit; nothing of an earlier run is lost
 */
export async function runTraining(
  device: Device,
  options: TrainOptions,
  hooks: RunHooks = {},
): Promise<RunResult> {
  const resumed = await findCheckpoint(
    options.output_dir,
    options.resume_from_checkpoint,
  );
  const { overwrite_output_dir: overwrite } = options;
  await checkOutputFolder(options.output_dir, {
    overwrite,
    resume: resumed !== undefined,
  });
  const opened = await openEncoder(options);
  const start = { device, options, hooks, opened, resumed };
  return await withRunData(
    options,
    opened.encoder,
    (data, objective) => runOver(start, data, objective),
  );
}

/** What a run starts with, whatever it is trained on. */
interface Start {
  readonly device: Device;
  readonly options: TrainOptions;
  readonly hooks: RunHooks;
  readonly opened: OpenedEncoder;
  readonly resumed: string | undefined;
}

async function runOver<Example extends Examples>(
  { device, options, hooks, opened, resumed }: Start,
  data: RunData<Example>,
  objective: Objective<Example>,
): Promise<RunResult> {
  hooks.onData?.(data.train.report, data.evaluation?.report);
  const plan = await planRun(device, options, opened.files, {
    train: data.train.examples,
    evaluation: data.evaluation?.examples ?? [],
    objective,
  });
  hooks.onPlan?.(plan);
  checkBudget(plan, device.budgetBytes);
  const config = readModelConfig(opened.files.config);
  await hooks.tune?.(runOperations(config, options, data.train.examples));
  const { gradientCheckpointing, idle } = plan;
  const start = { device, options, hooks, opened, data, objective };
  const toReference = await openReference(start);
  const { built, context } = await openModel(device, options, hooks, opened);
  const reference = await toReference(built);
  return await finishRun(
    { ...start, built, context, gradientCheckpointing, idle, reference },
    resumed,
  );
}

async function openModel(
  device: Device,
  options: TrainOptions,
  hooks: RunHooks,
  opened: OpenedEncoder,
): Promise<{ built: RunModel; context: SaveContext }> {
  const built = await openRunModel(device, options, opened, hooks.onLoad);
  const context = {
    files: savedFiles(options, opened),
    tokenizerPath: opened.tokenizerFiles.path,
    stored: built.stored,
    adapter: built.adapter && savedConfig(built.model, built.adapter),
    baseName: options.model_name_or_path,
    chatTemplate: opened.encoder.template?.source,
  };
  return { built, context };
}

/** The files of the model that will be saved. */
function savedFiles(
  { trainer }: TrainOptions,
  { files, encoder: { tokenizer } }: OpenedEncoder,
): ModelFiles {
  if (trainer !== "reward") return files;
  const pad = tokenizer.padTokenId ?? tokenizer.eosTokenId;
  return { ...files, config: rewardConfigJson(files.config, pad) };
}

async function finishRun<Example extends Examples>(
  run: Run<Example>,
  resumed: string | undefined,
): Promise<RunResult> {
  const { device, options, hooks, built: { model }, data } = run;
  const trainableParameters = checkTrainable(parameters(model));
  const dataset = async (examples: readonly Example[]) => ({
    examples,
    reference: await run.reference.columnOf(examples),
  });
  const trainSet = await dataset(data.train.examples);
  const evaluation = data.evaluation && await dataset(data.evaluation.examples);
  const startingLoss = await run.reference.checkStart(trainSet.reference);
  const optimizer = new Optimizer(device, trainedWeights(model), {
    ...options,
    loraplus_lr_ratio: options.use_peft ? options.loraplus_lr_ratio : null,
  });
  device.memory.reserve(run.idle);
  const changing = { optimizer, movingReference: run.reference.moving };
  const parts = trainerParts(run, {
    ...{ train: trainSet, evaluation, ...changing },
  });
  // nothing of an earlier run goes before all that can be wrong has been found right
  if (options.overwrite_output_dir && !resumed) {
    await emptyOutputFolder(options.output_dir);
  }
  const state = resumed
    ? await restoreCheckpoint(resumed, device, changing)
    : undefined;
  await writeJson(join(options.output_dir, RUN_FILE.options), options);
  const log = await openMetricsLog(options.output_dir, state?.step ?? 0);
  const { totalSteps } = parts;
  hooks.onStart?.({
    trainableParameters,
    totalSteps,
    startingLoss,
    doneSteps: state?.step ?? 0,
  });
  const end = await runLoop(run, parts, log, state);
  if (hooks.draw) await log.draw(hooks.draw, options.output_dir);
  const interrupted = end.outcome === "interrupted";
  const stoppedEarly = end.outcome === "stopped early";
  const best = interrupted ? undefined : await bestOf(options, end);
  if (best) await restoreWeights(best.path, device, optimizer);
  if (!interrupted) {
    await saveModel(
      options.output_dir,
      modelTensors(model, run.context),
      run.context,
    );
    const weightsOf = best?.step ?? end.step;
    const rows = log.rows.filter(({ step }) => step! <= weightsOf);
    await writeCard(run, rows, weightsOf);
  }
  const { peakBytes } = device.memory;
  return {
    ...{ step: end.step, totalSteps, interrupted, stoppedEarly },
    ...{ weightsOf: best?.step ?? end.step, rows: log.rows, peakBytes },
  };
}

/** The best checkpoint, if the run should end with it and it is not what there is; undefined too if it was taken away. */
async function bestOf(
  { load_best_model_at_end, output_dir }: TrainOptions,
  { step, best }: TrainerState,
): Promise<CheckpointFolder | undefined> {
  const wanted = best?.best_global_step ?? step;
  if (!load_best_model_at_end || wanted === step) return undefined;
  const all = await listCheckpoints(output_dir);
  return all.find((one) => one.step === wanted);
}
