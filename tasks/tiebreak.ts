/**
 * The command `tiebreak`: starts a task from any folder, or lists the tasks. It reads deno.json and
 * runs deno, and nothing else; the task has its own permission set. The launchers `tiebreak` and
 * `tiebreak.cmd` start it.
 */
// deno-lint-ignore-file no-console
import { runTask, versionLine } from "./run_task.ts";
import {
  PROJECT,
  projectFile,
  startTask,
  type TaskStart,
  taskStart,
} from "./start_task.ts";

/** It trains on the project's own model and data, so it runs beside them. */
const IN_PROJECT = ["demo"];

/** The tasks that it starts, as a list for people. */
function overview(): string {
  const project = projectFile();
  const names = Object.keys(project.tasks).filter((name) =>
    taskStart(name, project)
  );
  const wide = Math.max(...names.map((name) => name.length)) + 2;
  const rows = names.map((name) =>
    `  ${name.padEnd(wide)}${project.tasks[name]!.description}`
  );
  return [
    "Usage: tiebreak TASK [RECIPE] [--key=value ...]",
    "",
    ...rows,
    "",
    "  tiebreak TASK --help shows a task's options, tiebreak --version the version.",
    "",
    "Paths are those of the folder where you stand; output/, model_hub/, data/ and .cache/",
    `lie there too. demo runs in ${PROJECT}`,
  ].join("\n");
}

function found(name: string): TaskStart {
  const start = taskStart(name, projectFile(), true);
  if (start !== undefined) return start;
  throw new TypeError(
    `Cannot run task "${name}": there is none of that name, tiebreak alone lists them`,
  );
}

await runTask(async () => {
  const [name, ...words] = Deno.args;
  if (name === "--version") return console.log(versionLine());
  if (name === undefined || name === "--help" || name === "-h") {
    return console.log(overview());
  }
  const cwd = IN_PROJECT.includes(name) ? PROJECT : undefined;
  return await startTask(found(name), words, cwd);
});
