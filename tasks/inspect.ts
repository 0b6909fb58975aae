/**
 * `deno task inspect RECIPE`: what `train` would train, before any GPU work: rows read, kept, dropped and why,
 * lengths, and some examples with the trained span in colour.
 */
// deno-lint-ignore-file no-console
import { inspectSchema, openEncoder, runDataLines } from "../mod.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(inspectSchema, {
    command: "deno task inspect",
    summary:
      "Shows what a recipe would train: rows kept and dropped, lengths, examples. Touches no GPU.",
  });
  const { encoder } = await openEncoder(options);
  const lines = await runDataLines(options, encoder, {
    examples: options.examples,
    color: Deno.stdout.isTerminal() && !Deno.noColor,
  });
  console.log(lines.join("\n"));
});
