/**
 * `deno task random-model`: writes a checkpoint with random weights from any config.json, to try
 * out its shape.
 */
// deno-lint-ignore-file no-console
import {
  randomModel,
  randomModelCommand,
} from "../src/commands/random_model.ts";
import { taskProgress } from "./console.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(randomModelCommand);
  const { output_dir, dtype } = options;
  const parameters = await randomModel(options, {
    onProgress: taskProgress("write", "bytes"),
  });
  const count = parameters.toLocaleString("en");
  console.log(`done: ${output_dir}, ${count} parameters in ${dtype}`);
});
