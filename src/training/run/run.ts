/**
 * One training run from its options to its folder: data, model, reference, checks, the loop, and
 * the weights that it leaves behind. Knows where everything is put together, and no formula. Prints
 * nothing: its sinks tell of it.
 *
 * What happens at Ctrl-C and its like: `saveFirst()` in tasks/interrupt.ts aborts `hooks.signal`.
 * Before the loop there is nothing to save, and the run throws. Later the trainer ends after the
 * step at hand (`afterStep()` in loop/trainer.ts); the loop saves a checkpoint (`runLoop()` in
 * run_loop.ts); the run then leaves no final weights, and its result says `interrupted`.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { tell } from "../../base/notes.ts";
import {
  type CheckpointFolder,
  listCheckpoints,
} from "../../files/folders/checkpoints.ts";
import {
  checkOutputFolder,
  emptyOutputFolder,
  lockOutputFolder,
} from "../../files/folders/output_folder.ts";
import { readModelConfig } from "../../model/config/config.ts";
import type { ModelFiles } from "../../files/folders/model_folder.ts";
import { parameters, trainedWeights } from "../../model/decoder/model.ts";
import { rewardConfigJson } from "../../model/weights/reward_head.ts";
import { savedConfig } from "../../model/adapter/saved_adapter.ts";
import type { OpenedEncoder } from "../../preference/tokens/open_encoder.ts";
import { checkBudget } from "../plan/byte_plan.ts";
import { checkCheckpoint } from "../checkpoint/checkpoint_faults.ts";
import { restoreCheckpoint, restoreWeights } from "../checkpoint/checkpoint.ts";
import { methodOf } from "../method/methods.ts";
import type { Objective } from "../method/objective.ts";
import { Optimizer } from "../optimizer/optimizer.ts";
import type { TrainOptions } from "../options/options.ts";
import { checkRowTokens } from "../setup/row_tokens.ts";
import { checkTrainable } from "../setup/preflight.ts";
import { openRunEncoder, runVocabSize } from "../setup/run_encoder.ts";
import type { Examples, RunData } from "../setup/run_data.ts";
import { findCheckpoint, type FoundCheckpoint } from "./find_checkpoint.ts";
import { recordChanges } from "./changes_file.ts";
import {
  type Change,
  changesOf,
  checkChanges,
  checkStepsLeft,
  type EarlierRun,
  readEarlierRun,
} from "./resume_changes.ts";
import { hashInputs, type RunInputs } from "./run_inputs.ts";
import { openNamedAdapter } from "../../files/folders/tuned_folder.ts";
import { metricsFile, readMetrics, tellChangedRows } from "./metrics_file.ts";
import { asRunFault, type RunPlace, startPlace } from "./run_fault.ts";
import type { RunHooks } from "./run_hooks.ts";
import { allSinks, type RunResult, type Sink } from "./sink.ts";
import { routerLossOf } from "../setup/run_router_loss.ts";
import { runOperations } from "../setup/run_length.ts";
import { runLoop } from "./run_loop.ts";
import type { TrainerParts, TrainerState } from "../loop/trainer.ts";
import { wreckOf } from "../loop/wreck.ts";
import { openRunModel, type RunModel } from "../setup/run_model.ts";
import { type Run, trainerParts } from "./run_parts.ts";
import { withRunData } from "../setup/run_objective.ts";
import { planRun } from "../plan/run_plan.ts";
import { describeRun } from "./run_record.ts";
import type { ReferenceHooks } from "../reference/reference.ts";
import { openReference } from "../reference/run_reference.ts";
import { replaceManifested } from "../checkpoint/manifested_files.ts";
import { writeFiles } from "../checkpoint/planned_file.ts";
import {
  modelFiles,
  modelTensors,
  type SaveContext,
} from "../checkpoint/saved_model.ts";
import { RUN_FILE } from "../../files/file_names.ts";

/**
 * Trains as the options say.
 *
 * @throws {RunFault} if the device failed: the run can go on, on another
 * @throws {Error} in one line where data, model or options do not fit; nothing of an earlier run is
 *   lost
 */
