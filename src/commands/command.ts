/** What a command is called and which options it takes. Runs nothing. */
import type { Groups, Schema } from "../base/schema.ts";

/** A command as its user meets it. */
export interface Command<G extends Groups = Groups> {
  /** As `deno task` has it: `export-gguf`. */
  readonly name: string;
  /** One sentence on what it does. */
  readonly summary: string;
  /** Its options. */
  readonly schema: Schema<G>;
}

/** Declares a command; the types of its options are those of the schema. */
export function defineCommand<G extends Groups>(
  command: Command<G>,
): Command<G> {
  return command;
}
