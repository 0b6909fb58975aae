/**
 * The options of the inspect task: a run's own, and how much of its data to show.
 *
 * @module
 */
import { integer } from "../../base/option.ts";
import { defineSchema, type Infer } from "../../base/schema.ts";
import { trainSchema } from "./train_schema.ts";

/**
 * The options of `deno task inspect`.
 *
 * @internal
 */
export const inspectSchema = defineSchema({
  "Inspect": {
    examples: integer("Examples to show in full", 3, { min: 0 }),
  },
  ...trainSchema.groups,
}, {
  positionals: trainSchema.positionals,
  aliases: trainSchema.aliases,
  foreign: trainSchema.foreign,
  usual: ["examples", ...trainSchema.usual],
  replacing: trainSchema.replacing,
  check: trainSchema.check,
});

/** Checked options of the inspect task. */
export type InspectTaskOptions = Infer<typeof inspectSchema>;
