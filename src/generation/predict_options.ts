/**
 * The options of the predict task.
 *
 * @module
 */
import { optional } from "../base/composite_option.ts";
import { flag, integer, number, text } from "../base/option.ts";
import { defineSchema, type Infer } from "../base/schema.ts";
import { templateOptions } from "../text/chat_options.ts";
import {
  quantizationAliases,
  quantizationOptions,
  quantizationProblems,
} from "../model/weights/quantization_options.ts";

/**
 * The options of `deno task predict`.
 *
 * @internal
 */
export const predictSchema = defineSchema({
  "Models": {
    model_name_or_path: optional(
      text(
        "Folder of the base model, or its name on the hub, looked for in model_hub/; null: the one that the tuned model names",
      ),
    ),
    tuned: optional(
      text(
        "Folder of an adapter, a checkpoint, a run, or full weights, as RUN; null: only the base answers",
      ),
    ),
    chat_template: optional(
      text(
        "Name in templates/ or path of a Jinja file; null is each model's own; without one prompts are continued as plain text",
      ),
    ),
    ...templateOptions,
    ...quantizationOptions,
  },
  "Prompts": {
    prompt: optional(
      text("One question; null, and no input: a conversation on the terminal"),
    ),
    input: optional(
      text('JSON Lines of {"prompt"} or {"messages"} to answer, one by one'),
    ),
    output: optional(
      text('File for the lines with "base" and "tuned" added, under output/'),
    ),
    batch_size: integer(
      "Lines of the input that are answered side by side",
      8,
      { min: 1 },
    ),
    system: optional(text("What the models are told before the first turn")),
  },
  "Answers": {
    temperature: optional(
      number(
        "0 takes the likeliest token, 0.7 to 1 is usual; null is 0, but generation_config.json's, else 1, where it has do_sample true or top_k or top_p are given",
        undefined,
        { min: 0 },
      ),
    ),
    top_k: optional(
      integer(
        "Draw among the k likeliest tokens, 0 is all; null is generation_config.json's, else 50",
        undefined,
        { min: 0 },
      ),
    ),
    top_p: optional(
      number(
        "Draw among the likeliest tokens of this probability; null is generation_config.json's, else 1",
        undefined,
        { above: 0, max: 1 },
      ),
    ),
    repetition_penalty: optional(
      number(
        "Logits of tokens that were there before are divided by it, or multiplied where negative, 1 to 1.2 is usual; null is generation_config.json's, else 1",
        undefined,
        { above: 0 },
      ),
    ),
    max_new_tokens: optional(
      integer(
        "Most tokens of an answer; null is generation_config.json's, else 512, or what the model's positions leave",
        undefined,
        { min: 1 },
      ),
    ),
    seed: integer("Seed of the draws; both models get the same", 0, {
      min: 0,
      max: 2 ** 52,
    }),
    retune: flag(
      "Measure again which tile of the matrix products is fastest on this device",
    ),
  },
}, {
  aliases: {
    adapter_name_or_path: "tuned",
    system_prompt: "system",
    ...quantizationAliases,
  },
  positionals: [{
    name: "RUN",
    help:
      "folder of a run, an adapter or a tuned model, which says what its base is; the same as --tuned",
    required: false,
    option: "tuned",
  }],
  check({ prompt, input, output, ...options }) {
    const problems = quantizationProblems(options);
    if (options.model_name_or_path === null && options.tuned === null) {
      problems.push(
        'found no model, expected RUN, the folder of a run, or "model_name_or_path"',
      );
    }
    if (prompt !== null && input !== null) {
      problems.push('"prompt" and "input" exclude each other');
    }
    if ((input === null) !== (output === null)) {
      problems.push('"input" and "output" go together');
    }
    return { problems, warnings: [] };
  },
});

/** Checked options of the predict task. */
export type PredictOptions = Infer<typeof predictSchema>;
