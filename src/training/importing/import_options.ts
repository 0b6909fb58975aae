/**
 * The options of the import-recipe task.
 *
 * @module
 */
import { optional } from "../../base/composite_option.ts";
import { text } from "../../base/option.ts";
import { defineSchema, type Infer } from "../../base/schema.ts";

/**
 * The options of `deno task import-recipe`.
 *
 * @internal
 */
export const importSchema = defineSchema({
  "Import": {
    output: optional(
      text("File to write, under recipes/; null prints the recipe"),
    ),
    dataset_dir: optional(
      text("Folder of LLaMA-Factory's dataset_info.json; null is the recipe's"),
    ),
  },
}, {
  positionals: [{
    name: "FILE",
    help:
      "recipe of TRL, alignment-handbook, LLaMA-Factory, Axolotl, ms-swift, open-instruct or mlx-lm, YAML or JSON",
    required: true,
  }],
});

/** Checked options of the import-recipe task. */
export type ImportOptions = Infer<typeof importSchema>;
