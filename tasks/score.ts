/**
 * `deno task score`: log-probabilities of the tokens of each line of a file; of preference pairs also the implicit
 * rewards.
 */
// deno-lint-ignore-file no-console
import { openDevice, scoreFile, scoreSchema } from "../mod.ts";
import { memoryBudget, productTuner, taskProgress } from "./console.ts";
import { readTaskOptions, runTask } from "./run_task.ts";
import { orInterrupted, stopSignal } from "./stop_signal.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(scoreSchema, {
    command: "deno task score",
    summary:
      "Writes each line of a file with the log-probabilities of its tokens, in nats.",
  });
  const signal = stopSignal();
  using device = await openDevice(memoryBudget());
  return await orInterrupted(async () => {
    const lines = await scoreFile(device, options, {
      signal,
      tune: productTuner(device, options.retune),
      onLoad: taskProgress("load", "bytes"),
      onScore: taskProgress("score", "lines"),
      onLogits: taskProgress("logits", "sequences"),
    });
    console.log(`${lines} lines scored: ${options.output}`);
  });
});
