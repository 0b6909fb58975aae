/**
 * Tiebreak: preference fine-tuning (DPO and its family) of open chat LLMs on any GPU, through
 * WebGPU.
 *
 * Every `deno task` is a function here, which takes the same options and leaves the same files:
 * {@linkcode train}, {@linkcode predict} and so on.
 *
 * ```ts
 * import {
 *   planTraining,
 *   readOptions,
 *   readRecipe,
 *   train,
 *   trainSchema,
 * } from "@tiebreak/tiebreak";
 *
 * const recipe = await readRecipe("recipes/tiny-dpo.jsonc");
 * const { options } = readOptions(trainSchema, [recipe, {
 *   output_dir: "output/example",
 *   overwrite_output_dir: true,
 *   max_train_samples: 8,
 *   max_steps: 2,
 *   eval_strategy: "no",
 * }]);
 * const plan = await planTraining(options);
 * console.log(`${plan.totalSteps} steps, ${plan.bytes.total} bytes on the device`);
 * const { rows } = await train(options, {
 *   sinks: [{ row: ({ step, loss }) => console.log(`step ${step}: ${loss} nats`) }],
 * });
 * console.log(rows.at(-1)?.["rewards/margins"]);
 * // output/example now has the weights, metrics.jsonl, curves.svg and a model card
 * ```
 *
 * What the commands are made of has entries of its own: `@tiebreak/tiebreak/kernels` (the device,
 * matrices, products), `/data` (from files to tokens), `/training` (runs, losses, sinks) and
 * `/generation` (models that answer).
 *
 * @module
 */

// commands
export { demo } from "./src/commands/demo.ts";
export type { DemoHooks, DemoResult, DemoStart } from "./src/commands/demo.ts";
export { download } from "./src/commands/download.ts";
export type {
  DownloadHooks,
  DownloadProgress,
} from "./src/commands/download.ts";
export { exportGguf } from "./src/commands/export_gguf.ts";
export type {
  ExportCommandHooks,
  ExportStage,
} from "./src/commands/export_gguf.ts";
export {
  type ImportedFile,
  importRecipe,
} from "./src/commands/import_recipe.ts";
export { inspect, type InspectView } from "./src/commands/inspect.ts";
export { writeKernels } from "./src/commands/kernels.ts";
export { merge } from "./src/commands/merge.ts";
export type { MergeCommandHooks, MergeStage } from "./src/commands/merge.ts";
export { converse, predict } from "./src/commands/predict.ts";
export type {
  PredictHooks,
  PredictStage,
  Talk,
  TalkOptions,
} from "./src/commands/predict.ts";
export { randomModel } from "./src/commands/random_model.ts";
export type { RandomModelHooks } from "./src/commands/random_model.ts";
export { score } from "./src/commands/score.ts";
export type { ScoreCommandHooks, ScoreStage } from "./src/commands/score.ts";
export { planTraining, train, type TrainHooks } from "./src/commands/train.ts";
export type {
  DeviceHooks,
  DeviceWatch,
} from "./src/commands/command_device.ts";

// what they give back
export type { DownloadedRepo } from "./src/files/hub/download_repo.ts";
export type { Downloaded } from "./src/files/hub/download.ts";
export type { Expected, Measured } from "./src/files/hub/checksum.ts";
export type { GgufType } from "./src/files/gguf/gguf.ts";
export type { KQuantType } from "./src/files/gguf/k_quants.ts";
export type { GgufReport } from "./src/model/gguf/export_gguf.ts";
export type { MergeReport } from "./src/model/saving/merge.ts";
export type { Compared } from "./src/report/side_by_side.ts";
export type {
  ImportedRecipe,
  RecipeTool,
} from "./src/training/importing/import_recipe.ts";
export type {
  Note,
  Recipe,
  Translated,
} from "./src/training/importing/translation.ts";

// their options: from a recipe and from what changes of it, checked
export { readRecipe } from "./src/commands/read_recipe.ts";
export { type Given, readOptions } from "./src/base/read_options.ts";
export type { ReadOptions } from "./src/base/read_options.ts";
export { parseRecipe } from "./src/training/options/recipe.ts";
export { demoSchema } from "./src/training/options/demo_options.ts";
export type { DemoOptions } from "./src/training/options/demo_options.ts";
export { downloadSchema } from "./src/downloads/download_jobs.ts";
export type { DownloadTaskOptions } from "./src/downloads/download_jobs.ts";
export { exportGgufSchema } from "./src/model/gguf/export_gguf_options.ts";
export type { ExportGgufOptions } from "./src/model/gguf/export_gguf_options.ts";
export { importSchema } from "./src/training/importing/import_options.ts";
export type { ImportOptions } from "./src/training/importing/import_options.ts";
export { inspectSchema } from "./src/training/options/inspect_options.ts";
export type { InspectTaskOptions } from "./src/training/options/inspect_options.ts";
export { kernelsSchema } from "./kernels/kernels_options.ts";
export { mergeSchema } from "./src/model/saving/merge_options.ts";
export type { MergeOptions } from "./src/model/saving/merge_options.ts";
export { predictSchema } from "./src/generation/predict_options.ts";
export type { PredictOptions } from "./src/generation/predict_options.ts";
export { randomModelSchema } from "./src/model/opening/random_model_options.ts";
export type { RandomModelOptions } from "./src/model/opening/random_model_options.ts";
export { scoreSchema } from "./src/scoring/score_options.ts";
export type { ScoreOptions } from "./src/scoring/score_options.ts";
export { trainSchema } from "./src/training/options/train_schema.ts";
export { trainGroups } from "./src/training/options/options.ts";
export type { TrainOptions } from "./src/training/options/options.ts";
export type { Values } from "./src/base/composite_option.ts";
export type { Option } from "./src/base/option.ts";
export type {
  Alias,
  Findings,
  ForeignKey,
  Infer,
  Intersection,
  OptionGroups,
  Positional,
  Schema,
  ValuesOf,
} from "./src/base/schema.ts";

// what a run tells, and what is made of it
export { type SinkName, SINKS } from "./src/report/sinks.ts";
export { drawCurves, type MetricsRow } from "./src/report/curves.ts";
export { modelCard } from "./src/report/model_card.ts";
export type { Environment } from "./src/commands/hub_access.ts";
export type { Change } from "./src/training/run/resume_changes.ts";
export type { RunStage } from "./src/training/run/run_hooks.ts";
export type {
  RunEnd,
  RunResult,
  RunStart,
  Sink,
} from "./src/training/run/sink.ts";
