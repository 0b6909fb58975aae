/**
 * Folders to models that only run: a base, and beside it a tuned one. An adapter goes on the base's own layers, so
 * that both answer from one copy of the weights; full weights are a second model. Knows no text.
 */
import type { Device } from "../../kernels/device.ts";
import { openAdapterFolder } from "../files/adapter_folder.ts";
import { type ModelFolder, openModelFolder } from "../files/model_folder.ts";
import { localModelFolder } from "../files/repo_folder.ts";
import { findTuned, type TunedFolder } from "../files/tuned_folder.ts";
import { loadAdapter } from "./adapter.ts";
import { type AdapterConfig, readAdapterConfig } from "./adapter_config.ts";
import { type ModelConfig, readModelConfig } from "./config.ts";
import { loadModel } from "./load.ts";
import type { Model } from "./model.ts";
import { isRewardConfig, withRewardHead } from "./reward_head.ts";

/** Told how many bytes of a folder's weights are loaded. */
export type OnLoad = (done: number, total: number, folder: string) => void;

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
 * Opens a model that will not be trained; its weights stay in the type they are stored in.
 *
 * @throws {Error} in one line, naming everything in the folder that does not fit
 */
export async function openModel(
  device: Device,
  nameOrPath: string,
  onLoad?: OnLoad,
): Promise<OpenedModel> {
  const folder = await openModelFolder(await localModelFolder(nameOrPath));
  return await loadFrozen(
    device,
    folder,
    readModelConfig(folder.config),
    onLoad,
  );
}

/** As `openModel()`; of a reward model's folder with its head of one number. */
export async function openScorer(
  device: Device,
  nameOrPath: string,
  onLoad?: OnLoad,
): Promise<OpenedModel> {
  const folder = await openModelFolder(await localModelFolder(nameOrPath));
  const config = readModelConfig(folder.config);
  const own = isRewardConfig(folder.config) ? withRewardHead(config) : config;
  return await loadFrozen(device, folder, own, onLoad);
}

async function loadFrozen(
  device: Device,
  folder: ModelFolder,
  config: ModelConfig,
  onLoad: OnLoad | undefined,
): Promise<OpenedModel> {
  const model = await loadModel(device, config, folder.weights, {
    ...(onLoad && {
      onProgress: (done, total) => onLoad(done, total, folder.path),
    }),
  });
  return { folder, model, adapters: false };
}

/**
 * Puts the adapter of a folder on a model.
 *
 * @throws {TypeError} naming all that does not fit
 */
export async function putAdapter(
  model: Model,
  path: string,
): Promise<AdapterConfig> {
  const { config, weights } = await openAdapterFolder(path);
  const adapter = readAdapterConfig(config);
  await loadAdapter(model, adapter, weights);
  return adapter;
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
  onLoad?: OnLoad,
): Promise<SideBySide> {
  const found = paths.tuned === null ? undefined : await findTuned(paths.tuned);
  const base = await openModel(device, paths.base, onLoad);
  if (!found) return { base, tuned: undefined };
  if (found.kind === "weights") {
    const opened = await openModel(device, found.path, onLoad);
    return { base, tuned: { ...opened, tuned: found } };
  }
  await putAdapter(base.model, found.path);
  return { base, tuned: { ...base, adapters: true, tuned: found } };
}
