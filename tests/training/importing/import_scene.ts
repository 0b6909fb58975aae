/**
 * Recipes of other tools, written by hand, as the tests translate them.
 */
import {
  type ImportedRecipe,
  importRecipe,
} from "../../../src/training/importing/import_recipe.ts";
import { parseRecipe } from "../../../src/training/options/recipe.ts";

/** Translates a recipe; `files` are the JSON files that it may read, by path. */
export function load(
  yaml: string,
  files: Readonly<Record<string, unknown>> = {},
): Promise<ImportedRecipe> {
  return importRecipe(
    parseRecipe(yaml, "given.yaml"),
    (path) => Promise.resolve(files[path]),
  );
}

/** The notes and the refusals by their keys. */
export function reasons(
  { notes, refusals }: Pick<ImportedRecipe, "notes" | "refusals">,
): Record<string, string> {
  return Object.fromEntries(
    [...notes, ...refusals].map(({ key, reason }) => [key, reason]),
  );
}
