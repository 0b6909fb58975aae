/**
 * `deno task train RECIPE`: trains a model on preference pairs (or demonstrations) as the recipe says.
 */
// deno-lint-ignore-file no-console
import { resourceUsage } from "node:process";
import {
  dryRun,
  dryRunLines,
  formatBytes,
  openDevice,
  runTraining,
  trainSchema,
} from "../mod.ts";
import { memoryBudget, productTuner, trainingHooks } from "./console.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(trainSchema, {
    command: "deno task train",
    summary:
      "Trains on preference pairs or demonstrations: adapters or all weights.",
  });
  using device = await openDevice(memoryBudget(options.memory_limit));
  if (options.dry_run) {
    const run = await dryRun(device, options);
    const lines = dryRunLines(run, device.budgetBytes);
    for (const line of lines) console.log(line);
    return 0;
  }
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    console.error("\ninterrupted: saving after this step");
    stop.abort();
  });
  const result = await runTraining(device, options, {
    ...trainingHooks(options.output_dir, stop.signal),
    tune: productTuner(device, options.retune),
  });
  const { output_dir } = options;
  // in kilobytes; a software adapter's memory is the process's own
  const process = formatBytes(resourceUsage().maxRSS * 1024);
  const held = formatBytes(result.peakBytes);
  console.log(`peak memory: ${held} on the device, ${process} of the process`);
  if (result.interrupted) {
    console.log(
      `interrupted after step ${result.step} of ${result.totalSteps}; go on with --resume_from_checkpoint`,
    );
    return 130;
  }
  const { step, weightsOf, stoppedEarly, totalSteps } = result;
  if (stoppedEarly) {
    console.log(`stopped early after step ${step} of ${totalSteps}`);
  }
  if (weightsOf !== step) {
    console.log(`the weights are those of step ${weightsOf}, the best`);
  }
  console.log(`done: ${output_dir}`);
  return 0;
});
