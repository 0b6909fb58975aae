/**
 * From a run's options to the model that is trained: a checkpoint or random weights, with all weights trained or
 * with an adapter, new or continued. Checks that tokenizer and model fit.
 */
import type { Device } from "../../kernels/device.ts";
import { openAdapterFolder } from "../files/adapter_folder.ts";
import type { ModelFiles } from "../files/model_folder.ts";
import type { TensorReader } from "../files/safetensors.ts";
import { openWeights } from "../files/weights.ts";
import { addAdapter, loadAdapter } from "../model/adapter.ts";
import { readAdapterScore } from "../model/adapter_score.ts";
import {
  type AdapterConfig,
  PLAIN_ADAPTER,
  readAdapterConfig,
} from "../model/adapter_config.ts";
import { type ModelConfig, readModelConfig } from "../model/config.ts";
import { loadModel } from "../model/load.ts";
import type { Model } from "../model/model.ts";
import { randomModel } from "../model/random_weights.ts";
import { withRewardHead } from "../model/reward_head.ts";
import type { Encoder } from "../preference/tokenize.ts";
import { frozenDtype, type TrainOptions } from "./options.ts";

/** A model ready to be trained. */
export interface RunModel {
  readonly model: Model;
  /** The files of its weights; undefined for random ones. */
  readonly stored: TensorReader | undefined;
  /** Given if an adapter is trained. */
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
 * @throws {TypeError} if config, tensors, tokenizer or adapter do not fit; all that is wrong at once
 */
export async function openRunModel(
  device: Device,
  options: TrainOptions,
  { files, encoder }: { files: ModelFiles; encoder: Encoder },
  onProgress?: (done: number, total: number) => void,
): Promise<RunModel> {
  const config = runModelConfig(options, files);
  checkVocabulary(config, encoder, files.path);
  if (options.init_from_config) {
    return {
      model: randomModel(device, config, options.seed),
      stored: undefined,
      adapter: undefined,
    };
  }
  const stored = await requireWeights(files.path);
  const trained = !options.use_peft && options.adapter_name_or_path === null;
  const model = await loadModel(device, config, stored, {
    trained,
    dtype: keptDtype(options),
    headSeed: options.seed,
    ...(onProgress ? { onProgress } : {}),
  });
  const adapter = trained ? undefined : await openAdapter(model, options);
  return { model, stored, adapter };
}

/** The config of the model that is trained: a reward model is one of another head. */
export function runModelConfig(
  { trainer }: Pick<TrainOptions, "trainer">,
  { config }: Pick<ModelFiles, "config">,
): ModelConfig {
  const read = readModelConfig(config);
  return trainer === "reward" ? withRewardHead(read) : read;
}

async function openAdapter(
  model: Model,
  options: TrainOptions,
): Promise<AdapterConfig> {
  if (options.adapter_name_or_path !== null) {
    const { config, weights } = await openAdapterFolder(
      options.adapter_name_or_path,
    );
    const rewards = options.trainer === "reward";
    const adapter = readAdapterConfig(config, { rewards });
    await loadAdapter(model, adapter, weights, { trained: true });
    if (adapter.rewardHead) await readAdapterScore(model, weights);
    return rewards ? { ...adapter, rewardHead: true } : adapter;
  }
  const adapter = newAdapter(options);
  addAdapter(model, adapter, options.seed);
  return adapter;
}

/** The adapter that the options ask for. */
export function newAdapter(options: TrainOptions): AdapterConfig {
  const { lora_target_modules: targets } = options;
  return {
    r: options.lora_r,
    lora_alpha: options.lora_alpha,
    lora_dropout: options.lora_dropout,
    target_modules: targets.includes("all-linear") ? "all-linear" : targets,
    ...PLAIN_ADAPTER,
    ...(options.trainer === "reward" ? { rewardHead: true } : {}),
  };
}

/** The type in which frozen matrices are kept; undefined: as they are stored. */
export function keptDtype(
  options: TrainOptions,
): (typeof DTYPES)[keyof typeof DTYPES] {
  return DTYPES[frozenDtype(options)];
}

async function requireWeights(path: string): Promise<TensorReader> {
  const weights = await openWeights(path);
  if (weights) return weights;
  throw new Deno.errors.NotFound(
    `Cannot load model "${path}": it has no "model.safetensors"; to start from random weights give --init_from_config`,
  );
}

/** Ids past the embedding would read nothing. */
export function checkVocabulary(
  config: ModelConfig,
  { tokenizer }: Encoder,
  path: string,
): void {
  if (tokenizer.vocabSize <= config.vocab_size) return;
  throw new TypeError(
    `Cannot use the tokenizer of "${path}": it has ${tokenizer.vocabSize} tokens, the model's embedding has vocab_size ${config.vocab_size}`,
  );
}
