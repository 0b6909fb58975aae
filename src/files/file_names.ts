/**
 * The names of the files of a run, a model, an adapter and a checkpoint, and of the folders of
 * caches. A layout is changed here. Knows names only, not the contents of files.
 */

/** Files of a run's folder, beside its weights and its checkpoints. */
export const RUN_FILE = {
  options: "options.json",
  metrics: "metrics.jsonl",
  curves: "curves.svg",
  card: "README.md",
  changes: "changes.jsonl",
  /** What the files of the final model are; written last. */
  manifest: "manifest.json",
} as const;

/** Locked while a program writes into the folder; says which one. */
export const LOCK_FILE = ".lock";

/** Files of a model's folder in Hugging Face layout. */
export const MODEL_FILE = {
  config: "config.json",
  generationConfig: "generation_config.json",
  weights: "model.safetensors",
  weightsIndex: "model.safetensors.index.json",
  tokenizer: "tokenizer.json",
  tokenizerConfig: "tokenizer_config.json",
  specialTokensMap: "special_tokens_map.json",
  chatTemplate: "chat_template.jinja",
  /** Where older processors keep the template, as `{ "chat_template": ... }`. */
  chatTemplateJson: "chat_template.json",
  /** The template that is used for conversations with tools. */
  toolTemplate: "additional_chat_templates/tool_use.jinja",
} as const;

/** The folder of templates with other names than the default's, each `<name>.jinja`. */
export const NAMED_TEMPLATES = "additional_chat_templates";

/** Files of an adapter's folder in the layout of PEFT. */
export const ADAPTER_FILE = {
  config: "adapter_config.json",
  weights: "adapter_model.safetensors",
} as const;

/** Files of a checkpoint, beside the model that it holds. */
export const CHECKPOINT_FILE = {
  options: RUN_FILE.options,
  inputs: "inputs.json",
  /** Which checkpoints of the run are known to be good. */
  good: "good_checkpoints.json",
  optimizer: "optimizer.safetensors",
  state: "trainer_state.json",
  /** What the other files are; written last. */
  manifest: RUN_FILE.manifest,
} as const;

/** Folders of caches, relative to the folder where a task runs. */
export const CACHE_FOLDER = {
  /** The folder above them all. */
  root: ".cache",
  /** The fastest tiles of the matrix products on this device. */
  kernels: ".cache/kernels",
  /** Log-probabilities of reference models, and hashes of large files. */
  reference: ".cache/reference",
  /** Tokens of datasets. */
  tokens: ".cache/tokens",
} as const;

/**
 * The names that files and folders have until they are whole: they end with `tmp`, or with `old`
 * for what steps aside and must not be lost.
 */
export const TEMPORARY_NAME = /^\.(.+)\.[0-9a-f]{8}\.(tmp|old)$/;

/** A path without temporary names: the path that it will be, once it is whole. */
export function withoutTemporaryNames(path: string): string {
  const name = /(?<=^|[\\/])\.([^\\/]+)\.[0-9a-f]{8}\.(?:tmp|old)(?=[\\/]|$)/g;
  const real = path.replace(name, "$1");
  // a file that is written whole into a folder of that kind has two of them
  return real === path ? path : withoutTemporaryNames(real);
}
