/**
 * `deno task verify PATH`: whether a run, an adapter, a model, a download or a GGUF file is whole;
 * a line for each, and exit code 1 if one is not.
 */
// deno-lint-ignore-file no-console
import { verify, verifyCommand } from "../src/commands/verify.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { positionals: [path = ""] } = await readTaskOptions(verifyCommand);
  const found = await verify(path);
  for (const { line } of found) console.log(line);
  return found.every(({ isWhole }) => isWhole) ? 0 : 1;
});
