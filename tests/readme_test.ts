/**
 * The README says what is so: its tables are the schema's, the losses' and the formats', its commands parse, its recipes load, its code
 * type-checks. `deno test -P=test tests/readme_test.ts -- --update` writes the tables anew.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { readArguments } from "../src/base/arguments.ts";
import { optionsTable } from "../src/base/options_help.ts";
import { readOptions } from "../src/base/read_options.ts";
import type { Groups, Schema } from "../src/base/schema.ts";
import { predictSchema } from "../src/generation/predict_options.ts";
import { exportGgufSchema } from "../src/model/gguf/export_gguf_options.ts";
import { mergeSchema } from "../src/model/saving/merge_options.ts";
import { randomModelSchema } from "../src/model/opening/random_model_options.ts";
import { demoSchema } from "../src/training/options/demo_options.ts";
import {
  downloadJobs,
  downloadKeys,
  downloadSchema,
} from "../src/downloads/download_jobs.ts";
import { DEMONSTRATION_FORMATS } from "../src/preference/formats/demonstration_formats.ts";
import { FEEDBACK_FORMATS } from "../src/preference/formats/feedback_formats.ts";
import { PREFERENCE_FORMATS } from "../src/preference/formats/preference_formats.ts";
import { importSchema } from "../src/training/importing/import_options.ts";
import { lossNames, lossRows } from "../src/training/loss/losses.ts";
import { inspectSchema } from "../src/training/options/inspect_options.ts";
import { trainSchema } from "../src/training/options/options.ts";
import { parseRecipe } from "../src/training/options/recipe.ts";
import { scoreSchema } from "../src/scoring/score_options.ts";
import { servedTable } from "./served_table.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));
const README = join(ROOT, "README.md");
const TABLES: Readonly<Record<string, () => string>> = {
  losses: lossesTable,
  formats: formatsTable,
  served: servedTable,
  options: () => optionsTable(trainSchema).trimEnd(),
};
const UPDATE = Deno.args.includes("--update");

const reading = {
  permissions: { read: [ROOT], write: UPDATE ? [README] : false },
  sanitizeOps: true,
  sanitizeResources: true,
};

type Recipe = Record<string, unknown>;

/** Reads the words of a command line, and the recipe that they name, as the task does. */
function reader<G extends Groups>(
  schema: Schema<G>,
  recipeKeys = (recipe: Recipe, _given: Recipe): Recipe => recipe,
) {
  return (words: readonly string[]) => {
    const { values, positionals: [path] } = readArguments(schema, words);
    const given = { ...values };
    const recipe = path === undefined ? {} : recipeKeys(load(path), given);
    return readOptions(schema, [recipe, given]);
  };
}

function load(path: string): Recipe {
  return parseRecipe(Deno.readTextFileSync(join(ROOT, path)), path);
}

const readDownload = reader(downloadSchema, downloadKeys);
const readers: Readonly<
  Record<string, (words: readonly string[]) => { warnings: readonly string[] }>
> = {
  download(words) {
    const read = readDownload(words);
    downloadJobs(read.options);
    return read;
  },
  inspect: reader(inspectSchema),
  train: reader(trainSchema),
  predict: reader(predictSchema),
  score: reader(scoreSchema),
  merge: reader(mergeSchema),
  "export-gguf": reader(exportGgufSchema),
  demo: reader(demoSchema),
  "random-model": reader(randomModelSchema),
  "import-recipe": (words) =>
    readOptions(importSchema, [readArguments(importSchema, words).values]),
};

/** The texts of the code blocks of a language. */
function blocks(language: string): string[] {
  const found = Deno.readTextFileSync(README).matchAll(
    /^```(\w+)\n([^]*?)^```$/gm,
  );
  return [...found].flatMap(([, name, text = ""]) =>
    name === language ? [text] : []
  );
}

