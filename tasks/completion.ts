/** `deno task completion --shell=bash`: prints what a shell needs to complete `tiebreak`. */
// deno-lint-ignore-file no-console
import { completion, completionCommand } from "../src/commands/completion.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(completionCommand);
  console.log(completion(options).trimEnd());
});
