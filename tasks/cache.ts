/**
 * `deno task cache`: what the caches hold, a line for each; `--prune` removes what serves nothing
 * any more.
 */
// deno-lint-ignore-file no-console
import { cache, cacheCommand, cacheLines } from "../src/commands/cache.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(cacheCommand);
  for (const line of cacheLines(await cache(options), options)) {
    console.log(line);
  }
});
