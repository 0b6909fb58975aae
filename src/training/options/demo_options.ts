/**
 * The options of the demo task.
 *
 * @module
 */
import { integer, text } from "../../base/option.ts";
import { defineSchema, type Infer } from "../../base/schema.ts";

/**
 * The options of `deno task demo`.
 *
 * @internal
 */
export const demoSchema = defineSchema({
  "Demo": {
    output_dir: text(
      "Folder of the run, emptied first",
      "output/demo",
    ),
    prompts: integer("Held-out prompts that both models answer", 100, {
      min: 1,
      max: 100,
    }),
  },
});

/** Checked options of the demo task. */
export type DemoOptions = Infer<typeof demoSchema>;
