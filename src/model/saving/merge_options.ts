/**
 * The options of the merge task.
 *
 * @module
 */
import { flag, text } from "../../base/option.ts";
import { defineSchema, type Infer } from "../../base/schema.ts";

/**
 * The options of `deno task merge`.
 *
 * @internal
 */
export const mergeSchema = defineSchema({
  "Merge": {
    model_name_or_path: text(
      "Folder of the base model, or its name on the hub, looked for in model_hub/",
    ),
    adapter_name_or_path: text(
      "Folder of an adapter, a checkpoint or a run",
    ),
    output_dir: text("New folder for the merged model, under output/"),
    overwrite_output_dir: flag("Replace what is in output_dir"),
  },
});

/** Checked options of the merge task. */
export type MergeOptions = Infer<typeof mergeSchema>;
