/**
 * The pages say what is so: their tables are the code's own, their commands parse, their recipes
 * load, their code type-checks. `deno task docs` writes the tables anew.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { readOptions } from "../src/base/read_options.ts";
import { trainSchema } from "../src/training/options/train_schema.ts";
import { parseRecipe } from "../src/training/options/recipe.ts";
import { GENERATED, withTables } from "./pages/generated_tables.ts";
import {
  codeBlocks,
  commandsOf,
  pages,
  pageText,
  ROOT,
} from "./pages/pages.ts";
import { TASKS } from "./pages/task_schemas.ts";
import { test } from "./test_case.ts";

const UPDATE = Deno.args.includes("--update");

const reading = {
  permissions: { read: [ROOT], write: UPDATE ? [ROOT] : false },
  sanitizeOps: true,
  sanitizeResources: true,
};

interface Config {
  readonly tasks: Readonly<Record<string, string>>;
}

function config(): Config {
  return JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
}

/** What is wrong with a command; undefined if nothing is. */
async function fault(
  words: readonly string[],
  project: Config,
): Promise<string | undefined> {
  const line = words.join(" ");
  const [program, ...rest] = words;
  if (program === "sh") {
    const [script = ""] = rest;
    return Deno.statSync(join(ROOT, script)).isFile ? undefined : line;
  }
  const [verb, ...after] = program === "tiebreak" ? ["task", ...rest] : rest;
  if (program === "tiebreak" && after[0]?.startsWith("-")) return undefined;
  if (program === "deno" && verb === "test") return undefined;
  const script = after.findIndex((word) => !word.startsWith("-"));
  const name = verb === "task"
    ? after[0]
    : after[script]?.match(/^tasks\/(\w+)\.ts$/)?.[1]?.replaceAll("_", "-");
  const isOurs = program === "deno" || program === "tiebreak";
  if (!isOurs || name === undefined || !(name in project.tasks)) {
    return `${line}: no such task`;
  }
  if (verb === "run" && !after.includes(`-P=${name}`)) {
    return `${line}: not the task's own permissions`;
  }
  const options = after.slice(verb === "task" ? 1 : script + 1);
  const warnings = (await TASKS[name]?.read(options))?.warnings ?? [];
  return warnings.length > 0 ? `${line}: ${warnings.join("; ")}` : undefined;
}

for (const page of Object.keys(GENERATED)) {
  test(`${page} has the tables of the code`, reading, async () => {
    const text = pageText(page);
    const wanted = await withTables(page, text);
    if (UPDATE) Deno.writeTextFileSync(join(ROOT, page), wanted);
    else assertEquals(text, wanted, `run \`deno task docs\``);
  });
}

test("README has at most 250 lines", reading, () => {
  const lines = pageText("README.md").split("\n").length - 1;
  assert(lines <= 250, `found ${lines}`);
});

test(
  "the pages' commands name tasks, and the tasks can read them",
  reading,
  async () => {
    const project = config();
    const all = pages().flatMap((page) => commandsOf(pageText(page)));
    assert(all.length > 20, `found ${all.length} commands`);
    const faults = await Promise.all(
      all.map((words) => fault(words, project)),
    );
    assertEquals(faults.filter((found) => found !== undefined), []);
  },
);

test("docs/tasks.md shows an example of each task", reading, () => {
  const shown = commandsOf(pageText("docs/tasks.md"))
    .map(([, , name]) => name);
  const missing = Object.keys(TASKS).filter((name) => !shown.includes(name));
  assertEquals(missing, []);
});

test("the pages' recipes load without a warning", reading, () => {
  const recipes = pages().flatMap((page) => {
    const text = pageText(page);
    return ["jsonc", "yaml"].flatMap((language) =>
      codeBlocks(text, language).map((block) =>
        parseRecipe(block, `${page}.${language}`)
      )
    );
  });
  assert(recipes.length > 1, `found ${recipes.length} recipes`);
  for (const recipe of recipes) {
    assertEquals(readOptions(trainSchema, [recipe]).warnings, []);
  }
});

/** Runs Deno in the project's folder; its output if it fails. */
async function deno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return success ? "" : decoder.decode(stdout) + decoder.decode(stderr);
}

const running = { ...reading, permissions: { read: [ROOT], run: ["deno"] } };

test("the pages' code type-checks", running, async () => {
  const withCode = ["README.md", "docs/from_code.md"];
  assertEquals(await deno("check", "-q", "--doc-only", ...withCode), "");
});
