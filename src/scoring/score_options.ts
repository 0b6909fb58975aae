/**
 * The options of the score task.
 *
 * @module
 */
import { optional, record } from "../base/composite_option.ts";
import { flag, integer, number, text } from "../base/option.ts";
import { defineSchema, type Infer } from "../base/schema.ts";
import { chatOptions } from "../preference/tokens/run_chat.ts";
import {
  quantizationAliases,
  quantizationOptions,
  quantizationProblems,
} from "../model/weights/quantization_options.ts";

/**
 * The options of `deno task score`.
 *
 * @internal
 */
export const scoreSchema = defineSchema({
  "Model": {
    model_name_or_path: text(
      "Folder of the model, or its name on the hub, looked for in model_hub/",
    ),
    adapter_name_or_path: optional(
      text("Folder of an adapter on it, a checkpoint or a run; null: none"),
    ),
    tokenizer_name_or_path: optional(
      text("Folder of the tokenizer; null is the model's own"),
    ),
    chat_template: optional(
      text(
        "Name in templates/ or path of a Jinja file; null is the adapter's or the model's own",
      ),
    ),
    ...chatOptions,
    ...quantizationOptions,
  },
  "Lines": {
    input: text(
      'File of {"input_ids"}, {"prompt", "completion"} or preference pairs, in any format that train reads',
    ),
    output: text("File for the lines with their scores added, under output/"),
    columns: record(
      "Our column to yours where they differ: prompt=question,chosen=good",
      {},
      text("Column"),
    ),
    ignore_unserved: flag(
      "Score lines with pictures, sounds or unread parts of the prompt as if they had none; else they are refused",
    ),
    logits: optional(
      text(
        "Safetensors file for the logits of every token, [tokens, vocab_size] in float32; for small models",
      ),
    ),
  },
  "Scores": {
    beta: optional(
      number(
        "Factor of the implicit rewards; null is that of the adapter's run, else 0.1",
        undefined,
        { above: 0 },
      ),
    ),
    batch_tokens: integer("Tokens that run in one batch, about", 2048, {
      min: 1,
    }),
    retune: flag(
      "Measure again which tile of the matrix products is fastest on this device",
    ),
  },
}, {
  aliases: quantizationAliases,
  check: (options) => ({
    problems: quantizationProblems(options),
    warnings: [],
  }),
});

/** Checked options of the score task. */
export type ScoreOptions = Infer<typeof scoreSchema>;
