/**
 * Starts a task in a process of its own, with its own permission set, in the folder where the user
 * stands: output/, .cache/, model_hub/ and data/ then lie in that folder. Knows no task by name.
 */
import { fromFileUrl, toFileUrl } from "@std/path";

/** The folder of the project. */
export const PROJECT: string = fromFileUrl(new URL("../", import.meta.url));

/** Whether this task was started by the command `tiebreak`, in its address. */
export const BY_LAUNCHER: boolean = new URL(Deno.mainModule).searchParams.has(
  "tiebreak",
);

/** The parts of deno.json that tasks speak of. */
export interface ProjectFile {
  readonly version: string;
  readonly tasks: Readonly<Record<string, ProjectTask>>;
  readonly permissions: Readonly<
    Record<string, Readonly<Record<string, unknown>>>
  >;
}

/** A task of deno.json. */
export interface ProjectTask {
  readonly description: string;
  readonly command: string;
}

/** Reads deno.json. */
export function projectFile(): ProjectFile {
  return JSON.parse(Deno.readTextFileSync(`${PROJECT}deno.json`));
}

/** How a task is started: what its command in deno.json says. */
export interface TaskStart {
  /** Name of its permission set. */
  readonly set: string;
  /** Variables of the environment that it starts with. */
  readonly env: Readonly<Record<string, string>>;
  /** The words after `deno`, without the user's. */
  readonly args: readonly string[];
}

/**
 * How a task is started; undefined for what is no program in tasks/, such as the tests.
 *
 * The folders that a set of deno.json may write lie beside deno.json. A flag replaces the list, and
 * its folders lie where the user stands.
 *
 * @param byLauncher whether the commands that the task suggests are to begin with `tiebreak`
 */
export function taskStart(
  name: string,
  { tasks, permissions }: ProjectFile = projectFile(),
  byLauncher: boolean = BY_LAUNCHER,
): TaskStart | undefined {
  const command = Object.hasOwn(tasks, name) ? tasks[name]!.command : "";
  const found =
    /^((?:\w+=\S+ )*)deno run -q --no-prompt -P=(\w+) (tasks\/\w+\.ts)$/
      .exec(command);
  if (found === null) return undefined;
  const [, variables = "", set = "", file = ""] = found;
  const folders = permissions[set]?.write;
  const write = Array.isArray(folders)
    ? [`--allow-write=${folders.join()}`]
    : [];
  return {
    set,
    env: Object.fromEntries(
      variables.split(" ").filter((one) => one !== "").map((one) => {
        const at = one.indexOf("=");
        return [one.slice(0, at), one.slice(at + 1)];
      }),
    ),
    args: [
      "run",
      "-q",
      "--no-prompt",
      `--config=${PROJECT}deno.json`,
      `-P=${set}`,
      ...write,
      byLauncher ? `${toFileUrl(PROJECT + file)}?tiebreak` : PROJECT + file,
    ],
  };
}

/** The signals that ask to end; on Windows a terminal sends its own to all who run on it. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

function sendOn(child: Deno.ChildProcess, signal: Deno.Signal): void {
  if (Deno.build.os === "windows") return;
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended by itself
  }
}

/**
 * Runs a task to its end on this terminal. Signals that ask to end are sent on to it, and it ends
 * in its own way: the terminal sends Ctrl-C to both, but others may send to this process alone.
 *
 * @param cwd the folder that it runs in; default: the one where the user stands
 * @returns its exit code
 */
export async function startTask(
  { args, env }: TaskStart,
  words: readonly string[],
  cwd?: string,
): Promise<number> {
  const child = new Deno.Command("deno", {
    args: [...args, ...words],
    env: { ...env },
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    ...cwd === undefined ? {} : { cwd },
  }).spawn();
  const listeners = SIGNALS.map((name) =>
    [name, () => sendOn(child, name)] as const
  );
  for (const [name, hear] of listeners) Deno.addSignalListener(name, hear);
  const { code } = await child.status;
  for (const [name, hear] of listeners) Deno.removeSignalListener(name, hear);
  return code;
}
