/** Tells the folder of an adapter, and what to do with one that is given as a model. */
import { join } from "@std/path";
import { readJsonObject } from "../disk/json_file.ts";
import { ADAPTER_FILE } from "../file_names.ts";
import { disk, NotFound } from "../disk.ts";

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
 * What to do with the folder of an adapter that is given as a model, as the end of a message;
 * undefined if the folder holds no adapter.
 */
export async function adapterAsModel(
  path: string,
): Promise<string | undefined> {
  if (!await isAdapterFolder(path)) return undefined;
  const json = await readJsonObject(join(path, ADAPTER_FILE.config));
  const base = json["base_model_name_or_path"] ?? json["model"];
  const named = typeof base === "string" && base !== "" ? `"${base}"` : "";
  return `it is an adapter${named && ` of ${named}`}, no whole model; give ${
    named || "its base"
  } as model_name_or_path, and this folder as adapter_name_or_path (to predict: as tuned)`;
}
