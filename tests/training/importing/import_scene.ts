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

/** The notes by their keys. */
export function reasons(
  { notes }: Pick<ImportedRecipe, "notes">,
): Record<string, string> {
  return Object.fromEntries(notes.map(({ key, reason }) => [key, reason]));
}
