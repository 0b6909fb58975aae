/**
 * From a run's options to the model that is trained: a checkpoint or random weights, with all
 * weights trained or with an adapter, new or continued.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { openNamedAdapter } from "../../files/folders/tuned_folder.ts";
import { checkWrittenWeights } from "../../files/folders/written_files.ts";
import {
  type ModelFiles,
  openModelWeights,
} from "../../files/folders/model_folder.ts";
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import { addAdapter, loadAdapter } from "../../model/adapter/adapter.ts";
import {
  type AdapterConfig,
  readAdapterConfig,
  withAdapterHead,
} from "../../model/adapter/adapter_config.ts";
import {
  type ModelConfig,
  readModelConfig,
} from "../../model/config/config.ts";
import { loadModel } from "../../model/weights/load.ts";
import { startPissa } from "../../model/adapter/pissa.ts";
import type { Model } from "../../model/decoder/model.ts";
import { quantizationOf } from "../../model/weights/quantization_options.ts";
import { randomModel } from "../../model/opening/random_weights.ts";
import { SCORE, withRewardHead } from "../../model/weights/reward_head.ts";
import { isExpression } from "../../model/adapter/target_modules.ts";
import {
  type IsTrained,
  trainedRule,
} from "../../model/weights/trained_parameters.ts";
import { weightLayouts } from "../../model/weights/weight_layout.ts";
import { methodOf } from "../method/methods.ts";
import { frozenDtype, type TrainOptions } from "../options/options.ts";
import { NotFound } from "../../files/disk.ts";

/** A model ready to be trained. */
export interface RunModel {
  readonly model: Model;
  /** The files of its weights; undefined for random ones. */
  readonly stored: TensorReader | undefined;
  /** Undefined if no adapter is trained. */
  readonly adapter: AdapterConfig | undefined;
}

const DTYPES = {
  auto: undefined,
  float32: "f32",
  bfloat16: "bf16",
  float16: "f16",
} as const;

/**
 * Opens the model of a run.
 *
 * @throws {TypeError} if config, tensors, tokenizer or adapter do not fit; all that is wrong at
 *   once
 */
export async function openRunModel(
  device: Device,
  options: TrainOptions,
  { files }: { readonly files: ModelFiles },
  onProgress?: (done: number, total: number) => void,
): Promise<RunModel> {
  const config = runModelConfig(options, files);
  const trained = !options.use_peft && options.adapter_name_or_path === null;
  if (trained || options.init_from_config) checkWhole(config, files.path);
  if (options.init_from_config) {
    return {
      model: randomModel(device, config, options.seed),
      stored: undefined,
      adapter: undefined,
    };
  }
  const stored = await requireWeights(files.path);
  await checkWrittenWeights(files.path);
  const base = await loadModel(device, config, stored, {
    trained: trained && (trainedWeightsOf(options, config) ?? true),
    dtype: keptDtype(options),
    quantization: quantizationOf(options),
    dequantize: options.dequantize,
    headSeed: options.seed,
    onProgress,
  });
  if (trained) return { model: base, stored, adapter: undefined };
  return { ...await openAdapter(base, options), stored };
}

/**
 * Which weights of a model are trained if no adapter is; undefined: all of them.
 *
 * @throws {TypeError | RangeError} naming what does not fit the model
 */
export function trainedWeightsOf(
  options: TrainOptions,
  config: ModelConfig,
): IsTrained | undefined {
  const names = weightLayouts(config).map(({ name }) => name);
  const blocks = config.num_hidden_layers;
  const rule = trainedRule(options, { names, blocks });
  return rule && ((name) => name === SCORE || rule(name)); // a new head must learn
}

/** The config of the model that is trained: a reward model has another head. */
export function runModelConfig(
  options: Pick<TrainOptions, "trainer">,
  { config }: Pick<ModelFiles, "config">,
): ModelConfig {
  const read = readModelConfig(config);
  return methodOf(options).head === "score" ? withRewardHead(read) : read;
}

async function openAdapter(
  base: Model,
  options: TrainOptions,
): Promise<{ model: Model; adapter: AdapterConfig }> {
  const { adapter_name_or_path: path, create_new_adapter, seed } = options;
  let start = base;
  if (path !== null) {
    const { config, weights } = await openNamedAdapter(path);
    if (!create_new_adapter) {
      const adapter = continuedAdapter(options, config);
      const how = { trained: true, mayLack: adapter.rewardHead ? [SCORE] : [] };
      const model = await loadAdapter(base, adapter, weights, how);
      return { model, adapter };
    }
    const rewards = methodOf(options).head === "score";
    const found = readAdapterConfig(config, { rewards });
    start = await loadAdapter(base, found, weights);
  }
  const adapter = newAdapter(options);
  const model = addAdapter(start, adapter, seed);
  if (adapter.init_lora_weights === "pissa") await startPissa(model, seed);
  return { model, adapter };
}

/**
 * The adapter of a folder, to be trained further. If a reward model is trained it has the head too,
 * even where the folder has none.
 */
export function continuedAdapter(
  options: TrainOptions,
  json: Readonly<Record<string, unknown>>,
): AdapterConfig {
  const rewards = methodOf(options).head === "score";
  const found = readAdapterConfig(json, { rewards });
  return rewards ? withAdapterHead(found) : found;
}

/** The adapter that the options ask for. */
export function newAdapter(options: TrainOptions): AdapterConfig {
  const { lora_target_modules: targets, lora_exclude_modules: excluded } =
    options;
  const adapter: AdapterConfig = {
    r: options.lora_r,
    lora_alpha: options.lora_alpha,
    lora_dropout: options.lora_dropout,
    target_modules: targets.includes("all-linear")
      ? "all-linear"
      : namesOrExpression(targets),
    exclude_modules: excluded && namesOrExpression(excluded),
    layers_to_transform: options.lora_layers_to_transform,
    rank_pattern: options.lora_rank_pattern,
    alpha_pattern: options.lora_alpha_pattern,
    modules_to_save: options.lora_modules_to_save,
    use_rslora: options.use_rslora,
    use_dora: options.use_dora,
    init_lora_weights: options.init_lora_weights,
  };
  return methodOf(options).head === "score"
    ? withAdapterHead(adapter)
    : adapter;
}

/** PEFT reads a text as a regular expression, and a list as names. */
function namesOrExpression(
  names: readonly string[],
): string | readonly string[] {
  const [only = ""] = names;
  return names.length === 1 && isExpression(only) ? only : names;
}

/** The type in which frozen matrices are kept; undefined: as they are stored. */
export function keptDtype(
  options: TrainOptions,
): (typeof DTYPES)[keyof typeof DTYPES] {
  return DTYPES[frozenDtype(options)];
}

/** The headers of a model's weights. @throws {NotFound} if it has none */
export async function requireWeights(path: string): Promise<TensorReader> {
  const weights = await openModelWeights(path);
  if (weights) return weights;
  throw new NotFound(
    `Cannot load model "${path}": it has no "model.safetensors"; to start from random weights give --init_from_config`,
  );
}

/**
 * A part's weights alone would be saved as a folder that nobody can load.
 *
 * @throws {TypeError} if only a part of the model is served
 */
export function checkWhole(
  { model_type, family }: ModelConfig,
  path: string,
): void {
  if (!family.part) return;
  throw new TypeError(
    `Cannot train all weights of "${path}": of model_type "${model_type}" only the text half is served, expected an adapter (use_peft)`,
  );
}
