/**
 * Opens an adapter's folder in PEFT layout: `adapter_config.json` and `adapter_model.safetensors`.
 */
import { join } from "@std/path";
import { type JsonObject, readJsonObject } from "../disk/json_file.ts";
import { checkFolder } from "./model_folder.ts";
import type { TensorReader } from "../safetensors/safetensors.ts";
import { openWeights } from "../safetensors/weights.ts";
import { ADAPTER_FILE } from "../file_names.ts";
import { disk, NotFound } from "../disk.ts";

/** An adapter on disk. */
export interface AdapterFolder {
  /** The folder. */
  readonly path: string;
  /** `adapter_config.json` */
  readonly config: JsonObject;
  /** The adapter's tensors. */
  readonly weights: TensorReader;
}

/** Whether a folder holds an adapter. */
export async function isAdapterFolder(path: string): Promise<boolean> {
  try {
    return (await disk().stat(join(path, ADAPTER_FILE.config))).isFile;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}

/**
 * Opens an adapter's folder.
 *
 * @throws NotFound if something is missing, TypeError for pickles, RangeError if damaged.
 */
export async function openAdapterFolder(path: string): Promise<AdapterFolder> {
  await checkFolder(path, "adapter");
  const config = await readJsonObject(join(path, ADAPTER_FILE.config));
  const weights = await openWeights(path, "adapter_model");
  if (weights !== undefined) return { path, config, weights };
  throw new NotFound(
    `Cannot load adapter "${path}": "adapter_model.safetensors" is missing`,
  );
}
