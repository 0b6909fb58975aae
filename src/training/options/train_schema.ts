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
    required: true,
  }],
  aliases: {
    evaluation_strategy: "eval_strategy",
    dtype: "torch_dtype",
    tokenizer_name: "tokenizer_name_or_path",
    train_file: "dataset",
    dataset_name: "dataset",
    validation_file: "eval_dataset",
    chat_template_path: "chat_template",
    ...loraAliases,
    ...quantizationAliases,
    ref_model: "ref_model_name_or_path",
    ref_model_adapters: "ref_adapter_name_or_path",
    early_stopping_steps: "early_stopping_patience",
    truncation_mode: {
      name: "length_policy",
      values: { keep_start: "keep_start" },
    },
  },
  foreign: foreignKeys,
  check: checkTrainOptions,
});
