/**
 * What all tasks share: options from the command line and a recipe, `--help`, and errors as one
 * line with exit code 1, or 75 where the machine failed (`--debug` adds the stack).
 */
// deno-lint-ignore-file no-console
import { readArguments } from "../src/base/arguments.ts";
import { listenToNotes } from "../src/base/notes.ts";
import { helpText } from "../src/base/options_help.ts";
import { readOptions } from "../src/base/read_options.ts";
import {
  type OptionGroups,
  optionsOf,
  type ValuesOf,
} from "../src/base/schema.ts";
import type { Command } from "../src/commands/command.ts";
import { withOtherKeys } from "../src/commands/other_keys.ts";
import { readRecipe } from "../src/commands/read_recipe.ts";
import { BY_LAUNCHER, PROJECT, projectFile, taskStart } from "./start_task.ts";

/**
 * The exit code of a task that the machine ended, as sysexits.h has it for what may well succeed
 * the next time (EX_TEMPFAIL).
 */
export const MACHINE_FAULT = 75;
/** Errors that say so, by their names: most tasks load no kernels. */
const MACHINE_FAULTS = ["DeviceFault", "RunFault"];

/** Options and further words of a command line. */
export interface TaskInput<V> {
  readonly options: V;
  readonly positionals: readonly string[];
  /** The options of the command line alone, as they were written. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** What is said about a command: all but the check of its options. */
type Described = Omit<Command, "schema"> & {
  readonly schema: Omit<Command["schema"], "check">;
};

/** Which keys of a recipe a task reads; all by default. */
export type RecipeKeys = (
  recipe: Record<string, unknown>,
  given: Readonly<Record<string, unknown>>,
) => Record<string, unknown> | Promise<Record<string, unknown>>;

/**
 * Reads the options of a task: defaults < recipe (the first word, where the schema has a RECIPE) <
 * command line. Prints warnings; `--help` prints the help and ends the task.
 *
 * @throws TypeError naming all that is wrong with them
 */
export async function readTaskOptions<G extends OptionGroups>(
  command: Command<G>,
  recipeKeys: RecipeKeys = (recipe) => recipe,
): Promise<TaskInput<ValuesOf<G>>> {
  const { schema } = command;
  const { values, positionals, help, version } = readArguments(
    schema,
    Deno.args,
  );
  if (help || version) {
    console.log(help ? helpOf(command, help === "all") : versionLine());
    Deno.exit(0);
  }
  const hasRecipe = schema.positionals[0]?.name === "RECIPE";
  const path = hasRecipe ? positionals[0] : undefined;
  if (hasRecipe && Deno.args.length === 0) needsSomething(command);
  const recipe = path === undefined
    ? undefined
    : await recipeKeys(await readRecipe(path, values), values);
  const { options, warnings } = readOptions(
    await withOtherKeys(command, { recipe: recipe ?? {}, given: values }),
    recipe === undefined ? [values] : [recipe, values],
  );
  for (const warning of warnings) {
    console.error(`warning: ${asStarted(warning)}`);
  }
  return { options, positionals, given: values };
}

function helpOf(
  { name, summary, schema }: Described,
  isWhole: boolean,
): string {
  const command = `deno task ${name}`;
  return asStarted(helpText(schema, { command, summary, isWhole }));
}

/** This program's version, and that of Deno, which the kernels depend on. */
export function versionLine(): string {
  return `tiebreak ${projectFile().version} (Deno ${Deno.version.deno})`;
}

/** Stops a task that was given nothing at all, though it needs a recipe or options. */
function needsSomething({ name, schema }: Described): void {
  const needed = [...optionsOf(schema)].filter(([, { fallback }]) =>
    fallback === undefined
  );
  if (needed.length === 0) return;
  throw new TypeError(
    `Cannot ${name}: found no RECIPE and no option, expected deno task ${name} RECIPE, or ${
      needed.map(([option]) => `--${option}=...`).join(" ")
    } and what else it needs; --help shows the usual options`,
  );
}

/**
 * Runs a task to its end: an error becomes one line and exit code 1.
 *
 * @param main returns the exit code, 0 if it returns nothing; 130, 143 or 129 after a signal
 */
export async function runTask(
  main: () => Promise<number | void>,
): Promise<void> {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  // a line of progress that is being written over is cleared first
  const clear = Deno.stderr.isTerminal() ? "\r\x1b[K" : "";
  listenToNotes((sentence) =>
    console.error(`${clear}note: ${asStarted(sentence)}`)
  );
  let code: number | void;
  try {
    code = await main();
  } catch (error) {
    fail(error);
  }
  Deno.exit(code ?? 0);
}

function fail(error: unknown): never {
  console.error(`error: ${errorLine(error)}`);
  if (Deno.args.includes("--debug") && error instanceof Error) {
    console.error(error.stack);
  }
  const isOfMachine = error instanceof Error &&
    MACHINE_FAULTS.includes(error.name);
  Deno.exit(isOfMachine ? MACHINE_FAULT : 1);
}

/** A text whose commands begin as the user's own did. */
export function asStarted(text: string): string {
  return BY_LAUNCHER
    ? text.replaceAll(/\bdeno task (?=[a-z])/g, "tiebreak ")
    : text;
}

/** An error in one line; a denied permission names the flag that grants it. */
export function errorLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = asStarted(message.trim().replaceAll(/\s*\n\s*/g, " "));
  if (!(error instanceof Deno.errors.NotCapable)) return line;
  const denied = /^Requires (\w+) access(?: to "?([^"]+?)"?)?(?:,|$)/.exec(
    line,
  );
  const [, kind, what] = denied ?? [];
  return kind === undefined ? line : deniedLine(kind, what);
}

/** @throws TypeError if this task may not write to a path, with the flag that lets it */
export function checkWritable(path: string): void {
  const { state } = Deno.permissions.querySync({ name: "write", path });
  if (state !== "granted") throw new TypeError(deniedLine("write", path));
}

/** Says that the task has no access, and the command that gives it. */
function deniedLine(kind: string, what: string | undefined): string {
  // "all" and `<CWD>` are no values of a flag
  const isValue = what !== undefined && !/^(all|<.*>)$/.test(what);
  const task = Deno.mainModule.replace(/^.*\/|\.ts(\?.*)?$/g, "");
  const set = taskStart(task)?.set ?? task;
  const values = isValue ? [...grantedTo(set, kind), what] : [];
  const flag = `--allow-${kind}${isValue ? `=${values.join()}` : ""}`;
  const [config, file] = BY_LAUNCHER
    ? [[`--config=${PROJECT}deno.json`], `${PROJECT}tasks/${task}.ts`]
    : [[], `tasks/${task}.ts`];
  return `Cannot use ${
    what ?? kind
  }: task "${task}" has no ${kind} access to it, grant it with ${flag}: ` +
    `deno run ${
      shownWords([...config, `-P=${set}`, flag, file, ...Deno.args])
    }`;
}

/** The words of a command line as they may be shown: a token is named, not told. */
export function shownWords(words: readonly string[]): string {
  return words.map((word, i) =>
    words[i - 1] === "--token"
      ? "TOKEN"
      : word.replace(/^(--token=).*/s, "$1TOKEN")
  ).map(shellWord).join(" ");
}

/** A word as a shell takes it, in quotes where it needs them. */
function shellWord(word: string): string {
  return /^[\w@%+=:,.\/-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What a set of deno.json grants: a flag replaces the whole list, so it must name these too. */
function grantedTo(set: string, kind: string): readonly string[] {
  const list: unknown = projectFile().permissions[set]?.[kind];
  return Array.isArray(list) ? list : [];
}