/** The words of each command of the README, quotes taken off. */
function commands(): string[][] {
  return blocks("sh").flatMap((text) => text.trim().split(/\n| && /))
    .map((line) =>
      (line.match(/(?:[^\s"]|"[^"]*")+/g) ?? []).map((word) =>
        word.replaceAll('"', "")
      )
    );
}

interface Config {
  readonly tasks: Readonly<Record<string, string>>;
  readonly permissions: Readonly<Record<string, unknown>>;
}

function config(): Config {
  return JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
}

/** What is wrong with a command; undefined if nothing is. */
function fault(words: readonly string[], project: Config): string | undefined {
  const line = words.join(" ");
  const [program, ...rest] = words;
  if (program === "sh") {
    const [script = ""] = rest;
    return Deno.statSync(join(ROOT, script)).isFile ? undefined : line;
  }
  const [verb, ...after] = rest;
  const script = after.findIndex((word) => !word.startsWith("-"));
  const name = verb === "task"
    ? after[0]
    : after[script]?.match(/^tasks\/(\w+)\.ts$/)?.[1]?.replaceAll("_", "-");
  if (program !== "deno" || name === undefined || !(name in project.tasks)) {
    return `${line}: no such task`;
  }
  if (verb === "run" && !after.includes(`-P=${name}`)) {
    return `${line}: not the task's own permissions`;
  }
  const options = after.slice(verb === "task" ? 1 : script + 1);
  const warnings = readers[name]?.(options).warnings ?? options;
  return warnings.length > 0 ? `${line}: ${warnings.join("; ")}` : undefined;
}

/** The losses that are served, by name. */
function lossesTable(): string {
  const link = (source: string) =>
    source.replace(/https:\/\/(\S+\/)?([^\s/,;]+)/g, "[$2](https://$1$2)");
  const lines = lossNames.map((name) => {
    const { trainers = ["dpo"], help, source } = lossRows[name];
    return `| \`${name}\` | ${trainers.join(", ")} | ${help} | ${
      link(source)
    } |`;
  });
  return ["| Loss | Trainers | What | Source |", "| --- | --- | --- | --- |"]
    .concat(lines).join("\n");
}

/** The shapes of data that are served, by what they train. */
function formatsTable(): string {
  const kinds = {
    pairs: PREFERENCE_FORMATS,
    "answers with a label (`kto`; pairs serve too)": FEEDBACK_FORMATS.slice(
      0,
      -PREFERENCE_FORMATS.length,
    ),
    "demonstrations (`sft`)": DEMONSTRATION_FORMATS,
  };
  return Object.entries(kinds).map(([kind, formats]) => {
    const lines = formats.map(({ name, looks }) =>
      `| ${name} | ${code(looks)} |`
    );
    return [`| ${kind} | a row |`, "| --- | --- |", ...lines].join("\n");
  }).join("\n\n");
}

/** The JSON of a row as code, words after it as they are. */
function code(looks: string): string {
  const end = looks.lastIndexOf("}") + 1;
  return `\`${looks.slice(0, end)}\`${looks.slice(end)}`;
}

for (const [name, table] of Object.entries(TABLES)) {
  Deno.test(`README has the table of ${name}`, reading, () => {
    const place = new RegExp(
      `(<!-- ${name}:begin -->\\n)[^]*?(<!-- ${name}:end -->)`,
    );
    const text = Deno.readTextFileSync(README);
    const wanted = text.replace(
      place,
      (_, begin, end) => `${begin}\n${table()}\n\n${end}`,
    );
    assert(place.test(text), "the markers are gone");
    if (UPDATE) Deno.writeTextFileSync(README, wanted);
    else assertEquals(text.match(place)?.[0], wanted.match(place)?.[0]);
  });
}

Deno.test(
  "README's commands name tasks, and the tasks can read them",
  reading,
  () => {
    const project = config();
    const all = commands();
    assert(all.length > 12, `found ${all.length} commands`);
    const faults = all.map((words) => fault(words, project));
    assertEquals(faults.filter((found) => found !== undefined), []);
  },
);

Deno.test("README shows an example of each task", reading, () => {
  const shown = commands().map(([, , name]) => name);
  const missing = Object.keys(readers).filter((name) => !shown.includes(name));
  assertEquals(missing, []);
});

Deno.test("README's recipes load without a warning", reading, () => {
  const recipes = [
    ...blocks("jsonc").map((text) => parseRecipe(text, "README.jsonc")),
    ...blocks("yaml").map((text) => parseRecipe(text, "README.yaml")),
  ];
  assert(recipes.length > 0);
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

Deno.test("README's code type-checks", running, async () => {
  assertEquals(await deno("check", "-q", "--doc-only", "README.md"), "");
});

Deno.test("mod.ts's example runs", running, async () => {
  const args = ["-q", "--no-prompt", "--no-check", "-P=inspect", "mod.ts"];
  assertEquals(await deno("test", "--doc", ...args), "");
});
