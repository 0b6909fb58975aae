/**
 * Translates recipes of open-instruct, whose scripts are finetune.py and dpo.py. Its defaults are
 * those of commit e6c3044.
 */
import { numbered, worded } from "../../base/shown.ts";
import { own } from "../../base/own.ts";
import { isRecord } from "../../base/composite_option.ts";
import { isOff } from "../../base/read_options.ts";
import {
  ignored,
  nothing,
  only,
  type Recipe,
  refused,
  refusedKeys,
  type Rule,
  type Rules,
  translate,
  type Translated,
} from "./translation.ts";

/** Keys that no other tool's recipes have. */
const OWN_KEYS = [
  "use_slow_tokenizer",
  "checkpointing_steps",
  "keep_last_n_checkpoints",
  "with_tracking",
  "hf_metadata_dataset",
  "try_launch_beaker_eval_jobs",
  "dataset_mix_dir",
  "dataset_mixer_list",
  "mixer_list",
  "gamma_beta_ratio",
  "add_bos",
  "exp_name",
  "oe_eval_tasks",
  "use_qlora",
];

/** Whether a recipe has keys that only open-instruct's scripts read. */
export function isOpenInstruct(recipe: Recipe): boolean {
  return OWN_KEYS.some((key) => key in recipe) ||
    "use_lora" in recipe && "num_epochs" in recipe;
}

const isSimpo = ({ loss_type }: Recipe) => loss_type === "simpo";

const LOSSES: Readonly<Record<string, Recipe>> = {
  dpo: { loss_type: ["sigmoid"] },
  dpo_norm: { loss_type: ["sigmoid_norm"] },
  simpo: { trainer: "cpo", loss_type: ["simpo"], cpo_alpha: 0 },
};

const lossType: Rule = (value) => {
  const options = own(LOSSES, value);
  return options !== undefined ? { options } : {
    refusal: `${JSON.stringify(value)} is not served, only ${
      Object.keys(LOSSES).join(", ")
    }`,
  };
};

/** Names to shares of their rows, or to numbers of them. */
const mixer: Rule = (value) => {
  const given = Array.isArray(value)
    ? Object.fromEntries(
      value.flatMap((name, i) => i % 2 === 0 ? [[name, value[i + 1]]] : []),
    )
    : value;
  if (!isRecord(given)) return {};
  const entries = Object.entries(given).map(([id, rows]) =>
    [id, numbered(rows), worded(rows)] as const
  );
  const isShare = ([, rows, text]: typeof entries[number]) =>
    rows < 1 || rows === 1 && (!Array.isArray(value) || text.includes("."));
  if (entries.every(isShare)) {
    return {
      options: {
        dataset_mixer: Object.fromEntries(
          entries.map(([id, rows]) => [id, rows]),
        ),
      },
    };
  }
  const datasets = entries.map((one) => {
    const [id, rows] = one;
    return isShare(one)
      ? { id, ...(rows < 1 ? { weight: rows } : {}) }
      : { id, split: `train[:${rows}]` };
  });
  return { options: { dataset_mixture: { datasets } } };
};

