/**
 * Tiebreak: preference fine-tuning of open chat LLMs on any GPU, through WebGPU.
 *
 * ```ts
 * import { openModelFolder } from "@tiebreak/tiebreak";
 *
 * const model = await openModelFolder("model_hub/tiny");
 * for (const [name, { dtype, shape }] of model.weights.tensors) {
 *   console.log(name, dtype, shape);
 * }
 * ```
 *
 * @module
 */

// base: options of tasks, progress
export * from "./src/base/arguments.ts";
export * from "./src/base/composite_option.ts";
export * from "./src/base/json_lines.ts";
export * from "./src/base/option.ts";
export * from "./src/base/options_help.ts";
export * from "./src/base/progress.ts";
export * from "./src/base/read_options.ts";
export * from "./src/base/schema.ts";
export * from "./src/base/units.ts";

// files: hubs, model folders, safetensors, records, atomic writes
export * from "./src/files/adapter_folder.ts";
export * from "./src/files/atomic.ts";
export * from "./src/files/checkpoints.ts";
export * from "./src/files/checksum.ts";
export * from "./src/files/download.ts";
export * from "./src/files/download_repo.ts";
export * from "./src/files/dtype.ts";
export * from "./src/files/hub/repo.ts";
export type { HubAccess } from "./src/files/hub/request.ts";
export * from "./src/files/json_file.ts";
export * from "./src/files/model_folder.ts";
export * from "./src/files/output_folder.ts";
export * from "./src/files/records.ts";
export * from "./src/files/repo_folder.ts";
export * from "./src/files/retry.ts";
export * from "./src/files/safetensors.ts";
export * from "./src/files/safetensors_header.ts";
export * from "./src/files/safetensors_writer.ts";

// training: recipes, downloads that they ask for
export * from "./src/training/download_jobs.ts";
export * from "./src/training/recipe.ts";
