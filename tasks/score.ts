/**
 * `deno task score`: log-probabilities of the tokens of each line of a file; of preference pairs
 * also the implicit rewards.
 */
// deno-lint-ignore-file no-console
import { score, scoreCommand } from "../src/commands/score.ts";
import { sayTuned, showStages } from "./console.ts";
import { leaveNothing } from "./interrupt.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(scoreCommand);
  return await leaveNothing(async (signal) => {
    const lines = await score(options, {
      signal,
      onTuned: sayTuned,
      onProgress: showStages({
        load: "bytes",
        score: "lines",
        logits: "sequences",
      }),
    });
    console.log(`${lines} lines scored: ${options.output}`);
  });
});