/** The keys of open-instruct. */
export const openInstructRules: Rules = {
  dataset_name: "dataset",
  dataset_mixer: mixer,
  dataset_mixer_list: mixer,
  mixer_list: mixer,
  dataset_config_name: refused("name the folder in dataset_mixture"),
  ...Object.fromEntries(
    ["dataset_mixer_list_splits", "mixer_list_splits"].map((key) => [
      key,
      only([["train"], "train", null], "name the split in dataset_mixture"),
    ]),
  ),
  max_seq_length: "max_length",
  num_epochs: "num_train_epochs",
  max_train_steps: "max_steps",
  use_lora: "use_peft",
  lora_rank: "lora_r",
  use_qlora: (value) =>
    value === true ? { options: { use_peft: true, load_in_4bit: true } } : {},
  loss_type: lossType,
  gamma_beta_ratio: (value, recipe) =>
    isSimpo(recipe)
      ? {
        options: { simpo_gamma: numbered(value) * numbered(recipe.beta ?? 5) },
      }
      : { note: "it matters with simpo only" },
  load_balancing_loss: (value, { load_balancing_weight: weight }) =>
    value === true
      ? { options: { router_aux_loss_coef: numbered(weight ?? 0.001) } }
      : {},
  load_balancing_weight: nothing("it matters with load_balancing_loss only"),
  checkpointing_steps: (value) =>
    value === "epoch"
      ? { options: { save_strategy: "epoch" } }
      : isOff(value)
      ? {}
      : { options: { save_strategy: "steps", save_steps: numbered(value) } },
  keep_last_n_checkpoints: (value) => ({
    options: { save_total_limit: numbered(value) < 0 ? null : value },
  }),
  clip_grad_norm: (value) => ({
    options: { max_grad_norm: Math.max(0, numbered(value)) },
  }),
  optimizer_type: only(["adamw"], "name one of optim's in optim"),
  use_8bit_optimizer: (value) =>
    value === true ? { options: { optim: "adamw_bnb_8bit" } } : {},
  final_lr_ratio: refused("write lr_scheduler_type cosine_with_min_lr"),
  add_bos: refused(
    "a text begins as the chat template begins it: write the token there",
  ),
  chat_template_name: (value) =>
    isOff(value) ? {} : { note: "the model's own chat template is used" },
  concatenated_forward: nothing("a prompt is computed once"),
  ...ignored("the kernels here are fused already", [
    "fused_optimizer",
    "compile_model",
    "use_liger_kernel",
  ]),
  ...ignored("tokenizer.json tells it", ["use_slow_tokenizer", "use_fast"]),
  ...ignored("tokens are kept in .cache/tokens by themselves", [
    "dataset_mix_dir",
    "dataset_cache_mode",
    "dataset_local_cache_dir",
    "dataset_skip_cache",
    "cache_dataset_only",
    "cache_logprobs_only",
    "dataset_config_hash",
  ]),
  ...ignored("metrics go to output_dir/metrics.jsonl and the terminal", [
    "with_tracking",
    "wandb_project_name",
    "verbose",
    "send_slack_alerts",
  ]),
  ...ignored("nothing is uploaded from here, and no cluster is asked", [
    "hf_*",
    "gs_bucket_path",
    "save_to_hub",
    "try_*",
    "oe_eval_*",
    "eval_workspace",
    "eval_priority",
  ]),
  ...ignored("the run is named by output_dir", [
    "exp_name",
    "do_not_randomize_output_dir",
    "clean_checkpoints_at_end",
  ]),
  ...ignored("one process drives the device", [
    "sync_each_batch",
    "sequence_parallel_size",
    "tensor_parallel_degree",
    "context_parallel_degree",
    "zero_*",
    "offload_*",
    "timeout",
    "low_cpu_mem_usage",
  ]),
  ...refusedKeys("the model's own positions are used", ["rope_scaling_*"]),
  ...refusedKeys("rows are read in the shapes of docs/reference/formats.md", [
    "dataset_transform_fn",
    "transform_fn",
  ]),
  ...refusedKeys("this way of training is not served", [
    "reduce_loss",
    "apply_verifiable_reward",
    "num_samples_per_prompt_rollout",
  ]),
};

/**
 * The trainer, which the script says and not the file. Only dpo.py calls the passes over the data
 * `num_epochs`.
 */
function trainerOf(recipe: Recipe): { trainer: string; isSure: boolean } {
  const sure = ["beta", "loss_type", "gamma_beta_ratio", "label_smoothing"]
    .some((key) => key in recipe);
  const isSft = "num_train_epochs" in recipe || "clip_grad_norm" in recipe;
  return { trainer: sure || !isSft ? "dpo" : "sft", isSure: sure };
}

function defaults(recipe: Recipe, trainer: string): Recipe {
  return {
    ...(trainer === "sft"
      ? { trainer, assistant_only_loss: true }
      : isSimpo(recipe)
      ? {
        trainer: "cpo",
        beta: 5,
        simpo_gamma: 0.3 * numbered(recipe.beta ?? 5),
      }
      : { trainer, beta: 5, loss_type: ["sigmoid_norm"] }),
    learning_rate: 2e-5,
    lr_scheduler_type: "linear",
    ...("warmup_steps" in recipe
      ? {}
      : { warmup_ratio: trainer === "sft" ? 0.03 : 0.1 }),
    num_train_epochs: trainer === "sft" ? 2 : 1,
    max_length: null,
    length_policy: "keep_start",
    max_grad_norm: 0, // neither script clips by itself
    logging_steps: 1,
    save_total_limit: 3,
    router_aux_loss_coef: 0,
    ...(recipe.use_lora === true || recipe.use_qlora === true
      ? { lora_r: 64, lora_alpha: 16, lora_dropout: 0.1 }
      : {}),
  };
}

/** Translates a recipe of open-instruct. */
export function fromOpenInstruct(recipe: Recipe): Translated {
  const own = translate(recipe, openInstructRules);
  const found = trainerOf(recipe);
  const trainer = worded(own.options.trainer ?? found.trainer);
  const isNamed = found.isSure || "trainer" in recipe;
  return {
    ...own,
    options: { ...defaults(recipe, trainer), ...own.options },
    notes: isNamed ? own.notes : [{
      key: "trainer",
      reason: `taken to be ${trainer}, which the script says and not the ` +
        "file; give another by trainer",
    }, ...own.notes],
  };
}
