/** What a command is called and which options it takes. Runs nothing. */
import type { OptionGroups, Schema } from "../base/schema.ts";

/** A command as its user meets it. */
export interface Command<G extends OptionGroups = OptionGroups> {
  /** As `deno task` has it: `export-gguf`. */
  readonly name: string;
  /** One sentence on what it does. */
  readonly summary: string;
  /** Its options. */
  readonly schema: Schema<G>;
}

/** Declares a command; the types of its options are those of the schema. */
export function defineCommand<G extends OptionGroups>(
  command: Command<G>,
): Command<G> {
  return command;
}
