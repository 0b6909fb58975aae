/**
 * The command `inspect`: what `train` would train, before any work on a GPU: rows read, kept,
 * dropped and why, lengths, and some examples with the trained span in colour. Prints nothing.
 */
import { openRunEncoder } from "../training/setup/run_encoder.ts";
import {
  inspectSchema,
  type InspectTaskOptions,
} from "../training/options/inspect_options.ts";
import { runDataLines } from "../training/setup/run_objective.ts";
import { defineCommand } from "./command.ts";

/**
 * `deno task inspect`
 *
 * @internal
 */
export const inspectCommand = defineCommand({
  name: "inspect",
  summary:
    "Shows what a recipe would train: rows kept and dropped, lengths, examples. Touches no GPU.",
  schema: inspectSchema,
});

/** How the data is shown. */
export interface InspectView {
  /** Terminal colours. Default false. */
  readonly color?: boolean;
}

/**
 * The data of a run as lines of text: the account of both splits, then some examples.
 *
 * @throws {Error} In one line, where `train` would stop for want of usable data
 */
export async function inspect(
  options: InspectTaskOptions,
  { color = false }: InspectView = {},
): Promise<string[]> {
  const { encoder } = await openRunEncoder(options);
  const { examples } = options;
  return await runDataLines(options, encoder, { examples, color });
}
