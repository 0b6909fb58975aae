/**
 * The schema of the train task: a run's options with their other names, the keys of other tools,
 * and the checks that see several options together.
 *
 * @module
 */
import { defineSchema } from "../../base/schema.ts";
import { quantizationAliases } from "../../model/weights/quantization_options.ts";
import { foreignKeys } from "./foreign_keys.ts";
import { loraAliases } from "./lora_options.ts";
import { checkTrainOptions } from "./option_check.ts";
import { trainGroups } from "./options.ts";
import { RECIPE_ENDINGS } from "./recipe.ts";

/** What the short help shows: what most runs say, and what a first run needs. */
const USUAL = [
  "model_name_or_path",
  "adapter_name_or_path",
  "chat_template",
  "system",
  "enable_thinking",
  "dataset",
  "dataset_mixer",
  "eval_dataset",
  "columns",
  "max_length",
  "trainer",
  "loss_type",
  "beta",
  "use_peft",
  "lora_r",
  "lora_alpha",
  "lora_target_modules",
  "load_in_4bit",
  "learning_rate",
  "per_device_train_batch_size",
  "gradient_accumulation_steps",
  "num_train_epochs",
  "max_steps",
  "output_dir",
  "overwrite_output_dir",
  "resume_from_checkpoint",
  "dry_run",
  "eval_strategy",
  "logging_steps",
  "save_steps",
  "seed",
];

/**
 * The options of `deno task train`, and of every task that reads a recipe.
 *
 * @internal
 */
export const trainSchema = defineSchema(trainGroups, {
  positionals: [{
    name: "RECIPE",
    help:
      "file of options, JSON with comments or YAML; the command line wins over it",
    required: false,
    endings: RECIPE_ENDINGS,
  }],
  usual: USUAL,
  replacing: [["dataset", "dataset_mixer", "dataset_mixture"]],
  aliases: {
    evaluation_strategy: "eval_strategy",
    dtype: "torch_dtype",
    tokenizer_name: "tokenizer_name_or_path",
    train_file: "dataset",
    dataset_name: "dataset",
    validation_file: "eval_dataset",
    chat_template_path: "chat_template",
    default_system: "system",
    default_system_message: "system",
    ...loraAliases,
    ...quantizationAliases,
    ref_model: "ref_model_name_or_path",
    ref_model_adapters: "ref_adapter_name_or_path",
    early_stopping_steps: "early_stopping_patience",
    max_seq_length: "max_length",
    train_sampling_strategy: {
      name: "group_by_length",
      values: { random: false, group_by_length: true },
    },
    truncation_mode: {
      name: "length_policy",
      values: { keep_start: "keep_start" },
    },
  },
  foreign: foreignKeys,
  check: checkTrainOptions,
});
