/**
 * What a run will take, before it takes anything: bytes on the device by group, and whether
 * activations are kept or computed again. Reads the headers of weights, no number of them.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { openNamedAdapter } from "../../files/folders/tuned_folder.ts";
import {
  type ModelFiles,
  openModelWeights,
} from "../../files/folders/model_folder.ts";
import type { AdapterConfig } from "../../model/adapter/adapter_config.ts";
import { readModelConfig } from "../../model/config/config.ts";
import { storedLayouts } from "../../model/weights/load.ts";
import { isQuantized, keptCodes } from "../../model/weights/quantization.ts";
import { quantizationOf } from "../../model/weights/quantization_options.ts";
import type { Batch } from "../../preference/tokens/batch.ts";
import { inOrder } from "../../preference/tokens/epoch.ts";
import {
  type BytePlan,
  type ByteSources,
  forwardBytes,
  planBytes,
} from "./byte_plan.ts";
import {
  findNamedReference,
  isNamedReference,
} from "../reference/named_reference.ts";
import type { Objective } from "../method/objective.ts";
import type { TrainOptions } from "../options/options.ts";
import { routerLossOf } from "../setup/run_router_loss.ts";
import {
  continuedAdapter,
  keptDtype,
  newAdapter,
  requireWeights,
  runModelConfig,
  trainedWeightsOf,
} from "../setup/run_model.ts";
import { layOutStep } from "../loop/step_batches.ts";

/** Examples of a run, and what it minimises. */
export interface PlannedData<Example> {
  readonly train: readonly Example[];
  readonly evaluation: readonly Example[];
  readonly objective: Objective<Example>;
}

/**
 * Plans the bytes of a run; with gradient_checkpointing auto, the plan that fits the device's
 * budget if one does.
 */
export async function planRun<Example>(
  device: Device,
  options: TrainOptions,
  files: ModelFiles,
  planned: PlannedData<Example>,
): Promise<BytePlan> {
  const { gradient_checkpointing: wanted } = options;
  const data = withSizes(planned);
  const config = runModelConfig(options, files);
  if (!options.init_from_config) {
    const { rewardHead: startsHead } = config;
    storedLayouts(config, await requireWeights(files.path), { startsHead });
  }
  const routerLoss = routerLossOf(config, options);
  const laidOut = routerLoss
    ? { ...options, max_tokens_per_batch: null }
    : options;
  const sources = {
    config,
    isTrained: trainedWeightsOf(options, config),
    ...await keptMatrices(options, files),
    adapter: await plannedAdapter(options),
    optimizer: options,
    movesReference: options.sync_ref_model && data.objective.needsReference,
    forward: forwardBatches(laidOut, data),
    training: trainingBatches(laidOut, data),
    routerLoss,
  };
  const plan = (gradientCheckpointing: boolean): Promise<BytePlan> =>
    planBytes(device, { ...sources, gradientCheckpointing });
  const least = await namedReferenceBytes(device, options, data);
  if (wanted !== "auto") return withReference(await plan(wanted), least);
  const kept = await plan(false);
  const fits = kept.total <= device.budgetBytes;
  return withReference(fits ? kept : await plan(true), least);
}

/** What a reference by name takes before the policy is read; 0 without one. */
async function namedReferenceBytes<Example>(
  device: Device,
  options: TrainOptions,
  data: SizedData<Example>,
): Promise<number> {
  if (!data.objective.needsReference || !isNamedReference(options)) return 0;
  const { folder } = await findNamedReference(options);
  const config = readModelConfig(folder.config);
  storedLayouts(config, folder.weights);
  const kept = await keptMatrices(
    { ...options, init_from_config: false },
    folder,
  );
  const batches = forwardBatches(options, data);
  return await forwardBytes(device, { config, ...kept }, batches);
}

/** The larger one counts: the reference is gone when the policy comes. */
function withReference(plan: BytePlan, bytes: number): BytePlan {
  if (bytes <= plan.total) return plan;
  const name = "the reference alone, beyond all these";
  return {
    ...plan,
    groups: [...plan.groups, { name, bytes: bytes - plan.total }],
    total: bytes,
  };
}

