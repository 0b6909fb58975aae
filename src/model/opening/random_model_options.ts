/**
 * The options of the random-model task.
 *
 * @module
 */
import { optional } from "../../base/composite_option.ts";
import { choice, integer, text } from "../../base/option.ts";
import { defineSchema, type Infer } from "../../base/schema.ts";
import {
  CHECKPOINT_DTYPES,
  type CheckpointDtype,
} from "./random_checkpoint.ts";

const dtypes = Object.keys(CHECKPOINT_DTYPES) as CheckpointDtype[];

/**
 * The options of `deno task random-model`.
 *
 * @internal
 */
export const randomModelSchema = defineSchema({
  "Model": {
    config: text("A config.json, or the folder it lies in"),
    dtype: choice("Type of the weights", "bfloat16", dtypes),
    seed: integer("Seed of the weights", 42, { min: 0 }),
    tokenizer_name_or_path: optional(
      text(
        "Folder whose tokenizer is copied; null is the one beside the config",
      ),
    ),
  },
  "Output": {
    output_dir: text("Folder of the new model, under output/"),
  },
});

/** Checked options of the random-model task. */
export type RandomModelOptions = Infer<typeof randomModelSchema>;
