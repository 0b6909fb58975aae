/**
 * A recipe from its file, in the words of the train task whichever tool it is written for. Checks
 * no option.
 */
import { readJsonObjectIfThere } from "../files/disk/json_file.ts";
import { isRecord } from "../base/composite_option.ts";
import { tell } from "../base/notes.ts";
import { importRecipe, toolOf } from "../training/importing/import_recipe.ts";
import { noteLine, UNKNOWN } from "../training/importing/translation.ts";
import { disk, NotFound } from "../files/disk.ts";
import { readText } from "../files/disk/whole_file.ts";
import { parseRecipe } from "../training/options/recipe.ts";

/**
 * A recipe as its file has it, in JSON with comments or in YAML.
 *
 * @throws {Error} In one line that names the file, if it is not there or broken
 */
export async function readRecipeFile(
  path: string,
): Promise<Record<string, unknown>> {
  const { isDirectory } = await disk().stat(path).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
    throw new NotFound(`Cannot read recipe "${path}": no such file`);
  });
  if (isDirectory) {
    throw new TypeError(
      `Cannot read recipe "${path}": found a folder, expected a file`,
    );
  }
  return parseRecipe(await readText(path), path);
}

/**
 * A recipe as the train task takes it. One of another tool is translated, and told in one line.
 *
 * @throws {Error} In one line, if it is not there or broken, or asks for what is not served
 */
export async function readRecipe(
  path: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, unknown>> {
  const recipe = await readRecipeFile(path);
  if (toolOf(recipe) === undefined) return recipe;
  const { trainer } = given;
  const own = trainer === undefined ? recipe : { ...recipe, trainer };
  const { tool, options, notes, refusals } = await importRecipe(
    own,
    readJsonObjectIfThere,
    toolOf(recipe),
  );
  if (refusals.length > 0) {
    const lines = refusals.map(noteLine).join("; ");
    throw new TypeError(`Cannot run "${path}", a recipe of ${tool}: ${lines}`);
  }
  const unknown = notes.filter(({ reason }) => reason === UNKNOWN);
  const told = notes.filter(({ reason }) => reason !== UNKNOWN);
  const said = told.length === 0
    ? ""
    : `; not as it stood: ${told.map(noteLine).join("; ")}`;
  tell(`"${path}" is a recipe of ${tool} and is translated${said}`);
  // keys that no table has stop the run, as they do in a recipe of ours
  const left = unknown.map(({ key }) => [key, valueAt(recipe, key)]);
  return { ...options, ...Object.fromEntries(left) };
}

/** The value at a place such as `peft_config.r`. */
function valueAt(recipe: unknown, place: string): unknown {
  return place.split(".").reduce<unknown>(
    (one, part) => isRecord(one) ? one[part] : undefined,
    recipe,
  );
}
