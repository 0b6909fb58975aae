/** The options of `deno task kernels`. */
import { text } from "../src/base/option.ts";
import { defineSchema } from "../src/base/schema.ts";

/**
 * The options of the task.
 *
 * @internal
 */
export const kernelsSchema = defineSchema({
  "Output": {
    out: text(
      "Folder for the texts of all kernels, under .cache/ or output/",
      ".cache/kernel_texts",
    ),
  },
});
