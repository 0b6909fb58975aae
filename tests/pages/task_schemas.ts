/**
 * Every task that people run, with the schema of its options and the way in which it reads a
 * command line.
 */
import { join } from "@std/path";
import { codeBlocks, pageText, ROOT } from "./pages.ts";
import { readArguments } from "../../src/base/arguments.ts";
import { readOptions } from "../../src/base/read_options.ts";
import type { OptionGroups, Schema } from "../../src/base/schema.ts";
import { allCommand } from "../../src/commands/all.ts";
import type { Command } from "../../src/commands/command.ts";
import { cacheCommand } from "../../src/commands/cache.ts";
import { completionCommand } from "../../src/commands/completion.ts";
import { demoCommand } from "../../src/commands/demo.ts";
import { downloadCommand, downloadKeys } from "../../src/commands/download.ts";
import { exportGgufCommand } from "../../src/commands/export_gguf.ts";
import { importRecipeCommand } from "../../src/commands/import_recipe.ts";
import { inspectCommand } from "../../src/commands/inspect.ts";
import { kernelsCommand } from "../../src/commands/kernels.ts";
import { mergeCommand } from "../../src/commands/merge.ts";
import { predictCommand } from "../../src/commands/predict.ts";
import { randomModelCommand } from "../../src/commands/random_model.ts";
import { scoreCommand } from "../../src/commands/score.ts";
import { trainCommand } from "../../src/commands/train.ts";
import { uploadCommand } from "../../src/commands/upload.ts";
import { verifyCommand } from "../../src/commands/verify.ts";
import { downloadJobs } from "../../src/downloads/download_jobs.ts";
import { uploadTarget } from "../../src/uploads/upload_options.ts";
import { parseRecipe } from "../../src/training/options/recipe.ts";

type Recipe = Record<string, unknown>;

/** Reads the words of a command line; throws where the task would stop. */
type ReadWords = (
  words: readonly string[],
) => Promise<{ readonly warnings: readonly string[] }>;

/** A task as the pages show it. */
export interface ShownTask {
  /** What it does, in one sentence. */
  readonly summary: string;
  readonly schema: Pick<Schema, "groups" | "positionals">;
  readonly read: ReadWords;
}

/** The recipes that a page tells its reader to save under a name. */
const OWN_RECIPES: Readonly<Record<string, string>> = {
  "recipes/mine.jsonc": "README.md",
  "recipes/my_model.jsonc": "docs/zh/README.md",
};

function load(path: string): Recipe {
  const page = OWN_RECIPES[path];
  const text = page === undefined
    ? Deno.readTextFileSync(join(ROOT, path))
    : codeBlocks(pageText(page), "jsonc")[0] ?? "";
  return parseRecipe(text, path);
}

/** A task that reads the recipe which its command line names, and the options after it. */
function withRecipe<G extends OptionGroups>(
  { summary, schema }: Command<G>,
  recipeKeys = (recipe: Recipe, _given: Recipe): Recipe | Promise<Recipe> =>
    recipe,
) {
  const read = async (words: readonly string[]) => {
    const { values, positionals: [path] } = readArguments(schema, words);
    const given = { ...values };
    const recipe = path === undefined ||
        schema.positionals[0]?.name !== "RECIPE"
      ? {}
      : await recipeKeys(load(path), given);
    return readOptions(schema, [recipe, given]);
  };
  return { summary, schema, read };
}

const download = withRecipe(downloadCommand, downloadKeys);

/** The tasks by name, in the order in which people meet them. */
export const TASKS: Readonly<Record<string, ShownTask>> = {
  all: withRecipe(allCommand),
  download: {
    ...download,
    async read(words) {
      const read = await download.read(words);
      await downloadJobs(read.options);
      return read;
    },
  },
  upload: {
    ...uploadCommand,
    read(words) {
      const { values, positionals } = readArguments(
        uploadCommand.schema,
        words,
      );
      const read = readOptions(uploadCommand.schema, [values]);
      uploadTarget(read.options);
      if (positionals.length !== 1) throw new TypeError("expected one RUN");
      return Promise.resolve(read);
    },
  },
  inspect: withRecipe(inspectCommand),
  train: withRecipe(trainCommand),
  predict: withRecipe(predictCommand),
  score: withRecipe(scoreCommand),
  merge: withRecipe(mergeCommand),
  "export-gguf": withRecipe(exportGgufCommand),
  "import-recipe": {
    ...importRecipeCommand,
    read(words) {
      const { schema } = importRecipeCommand;
      const { values } = readArguments(schema, words);
      return Promise.resolve(readOptions(schema, [values]));
    },
  },
  demo: withRecipe(demoCommand),
  "random-model": withRecipe(randomModelCommand),
  kernels: withRecipe(kernelsCommand),
  verify: withRecipe(verifyCommand),
  cache: withRecipe(cacheCommand),
  completion: withRecipe(completionCommand),
};
