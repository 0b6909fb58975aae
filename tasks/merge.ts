/** `deno task merge`: an adapter into the weights of its base, checked by their logits before it is called done. */
// deno-lint-ignore-file no-console
import { mergeAdapter, mergeSchema, openDevice } from "../mod.ts";
import { memoryBudget, taskProgress } from "./console.ts";
import { readTaskOptions, runTask } from "./run_task.ts";
import { orInterrupted, stopSignal } from "./stop_signal.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(mergeSchema, {
    command: "deno task merge",
    summary:
      "Writes a model with an adapter merged into its weights, and checks it by its logits.",
  });
  const signal = stopSignal();
  using device = await openDevice(memoryBudget());
  return await orInterrupted(async () => {
    const { difference, bound, effect } = await mergeAdapter(device, options, {
      signal,
      onLoad: taskProgress("load", "bytes"),
      onMerge: taskProgress("merge", "bytes"),
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
