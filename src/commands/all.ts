/**
 * The command `all`: download, look, train and predict one after the other, each run by whoever
 * calls, each left out where its result is there and whole. Opens no device and no connection, and
 * prints nothing.
 */
import { join } from "@std/path";
import { optional } from "../base/composite_option.ts";
import { integer, text } from "../base/option.ts";
import { readOptions } from "../base/read_options.ts";
import {
  aliasOf,
  defineSchema,
  type Infer,
  optionsOf,
} from "../base/schema.ts";
import { downloadJobs, downloadSchema } from "../downloads/download_jobs.ts";
import { missingJobs } from "../downloads/missing_jobs.ts";
import { downloadKeys } from "../downloads/recipe_repos.ts";
import { methodOf } from "../training/method/methods.ts";
import { trainSchema } from "../training/options/train_schema.ts";
import { findRun } from "../training/run/finished_run.ts";
import { type Answers, findAnswers, predictWords } from "./all_answers.ts";
import { defineCommand } from "./command.ts";

const { dataset_source, dataset_revision } =
  downloadSchema.groups["What to download"];

/** Options that `train` and `inspect` do not have. */
const ownGroups = {
  "Answers at the end": {
    prompts: integer(
      "Prompts of the data that base and tuned answer side by side, 0 is none",
      4,
      { min: 0 },
    ),
    prompt: optional(text("One question for both, in place of the data's")),
    input: optional(
      text("File of questions for both, as predict reads it, in their place"),
    ),
    max_new_tokens: integer("Most tokens of an answer", 256, { min: 1 }),
  },
  "Downloads": {
    dataset_source,
    dataset_revision,
    ...downloadSchema.groups.How,
  },
} as const;

const allSchema = defineSchema({ ...ownGroups, ...trainSchema.groups }, {
  positionals: trainSchema.positionals,
  aliases: trainSchema.aliases,
  foreign: trainSchema.foreign,
  usual: ["prompts", "prompt", "input", ...trainSchema.usual],
  replacing: trainSchema.replacing,
  check(options) {
    const { problems, warnings } = trainSchema.check(options);
    const isTwice = options.prompt !== null && options.input !== null;
    const twice = isTwice ? ['"prompt" and "input" exclude each other'] : [];
    return { problems: [...problems, ...twice], warnings };
  },
});

/** Checked options of the command `all`. */
export type AllOptions = Infer<typeof allSchema>;

/**
 * `deno task all`
 *
 * @internal
 */
export const allCommand = defineCommand({
  name: "all",
  summary:
    "Downloads, looks, trains and predicts, each as a task of its own, skipped where its result is whole.",
  schema: allSchema,
});

