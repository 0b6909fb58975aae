/**
 * One training run from its options to its folder: data, model, reference, preflight, the loop, and what it leaves
 * behind. Knows where everything is put together, and no formula. Prints nothing.
 */
import { join } from "@std/path";
import type { Device } from "../../kernels/device.ts";
import { openAdapterFolder } from "../files/adapter_folder.ts";
import { fileHash } from "../files/file_hash.ts";
import {
  checkOutputFolder,
  emptyOutputFolder,
} from "../files/output_folder.ts";
import { readModelConfig } from "../model/config.ts";
import { parameters, trainedWeights } from "../model/model.ts";
import { savedConfig } from "../model/saved_adapter.ts";
import { quantizationOf } from "../model/quantization_options.ts";
import { type OpenedEncoder, openEncoder } from "../preference/open_encoder.ts";
import { checkBudget } from "./byte_plan.ts";
import { restoreCheckpoint } from "./checkpoint.ts";
import { givenReference } from "./given_reference.ts";
import type { Objective } from "./objective.ts";
import { Optimizer } from "./optimizer.ts";
import { frozenDtype, type TrainOptions } from "./options.ts";
import { checkStart, checkTrainable } from "./preflight.ts";
import { referenceLogps, type ReferenceOptions } from "./reference.ts";
import type { RunData } from "./run_data.ts";
import { findCheckpoint, openMetricsLog } from "./run_folder.ts";
import type { RunHooks, RunResult } from "./run_hooks.ts";
import { runOperations } from "./run_length.ts";
import { runLoop } from "./run_loop.ts";
import { openRunModel, type RunModel } from "./run_model.ts";
import { type Examples, type Run, trainerParts } from "./run_parts.ts";
import { withRunData } from "./run_objective.ts";
import { planRun } from "./run_plan.ts";
import { writeCard } from "./run_record.ts";
import {
  modelTensors,
  type SaveContext,
  saveModel,
  writeJson,
} from "./save_model.ts";

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
  const { built, context } = await openModel(device, options, hooks, opened);
  const run = {
    ...{ device, options, hooks, data, built, context, objective },
    ...{ gradientCheckpointing, idle },
  };
  if (!objective.needsReference) {
    return await finishRun({
      ...run,
      references: () => Promise.resolve(new Float64Array()),
      checkStart: () => Promise.resolve(undefined),
    }, resumed);
  }
  const { model } = built;
  const how: ReferenceOptions = {
    batchSize: options.per_device_eval_batch_size,
    maxTokens: options.max_tokens_per_batch,
    cacheFolder: hooks.cacheFolder,
    weightsKey: await weightsKey(options, hooks, opened, built),
    adapters: options.adapter_name_or_path !== null,
    ...(hooks.onReference ? { onProgress: hooks.onReference } : {}),
    ...(hooks.signal ? { signal: hooks.signal } : {}),
  };
  const first = data.train.examples.slice(
    0,
    options.per_device_train_batch_size,
  );
  const firstSequences = first.flatMap(objective.sequences).length;
  return await finishRun({
    ...run,
    references: (examples) => {
      const given = givenReference(examples);
      return given === undefined
        ? referenceLogps(model, examples, objective, how)
        : Promise.resolve(given);
    },
    checkStart: (reference) =>
      givenReference(first) === undefined // another model's may differ
        ? checkStart(
          model,
          first,
          reference.subarray(0, firstSequences),
          objective,
        )
        : Promise.resolve(undefined),
  }, resumed);
}

/** What names the reference's weights, for the cache of what they give; "" without a cache. */
async function weightsKey(
  options: TrainOptions,
  { cacheFolder }: RunHooks,
  { files }: OpenedEncoder,
  { stored, adapter }: RunModel,
): Promise<string> {
  if (cacheFolder === undefined) return "";
  const quantization = quantizationOf(options);
  const hashes: string[] = [];
  const start = options.adapter_name_or_path === null
    ? undefined
    : await openAdapterFolder(options.adapter_name_or_path);
  const used = [...stored?.files ?? [], ...start?.weights.files ?? []];
  for (const path of used) hashes.push(await fileHash(path, cacheFolder));
  return [
    ...hashes,
    adapter ? frozenDtype(options) : trainedKey(options),
    ...(quantization ? [JSON.stringify(quantization)] : []),
    JSON.stringify(files.config),
    stored ? "" : options.seed,
    ...(start ? [JSON.stringify(start.config)] : []),
  ].join(" ");
}

/** In which types weights are where some are trained: those in float32. */
function trainedKey(options: TrainOptions): string {
  const { unfrozen_parameters, freeze_trainable_layers } = options;
  const chosen = [unfrozen_parameters, freeze_trainable_layers];
  return chosen.every((one) => one === null)
    ? "trained, so float32"
    : `${frozenDtype(options)} but for ${JSON.stringify(chosen)}`;
}

async function openModel(
  device: Device,
  options: TrainOptions,
  hooks: RunHooks,
  opened: OpenedEncoder,
): Promise<{ built: RunModel; context: SaveContext }> {
  const built = await openRunModel(device, options, opened, hooks.onLoad);
  const context = {
    files: opened.files,
    tokenizerPath: opened.tokenizerFiles.path,
    stored: built.stored,
    adapter: built.adapter && savedConfig(built.model, built.adapter),
    baseName: options.model_name_or_path,
    chatTemplate: opened.encoder.template?.source,
  };
  return { built, context };
}

async function finishRun<Example extends Examples>(
  run: Run<Example>,
  resumed: string | undefined,
): Promise<RunResult> {
  const { device, options, hooks, built: { model }, data } = run;
  const trainableParameters = checkTrainable(parameters(model));
  const dataset = async (examples: readonly Example[]) => ({
    examples,
    reference: await run.references(examples),
  });
  const trainSet = await dataset(data.train.examples);
  const evaluation = data.evaluation && await dataset(data.evaluation.examples);
  const startingLoss = await run.checkStart(trainSet.reference);
  const optimizer = new Optimizer(device, trainedWeights(model), {
    ...options,
    loraplus_lr_ratio: options.use_peft ? options.loraplus_lr_ratio : null,
  });
  device.memory.reserve(run.idle);
  const parts = trainerParts(run, { train: trainSet, evaluation, optimizer });
  // nothing of an earlier run goes before all that can be wrong has been found right
  if (options.overwrite_output_dir && !resumed) {
    await emptyOutputFolder(options.output_dir);
  }
  const state = resumed
    ? await restoreCheckpoint(resumed, device, optimizer)
    : undefined;
  await writeJson(join(options.output_dir, "options.json"), options);
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
  const interrupted = end.step < totalSteps;
  if (!interrupted) {
    await saveModel(
      options.output_dir,
      modelTensors(model, run.context),
      run.context,
    );
    await writeCard(run, log.rows, end.step);
  }
  const { peakBytes } = device.memory;
  return { step: end.step, totalSteps, interrupted, rows: log.rows, peakBytes };
}
