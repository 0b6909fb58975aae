/**
 * What a run leaves behind: an adapter as PEFT has it, or full weights in Hugging Face layout with
 * config, tokenizer and the chat template that was used. Other programs load it as it is. Knows no
 * optimizer and writes nothing.
 */
import { ADAPTER_FILE, MODEL_FILE } from "../../files/file_names.ts";
import type { ModelFiles } from "../../files/folders/model_folder.ts";
import { TOKENIZER_FILES } from "../../files/folders/text_files.ts";
import {
  type FloatDtype,
  isFloatDtype,
} from "../../files/safetensors/dtype.ts";
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import {
  type AdapterConfig,
  adapterConfigJson,
} from "../../model/adapter/adapter_config.ts";
import type { Model } from "../../model/decoder/model.ts";
import {
  exportAdapter,
  type ExportedTensor,
  exportModel,
} from "../../model/saving/export.ts";
import type { PlannedFile } from "./planned_file.ts";

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
  /** Source of the template for conversations with tools, if it is another one. */
  readonly toolTemplate?: string | undefined;
}

/** The tensors of a trained model: its adapter's, or all weights in the types of its source. */
export function modelTensors(
  model: Model,
  context: SaveContext,
): ExportedTensor[] {
  return context.adapter
    ? exportAdapter(model)
    : exportModel(model, (name) => storedDtype(name, context));
}

/**
 * The files of a trained model.
 *
 * @param tensors what `modelTensors()` gave
 */
export function modelFiles(
  tensors: readonly ExportedTensor[],
  context: SaveContext,
): PlannedFile[] {
  const { files, adapter, baseName } = context;
  const texts = textFiles(context);
  if (adapter === undefined) {
    return [
      ...texts,
      { file: MODEL_FILE.config, json: files.config },
      { file: MODEL_FILE.weights, tensors },
    ];
  }
  return [
    ...texts,
    { file: ADAPTER_FILE.config, json: adapterConfigJson(adapter, baseName) },
    { file: ADAPTER_FILE.weights, tensors },
  ];
}

/** The type in which a tensor was stored; of a new model the one that its config names. */
export function storedDtype(
  name: string,
  { stored, files }: SaveContext,
): FloatDtype {
  const dtype = stored?.tensors.get(name)?.dtype;
  if (dtype !== undefined && isFloatDtype(dtype)) return dtype;
  const named = files.config["torch_dtype"] ?? files.config["dtype"];
  return named === "bfloat16" ? "BF16" : named === "float16" ? "F16" : "F32";
}

function textFiles(
  { files, tokenizerPath, chatTemplate, toolTemplate }: SaveContext,
): PlannedFile[] {
  const copies: PlannedFile[] = [
    { file: MODEL_FILE.generationConfig, copiedFrom: files.path },
    ...TOKENIZER_FILES.map((file) => ({ file, copiedFrom: tokenizerPath })),
  ];
  if (chatTemplate === undefined) return copies;
  const templates: PlannedFile[] = [
    { file: MODEL_FILE.chatTemplate, text: chatTemplate },
  ];
  if (toolTemplate !== undefined) {
    templates.push({ file: MODEL_FILE.toolTemplate, text: toolTemplate });
  }
  return [...copies, ...templates];
}
