/** Every task that people run, with the schema of its options and the way in which it reads a command line. */
import { fromFileUrl, join } from "@std/path";
import { kernelsSchema } from "../../kernels/kernels_options.ts";
import { readArguments } from "../../src/base/arguments.ts";
import { readOptions } from "../../src/base/read_options.ts";
import type { Groups, Schema } from "../../src/base/schema.ts";
import {
  downloadJobs,
  downloadKeys,
  downloadSchema,
} from "../../src/downloads/download_jobs.ts";
import { predictSchema } from "../../src/generation/predict_options.ts";
import { exportGgufSchema } from "../../src/model/gguf/export_gguf_options.ts";
import { randomModelSchema } from "../../src/model/opening/random_model_options.ts";
import { mergeSchema } from "../../src/model/saving/merge_options.ts";
import { scoreSchema } from "../../src/scoring/score_options.ts";
import { importSchema } from "../../src/training/importing/import_options.ts";
import { demoSchema } from "../../src/training/options/demo_options.ts";
import { inspectSchema } from "../../src/training/options/inspect_options.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { parseRecipe } from "../../src/training/options/recipe.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

type Recipe = Record<string, unknown>;

/** Reads the words of a command line; throws where the task would stop. */
type ReadWords = (
  words: readonly string[],
) => { readonly warnings: readonly string[] };

/** A task as the pages show it. */
export interface ShownTask {
  readonly schema: Pick<Schema, "groups" | "positionals">;
  readonly read: ReadWords;
}

function load(path: string): Recipe {
  return parseRecipe(Deno.readTextFileSync(join(ROOT, path)), path);
}

/** A task that reads the recipe which its command line names, and the options after it. */
function withRecipe<G extends Groups>(
  schema: Schema<G>,
  recipeKeys = (recipe: Recipe, _given: Recipe): Recipe => recipe,
) {
  const read = (words: readonly string[]) => {
    const { values, positionals: [path] } = readArguments(schema, words);
    const given = { ...values };
    const recipe = path === undefined ? {} : recipeKeys(load(path), given);
    return readOptions(schema, [recipe, given]);
  };
  return { schema, read };
}

const download = withRecipe(downloadSchema, downloadKeys);

/** The tasks by name, in the order in which people meet them. */
export const TASKS: Readonly<Record<string, ShownTask>> = {
  download: {
    schema: downloadSchema,
    read(words) {
      const read = download.read(words);
      downloadJobs(read.options);
      return read;
    },
  },
  inspect: withRecipe(inspectSchema),
  train: withRecipe(trainSchema),
  predict: withRecipe(predictSchema),
  score: withRecipe(scoreSchema),
  merge: withRecipe(mergeSchema),
  "export-gguf": withRecipe(exportGgufSchema),
  "import-recipe": {
    schema: importSchema,
    read: (words) =>
      readOptions(importSchema, [readArguments(importSchema, words).values]),
  },
  demo: withRecipe(demoSchema),
  "random-model": withRecipe(randomModelSchema),
  kernels: withRecipe(kernelsSchema),
};
