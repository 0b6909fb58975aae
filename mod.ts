/**
 * Tiebreak: preference fine-tuning of open chat LLMs on any GPU, through WebGPU.
 *
 * All that the tasks do, from code. What would a recipe train?
 *
 * ```ts
 * import {
 *   openEncoder,
 *   parseRecipe,
 *   readOptions,
 *   runDataLines,
 *   trainSchema,
 * } from "@tiebreak/tiebreak";
 *
 * const path = "recipes/tiny-dpo.jsonc";
 * const recipe = parseRecipe(await Deno.readTextFile(path), path);
 * const { options } = readOptions(trainSchema, [recipe, { max_length: 128 }]);
 * const { encoder } = await openEncoder(options);
 * const lines = await runDataLines(options, encoder, { examples: 3 });
 * console.log(lines.join("\n"));
 * ```
 *
 * To train it takes `openDevice()` and `runTraining()` more.
 *
 * @module
 */

// the device that everything runs on
export type { CodeDType } from "./kernels/matrix/codebooks.ts";
export { Device } from "./kernels/device/device.ts";
export { openDevice } from "./kernels/device/open_deno.ts";
export { openGpu } from "./kernels/device/open_gpu.ts";
export type { OpenedGpu } from "./kernels/device/open_gpu.ts";
export type {
  DeviceOptions,
  Variant,
} from "./kernels/device/device_options.ts";
export type { DeviceMemory } from "./kernels/device/pool.ts";
export { everyKernel } from "./kernels/every_kernel.ts";
export { kernelsSchema } from "./kernels/kernels_options.ts";
export { tuneProducts } from "./kernels/matmul/tune_products.ts";
export type { TuningStore } from "./kernels/matmul/tuning_store.ts";
export { keptTexts } from "./src/files/disk/kept_texts.ts";
export type { KeptTexts } from "./src/files/disk/kept_texts.ts";
export { CACHE_FOLDER } from "./src/files/file_names.ts";
export type {
  Probe,
  Tuning,
  TuningOptions,
} from "./kernels/matmul/tune_products.ts";
export { tokenOperations } from "./src/model/decoder/token_operations.ts";
export type { ProductSizes } from "./src/model/decoder/token_operations.ts";

// the commands, as the tasks run them
export { readRecipe } from "./src/commands/read_recipe.ts";
export { planTraining, train } from "./src/commands/train.ts";
export type { TrainHooks } from "./src/commands/train.ts";

// options of the tasks: one schema each
export { type Arguments, readArguments } from "./src/base/arguments.ts";
export type { ArgumentSchema } from "./src/base/arguments.ts";
export type { Values } from "./src/base/composite_option.ts";
export type { Option } from "./src/base/option.ts";
export { helpText, optionsTable } from "./src/base/options_help.ts";
export type { HelpHeading } from "./src/base/options_help.ts";
export { type Given, readOptions } from "./src/base/read_options.ts";
export type { ReadOptions } from "./src/base/read_options.ts";
export type {
  Alias,
  Findings,
  ForeignKey,
  Groups,
  Infer,
  Intersection,
  Positional,
  Schema,
  ValuesOf,
} from "./src/base/schema.ts";
export { predictSchema } from "./src/generation/predict_options.ts";
export type { PredictOptions } from "./src/generation/predict_options.ts";
export { exportGgufSchema } from "./src/model/gguf/export_gguf_options.ts";
export type { ExportGgufOptions } from "./src/model/gguf/export_gguf_options.ts";
export { mergeSchema } from "./src/model/saving/merge_options.ts";
export type { MergeOptions } from "./src/model/saving/merge_options.ts";
export { randomModelSchema } from "./src/model/opening/random_model_options.ts";
export type { RandomModelOptions } from "./src/model/opening/random_model_options.ts";
export { demoSchema } from "./src/training/options/demo_options.ts";
export { downloadSchema } from "./src/downloads/download_jobs.ts";
export type { DownloadTaskOptions } from "./src/downloads/download_jobs.ts";
export { inspectSchema } from "./src/training/options/inspect_options.ts";
export type { InspectTaskOptions } from "./src/training/options/inspect_options.ts";
export type { TrainOptions } from "./src/training/options/options.ts";
export { trainSchema } from "./src/training/options/train_schema.ts";
export { parseRecipe } from "./src/training/options/recipe.ts";
export { importSchema } from "./src/training/importing/import_options.ts";
export type { ImportOptions } from "./src/training/importing/import_options.ts";
export {
  type ImportedRecipe,
  importRecipe,
  recipeText,
  type RecipeTool,
} from "./src/training/importing/import_recipe.ts";
export { noteLine } from "./src/training/importing/translation.ts";
export type { ReadJson } from "./src/training/importing/llama_factory_data.ts";
export type {
  Note,
  Recipe,
  Translated,
} from "./src/training/importing/translation.ts";
export { type ScoreOptions, scoreSchema } from "./src/scoring/score_options.ts";

