/**
 * `deno task inspect RECIPE`: what `train` would train, before any GPU work: rows read, kept,
 * dropped and why, lengths, and some examples with the trained span in colour.
 */
// deno-lint-ignore-file no-console
import { inspect, inspectCommand } from "../src/commands/inspect.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(inspectCommand);
  const color = Deno.stdout.isTerminal() && !Deno.noColor;
  console.log((await inspect(options, { color })).join("\n"));
});