export async function runTraining(
  device: Device,
  options: TrainOptions,
  hooks: RunHooks = {},
): Promise<RunResult> {
  const place = startPlace();
  try {
    return await runAt(place, { device, options, hooks });
  } catch (error) {
    throw await asRunFault(error, place);
  }
}

async function runAt(
  place: RunPlace,
  { device, options, hooks }: Pick<Start, "device" | "options" | "hooks">,
): Promise<RunResult> {
  const { output_dir, overwrite_output_dir } = options;
  const { restart } = hooks;
  await using _lock = await lockOutputFolder(output_dir);
  const resumed = await findCheckpoint(
    output_dir,
    restart?.checkpoint ?? options.resume_from_checkpoint,
  );
  if (resumed) place.checkpoints.push(resumed.path);
  const sinks = allSinks([
    metricsFile(output_dir),
    ...hooks.sinks ?? [],
    { saved: (path) => void place.checkpoints.push(path) },
  ]);
  await checkOutputFolder(output_dir, {
    overwrite: overwrite_output_dir || restart !== undefined,
    resume: resumed !== undefined,
    files: sinks.files,
  });
  const opened = await openRunEncoder(options);
  const earlier = resumed === undefined
    ? undefined
    : await readEarlierRun(resumed.path);
  if (earlier) {
    const changes = changesOf(earlier, options, {
      formerly: formerly(options, opened),
    });
    checkChanges(earlier, changes, options);
  }
  const id = resumed?.run ?? crypto.randomUUID();
  const start = {
    device,
    options,
    id,
    hooks,
    place,
    sinks,
    opened,
    earlier: earlier && { ...earlier, metrics: resumed?.metrics },
  };
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
  readonly id: string;
  readonly hooks: RunHooks;
  readonly place: RunPlace;
  readonly sinks: Required<Sink>;
  readonly opened: OpenedEncoder;
  /** The run of the checkpoint that it goes on from. */
  readonly earlier: StartedRun | undefined;
}

/** The run that another goes on from, with the hash of its rows of metrics. */
type StartedRun = EarlierRun & Pick<FoundCheckpoint, "metrics">;

async function runOver<Example extends Examples>(
  { device, options, id, hooks, place, sinks, opened, earlier }: Start,
  data: RunData<Example>,
  objective: Objective<Example>,
): Promise<RunResult> {
  await sinks.loaded(data.train.report, data.evaluation?.report);
  hooks.signal?.throwIfAborted();
  const config = readModelConfig(opened.files.config);
  const vocab_size = await runVocabSize(options, config);
  const { path } = opened.files;
  checkRowTokens(data, objective, opened.encoder, { path, vocab_size });
  const plan = await planRun(device, options, opened.files, {
    train: data.train.examples,
    evaluation: data.evaluation?.examples ?? [],
    objective,
  });
  checkBudget(plan, device.budgetBytes);
  place.doing = "measure the products";
  await hooks.tune?.(runOperations(config, options, data.train.examples));
  place.doing = "compute the reference";
  const toReference = await openReference({
    device,
    options,
    hooks: referenceHooks(hooks),
    opened,
    data,
    objective,
  });
  place.doing = "load the model";
  const { built, context } = await openModel(device, options, hooks, opened);
  const inputs = earlier || options.save_strategy !== "no"
    ? await inputsOf({ options, hooks }, data.train.examples, built)
    : undefined;
  const resumed = earlier &&
    {
      ...earlier,
      changes: changesOf(earlier, options, {
        inputs,
        formerly: formerly(options, opened),
      }),
    };
  if (resumed) checkChanges(resumed, resumed.changes, options);
  place.doing = "compute the reference";
  const run = {
    device,
    options,
    id,
    hooks,
    place,
    sinks,
    data,
    objective,
    plan,
    built,
    context,
    inputs,
    reference: await toReference(built),
  };
  return await trainAndSave(run, resumed);
}