/** The type in which a run keeps each frozen matrix, and whether scales of codes are nested. */
export async function keptMatrices(
  options: TrainOptions,
  { path }: Pick<ModelFiles, "path">,
): Promise<Pick<ByteSources, "dtypeOf" | "nested">> {
  const wanted = keptDtype(options);
  const quantization = quantizationOf(options);
  const stored = wanted || options.init_from_config
    ? undefined
    : await openModelWeights(path);
  const codesOf = stored?.packed?.codes;
  const nested = quantization?.nested ||
    codesOf?.values().some(({ nested }) => nested);
  const dtypeOf = (name: string, cols: number) => {
    const codes = codesOf?.get(name);
    if (codes) return keptCodes(codes.dtype, cols);
    if (quantization && isQuantized(name)) {
      return keptCodes(quantization.dtype, cols);
    }
    if (wanted) return wanted;
    const dtype = stored?.tensors.get(name)?.dtype.toLowerCase();
    return dtype === "bf16" || dtype === "f16" ? dtype : "f32";
  };
  return { dtypeOf, nested };
}

/** The adapter that a run will train; undefined if it trains all weights. */
export async function plannedAdapter(
  options: TrainOptions,
): Promise<AdapterConfig | undefined> {
  const { adapter_name_or_path: path } = options;
  if (options.init_from_config) return undefined;
  if (path !== null && !options.create_new_adapter) {
    const { config } = await openNamedAdapter(path);
    return continuedAdapter(options, config);
  }
  return options.use_peft ? newAdapter(options) : undefined;
}

/** An example, and the tokens of its sequences: a shared prompt counts for each of them. */
interface Sized<Example> {
  readonly example: Example;
  readonly tokens: number;
}

/** Examples with their sizes, and what a run minimises over them. */
interface SizedData<Example> {
  readonly train: readonly Sized<Example>[];
  readonly evaluation: readonly Sized<Example>[];
  readonly objective: Objective<Example>;
}

/** Sizes all examples, once: an example is unpacked each time that its sequences are asked for. */
function withSizes<Example>(
  { train, evaluation, objective }: PlannedData<Example>,
): SizedData<Example> {
  const sized = (example: Example) => ({
    example,
    tokens: objective.sequences(example)
      .reduce((sum, { ids }) => sum + ids.length, 0),
  });
  return {
    train: train.map(sized),
    evaluation: evaluation.map(sized),
    objective,
  };
}

/** The largest, the middle and the smallest examples, `count` of each. */
function extremes<Example>(
  examples: readonly Sized<Example>[],
  count: number,
): Example[][] {
  const ordered = examples.toSorted((a, b) => b.tokens - a.tokens)
    .map(({ example }) => example);
  const middle = Math.max(0, Math.floor((ordered.length - count) / 2));
  return [
    ordered.slice(0, count),
    ordered.slice(middle, middle + count),
    ordered.slice(-count),
  ];
}

function forwardBatches<Example>(
  options: TrainOptions,
  { train, evaluation, objective }: SizedData<Example>,
): Batch[] {
  const examples = objective.needsReference && !options.sync_ref_model
    ? [...train, ...evaluation]
    : evaluation;
  if (examples.length === 0) return [];
  const size = options.per_device_eval_batch_size;
  return extremes(examples, size).reverse().flatMap((group) =>
    deviceBatches(options, { ...objective, couples: false }, group, size)
  );
}

/**
 * What runs on the device at once where `group` is trained or evaluated on, `size` examples at a
 * time.
 */
function deviceBatches<Example>(
  { max_tokens_per_batch: maxTokensPerBatch }: TrainOptions,
  objective: Objective<Example>,
  group: readonly Example[],
  size: number,
): Batch[] {
  const data = { examples: group, reference: new Float64Array() };
  const microBatches = inOrder(group.length, size);
  return layOutStep({ objective, maxTokensPerBatch }, data, microBatches)
    .deviceBatches.map(({ batch }) => batch);
}

/** The largest ones first, as the run reserves what those need; what the others add is counted. */
function trainingBatches<Example>(
  options: TrainOptions,
  { train, objective }: SizedData<Example>,
): Batch[] {
  const size = options.per_device_train_batch_size;
  const microBatches = options.max_tokens_per_batch === null
    ? 1
    : options.gradient_accumulation_steps;
  const [large, middle, small] = extremes(
    train,
    size * microBatches,
  ).map((group) => deviceBatches(options, objective, group, size));
  return [...large!, ...middle!, ...small!];
}
