/**
 * `deno task train RECIPE`: trains a model on preference pairs (or demonstrations) as the recipe
 * says.
 */
// deno-lint-ignore-file no-console
import { resourceUsage } from "node:process";
import { formatBytes } from "../src/base/units.ts";
import { planTraining, train, trainCommand } from "../src/commands/train.ts";
import { dryRunLines } from "../src/report/dry_run_lines.ts";
import { endLines } from "../src/report/run_lines.ts";
import { showTraining } from "./console.ts";
import { checkWritable, readTaskOptions, runTask } from "./run_task.ts";
import { saveFirst } from "./interrupt.ts";

const DOING = { load: "load the model", reference: "compute the reference" };

await runTask(async () => {
  const { options } = await readTaskOptions(trainCommand);
  checkWritable(options.output_dir);
  if (options.dry_run) {
    console.log(dryRunLines(await planTraining(options)).join("\n"));
    return 0;
  }
  return await saveFirst(async ({ signal, watch, says }) => {
    const shown = showTraining();
    const result = await train(options, {
      ...shown,
      onProgress(stage, done, total) {
        const step = `take step ${Math.min(done + 1, total)} of ${total}`;
        says({ doing: stage === "train" ? step : DOING[stage] });
        shown.onProgress(stage, done, total);
      },
      sinks: [...shown.sinks, { saved: (path) => says({ checkpoint: path }) }],
      signal,
      watch,
    });
    // in kilobytes; what llvmpipe holds is the process's own
    const process = formatBytes(resourceUsage().maxRSS * 1024);
    const held = formatBytes(result.peakBytes);
    console.log(
      `peak memory: ${held} on the device, ${process} of the process`,
    );
    for (const line of endLines(result, options.output_dir)) console.log(line);
    return result.interrupted;
  });
});