/** What runs did before they had an option for it: no loss of the router was added. */
function formerly(
  options: TrainOptions,
  { files }: OpenedEncoder,
): Readonly<Record<string, unknown>> {
  const config = readModelConfig(files.config);
  return routerLossOf(config, { ...options, router_aux_loss_coef: 1 })
    ? { router_aux_loss_coef: 0 }
    : {};
}

/** What a run goes on from, and what it has other than that. */
interface ResumedRun extends StartedRun {
  readonly changes: readonly Change[];
}

async function inputsOf(
  { options, hooks }: Pick<Start, "options" | "hooks">,
  examples: readonly object[],
  { stored }: RunModel,
): Promise<RunInputs> {
  const { adapter_name_or_path: path } = options;
  const start = path === null ? undefined : await openNamedAdapter(path);
  const files = [...stored?.files ?? [], ...start?.weights.files ?? []];
  return await hashInputs(files, examples, hooks.cacheFolder);
}

function referenceHooks(hooks: RunHooks): ReferenceHooks {
  return {
    onLoad: onLoadOf(hooks),
    onReference: (done, total) => hooks.onProgress?.("reference", done, total),
    signal: hooks.signal,
    cacheFolder: hooks.cacheFolder,
  };
}

/** Tells how far a model is loaded, and ends the run there once it is to end. */
function onLoadOf({ onProgress, signal }: RunHooks) {
  return (done: number, total: number) => {
    signal?.throwIfAborted();
    onProgress?.("load", done, total);
  };
}

async function openModel(
  device: Device,
  options: TrainOptions,
  hooks: RunHooks,
  opened: OpenedEncoder,
): Promise<{ built: RunModel; context: SaveContext }> {
  const built = await openRunModel(device, options, opened, onLoadOf(hooks));
  const context = {
    files: savedFiles(options, opened),
    tokenizerPath: opened.tokenizerFiles.path,
    stored: built.stored,
    adapter: built.adapter && savedConfig(built.model, built.adapter),
    baseName: options.model_name_or_path,
    chatTemplate: opened.encoder.template?.source,
    toolTemplate: opened.encoder.template?.toolSource,
  };
  return { built, context };
}

/** The files of the model that will be saved. */
function savedFiles(
  options: TrainOptions,
  { files, encoder: { tokenizer } }: OpenedEncoder,
): ModelFiles {
  if (methodOf(options).head === "tokens") return files;
  const pad = tokenizer.padTokenId ?? tokenizer.eosTokenId;
  return { ...files, config: rewardConfigJson(files.config, pad) };
}

/** Trains, and saves the weights that the run should end with. */
async function trainAndSave<Example extends Examples>(
  run: Run<Example>,
  resumed: ResumedRun | undefined,
): Promise<RunResult> {
  const { device, options, data, sinks } = run;
  const trainableParameters = checkTrainable(parameters(run.built.model));
  const { parts, startingLoss } = await assemble(run);
  run.hooks.signal?.throwIfAborted();
  const state = await openFolder(run, parts, resumed);
  const steps = state?.step ?? 0;
  const rows = await readMetrics(options.output_dir, steps);
  const wanted = resumed?.metrics;
  tellChangedRows(options.output_dir, rows, { wanted, steps });
  const { totalSteps, optimizer } = parts;
  await sinks.open({
    folder: options.output_dir,
    trainableParameters,
    totalSteps,
    doneSteps: steps,
    rows,
    changes: resumed?.changes ?? [],
    startingLoss,
    plan: run.plan,
  });
  const end = await runLoop(run, parts, { rows, startingLoss, state });
  run.place.doing = "save the weights";
  const interrupted = end.outcome === "interrupted";
  const best = interrupted ? undefined : await bestOf(options, end);
  if (best) await restoreWeights(best.path, device, optimizer);
  if (!interrupted) {
    const tensors = modelTensors(run.built.model, run.context);
    const files = modelFiles(tensors, run.context);
    const step = best?.step ?? end.step;
    await replaceManifested(options.output_dir, files, { run: run.id, step });
  }
  const result = {
    step: end.step,
    totalSteps,
    interrupted,
    skippedAtEnd: end.guard.inARow,
    stoppedEarly: end.outcome === "stopped early",
    weightsOf: best?.step ?? end.step,
    rows,
    wreck: wreckOf(rows, { startingLoss, signed: parts.objective.signed }),
    peakBytes: device.memory.peakBytes,
  };
  const describe = () =>
    describeRun({
      options,
      training: data.train.report,
      evaluation: data.evaluation?.report,
      rows: rows.filter(({ step }) => step! <= result.weightsOf),
      steps: result.weightsOf,
      wreck: result.wreck,
      cacheFolder: run.hooks.cacheFolder,
    });
  await sinks.end({ ...result, describe });
  return result;
}

