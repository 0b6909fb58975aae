/**
 * `deno task all RECIPE`: download, inspect, train and predict, one after the other, each in a
 * process of its own with its own permissions. To start them this task may run `deno`, and a
 * program that may is in no sandbox: its permission set says so by its name.
 */
// deno-lint-ignore-file no-console
import { all, allCommand } from "../src/commands/all.ts";
import { sideBySideLines } from "../src/report/side_by_side.ts";
import { startTask, taskStart } from "./start_task.ts";
import { readTaskOptions, runTask, shownWords } from "./run_task.ts";

/** Runs a task in a process of its own, on this terminal. */
async function runChild(
  task: string,
  words: readonly string[],
): Promise<number> {
  console.error(`\n${shownWords([task, ...words])}`);
  return await startTask(taskStart(task)!, words);
}

await runTask(async () => {
  let recipe: Record<string, unknown> = {};
  const { options, positionals: [path], given } = await readTaskOptions(
    allCommand,
    (read) => recipe = read,
  );
  const { code, answers } = await all(options, { path, recipe, given }, {
    run: runChild,
    say: (line) => console.error(`\n${line}`),
  });
  if (answers !== undefined) {
    console.log(sideBySideLines(answers.rows).join("\n"));
    console.log(`done: ${options.output_dir}, answers in ${answers.path}`);
  }
  return code;
});
