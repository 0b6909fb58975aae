/**
 * Folders to models that only run: a base, and beside it a tuned one. An adapter goes on the base's
 * own layers, so that both answer from one copy of the weights; full weights are a second model.
 * Knows no text.
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

/** Told how many bytes of a folder's weights are loaded. */
export type OnLoad = (done: number, total: number, folder: string) => void;

/** How to open a model that only runs. */
export interface OpenOptions {
  /** Keeps the linear layers of its blocks as codes; default: as stored. */
  readonly quantization?: Quantization | undefined;
  /** Told of bytes as they arrive. */
  readonly onLoad?: OnLoad | undefined;
}

/** A model and how to run it. */
export interface OpenedModel {
  /** Its files. */
  readonly folder: ModelFolder;
  /** Its weights on the device. */
  readonly model: Model;
  /** Whether adapters take part when it runs. */
  readonly adapters: boolean;
}

/** A tuned model, and where it came from. */
export interface OpenedTuned extends OpenedModel {
  /** The folder that training left. */
  readonly tuned: TunedFolder;
}

/**
 * Opens a model that will not be trained; its weights stay in the type they are stored in, or
 * become codes.
 *
 * @throws {Error} in one line, naming everything in the folder that does not fit
 */
export async function openModel(
  device: Device,
  nameOrPath: string,
  { quantization, onLoad }: OpenOptions = {},
): Promise<OpenedModel> {
  const folder = await openModelFolder(await localModelFolder(nameOrPath));
  const config = readModelConfig(folder.config);
  return await loadFrozen(device, folder, { config, quantization, onLoad });
}

/**
 * As `openModel()`, with the adapter of a folder on it; of a reward model with its head of one
 * number, which lies in the model's folder or in the adapter's.
 *
 * @param options `adapter`: its folder; undefined: none
 */
export async function openScorer(
  device: Device,
  nameOrPath: string,
  { adapter, quantization, onLoad }: OpenOptions & {
    readonly adapter: string | undefined;
  },
): Promise<OpenedModel> {
  const folder = await openModelFolder(await localModelFolder(nameOrPath));
  const on = adapter === undefined
    ? undefined
    : await openAdapterFolder(adapter);
  const own = on && readAdapterConfig(on.config, { rewards: true });
  const config = readModelConfig(folder.config);
  const rewards = own?.rewardHead || isRewardConfig(folder.config);
  const opened = await loadFrozen(device, folder, {
    config: rewards ? withRewardHead(config) : config,
    quantization,
    onLoad,
    startsHead: own?.rewardHead === true,
  });
  if (!on || !own) return opened;
  const model = await loadAdapter(opened.model, own, on.weights);
  return { ...opened, model, adapters: true };
}

async function loadFrozen(
  device: Device,
  folder: ModelFolder,
  { config, quantization, onLoad, startsHead = false }: OpenOptions & {
    readonly config: ModelConfig;
    /** Whether a reward head that the folder lacks may start with any numbers. */
    readonly startsHead?: boolean;
  },
): Promise<OpenedModel> {
  const model = await loadModel(device, config, folder.weights, {
    quantization,
    ...(startsHead ? { headSeed: 0 } : {}),
    ...(onLoad && {
      onProgress: (done, total) => onLoad(done, total, folder.path),
    }),
  });
  return { folder, model, adapters: false };
}

/**
 * Puts the adapter of a folder on a model.
 *
 * @returns the model with its adapters: the same one, unless the adapter has modules of its own
 * @throws {TypeError} naming all that does not fit
 */
export async function putAdapter(
  model: Model,
  path: string,
): Promise<Model> {
  const { config, weights } = await openAdapterFolder(path);
  return await loadAdapter(model, readAdapterConfig(config), weights);
}

/** A base and, where one is named, the tuned model beside it. */
export interface SideBySide {
  /** The model as it was. */
  readonly base: OpenedModel;
  /** The tuned one; undefined where none is named. */
  readonly tuned: OpenedTuned | undefined;
}

/**
 * Opens a base and a tuned model.
 *
 * @param paths.tuned folder of an adapter, a checkpoint, a run or full weights; null: none
 * @throws {Error} in one line, as `openModel()` and `findTuned()` do
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