/** What the options were made of, which every task reads again. */
export interface AllInput {
  /** Path of the recipe, if there is one. */
  readonly path: string | undefined;
  /** What the recipe says. */
  readonly recipe: Readonly<Record<string, unknown>>;
  /** The options of the command line, as they were written. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** Who runs the tasks and tells of them. */
export interface AllHooks {
  /** Runs a task with the words of its command line; gives its exit code. */
  readonly run: (task: string, words: readonly string[]) => Promise<number>;
  /** Called with why a task is not run, or what it does other than the recipe says. */
  readonly say: (line: string) => void;
}

/** How it ended. */
export interface AllResult {
  /** The exit code of the task that failed; 0 if none did. */
  readonly code: number;
  /** What base and tuned model answered; undefined if neither was asked. */
  readonly answers?: Answers | undefined;
}

/**
 * Runs the tasks that are still to be run. The first that fails ends it.
 *
 * @throws {Error} In one line, where the options or the data do not fit
 */
export async function all(
  options: AllOptions,
  input: AllInput,
  hooks: AllHooks,
): Promise<AllResult> {
  for (const stage of [downloadStage, trainStage]) {
    const code = await stage(options, input, hooks);
    if (code !== 0) return { code };
  }
  if (options.dry_run) {
    hooks.say("predict: skipped, a dry run trains nothing");
    return { code: 0 };
  }
  return await predictStage(options, input, hooks);
}

/** Brings what is not here. */
async function downloadStage(
  _: AllOptions,
  { path, recipe, given }: AllInput,
  { run, say }: AllHooks,
): Promise<number> {
  const own = ofDownload(given);
  const keys = await downloadKeys(recipe, given);
  const { options } = readOptions(downloadSchema, [keys, own]);
  const missing = await missingJobs(await downloadJobs(options));
  if (missing.length > 0) {
    return await run("download", [...recipeWords(path), ...asWords(own)]);
  }
  say("download: skipped, model and data are here");
  return 0;
}

/** Looks at the data, and trains; neither is done where the run is finished. */
async function trainStage(
  options: AllOptions,
  { path, given }: AllInput,
  { run, say }: AllHooks,
): Promise<number> {
  const { output_dir } = options;
  const found = await findRun(options);
  const isAnew = "overwrite_output_dir" in given;
  if (found.is === "finished" && !isAnew) {
    const why = `"${output_dir}" holds the finished run of these options`;
    say(`inspect: skipped, ${why}`);
    say(`train: skipped, ${why}`);
    return 0;
  }
  if (found.is === "absent" && found.changed !== undefined && !isAnew) {
    say(
      `train: "${found.changed}" is not what the run in "${output_dir}" was trained on; ` +
        "--overwrite_output_dir trains anew",
    );
  }
  const own = optionsOf({ groups: ownGroups });
  const ofRun = Object.entries(given).filter(([name]) => !own.has(name));
  const words = [...recipeWords(path), ...asWords(Object.fromEntries(ofRun))];
  const code = await run("inspect", words);
  if (code !== 0) return code;
  const goesOn = found.is === "broken off" && !isAnew &&
    !("resume_from_checkpoint" in given);
  if (goesOn) say(`train: goes on from "${found.checkpoint}"`);
  const further = goesOn ? ["--resume_from_checkpoint"] : [];
  const ended = await run("train", [...words, ...further]);
  const others = words.filter((word) => !RESUME.test(word));
  const goOn = () => run("train", [...others, "--resume_from_checkpoint"]);
  return await afterKill(ended, options, goOn, say);
}

/** The words of a command line that say from where training goes on. */
const RESUME = /^--(no_)?resume_from_checkpoint(=|$)/;

/**
 * What the task itself goes on after, `restarts` says to it too. It cannot where the driver takes
 * the process with it, or holds it until it is killed: exit codes of SIGABRT, SIGBUS, SIGKILL and
 * SIGSEGV.
 */
const KILLED = [134, 135, 137, 139];

/** Starts training again as often as `restarts` says, while its process is killed. */
async function afterKill(
  ended: number,
  options: AllOptions,
  goOn: () => Promise<number>,
  say: AllHooks["say"],
): Promise<number> {
  let code = ended;
  for (let done = 1; done <= options.restarts; done++) {
    if (!KILLED.includes(code)) return code;
    const left = await findRun(options);
    if (left.is !== "broken off") return code;
    say(
      `train: its process was killed (exit code ${code}); restart ${done} of ${options.restarts} goes on from "${left.checkpoint}"`,
    );
    code = await goOn();
  }
  return code;
}

/** Lets base and tuned model answer. */
async function predictStage(
  options: AllOptions,
  { given }: AllInput,
  { run, say }: AllHooks,
): Promise<AllResult> {
  if (methodOf(options).head !== "tokens") {
    say("predict: skipped, a reward model gives scores and no answers");
    return { code: 0 };
  }
  const { prompts, prompt, input, output_dir } = options;
  if (prompts === 0 && prompt === null && input === null) {
    say("predict: skipped, no prompts are wanted");
    return { code: 0 };
  }
  const found = await findRun(options);
  const path = join(output_dir, "answers.jsonl");
  const asked = await findAnswers(options, {
    path,
    newerThan: found.is === "finished" ? found.weights : undefined,
  });
  if (asked.answers !== undefined && !("max_new_tokens" in given)) {
    say(`predict: skipped, "${path}" has the answers`);
    return { code: 0, answers: asked.answers };
  }
  const code = await run("predict", predictWords(options, asked.input, path));
  if (code !== 0) return { code };
  const { answers } = await findAnswers(options, { path });
  return { code, answers };
}

function recipeWords(path: string | undefined): string[] {
  return path === undefined ? [] : [path];
}

/** The options of a command line that the download task has, under any of their names. */
function ofDownload(
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = optionsOf(downloadSchema);
  const entries = Object.entries(given).filter(([name]) =>
    names.has(aliasOf(downloadSchema, name)?.name ?? name)
  );
  return Object.fromEntries(entries);
}

/** Options as the words of a command line. */
function asWords(given: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(given).map(([name, value]) => {
    if (value === true) return `--${name}`;
    return value === false ? `--no_${name}` : `--${name}=${value}`;
  });
}
