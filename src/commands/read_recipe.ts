/** A recipe from its file. Checks no option. */
import { disk, NotFound } from "../files/disk.ts";
import { readText } from "../files/disk/whole_file.ts";
import { parseRecipe } from "../training/options/recipe.ts";

/**
 * A recipe as its file has it, in JSON with comments or in YAML.
 *
 * @throws {Error} In one line that names the file, if it is not there or broken
 */
export async function readRecipe(
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
