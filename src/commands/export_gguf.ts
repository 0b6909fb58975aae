/**
 * The command `export-gguf`: a model, or an adapter on its base, as a GGUF file with a Modelfile
 * for Ollama beside it. Prints nothing.
 */
import { tellOtherBase } from "../files/folders/named_base.ts";
import {
  exportGguf as writeModel,
  type GgufReport,
} from "../model/gguf/export_gguf.ts";
import {
  type ExportGgufOptions,
  exportGgufSchema,
} from "../model/gguf/export_gguf_options.ts";
import { ollamaModelfile } from "../text/ollama_modelfile.ts";
import { defineCommand } from "./command.ts";
import { openCommandDevice } from "./command_device.ts";

/**
 * `deno task export-gguf`
 *
 * @internal
 */
export const exportGgufCommand = defineCommand({
  name: "export-gguf",
  summary:
    "Writes a model as a GGUF file for llama.cpp and Ollama, reads it back and compares every number.",
  schema: exportGgufSchema,
});

/** The parts of the work: bytes loaded, merged and written, numbers compared. */
export type ExportStage = "load" | "merge" | "write" | "compare";

/** What `exportGguf()` takes beside its options. */
export interface ExportCommandHooks {
  /** Called as a part of the work goes on. */
  readonly onProgress?:
    | ((stage: ExportStage, done: number, total: number) => void)
    | undefined;
  /** Ends the work with an error once it is aborted; no output is left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the model as one file, and reads it back to compare each number. Only merging an adapter
 * takes a device.
 *
 * @throws {Error} In one line; `output` then is as it was
 */
export async function exportGguf(
  options: ExportGgufOptions,
  { onProgress, signal }: ExportCommandHooks = {},
): Promise<GgufReport> {
  await tellOtherBase(
    options.adapter_name_or_path,
    options.model_name_or_path,
  );
  using device = options.adapter_name_or_path === null
    ? undefined
    : await openCommandDevice();
  return await writeModel(device, options, {
    signal,
    modelfile: ollamaModelfile,
    onLoad: (done, total) => onProgress?.("load", done, total),
    onMerge: (done, total) => onProgress?.("merge", done, total),
    onWrite: (done, total) => onProgress?.("write", done, total),
    onCheck: (done, total) => onProgress?.("compare", done, total),
  });
}
