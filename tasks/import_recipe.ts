/**
 * `deno task import-recipe FILE`: a recipe of TRL, alignment-handbook, LLaMA-Factory or Axolotl as one of ours. Each
 * key that cannot be taken over is named with the reason.
 */
// deno-lint-ignore-file no-console
import {
  importRecipe,
  importSchema,
  noteLine,
  readJsonObjectIfThere,
  recipeText,
} from "../mod.ts";
import { readRecipe, readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options, positionals: [path = ""] } = await readTaskOptions(
    importSchema,
    {
      command: "deno task import-recipe",
      summary:
        "Translates a recipe of TRL, alignment-handbook, LLaMA-Factory or Axolotl. Touches no GPU.",
    },
  );
  const { output, dataset_dir } = options;
  const recipe = await readRecipe(path);
  const imported = await importRecipe(
    dataset_dir === null ? recipe : { ...recipe, dataset_dir },
    readJsonObjectIfThere,
  );
  const text = recipeText(imported, path);
  if (output === null) console.log(text.trimEnd());
  else {
    await Deno.writeTextFile(output, text, { createNew: true });
    for (const note of imported.notes) console.error(noteLine(note));
    if (imported.problem) console.error(`warning: ${imported.problem}`);
    console.log(`done: ${output}`);
  }
});
