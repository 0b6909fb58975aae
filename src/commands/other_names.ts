/**
 * Names by which people who come from other programs ask for options of ours, task by task. They
 * are no options: a task that is given one says what it is called here.
 */

const MODEL = [
  "model",
  "model_path",
  "model_id",
  "base_model",
  "base",
  "pretrained",
];
const ADAPTER = [
  "adapter",
  "adapters",
  "adapter_path",
  "adapter_dir",
  "lora",
  "lora_path",
  "lora_model_dir",
  "peft_model",
  "ckpt_dir",
  "checkpoint",
  "checkpoint_path",
];
const INPUT = [
  "input_file",
  "input_path",
  "file",
  "data",
  "dataset",
  "eval_dataset",
  "val_dataset",
  "test_file",
];
const OUTPUT = [
  "output_file",
  "output_path",
  "output_dir",
  "outfile",
  "out",
  "result_path",
  "save_path",
];

/** Task -> option here -> names elsewhere. */
export const otherNames: Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
> = {
  predict: {
    model_name_or_path: MODEL,
    tuned: ["run", ...ADAPTER],
    input: [
      "prompts",
      "prompt_file",
      "prompts_file",
      "questions",
      "messages",
      ...INPUT,
    ],
    output: OUTPUT,
    prompt: ["query", "question", "message", "text", "instruction"],
    chat_template: ["template", "chat_template_path"],
    batch_size: ["per_device_eval_batch_size", "max_batch_size"],
    temperature: ["temp"],
    repetition_penalty: ["repeat_penalty"],
    max_new_tokens: [
      "max_tokens",
      "max_length",
      "max_gen_len",
      "num_predict",
      "n_predict",
    ],
  },
  score: {
    model_name_or_path: MODEL,
    adapter_name_or_path: ["tuned", ...ADAPTER],
    input: ["prompts", ...INPUT],
    output: OUTPUT,
  },
  merge: {
    model_name_or_path: MODEL,
    adapter_name_or_path: ["tuned", "run", ...ADAPTER],
    output_dir: [
      "output",
      "export_dir",
      "out_dir",
      ...OUTPUT.filter((name) => name !== "output_dir"),
    ],
    overwrite_output_dir: ["overwrite", "overwrite_output"],
  },
  "export-gguf": {
    model_name_or_path: MODEL,
    adapter_name_or_path: ["tuned", "run", ...ADAPTER],
    output: ["export_dir", ...OUTPUT],
    type: ["outtype", "quantization", "quantize", "quant", "qtype", "dtype"],
    overwrite_output: ["overwrite", "overwrite_output_dir"],
  },
  download: {
    model_name_or_path: ["repo_id", "repo", ...MODEL],
    model_revision: ["revision"],
    model_source: ["source", "hub"],
    files: ["include", "allow_patterns"],
    dataset: ["data", "dataset_name", "dataset_id"],
    token: ["hf_token", "hub_token", "use_auth_token"],
    parallel: ["max_workers", "num_workers"],
  },
  upload: {
    to: ["repo_id", "repo", "repo_name", "hub_model_id", "push_to_hub"],
    token: ["hf_token", "hub_token"],
    message: ["commit_message"],
    files: ["include", "allow_patterns"],
    private: ["hub_private_repo"],
  },
  train: {
    dataset: ["data", "data_path", "dataset_path", "train_data"],
    learning_rate: ["lr"],
    num_train_epochs: ["epochs"],
    max_steps: ["iters", "steps", "num_steps"],
    lora_r: ["rank"],
    trainer: ["method", "algorithm"],
    output_dir: ["out", "output", "save_path", "output_path"],
    gradient_accumulation_steps: ["grad_accum", "grad_accumulation_steps"],
    gradient_checkpointing: ["grad_checkpoint"],
  },
};

/** What stands here for a switch of other programs, by its value. */
const SWITCHES: Readonly<
  Record<string, Readonly<Record<string, readonly [on: string, off: string]>>>
> = {
  predict: {
    do_sample: ["--temperature=1", "--temperature=0"],
    sample: ["--temperature=1", "--temperature=0"],
    greedy: ["--temperature=0", "--temperature=1"],
  },
};

/** The words that stand here for a switch of other programs; undefined if it is none. */
export function switchHere(
  task: string,
  key: string,
  value: unknown,
): string | undefined {
  const [on, off] = SWITCHES[task]?.[key] ?? [];
  return value === false ? off : on;
}

/** Tasks whose options are mostly those of another one. */
const SAME: Readonly<Record<string, string>> = {
  inspect: "train",
  all: "train",
};

/** What a task calls an option that was asked for by another name; undefined if nothing. */
export function nameHere(task: string, key: string): string | undefined {
  const names = otherNames[SAME[task] ?? task] ?? {};
  return Object.entries(names).find(([, others]) => others.includes(key))?.[0];
}
