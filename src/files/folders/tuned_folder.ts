/**
 * Finds out what the path of a tuned model is: an adapter, full weights, or a run that has only
 * checkpoints so far. Reads names only.
 */
import { isAdapterFolder } from "./adapter_as_model.ts";
import {
  type AdapterFolder,
  foreignAdapter,
  openAdapterFolder,
} from "./adapter_folder.ts";
import { listCheckpoints } from "./checkpoints.ts";
import { checkFolder } from "./model_folder.ts";
import { localModelFolder } from "../hub/repo_folder.ts";
import { fileNames } from "../safetensors/weights.ts";
import { ADAPTER_FILE, MODEL_FILE } from "../file_names.ts";
import { NotFound } from "../disk.ts";

/** A folder with the result of training. */
export interface TunedFolder {
  /** An adapter to put on its base, or a whole model. */
  readonly kind: "adapter" | "weights";
  /** Path of the folder. */
  readonly path: string;
}

/**
 * Finds the tuned model that a path names: the folder of an adapter, a checkpoint or a model, or
 * that of a run; of a run that was not finished, its last checkpoint.
 *
 * @throws {NotFound} if the path is none of these, saying what is expected
 */
export async function findTuned(nameOrPath: string): Promise<TunedFolder> {
  const path = await localModelFolder(nameOrPath);
  await checkFolder(path, "tuned model");
  // a checkpoint that was damaged may hold nothing, and older ones all
  const checkpoints = (await listCheckpoints(path)).toReversed();
  for (const one of [path, ...checkpoints.map(({ path }) => path)]) {
    const kind = await kindOf(one);
    if (kind !== undefined) return { kind, path: one };
  }
  const names = await fileNames(path);
  const foreign = foreignAdapter(names);
  if (foreign !== undefined) {
    throw new NotFound(
      `Cannot load adapter "${path}": "${ADAPTER_FILE.config}" is missing${foreign}`,
    );
  }
  throw new NotFound(
    `Cannot load tuned model "${path}": found neither "adapter_config.json" nor "model.safetensors" nor a checkpoint-<step> folder`,
  );
}

async function kindOf(
  path: string,
): Promise<TunedFolder["kind"] | undefined> {
  if (await isAdapterFolder(path)) return "adapter";
  const names = await fileNames(path);
  const weights = [MODEL_FILE.weights, MODEL_FILE.weightsIndex];
  return weights.some((name) => names.includes(name)) ? "weights" : undefined;
}

/**
 * Finds the adapter that a path names, as `findTuned()` does.
 *
 * @throws {TypeError} if the path holds full weights
 */
export async function findAdapter(nameOrPath: string): Promise<string> {
  const { kind, path } = await findTuned(nameOrPath);
  if (kind === "adapter") return path;
  throw new TypeError(
    `Cannot load adapter "${path}": it holds full weights, expected "adapter_config.json"; give it as the model itself`,
  );
}

/** Opens the adapter that a path or a repository's name means, as `findAdapter()` finds it. */
export async function openNamedAdapter(
  nameOrPath: string,
): Promise<AdapterFolder> {
  return await openAdapterFolder(await findAdapter(nameOrPath));
}