// downloads
export type { Downloaded } from "./src/files/hub/download.ts";
export { downloadRepo, listRepo } from "./src/files/hub/download_repo.ts";
export type {
  DownloadedRepo,
  DownloadRepoOptions,
} from "./src/files/hub/download_repo.ts";
export type {
  HubSource,
  Repo,
  RepoAccess,
  RepoFile,
  RepoKind,
  RepoListing,
} from "./src/files/hub/repo.ts";
export type { HubAccess } from "./src/files/hub/request.ts";
export type { Expected, Measured } from "./src/files/hub/checksum.ts";
export type { RetryOptions } from "./src/files/hub/retry.ts";
export { downloadJobs, downloadKeys } from "./src/downloads/download_jobs.ts";
export type { DownloadJob } from "./src/downloads/download_jobs.ts";

// files: model folders, safetensors, records, outputs
export {
  type JsonObject,
  readJsonObject,
  readJsonObjectIfThere,
} from "./src/files/disk/json_file.ts";
export {
  modelConfigPath,
  openModelFolder,
} from "./src/files/folders/model_folder.ts";
export type {
  ModelFiles,
  ModelFolder,
  TokenizerFiles,
} from "./src/files/folders/model_folder.ts";
export type { Dtype } from "./src/files/safetensors/dtype.ts";
export type { GgufType } from "./src/files/gguf/gguf.ts";
export {
  openOutputFile,
  type OutputFile,
} from "./src/files/disk/output_file.ts";
export { checkOutputFolder } from "./src/files/folders/output_folder.ts";
export type { OutputFolderOptions } from "./src/files/folders/output_folder.ts";
export { type FileRecord, readRecords } from "./src/files/records/records.ts";
export type { Wanted } from "./src/files/records/data_record.ts";
export { localModelFolder } from "./src/files/hub/repo_folder.ts";
export { openSafetensors } from "./src/files/safetensors/safetensors.ts";
export type {
  Safetensors,
  TensorChunk,
  TensorReader,
} from "./src/files/safetensors/safetensors.ts";
export type { TensorInfo } from "./src/files/safetensors/safetensors_header.ts";
export { copyTextFiles } from "./src/files/folders/text_files.ts";
export type { TunedFolder } from "./src/files/folders/tuned_folder.ts";
export { formatJsonLine } from "./src/base/json_lines.ts";

// text: chat templates, tokenizers
export { createChatTemplate } from "./src/text/chat_template.ts";
export type {
  ChatTemplate,
  ChatTemplateOptions,
  RenderOptions,
} from "./src/text/chat_template.ts";
export type { Message } from "./src/text/message.ts";
export { ollamaModelfile } from "./src/text/ollama_modelfile.ts";
export type { ModelfileInput } from "./src/text/ollama_modelfile.ts";
export { createTokenizer } from "./src/text/tokenizer.ts";
export type {
  DecodeOptions,
  EncodeOptions,
  Tokenizer,
  TokenizerJson,
} from "./src/text/tokenizer.ts";

// preference: rows of a dataset to token pairs, and what became of them
export { reportLines } from "./src/preference/loading/inspect.ts";
export type {
  Lengths,
  LoadReport,
  Tally,
} from "./src/preference/loading/load_report.ts";
export type {
  Span,
  TokenBin,
  TokenDemonstration,
  TokenFeedback,
  TokenPair,
  TokenSequence,
} from "./src/preference/tokens/token_examples.ts";
export { openEncoder } from "./src/preference/tokens/open_encoder.ts";
export type {
  EncoderOptions,
  OpenedEncoder,
} from "./src/preference/tokens/open_encoder.ts";
export { openTunedEncoder } from "./src/preference/tokens/open_tuned_encoder.ts";
export type { PairOfNumbers } from "./src/preference/formats/preference.ts";
export type { MismatchedFeedback } from "./src/preference/tokens/mismatched_feedback.ts";
export type { Encoder } from "./src/preference/tokens/tokenize.ts";

