/**
 * Opens the weights of a folder, one safetensors file or the shards that an index names, as one
 * reader.
 */
import { worded } from "../../base/shown.ts";
import { join } from "@std/path";
import { isJsonObject, readJsonObject } from "../disk/json_file.ts";
import { isPickle, PICKLE_ADVICE } from "./pickles.ts";
import {
  openSafetensors,
  type Safetensors,
  tensorInfo,
  type TensorReader,
} from "./safetensors.ts";
import { problemLine, type TensorInfo } from "./safetensors_header.ts";
import { disk, NotFound } from "../disk.ts";
import { missingShards } from "../shard_names.ts";
import { isTold } from "../told_disk.ts";

/** Names of the plain files in a folder. */
export async function fileNames(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of disk().list(folder)) {
    if (!entry.isDirectory) names.push(entry.name);
  }
  return names.sort();
}

/**
 * Opens `<stem>.safetensors` of a folder, or the shards of `<stem>.safetensors.index.json`.
 *
 * @param stem `model` or `adapter_model`
 * @returns undefined if the folder has no weights at all
 * @throws TypeError for pickles, RangeError naming all missing shards and tensors.
 */
export async function openWeights(
  folder: string,
  stem = "model",
): Promise<TensorReader | undefined> {
  const names = await fileNames(folder);
  const single = `${stem}.safetensors`;
  const index = `${single}.index.json`;
  if (names.includes(single)) {
    return await openSafetensors(join(folder, single));
  }
  if (names.includes(index)) return await openShards(folder, index);
  refuseLooseShards(
    folder,
    names.filter((name) => name.startsWith(`${stem}-`)),
    index,
  );
  const pickles = names.filter(isPickle);
  if (pickles.length === 0) return undefined;
  throw new TypeError(
    `Cannot load "${folder}": found only pickled weights "${
      pickles.join('", "')
    }", expected "${single}"; ${PICKLE_ADVICE}`,
  );
}

/**
 * Opens weights to look at their names before they are loaded: undefined if they are missing or
 * damaged, which is left to whoever loads them.
 *
 * @throws if the disk fails: it may work again when they are loaded, and then be believed
 */
export async function weightsAhead(
  folder: string,
): Promise<TensorReader | undefined> {
  return await openWeights(folder).catch((error) => {
    if (isTold(error)) throw error;
    return undefined;
  });
}

/** @throws {NotFound} if there are shards, which without their index are not known to be all */
function refuseLooseShards(
  folder: string,
  names: readonly string[],
  index: string,
): void {
  const shards = names.filter((name) => /-\d+-of-\d+\.safetensors$/.test(name));
  if (shards.length === 0) return;
  const missing = missingShards(shards);
  throw new NotFound(
    `Cannot load "${folder}": found "${
      shards.join('", "')
    }" without "${index}", which says what lies in which shard${
      missing === undefined ? "" : `, and ${missing}`
    }; download the model again`,
  );
}

async function openShards(
  folder: string,
  index: string,
): Promise<TensorReader> {
  const path = join(folder, index);
  const homes = readWeightMap(await readJsonObject(path), path);
  const shards = await openAll(folder, new Set(homes.values()), path);
  const tensors = new Map<string, TensorInfo>();
  const missing: string[] = [];
  for (const [name, file] of homes) {
    const info = shards.get(file)!.tensors.get(name);
    if (info === undefined) {
      missing.push(`tensor "${name}" is not in "${file}"`);
    } else tensors.set(name, info);
  }
  if (missing.length > 0) throw new RangeError(problemLine(path, missing));
  const home = (name: string) => {
    tensorInfo(tensors, name, path);
    return shards.get(homes.get(name)!)!;
  };
  return {
    tensors,
    files: [...shards.values()].map((shard) => shard.path),
    read: (name) => home(name).read(name),
    chunks: (name, chunkBytes) => home(name).chunks(name, chunkBytes),
  };
}

/** Tensor name to shard's file name; file names that leave the folder are refused. */
function readWeightMap(
  index: Record<string, unknown>,
  path: string,
): Map<string, string> {
  const map = index["weight_map"];
  if (!isJsonObject(map)) {
    throw new TypeError(problemLine(path, ['it has no object "weight_map"']));
  }
  const entries = Object.entries(map);
  const bad = entries.filter(([, file]) =>
    typeof file !== "string" || !/^[^/\\]+\.safetensors$/.test(file)
  );
  if (bad.length > 0) {
    throw new TypeError(problemLine(
      path,
      bad.map(([name, file]) =>
        `tensor "${name}" is in ${
          JSON.stringify(file)
        }, expected a .safetensors file of the folder`
      ),
    ));
  }
  return new Map(entries.map(([name, file]) => [name, worded(file)]));
}

async function openAll(
  folder: string,
  files: ReadonlySet<string>,
  path: string,
): Promise<Map<string, Safetensors>> {
  const shards = new Map<string, Safetensors>();
  const problems: string[] = [];
  for (const file of [...files].sort()) {
    try {
      shards.set(file, await openSafetensors(join(folder, file)));
    } catch (error) {
      if (error instanceof NotFound) {
        problems.push(`shard "${file}" is missing`);
      } else if (error instanceof RangeError || error instanceof SyntaxError) {
        problems.push(error.message);
      } else throw error;
    }
  }
  if (problems.length > 0) throw new RangeError(problemLine(path, problems));
  return shards;
}
