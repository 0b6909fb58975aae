/**
 * `deno task merge`: an adapter into the weights of its base, checked by their logits before it is
 * called done.
 */
// deno-lint-ignore-file no-console
import { merge, mergeCommand } from "../src/commands/merge.ts";
import { showStages } from "./console.ts";
import { leaveNothing } from "./interrupt.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(mergeCommand);
  return await leaveNothing(async (signal) => {
    const { difference, bound, effect } = await merge(options, {
      signal,
      onProgress: showStages({ load: "bytes", merge: "bytes" }),
    });
    const [shown, most, moved] = [difference, bound, effect].map((value) =>
      value.toPrecision(3)
    );
    console.log(
      `largest difference of logits ${shown}, at most ${most} allowed; the adapter moves them by ${moved}`,
    );
    console.log(`done: ${options.output_dir}`);
  });
});
