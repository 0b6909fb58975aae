/**
 * `deno task kernels --out=FOLDER`: writes the text of every kernel in every size that launches
 * choose, a file each, so that people can read what runs. To see what a change does to the texts,
 * write them before and after it, and compare the two folders with `diff -r`.
 */
// deno-lint-ignore-file no-console
import { kernelsCommand, writeKernels } from "../src/commands/kernels.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(kernelsCommand);
  const count = await writeKernels(options);
  console.log(`done: ${count} texts in ${options.out}`);
});
