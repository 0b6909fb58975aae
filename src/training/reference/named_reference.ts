/**
 * Another model as the reference: it is read, it gives the log-probabilities of all rows, and it is
 * freed before the policy is read. If the cache has all of them it is not read at all.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { openAdapterFolder } from "../../files/folders/adapter_folder.ts";
import { tellOtherBase } from "../../files/folders/named_base.ts";
import { findAdapter } from "../../files/folders/tuned_folder.ts";
import { fileHash } from "../../files/disk/file_hash.ts";
import {
  type ModelFolder,
  openModelFolder,
} from "../../files/folders/model_folder.ts";
import { localModelFolder } from "../../files/hub/repo_folder.ts";
import { readModelConfig } from "../../model/config/config.ts";
import { loadModel } from "../../model/weights/load.ts";
import type { Model } from "../../model/decoder/model.ts";
import { putAdapter } from "../../model/opening/open_model.ts";
import { quantizationOf } from "../../model/weights/quantization_options.ts";
import { openEncoder } from "../../preference/tokens/open_encoder.ts";
import type { Encoder } from "../../preference/tokens/tokenize.ts";
import type { Objective } from "../method/objective.ts";
import { frozenDtype, type TrainOptions } from "../options/options.ts";
import {
  type ReferenceHooks,
  referenceLogps,
  type ReferenceOptions,
} from "./reference.ts";
import { keptDtype } from "../setup/run_model.ts";

/** Whether the reference is not the model that is trained. */
export function isNamedReference(
  { ref_model_name_or_path, ref_adapter_name_or_path }: TrainOptions,
): boolean {
  return ref_model_name_or_path !== null || ref_adapter_name_or_path !== null;
}

/** The files of a reference. */
export interface NamedReference {
  readonly folder: ModelFolder;
  /** Folder of the adapter that is put on it; null: none. */
  readonly adapter: string | null;
}

/** Finds the files of the reference that the options name. */
export async function findNamedReference(
  options: TrainOptions,
): Promise<NamedReference> {
  const name = options.ref_model_name_or_path ?? options.model_name_or_path;
  const folder = await openModelFolder(await localModelFolder(name));
  const { ref_adapter_name_or_path: named } = options;
  const adapter = named === null ? null : await findAdapter(named);
  await tellOtherBase(adapter, name);
  return { folder, adapter };
}

/**
 * Fails if the vocabularies of policy and reference differ in size: token ids would not mean the
 * same to both.
 *
 * @throws {TypeError} in one line
 */
export async function checkReferenceTokens(
  { folder: { path, tokenizer }, adapter }: NamedReference,
  encoder: Encoder,
): Promise<void> {
  if (tokenizer === undefined) return;
  const own = await openEncoder({
    model_name_or_path: path,
    adapter: adapter ?? undefined,
  });
  const [size, wanted] = [own.encoder, encoder].map((one) =>
    one.tokenizer.vocabSize
  );
  if (size === wanted) return;
  throw new TypeError(
    `Cannot take "${path}" as the reference: its tokenizer has ${size} tokens, expected ${wanted} as the policy's`,
  );
}

/** What the columns of a reference are made from. */
export interface NamedReferenceParts<Example> {
  readonly device: Device;
  readonly options: TrainOptions;
  readonly hooks: ReferenceHooks;
  readonly objective: Objective<Example>;
  readonly how: Omit<ReferenceOptions, "weightsKey">;
}

/** The column of each of several lists of examples, in a map by the list. */
export async function namedReferenceColumns<Example>(
  { device, options, hooks, objective, how }: NamedReferenceParts<Example>,
  reference: NamedReference,
  lists: readonly (readonly Example[])[],
): Promise<Map<readonly Example[], Float64Array>> {
  const key = await namedWeightsKey(options, hooks, reference);
  const columns = new Map<readonly Example[], Float64Array>();
  {
    using _scope = device.scope();
    let opened: Promise<Model> | undefined;
    const model = () =>
      opened ??= openReference(device, options, hooks, reference);
    for (const examples of lists) {
      const column = await referenceLogps(model, examples, objective, {
        ...how,
        weightsKey: key,
        model: reference.folder.path,
        adapters: reference.adapter !== null,
      });
      columns.set(examples, column);
    }
    await device.finish();
  }
  device.trim();
  return columns;
}

async function openReference(
  device: Device,
  options: TrainOptions,
  hooks: ReferenceHooks,
  { folder, adapter }: NamedReference,
): Promise<Model> {
  const config = readModelConfig(folder.config);
  const model = await loadModel(device, config, folder.weights, {
    dtype: keptDtype(options),
    quantization: quantizationOf(options),
    dequantize: options.dequantize,
    onProgress: hooks.onLoad,
  });
  return adapter === null ? model : await putAdapter(model, adapter);
}

async function namedWeightsKey(
  options: TrainOptions,
  { cacheFolder }: ReferenceHooks,
  { folder, adapter }: NamedReference,
): Promise<string> {
  if (cacheFolder === undefined) return "";
  const on = adapter === null ? undefined : await openAdapterFolder(adapter);
  const files = [...folder.weights.files, ...on?.weights.files ?? []];
  const hashes: string[] = [];
  for (const path of files) hashes.push(await fileHash(path, cacheFolder));
  const kept = [
    frozenDtype(options),
    quantizationOf(options) ?? null,
    folder.config,
    on?.config ?? null,
  ];
  return [...hashes, JSON.stringify(kept)].join(" ");
}
