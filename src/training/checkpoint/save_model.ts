/**
 * What a run leaves behind: a PEFT adapter, or full weights in Hugging Face layout with config, tokenizer and the
 * chat template used. Others load it as it is. Knows no optimizer.
 */
import { join } from "@std/path";
import {
  type FloatDtype,
  isFloatDtype,
} from "../../files/safetensors/dtype.ts";
import type { ModelFiles } from "../../files/folders/model_folder.ts";
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import {
  copyTextFiles,
  TOKENIZER_FILES,
} from "../../files/folders/text_files.ts";
import { writeSafetensors } from "../../files/safetensors/safetensors_writer.ts";
import {
  type AdapterConfig,
  adapterConfigJson,
} from "../../model/adapter/adapter_config.ts";
import {
  exportAdapter,
  type ExportedTensor,
  exportModel,
} from "../../model/saving/export.ts";
import type { Model } from "../../model/decoder/model.ts";
import { ADAPTER_FILE, MODEL_FILE } from "../../files/file_names.ts";
import { writeText } from "../../files/disk/whole_file.ts";

/** What a saved model is made of beside its numbers. */
export interface SaveContext {
  /** The folder that the model was started from. */
  readonly files: ModelFiles;
  /** The folder that its tokenizer came from. */
  readonly tokenizerPath: string;
  /** Its weights; undefined if it was started from random ones. */
  readonly stored: TensorReader | undefined;
  /** Given if adapters are trained. */
  readonly adapter: AdapterConfig | undefined;
  /** What the base is called in adapter_config.json. */
  readonly baseName: string;
  /** Source of the chat template used, if there is one. */
  readonly chatTemplate: string | undefined;
}

/** The tensors that a trained model is saved as: its adapter's, or all weights in the types they were stored in. */
export function modelTensors(
  model: Model,
  context: SaveContext,
): ExportedTensor[] {
  return context.adapter
    ? exportAdapter(model)
    : exportModel(model, (name) => storedDtype(name, context));
}

/**
 * Writes the trained model to a folder that exists.
 *
 * @param tensors what `modelTensors()` gave
 */
export async function saveModel(
  folder: string,
  tensors: readonly ExportedTensor[],
  context: SaveContext,
): Promise<void> {
  await writeTextFiles(folder, context);
  if (context.adapter) {
    const config = adapterConfigJson(context.adapter, context.baseName);
    await writeJson(join(folder, ADAPTER_FILE.config), config);
    await writeTensors(join(folder, ADAPTER_FILE.weights), tensors);
    return;
  }
  await writeJson(join(folder, MODEL_FILE.config), context.files.config);
  await writeTensors(join(folder, MODEL_FILE.weights), tensors);
}

/** The type a tensor was stored in; of a new model what its config names. */
export function storedDtype(
  name: string,
  { stored, files }: SaveContext,
): FloatDtype {
  const dtype = stored?.tensors.get(name)?.dtype;
  if (dtype !== undefined && isFloatDtype(dtype)) return dtype;
  const named = files.config["torch_dtype"] ?? files.config["dtype"];
  return named === "bfloat16" ? "BF16" : named === "float16" ? "F16" : "F32";
}

/** Writes tensors piece by piece. */
export async function writeTensors(
  path: string,
  tensors: readonly ExportedTensor[],
): Promise<void> {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  await writeSafetensors(
    path,
    tensors,
    ({ name }) => byName.get(name)!.bytes(),
  );
}

/** Writes indented JSON. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeText(path, JSON.stringify(value, null, 2) + "\n");
}

async function writeTextFiles(
  folder: string,
  { files, tokenizerPath, chatTemplate }: SaveContext,
): Promise<void> {
  await copyTextFiles(files.path, folder, [MODEL_FILE.generationConfig]);
  await copyTextFiles(tokenizerPath, folder, TOKENIZER_FILES);
  if (chatTemplate !== undefined) {
    await writeText(
      join(folder, MODEL_FILE.chatTemplate),
      chatTemplate,
    );
  }
}
