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
export * from "./src/files/text_files.ts";

// text: messages, chat templates, tokenizers
export * from "./src/text/chat_template.ts";
export * from "./src/text/message.ts";
export * from "./src/text/stream_decoder.ts";
export * from "./src/text/template_files.ts";
export * from "./src/text/tokenizer.ts";

// preference: rows of a dataset to token pairs and batches
export * from "./src/preference/batch.ts";
export * from "./src/preference/check.ts";
export * from "./src/preference/epoch.ts";
export * from "./src/preference/formats.ts";
export * from "./src/preference/inspect.ts";
export * from "./src/preference/length.ts";
export * from "./src/preference/load.ts";
export type {
  Lengths,
  LoadReport,
  Tally,
} from "./src/preference/load_report.ts";
export * from "./src/preference/open_encoder.ts";
export * from "./src/preference/preference.ts";
export type { Draft } from "./src/preference/shapes.ts";
export type {
  DataSource,
  DrawOptions,
  SourceRow,
} from "./src/preference/sources.ts";
export * from "./src/preference/token_pair.ts";
export * from "./src/preference/tokenize.ts";
export type { Row } from "./src/preference/turns.ts";

// training: recipes, downloads that they ask for
export * from "./src/training/demo_options.ts";
export * from "./src/training/download_jobs.ts";
export * from "./src/training/inspect_options.ts";
export * from "./src/training/options.ts";
export * from "./src/training/recipe.ts";
export * from "./src/training/run.ts";
export * from "./src/training/run_data.ts";
export * from "./src/training/run_hooks.ts";
export type { DrawCurves } from "./src/training/run_folder.ts";
export type { Metrics } from "./src/training/metrics.ts";

// report: what a run and its answers look like
export * from "./src/report/curves.ts";
export * from "./src/report/manner.ts";
export * from "./src/report/side_by_side.ts";

// running a model: base and tuned side by side, answers
export * from "./kernels/device.ts";
export type {
  DeviceOptions,
  Scope,
  Variant,
} from "./kernels/device_options.ts";
export * from "./src/files/output_file.ts";
export * from "./src/files/tuned_folder.ts";
export * from "./src/generation/answer.ts";
export * from "./src/generation/conversation.ts";
export * from "./src/generation/generate.ts";
export * from "./src/generation/predict_options.ts";
export * from "./src/generation/prompt_rows.ts";
export * from "./src/generation/sampler.ts";
export * from "./src/generation/sampling_defaults.ts";
export * from "./src/generation/stop_tokens.ts";
export * from "./src/model/open_model.ts";
export * from "./src/model/random_checkpoint.ts";
export * from "./src/model/random_model_options.ts";
export * from "./src/preference/open_tuned_encoder.ts";
