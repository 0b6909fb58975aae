/**
 * `deno task random-model`: writes a checkpoint with random weights from any config.json, to try out its shape.
 */
// deno-lint-ignore-file no-console
import {
  checkOutputFolder,
  copyTextFiles,
  localModelFolder,
  modelConfigPath,
  randomModelSchema,
  readJsonObject,
  writeRandomCheckpoint,
} from "../mod.ts";
import { taskProgress } from "./console.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(randomModelSchema, {
    command: "deno task random-model",
    summary:
      "Writes a checkpoint with random weights from any config.json. Touches no GPU.",
  });
  const { output_dir, dtype, seed } = options;
  const { path, folder } = await modelConfigPath(options.config);
  const config = await readJsonObject(path);
  const tokenizer = options.tokenizer_name_or_path === null
    ? folder
    : await localModelFolder(options.tokenizer_name_or_path);
  await checkOutputFolder(output_dir);
  await copyTextFiles(tokenizer, output_dir);
  const parameters = await writeRandomCheckpoint(output_dir, {
    ...{ config, dtype, seed },
    onProgress: taskProgress("write", "bytes"),
  });
  console.log(
    `done: ${output_dir}, ${
      parameters.toLocaleString("en")
    } parameters in ${dtype}`,
  );
});
