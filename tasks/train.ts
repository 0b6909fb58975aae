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

await runTask(async () => {
  const { options } = await readTaskOptions(trainCommand);
  checkWritable(options.output_dir);
  if (options.dry_run) {
    console.log(dryRunLines(await planTraining(options)).join("\n"));
    return 0;
  }
  return await saveFirst(async (signal) => {
    const result = await train(options, { ...showTraining(), signal });
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