/** The parts of the loop, and the loss before the first step where the reference tells it. */
async function assemble<Example extends Examples>(
  run: Run<Example>,
): Promise<{
  readonly parts: TrainerParts<Example>;
  readonly startingLoss: number | undefined;
}> {
  const { device, options, data, reference } = run;
  const dataset = async (examples: readonly Example[]) => ({
    examples,
    reference: await reference.columnOf(examples),
  });
  const train = await dataset(data.train.examples);
  const evaluation = data.evaluation && await dataset(data.evaluation.examples);
  const startingLoss = await reference.checkStart(train.reference);
  run.place.doing = "begin to train";
  const optimizer = new Optimizer(device, trainedWeights(run.built.model), {
    ...options,
    loraplus_lr_ratio: options.use_peft ? options.loraplus_lr_ratio : null,
  });
  device.memory.reserve(run.plan.idle);
  const parts = trainerParts(run, {
    train,
    evaluation,
    optimizer,
    movingReference: reference.moving,
  });
  return { parts, startingLoss };
}

/**
 * Makes the run's folder ready, with its options in it. Nothing of an earlier run goes before all
 * that can be wrong has been found right.
 *
 * @returns where the run goes on, from its checkpoint; undefined if it is a new one
 */
async function openFolder<Example>(
  { options, hooks, sinks: { files } }: Pick<
    Run<Example>,
    "options" | "hooks" | "sinks"
  >,
  { optimizer, movingReference, model, totalSteps }: TrainerParts<Example>,
  resumed: ResumedRun | undefined,
): Promise<TrainerState | undefined> {
  const { output_dir, overwrite_output_dir } = options;
  if ((overwrite_output_dir || hooks.restart) && !resumed) {
    await emptyOutputFolder(output_dir, files);
  }
  const state = resumed
    ? await restoreCheckpoint(resumed.path, model.device, {
      optimizer,
      movingReference,
    })
    : undefined;
  if (resumed && state) {
    checkStepsLeft(resumed, resumed.changes, { ...state, totalSteps });
    await recordChanges(output_dir, resumed, state);
  }
  await writeFiles(output_dir, [{ file: RUN_FILE.options, json: options }]);
  return state;
}

/**
 * The best checkpoint, if the run should end with it and it is not what there is; undefined too if
 * it was taken away, or is damaged, which is told.
 */
async function bestOf(
  { load_best_model_at_end, output_dir }: TrainOptions,
  { step, best }: TrainerState,
): Promise<CheckpointFolder | undefined> {
  const wanted = best?.best_global_step ?? step;
  if (!load_best_model_at_end || wanted === step) return undefined;
  const all = await listCheckpoints(output_dir);
  const found = all.find((one) => one.step === wanted);
  if (found === undefined) return undefined;
  const { faults } = await checkCheckpoint(found.path);
  if (faults.length === 0) return found;
  tell(
    `"${found.path}", the best, is damaged (${
      faults.join("; ")
    }), so the run ends with its last weights`,
  );
  return undefined;
}
