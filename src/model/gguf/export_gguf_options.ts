/**
 * The options of the export-gguf task.
 *
 * @module
 */
import { choice, flag, text } from "../../base/option.ts";
import { optional } from "../../base/composite_option.ts";
import { defineSchema, type Infer } from "../../base/schema.ts";

/**
 * The options of `deno task export-gguf`.
 *
 * @internal
 */
export const exportGgufSchema = defineSchema({
  "Export": {
    model_name_or_path: text(
      "Folder of a model or of a run that trained all weights, or a name on the hub, looked for in model_hub/",
    ),
    adapter_name_or_path: optional(text(
      "Folder of an adapter, a checkpoint or a run that is merged into the model first; null is none",
    )),
    output: text("New .gguf file, under output/"),
    type: choice("How matrices are stored", "f16", [
      ...["f32", "f16", "bf16", "q8_0", "q6_k"] as const,
      ...["q5_k_m", "q4_k_m", "q4_0"] as const,
    ]),
    overwrite_output: flag("Replace the file if it is there"),
  },
});

/** Checked options of the export-gguf task. */
export type ExportGgufOptions = Infer<typeof exportGgufSchema>;
