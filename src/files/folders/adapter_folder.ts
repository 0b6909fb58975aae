/**
 * Opens an adapter's folder in PEFT layout: `adapter_config.json` and `adapter_model.safetensors`.
 */
import { join } from "@std/path";
import { type JsonObject, readJsonObjectIfThere } from "../disk/json_file.ts";
import { checkFolder } from "./model_folder.ts";
import { checkWrittenWeights, tellChangedTexts } from "./written_files.ts";
import type { TensorReader } from "../safetensors/safetensors.ts";
import { fileNames, openWeights } from "../safetensors/weights.ts";
import { ADAPTER_FILE } from "../file_names.ts";
import { NotFound } from "../disk.ts";

/** An adapter on disk. */
export interface AdapterFolder {
  /** The folder. */
  readonly path: string;
  /** `adapter_config.json` */
  readonly config: JsonObject;
  /** The adapter's tensors. */
  readonly weights: TensorReader;
}

/**
 * Opens an adapter's folder.
 *
 * @throws NotFound if something is missing, TypeError for pickles, RangeError if damaged.
 */
export async function openAdapterFolder(path: string): Promise<AdapterFolder> {
  await checkFolder(path, "adapter");
  await tellChangedTexts(path);
  const file = join(path, ADAPTER_FILE.config);
  const config = await readJsonObjectIfThere(file);
  if (config === undefined) {
    const found = foreignAdapter(await fileNames(path)) ?? "";
    throw new NotFound(
      `Cannot load adapter "${path}": "${ADAPTER_FILE.config}" is missing${found}`,
    );
  }
  const weights = await openWeights(path, "adapter_model");
  if (weights !== undefined) {
    await checkWrittenWeights(path);
    return { path, config, weights: byBaseNames(weights) };
  }
  const found = foreignAdapter(await fileNames(path)) ?? "";
  throw new NotFound(
    `Cannot load adapter "${path}": "${ADAPTER_FILE.weights}" is missing${found}`,
  );
}

/**
 * PEFT saves embedding and head beside their low-rank changes, as weights of a "base_layer". They
 * get the names that they have without such a change.
 */
function byBaseNames(weights: TensorReader): TensorReader {
  const inFile = new Map(
    [...weights.tensors.keys()].map((name) =>
      [name.replace(/\.base_layer\.weight$/, ".weight"), name] as const
    ),
  );
  const original = (name: string) => inFile.get(name) ?? name;
  const tensors = new Map(
    [...inFile].map(([name, from]) => [name, weights.tensors.get(from)!]),
  );
  return {
    tensors,
    files: weights.files,
    read: (name) => weights.read(original(name)),
    chunks: (name, chunkBytes) => weights.chunks(original(name), chunkBytes),
  };
}

/** Other programs' files of adapters, and what is said of a folder that has one of them. */
const FOREIGN: readonly (readonly [name: RegExp, said: string])[] = [
  [
    /^adapters\.(safetensors|npz)$/,
    "an adapter of mlx-lm; fuse it into its model by mlx_lm.fuse, or train the adapter here",
  ],
  [
    /^pytorch_lora_weights\.safetensors$/,
    "an adapter of diffusers, which is none of a language model",
  ],
  [/\.gguf$/, "a file of llama.cpp; take the adapter that it was made from"],
  [
    /^adapter_model\.safetensors$/,
    `an adapter's tensors without "${ADAPTER_FILE.config}", which tells its rank, scale and layers; take that file from where the adapter came from`,
  ],
  [
    /(adapter|lora).*\.safetensors$/i,
    "raw tensors of another program; write them in PEFT's layout",
  ],
];

/**
 * What a folder without an adapter in PEFT's layout has in its place, as the end of a message;
 * undefined if it has nothing that looks like an adapter.
 */
export function foreignAdapter(names: readonly string[]): string | undefined {
  for (const [pattern, said] of FOREIGN) {
    const name = names.find((one) => pattern.test(one));
    if (name !== undefined) {
      return `, found "${name}": ${said} (expected PEFT's layout, "${ADAPTER_FILE.config}" and "${ADAPTER_FILE.weights}")`;
    }
  }
  return undefined;
}