// training, what a run would take, and what it tells
export type { ByteGroup, BytePlan } from "./src/training/plan/byte_plan.ts";
export { type DryRun, dryRun } from "./src/training/run/dry_run.ts";
export { runTraining } from "./src/training/run/run.ts";
export {
  runDataLines,
  type RunDataView,
} from "./src/training/setup/run_objective.ts";
export {
  skippedLine,
  type SkippedStep,
} from "./src/training/loop/step_guard.ts";
export type { RunHooks, RunStage } from "./src/training/run/run_hooks.ts";
export type {
  DataFile,
  HashedFile,
  RunRecord,
} from "./src/training/run/run_record.ts";
export type {
  RunEnd,
  RunResult,
  RunStart,
  Sink,
} from "./src/training/run/sink.ts";
export { type SinkName, sinkNames, sinksOf } from "./src/report/sinks.ts";
export type { Metrics } from "./src/training/method/metrics.ts";
export { scoreFile, type ScoreHooks } from "./src/scoring/score_file.ts";

// models: opened, merged, made of random numbers
export type {
  AdapterConfig,
  LoraInit,
} from "./src/model/adapter/adapter_config.ts";
export type { ModelConfig } from "./src/model/config/config.ts";
export type { ExpertConfig } from "./src/model/config/expert_config.ts";
export { exportGguf } from "./src/model/gguf/export_gguf.ts";
export type {
  ExportGgufHooks,
  GgufReport,
  ModelfileSource,
} from "./src/model/gguf/export_gguf.ts";
export { mergeAdapter } from "./src/model/saving/merge.ts";
export type { MergeHooks, MergeReport } from "./src/model/saving/merge.ts";
export type { MergeProgress } from "./src/model/saving/merge_weights.ts";
export type { Model } from "./src/model/decoder/model.ts";
export {
  openModel,
  openSideBySide,
  putAdapter,
} from "./src/model/opening/open_model.ts";
export type {
  OnLoad,
  OpenedModel,
  OpenedTuned,
  OpenOptions,
  SideBySide,
} from "./src/model/opening/open_model.ts";
export type { Quantization } from "./src/model/weights/quantization.ts";
export { quantizationOf } from "./src/model/weights/quantization_options.ts";
export type { QuantizationOptions } from "./src/model/weights/quantization_options.ts";
export { writeRandomCheckpoint } from "./src/model/opening/random_checkpoint.ts";
export type {
  CheckpointDtype,
  RandomCheckpointOptions,
} from "./src/model/opening/random_checkpoint.ts";
export type { Rope } from "./src/model/config/rope_config.ts";

// generation: answers of one model or two
export {
  answer,
  answerAll,
  answerEach,
  createSpeaker,
} from "./src/generation/answer.ts";
export type {
  AnswerOptions,
  Asked,
  AskedOf,
  Speaker,
  SpeakerParts,
} from "./src/generation/answer.ts";
export {
  askTogether,
  startConversation,
} from "./src/generation/conversation.ts";
export type {
  AskOptions,
  Conversation,
} from "./src/generation/conversation.ts";
export { type InTurn, inTurn } from "./src/generation/in_turn.ts";
export { answerRows, readQuestions } from "./src/generation/prompt_rows.ts";
export type {
  AnswerRowsOptions,
  PromptRow,
  Question,
} from "./src/generation/prompt_rows.ts";
export { GREEDY, type Sampling } from "./src/generation/sampler.ts";
export { fillSampling } from "./src/generation/sampling_defaults.ts";
export type { WantedSampling } from "./src/generation/sampling_defaults.ts";

// report: what a run and its answers look like
export { type Progress, startProgress } from "./src/base/progress.ts";
export type { ProgressOptions } from "./src/base/progress.ts";
export { formatBytes } from "./src/base/units.ts";
export { drawCurves, type MetricsRow } from "./src/report/curves.ts";
export { manner } from "./src/report/manner.ts";
export { modelCard } from "./src/report/model_card.ts";
export { type Compared, sideBySideLines } from "./src/report/side_by_side.ts";
