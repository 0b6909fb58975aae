/**
 * Opens folders as models that are not trained: a base, and beside it a tuned model. An adapter is
 * put on the layers of the base, so that both share one copy of the weights; a tuned model with
 * full weights is a second model. Knows no text.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { openAdapterFolder } from "../../files/folders/adapter_folder.ts";
import {
  type ModelFolder,
  openModelFolder,
} from "../../files/folders/model_folder.ts";
import { localModelFolder } from "../../files/hub/repo_folder.ts";
import {
  findTuned,
  type TunedFolder,
} from "../../files/folders/tuned_folder.ts";
import { loadAdapter } from "../adapter/adapter.ts";
import { readAdapterConfig } from "../adapter/adapter_config.ts";
import { type ModelConfig, readModelConfig } from "../config/config.ts";
import { loadModel } from "../weights/load.ts";
import type { Model } from "../decoder/model.ts";
import type { Quantization } from "../weights/quantization.ts";
import { isRewardConfig, withRewardHead } from "../weights/reward_head.ts";

/**
 * Called with the bytes of a folder's weights that are loaded, the bytes of all, and the folder.
 */
export type OnLoad = (done: number, total: number, folder: string) => void;

/** How to open a model that is not trained. */
export interface OpenOptions {
  /** How the linear layers of the blocks are quantized; default: they keep the type of the file. */
  readonly quantization?: Quantization | undefined;
  /** Whether checkpoints of codes that the kernels do not read are read as bf16; default false. */
  readonly dequantize?: boolean | undefined;
  /** Called as bytes are loaded. */
  readonly onLoad?: OnLoad | undefined;
}

/** A model and how to run it. */
export interface OpenedModel {
  /** The files of the model. */
  readonly folder: ModelFolder;
  /** The model on the device. */
  readonly model: Model;
  /** Whether the adapter takes part in its passes. */
  readonly adapters: boolean;
}

/** A tuned model, and the folder that it came from. */
export interface OpenedTuned extends OpenedModel {
  /** The folder of the training's result. */
  readonly tuned: TunedFolder;
}

/**
 * Opens a model that is not trained. Its weights keep the type of the file or become codes.
 *
 * @throws {Error} with one line that names everything in the folder that does not fit
 */
export async function openModel(
  device: Device,
  nameOrPath: string,
  { onLoad, ...how }: OpenOptions = {},
): Promise<OpenedModel> {
  const folder = await openModelFolder(await localModelFolder(nameOrPath));
  const config = readModelConfig(folder.config);
  return await loadFrozen(device, folder, { config, onLoad, ...how });
}

/**
 * Opens a model as `openModel()` does, with the adapter of another folder on it. A reward model is
 * opened with its reward head, which lies in the model's folder or in the adapter's.
 *
 * @param options `adapter`: the adapter's folder; undefined: no adapter
 */
export async function openScorer(
  device: Device,
  nameOrPath: string,
  { adapter, onLoad, ...how }: OpenOptions & {
    readonly adapter: string | undefined;
  },
): Promise<OpenedModel> {
  const folder = await openModelFolder(await localModelFolder(nameOrPath));
  const adapterFolder = adapter === undefined
    ? undefined
    : await openAdapterFolder(adapter);
  const adapterConfig = adapterFolder &&
    readAdapterConfig(adapterFolder.config, { rewards: true });
  const config = readModelConfig(folder.config);
  const rewards = adapterConfig?.rewardHead || isRewardConfig(folder.config);
  const opened = await loadFrozen(device, folder, {
    config: rewards ? withRewardHead(config) : config,
    ...how,
    onLoad,
    startsHead: adapterConfig?.rewardHead === true,
  });
  if (!adapterFolder || !adapterConfig) return opened;
  const model = await loadAdapter(
    opened.model,
    adapterConfig,
    adapterFolder.weights,
  );
  return { ...opened, model, adapters: true };
}

async function loadFrozen(
  device: Device,
  folder: ModelFolder,
  { config, onLoad, startsHead = false, ...how }: OpenOptions & {
    readonly config: ModelConfig;
    /** Whether the folder may lack the reward head, since the adapter brings it. */
    readonly startsHead?: boolean;
  },
): Promise<OpenedModel> {
  const model = await loadModel(device, config, folder.weights, {
    ...how,
    headSeed: startsHead ? 0 : undefined,
    onProgress: onLoad &&
      ((done, total) => onLoad(done, total, folder.path)),
  });
  return { folder, model, adapters: false };
}

/**
 * Puts the adapter of a folder on a model.
 *
 * @returns the model with its adapter; the same object, unless the adapter has whole modules
 * @throws {TypeError} naming everything that does not fit
 */
export async function putAdapter(
  model: Model,
  path: string,
): Promise<Model> {
  const { config, weights } = await openAdapterFolder(path);
  return await loadAdapter(model, readAdapterConfig(config), weights);
}

/** A base model and the tuned model beside it. */
export interface SideBySide {
  /** The base model. */
  readonly base: OpenedModel;
  /** The tuned model; undefined if none was named. */
  readonly tuned: OpenedTuned | undefined;
}

/**
 * Opens a base model and a tuned model.
 *
 * @param paths.tuned folder of an adapter, a checkpoint, a run or full weights; null: none
 * @throws {Error} as `openModel()` and `findTuned()` do
 */
export async function openSideBySide(
  device: Device,
  paths: { readonly base: string; readonly tuned: string | null },
  options: OpenOptions = {},
): Promise<SideBySide> {
  const found = paths.tuned === null ? undefined : await findTuned(paths.tuned);
  const base = await openModel(device, paths.base, options);
  if (!found) return { base, tuned: undefined };
  if (found.kind === "weights") {
    const opened = await openModel(device, found.path, options);
    return { base, tuned: { ...opened, tuned: found } };
  }
  const model = await putAdapter(base.model, found.path);
  return { base, tuned: { ...base, model, adapters: true, tuned: found } };
}
