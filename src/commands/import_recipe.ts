/**
 * The command `import-recipe`: a recipe of another tool as one of ours. Needs no device, prints
 * nothing.
 */
import { writeFileAtomic } from "../files/disk/atomic.ts";
import { readJsonObjectIfThere } from "../files/disk/json_file.ts";
import { isThere } from "../files/hub/repo_folder.ts";
import {
  type ImportOptions,
  importSchema,
} from "../training/importing/import_options.ts";
import {
  type ImportedRecipe,
  importRecipe as translate,
  recipeText,
} from "../training/importing/import_recipe.ts";
import { defineCommand } from "./command.ts";
import { readRecipeFile } from "./read_recipe.ts";

export { noteLine } from "../training/importing/translation.ts";

/**
 * `deno task import-recipe`
 *
 * @internal
 */
export const importRecipeCommand = defineCommand({
  name: "import-recipe",
  summary:
    "Translates a recipe of TRL, alignment-handbook, LLaMA-Factory, Axolotl, ms-swift, open-instruct or mlx-lm. Touches no GPU.",
  schema: importSchema,
});

/** A recipe that was taken over, and the text of its file. */
export interface ImportedFile extends ImportedRecipe {
  /** JSON with comments: what was lost stands above the options. */
  readonly text: string;
}

/**
 * Translates the recipe at `path`; writes it to `output`, where no file may be, if that is given.
 *
 * @throws {Error} In one line if the recipe cannot be read or the file is there already
 */
export async function importRecipe(
  path: string,
  { output, dataset_dir }: ImportOptions,
): Promise<ImportedFile> {
  const recipe = await readRecipeFile(path);
  const imported = await translate(
    dataset_dir === null ? recipe : { ...recipe, dataset_dir },
    readJsonObjectIfThere,
  );
  const text = recipeText(imported, path);
  if (output !== null) {
    if (await isThere(output)) {
      throw new TypeError(
        `Cannot write "${output}": it is there; choose another output, or move it away`,
      );
    }
    await writeFileAtomic(output, text);
  }
  return { ...imported, text };
}
